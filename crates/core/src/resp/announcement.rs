//! What the commit script publishes.

use crate::command::Announcement;
use crate::ids::{Revision, WriterId};

/// Read a message of the memory's channel. None where it is something else: anybody may publish there.
pub fn read_announcement(message: &[u8]) -> Option<Announcement> {
    let message = std::str::from_utf8(message).ok()?;
    let (head, rest) = message.split_once('\n')?;
    let fields: Vec<&str> = head.split(' ').collect();
    let [writer, base, revision, len, key_len] = fields.as_slice() else { return None };
    let (key, mutations) = rest.split_at_checked(key_len.parse().ok()?)?;
    Some(Announcement {
        key: key.to_owned(),
        writer: WriterId((*writer).into()),
        base: Revision(base.parse().ok()?),
        revision: Revision(revision.parse().ok()?),
        len: len.parse().ok()?,
        mutations: mutations.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_others_are_none() {
        let message = b"w 1 2 30 8\nmemory:a[[\"append\",\"\",[],[\"\xC3\xBC\"]]]";
        let told = read_announcement(message).unwrap();
        assert_eq!((told.key.as_str(), told.base, told.revision, told.len), ("memory:a", Revision(1), Revision(2), 30));
        assert_eq!(told.mutations, "[[\"append\",\"\",[],[\"ü\"]]]");
        for other in ["", "hello", "w 1 2 30 8", "w 1 2 30\nmemory:a", "w 1 2 30 99\nmemory:a", "w -1 2 30 8\nmemory:a"]
        {
            assert_eq!(read_announcement(other.as_bytes()), None, "{other}");
        }
    }
}
