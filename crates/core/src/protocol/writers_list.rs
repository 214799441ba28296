//! The list of the writers that have a memory open. It is a side key of the prefix, and expires when no writer keeps it any
//! more. Only writers with a label are in it.
//!
//! ```text
//! list  = entry*                                 the entry that was kept last is the first
//! entry = age " " open " " writer " " host LF    milliseconds; the host as in a writer's label
//! ```
//!
//! `age` is the time between the writer's last sign of life and the writing of the list; `open` is the time for which the
//! writer had the memory open at its sign of life. The time since the list was written is the part of its lifetime that has
//! passed: no clocks of two machines are compared. `writers.lua` does the same on servers.

use crate::ids::{WriterId, parse_unsigned};
use crate::writer_label;

/// The lifetime of an entry without a sign of life, in milliseconds.
pub const WRITER_LIFETIME_MS: u64 = 90_000;

/// The most entries of a list: those that gave a sign of life last.
pub(crate) const MAX_LISTED_WRITERS: usize = 1000;

/// The most bytes of a list. A longer text is of somebody else.
pub const MAX_WRITERS_BYTES: usize = 1 << 20;

/// The longest name of a host, in bytes.
const MAX_HOST_BYTES: usize = 64;

/// The writers that have a memory open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WritersList(pub Vec<ListedWriter>);

/// An entry of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedWriter {
    /// The writer.
    pub writer: WriterId,
    /// The host of its process, as it says; not trusted.
    pub host: String,
    /// The milliseconds for which it had the memory open at its last sign of life.
    pub open_ms: u64,
    /// The milliseconds since its last sign of life.
    pub age_ms: u64,
}

/// A change of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WritersChange {
    /// The writer has the memory open. The age of the entry is 0.
    Keep(ListedWriter),
    /// The writer closes it.
    Remove(WriterId),
}

impl WritersList {
    /// The list that a text holds, `passed_ms` after it was written. Malformed and expired entries are left out.
    pub fn decode(text: &[u8], passed_ms: u64) -> Self {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= MAX_WRITERS_BYTES).unwrap_or_default();
        let entries = text.lines().filter_map(ListedWriter::decode).map(|mut entry| {
            entry.age_ms = entry.age_ms.saturating_add(passed_ms);
            entry
        });
        Self(entries.filter(|entry| entry.age_ms < WRITER_LIFETIME_MS).take(MAX_LISTED_WRITERS).collect())
    }

    /// Apply a change.
    pub(crate) fn apply(&mut self, change: &WritersChange) {
        let (WritersChange::Keep(ListedWriter { writer, .. }) | WritersChange::Remove(writer)) = change;
        self.0.retain(|entry| entry.writer != *writer);
        if let WritersChange::Keep(entry) = change {
            self.0.insert(0, entry.clone());
            self.0.truncate(MAX_LISTED_WRITERS);
        }
    }

    /// The text of the list.
    pub(crate) fn encode(&self) -> String {
        self.0.iter().fold(String::new(), |text, entry| text + &format!("{} {}\n", entry.age_ms, entry.encode()))
    }
}

impl ListedWriter {
    /// The entry without its age.
    pub(crate) fn encode(&self) -> String {
        let mut text = format!("{} {} ", self.open_ms, self.writer.0);
        writer_label::encode(&self.host, &mut text);
        text
    }

    fn decode(line: &str) -> Option<Self> {
        let (age, rest) = line.split_once(' ')?;
        Some(Self { age_ms: parse_unsigned(age)?, ..Self::decode_rest(rest)? })
    }

    /// The entry that [`encode`](Self::encode) has written.
    pub(crate) fn decode_rest(text: &str) -> Option<Self> {
        let mut fields = text.split(' ');
        let (open_ms, writer, host) = (parse_unsigned(fields.next()?)?, fields.next()?, fields.next()?);
        let host = writer_label::decode(host, MAX_HOST_BYTES).filter(|host| writer_label::is_label(host));
        let entry = Self { writer: WriterId(writer.into()), host: host.unwrap_or_default(), open_ms, age_ms: 0 };
        fields.next().is_none().then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(writer: &str, host: &str, open_ms: u64, age_ms: u64) -> ListedWriter {
        ListedWriter { writer: WriterId(writer.into()), host: host.to_owned(), open_ms, age_ms }
    }

    #[test]
    fn a_list_is_read_as_of_later() {
        let mut list = WritersList::default();
        list.apply(&WritersChange::Keep(entry("a.x", "host 1", 5, 0)));
        list.apply(&WritersChange::Keep(entry("b.y", "", 0, 0)));
        assert_eq!(list.encode(), "0 0 b.y \n0 5 a.x host%201\n");
        list = WritersList::decode(list.encode().as_bytes(), 100);
        assert_eq!(list.0, [entry("b.y", "", 0, 100), entry("a.x", "host 1", 5, 100)]);
        list.apply(&WritersChange::Keep(entry("a.x", "host 1", 105, 0)));
        assert_eq!(list.0, [entry("a.x", "host 1", 105, 0), entry("b.y", "", 0, 100)]);
        list = WritersList::decode(list.encode().as_bytes(), WRITER_LIFETIME_MS - 50);
        assert_eq!(list.0, [entry("a.x", "host 1", 105, WRITER_LIFETIME_MS - 50)], "the other one has expired");
        list.apply(&WritersChange::Remove(WriterId("a.x".into())));
        assert_eq!(list.encode(), "");
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        let text = "0 1 a host\nnonsense\n-1 1 b host\n1 1 c\n1 1 d h h\n99999999999999999999 1 e host\n2 3 f a%0ab\n";
        let list = WritersList::decode(text.as_bytes(), 0);
        assert_eq!(list.0, [entry("a", "host", 1, 0), entry("f", "", 3, 2)]);
        assert_eq!(WritersList::decode(b"0 1 a \xFF\n", 0), WritersList::default());
        let long = "0 1 a host\n".repeat(MAX_LISTED_WRITERS + 1);
        assert_eq!(WritersList::decode(long.as_bytes(), 0).0.len(), MAX_LISTED_WRITERS);
    }
}
