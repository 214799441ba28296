//! The log of names: which attributes of a memory were created and deleted last. It is a side key of the prefix, and a
//! transaction that enumerated the attributes is committed only if the log is still the one that it was built on.
//!
//! ```text
//! log   = entry*                                           the newest first
//! entry = writer " " sequence " " key-length " " key LF    the commit, and the document that it creates or deletes
//! ```
//!
//! A log is cut at [`MAX_NAMES_LOG_BYTES`], anywhere. No two commits have the same writer and sequence, so two logs that
//! begin with the same entry and have one length are the same. Writers note an entry before the document changes.

use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::Guard;
use crate::ids::{Sequence, WriterId};

/// The most bytes of a log of names. `common.lua` has the number, too.
pub const MAX_NAMES_LOG_BYTES: usize = 4096;

/// The text of a log of names, empty where there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamesLog(pub Vec<u8>);

impl NamesLog {
    /// Adds the entry of a commit.
    pub fn note(&mut self, writer: &WriterId, sequence: Sequence, key: &str) {
        let entry = format!("{} {} {} {key}\n", writer.0, sequence.0, key.len());
        self.0.splice(..0, entry.into_bytes());
        self.0.truncate(MAX_NAMES_LOG_BYTES);
    }

    /// The guard that only this log matches.
    pub fn guard(&self) -> Guard {
        if self.0.is_empty() {
            return Guard::Absent;
        }
        let first = self.first_entry().map_or(self.0.len(), |(_, len)| len);
        Guard::Text { len: ByteLen(self.0.len()), at: ByteOffset::START, tail: self.0[..first].to_vec() }
    }

    /// The keys of the entries that were noted after an earlier log, the newest first. None where this log does not reach
    /// back to that one.
    pub fn keys_since(&self, earlier: &Self) -> Option<Vec<String>> {
        let known = &earlier.0[..earlier.first_entry().map_or(earlier.0.len(), |(_, len)| len)];
        let (mut rest, mut keys) = (Self(self.0.clone()), Vec::new());
        loop {
            if rest.0.is_empty() {
                return (known.is_empty() && self.0.len() < MAX_NAMES_LOG_BYTES).then_some(keys);
            }
            if !known.is_empty() && rest.0.starts_with(known) {
                return Some(keys);
            }
            let (key, len) = rest.first_entry()?;
            keys.push(key);
            rest.0.drain(..len);
        }
    }

    /// The key of the first entry, and the length of the entry. None where there is no whole one.
    fn first_entry(&self) -> Option<(String, usize)> {
        let mut at = 0;
        for _ in 0..2 {
            at += self.0.get(at..)?.iter().position(|byte| *byte == b' ')? + 1;
        }
        let digits = self.0[at..].iter().position(|byte| *byte == b' ')?;
        let key_len: usize = std::str::from_utf8(&self.0[at..at + digits]).ok()?.parse().ok()?;
        let start = at + digits + 1;
        let key = self.0.get(start..start.checked_add(key_len)?)?;
        let end = start + key_len;
        (self.0.get(end) == Some(&b'\n')).then_some((std::str::from_utf8(key).ok()?.to_owned(), end + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: &[(&str, u64, &str)]) -> NamesLog {
        let mut log = NamesLog::default();
        for (writer, sequence, key) in entries {
            log.note(&WriterId((*writer).into()), Sequence(*sequence), key);
        }
        log
    }

    #[test]
    fn entries_since_an_earlier_log_are_found() {
        let none = NamesLog::default();
        let earlier = log(&[("a", 1, "memory:x")]);
        let later = log(&[("a", 1, "memory:x"), ("b", 1, "memory:x"), ("a", 2, "memory:two\nlines ü")]);
        assert_eq!(earlier.0, b"a 1 8 memory:x\n");
        assert_eq!(later.keys_since(&earlier), Some(vec!["memory:two\nlines ü".to_owned(), "memory:x".to_owned()]));
        assert_eq!(later.keys_since(&later), Some(Vec::new()));
        assert_eq!(later.keys_since(&none).map(|keys| keys.len()), Some(3));
        assert_eq!(none.keys_since(&earlier), None);
        assert_eq!(log(&[("c", 9, "memory:z")]).keys_since(&earlier), None);
        assert_eq!(NamesLog(b"anything".to_vec()).keys_since(&earlier), None);
    }

    #[test]
    fn a_log_is_cut_and_does_not_reach_back_for_ever() {
        let first = log(&[("a", 1, "memory:x")]);
        let mut long = first.clone();
        for n in 2..1000 {
            long.note(&WriterId("a".into()), Sequence(n), "memory:a name that is long enough");
        }
        assert_eq!(long.0.len(), MAX_NAMES_LOG_BYTES);
        assert_eq!(long.keys_since(&first), None);
        assert_eq!(long.keys_since(&NamesLog::default()), None);
        let before = long.clone();
        long.note(&WriterId("b".into()), Sequence(1), "memory:y");
        assert_eq!(long.keys_since(&before), Some(vec!["memory:y".to_owned()]));
        assert_ne!(long.guard(), before.guard());
    }

    #[test]
    fn the_guard_is_short() {
        assert_eq!(NamesLog::default().guard(), Guard::Absent);
        let Guard::Text { len, at, tail } = log(&[("a", 1, "memory:x"), ("b", 1, "memory:y")]).guard() else {
            panic!()
        };
        assert_eq!((len, at, tail), (ByteLen(30), ByteOffset::START, b"b 1 8 memory:y\n".to_vec()));
    }
}
