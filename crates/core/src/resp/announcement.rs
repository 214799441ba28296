//! What the commit script publishes.

use crate::command::Announcement;
use crate::ids::{Revision, WriterId, number};

/// Read a message of the memory's channel: what was committed together. Empty where it is something else: anybody may
/// publish there.
pub fn read_announcements(message: &[u8]) -> Vec<Announcement> {
    let Ok(message) = std::str::from_utf8(message) else { return Vec::new() };
    match message.strip_prefix("group ") {
        Some(group) => read_group(group),
        None => read(message).map(|one| vec![one]),
    }
    .unwrap_or_default()
}

/// The message that tells what was committed together, as the scripts write it.
pub fn write_announcements(told: &[Announcement]) -> String {
    let texts: Vec<String> = told.iter().map(write).collect();
    if let [one] = texts.as_slice() {
        return one.clone();
    }
    let lengths: Vec<String> = texts.iter().map(|text| text.len().to_string()).collect();
    format!("group {} {}", lengths.join(","), texts.concat())
}

fn write(Announcement { key, writer, base, revision, len, mutations }: &Announcement) -> String {
    format!("{} {base} {revision} {len} {} {key}{mutations}", writer.0, key.len())
}

fn read_group(group: &str) -> Option<Vec<Announcement>> {
    let (lengths, mut rest) = group.split_once(' ')?;
    let mut told = Vec::new();
    for length in lengths.split(',') {
        let (one, others) = rest.split_at_checked(number(length)?)?;
        told.push(read(one)?);
        rest = others;
    }
    Some(told)
}

fn read(message: &str) -> Option<Announcement> {
    let fields: Vec<&str> = message.splitn(6, ' ').collect();
    let [writer, base, revision, len, key_len, rest] = fields.as_slice() else { return None };
    let (key, mutations) = rest.split_at_checked(number(key_len)?)?;
    Some(Announcement {
        key: key.to_owned(),
        writer: WriterId((*writer).into()),
        base: Revision(number(base)?),
        revision: Revision(number(revision)?),
        len: number(len)?,
        mutations: mutations.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_others_are_none() {
        let message = b"w 1 2 30 8 memory:a[[\"append\",\"\",[],[\"\xC3\xBC\"]]]";
        let told = &read_announcements(message)[0];
        assert_eq!((told.key.as_str(), told.base, told.revision, told.len), ("memory:a", Revision(1), Revision(2), 30));
        assert_eq!(told.mutations, "[[\"append\",\"\",[],[\"ü\"]]]");
        let [one, group] = ["w 1 2 30 1 a[]", "group 14,14 w 1 2 30 1 a[]w 1 2 30 1 b[]"];
        assert_eq!(read_announcements(group.as_bytes())[0], read_announcements(one.as_bytes())[0]);
        assert_eq!(read_announcements(group.as_bytes())[1].key, "b");
        for written in [one, group] {
            assert_eq!(write_announcements(&read_announcements(written.as_bytes())), written);
        }
        for other in [
            "group 14,15 w 1 2 30 1 a[]w 1 2 30 1 b[]",
            "group ",
            "group 14,0 w 1 2 30 1 a[]",
            "",
            "hello",
            "w 1 2 30 8",
            "w 1 2 30 memory:a",
            "w 1 2 30 99 memory:a",
            "w -1 2 30 8 memory:a",
        ] {
            assert_eq!(read_announcements(other.as_bytes()), [], "{other}");
        }
    }
}
