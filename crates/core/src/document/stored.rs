//! The stored form of a document: `{"value":<JSON>,"last_modified":<integer ns>}` and slack, which is spaces. The Python
//! package `synced-memory` reads and writes the same form, with other whitespace and escapes.

use super::parse::Parser;
use super::{MAX_DEPTH, Node};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;

/// The canonical text before the value.
pub(crate) const HEAD: &str = "{\"value\":";

/// Offset of the value in canonical text.
pub(crate) const VALUE_START: ByteOffset = ByteOffset(HEAD.len());

/// A guard of a text that is not a document, or whose end behind the value is short, has at most this many bytes. Any other
/// foreign document is compared as a whole.
const MAX_FOREIGN_GUARD: usize = 4096;

/// The canonical text after the value.
pub(crate) fn tail(revision: Revision) -> String {
    format!(",\"last_modified\":{revision}}}")
}

/// The length of the canonical text after the value.
pub(crate) fn tail_len(revision: Revision) -> ByteLen {
    let digits = revision.0.checked_ilog10().map_or(1, |log| log as usize + 1);
    ByteLen(",\"last_modified\":}".len() + digits)
}

/// The length of a document's canonical text, without slack.
pub(crate) fn canonical_len(value_len: ByteLen, revision: Revision) -> ByteLen {
    ByteLen::of(HEAD) + value_len + tail_len(revision)
}

/// The content of a key in a backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stored {
    /// There is no such key.
    Absent,
    /// A value that is not a string: a hash, a list, a set.
    OtherType,
    /// A string.
    Text(Vec<u8>),
    /// A string that is longer than was to be read.
    TooLong {
        /// The length of the string.
        len: ByteLen,
        /// Offset of `part`.
        at: ByteOffset,
        /// Some bytes of the string.
        part: Vec<u8>,
    },
}

impl Stored {
    /// The number of bytes that are kept of the beginning of a string that is too long.
    pub(crate) const START_LEN: usize = 64;

    /// The number of bytes that are kept of the end of a string that is too long, in the answer to a stale commit.
    pub(crate) const END_LEN: usize = 96;

    /// A string of this length, of which the end was read.
    pub(crate) fn too_long_with_end(len: ByteLen, end: Vec<u8>) -> Self {
        Self::TooLong { len, at: ByteOffset(len.0.saturating_sub(end.len())), part: end }
    }

    /// A string of this length, of which the beginning was read.
    pub(crate) fn too_long(len: ByteLen, beginning: &[u8]) -> Self {
        let part = beginning[..beginning.len().min(Self::START_LEN)].to_vec();
        Self::TooLong { len, at: ByteOffset::START, part }
    }
}

/// The meaning of what a backend has under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// There is no such attribute.
    Absent,
    /// A document.
    Document {
        /// Its value.
        value: Node,
        /// Its `last_modified`.
        revision: Revision,
        /// The layout of the stored text.
        layout: Layout,
    },
    /// Something that is not a document.
    Unreadable {
        /// The reason: malformed, nested too deep, not a string.
        error: SyncError,
        /// The layout of what is stored.
        layout: Layout,
    },
}

/// The layout of what is stored under a key: all that a commit built on it has to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Layout {
    /// There is no such key.
    Absent,
    /// A value that is not a string.
    OtherType,
    /// Text that is not canonical. The first commit replaces it as a whole.
    Foreign {
        /// The length of the text.
        len: ByteLen,
        /// Offset of `tail`.
        at: ByteOffset,
        /// The end of the text: what follows the value where that holds the revision and is short; else the whole text or
        /// its last few kilobytes.
        tail: Vec<u8>,
    },
    /// Canonical text and slack.
    Canonical {
        /// The length of the value's text.
        value_len: ByteLen,
        /// The revision.
        revision: Revision,
        /// The number of spaces after the closing brace, which later growth uses.
        slack: ByteLen,
    },
}

/// The condition on the content of a key under which a commit is applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// There is no such key.
    Absent,
    /// A value that is not a string.
    OtherType,
    /// A string of this length that has `tail` at `at`.
    Text {
        /// The length of the string.
        len: ByteLen,
        /// Offset of `tail`.
        at: ByteOffset,
        /// Bytes that change with every revision.
        tail: Vec<u8>,
    },
}

impl Layout {
    /// The layout of a canonical document that is stored in `stored_len` bytes. None where it is longer than that.
    pub(crate) fn canonical(value_len: ByteLen, revision: Revision, stored_len: ByteLen) -> Option<Self> {
        let slack = stored_len.checked_sub(canonical_len(value_len, revision))?;
        Some(Self::Canonical { value_len, revision, slack })
    }

    /// The guard of a commit that is built on this layout.
    pub fn guard(&self) -> Guard {
        match self {
            Self::Absent => Guard::Absent,
            Self::OtherType => Guard::OtherType,
            Self::Foreign { len, at, tail } => Guard::Text { len: *len, at: *at, tail: tail.clone() },
            Self::Canonical { value_len, revision, slack } => {
                let at = VALUE_START + *value_len;
                let tail = tail(*revision).into_bytes();
                Guard::Text { len: ByteLen(at.0 + tail.len()) + *slack, at, tail }
            }
        }
    }
}

/// The canonical tail at the end of stored text, before slack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StoredTail {
    /// Offset of the tail in the bytes that were read.
    pub(crate) start: usize,
    /// The revision in it.
    pub(crate) revision: Revision,
}

impl StoredTail {
    /// Read the tail that stored text ends with. `end` is the end of the stored text, and has at least the tail and the slack.
    /// None where it has another form. A revision of 20 digits is not read, as by the commit script: some do not fit 64 bits.
    pub(crate) fn read(end: &[u8]) -> Option<Self> {
        let slack = end.iter().rev().take_while(|byte| **byte == b' ').count();
        let text = end[..end.len() - slack].strip_suffix(b"}")?;
        let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, digits) = text.split_at(text.len() - digits);
        let start = before.strip_suffix(b",\"last_modified\":")?.len();
        let revision = std::str::from_utf8(digits).ok().filter(|digits| digits.len() < 20)?;
        Some(Self { start, revision: Revision(revision.parse().ok()?) })
    }
}

/// The longest stored text of a document whose value has at most `max_document_bytes`.
pub fn max_stored_len(max_document_bytes: ByteLen) -> ByteLen {
    ByteLen(max_document_bytes.0.saturating_add(canonical_len(ByteLen(0), Revision(u64::MAX)).0))
}

/// Interpret what is stored. Never fails: bytes that are not a document are [`Content::Unreadable`], and so is a text that is
/// longer than a document with a value of `max_document_bytes`.
pub fn read_within(stored: &Stored, max_document_bytes: ByteLen) -> Content {
    match stored {
        Stored::TooLong { len, at, part } => {
            let layout = Layout::Foreign { len: *len, at: *at, tail: part.clone() };
            Content::Unreadable { error: too_long(*len, max_document_bytes), layout }
        }
        Stored::Text(bytes) if bytes.len() > max_stored_len(max_document_bytes).0 => {
            read_within(&Stored::too_long(ByteLen(bytes.len()), bytes), max_document_bytes)
        }
        stored => read(stored),
    }
}

/// The error of a stored text that is longer than a document with a value of `max_document_bytes`.
fn too_long(len: ByteLen, max_document_bytes: ByteLen) -> SyncError {
    SyncError::new(
        ErrorCode::TooLarge,
        format!(
            "the key holds {} bytes, more than maxDocumentBytes ({}); raise it, or assign the attribute to replace them",
            len.grouped(),
            max_document_bytes.grouped()
        ),
    )
}

/// Interpret what is stored, of any length. Never fails: bytes that are not a document are [`Content::Unreadable`].
pub fn read(stored: &Stored) -> Content {
    let (error, layout) = match stored {
        Stored::Absent => return Content::Absent,
        Stored::OtherType => {
            let error = SyncError::new(
                ErrorCode::WrongType,
                "the key holds something that is not a string; assign the attribute to replace it",
            );
            (error, Layout::OtherType)
        }
        Stored::TooLong { len, .. } => return read_within(stored, *len),
        Stored::Text(bytes) => match envelope(bytes) {
            Ok(envelope) => {
                let layout = envelope.layout(bytes);
                return Content::Document { value: envelope.value, revision: envelope.revision, layout };
            }
            Err(error) => (error, foreign(bytes, bytes.len().saturating_sub(MAX_FOREIGN_GUARD))),
        },
    };
    Content::Unreadable { error, layout }
}

/// The fields of a stored document.
struct Envelope {
    value: Node,
    /// End of the value's text, if the revision follows it.
    value_end: Option<usize>,
    revision: Revision,
}

impl Envelope {
    fn layout(&self, bytes: &[u8]) -> Layout {
        let text = bytes.trim_ascii_end();
        let value_len = self.value.text_len();
        // No shorter text has these fields: a text of this length, in this order, is canonical.
        let has_canonical_len = text.len() == canonical_len(value_len, self.revision).0;
        if has_canonical_len && text.starts_with(HEAD.as_bytes()) && self.value_end.is_some() {
            let slack = ByteLen(bytes.len() - text.len());
            return Layout::Canonical { value_len, revision: self.revision, slack };
        }
        foreign(bytes, self.value_end.filter(|end| bytes.len() - end <= MAX_FOREIGN_GUARD).unwrap_or(0))
    }
}

fn foreign(bytes: &[u8], at: usize) -> Layout {
    Layout::Foreign { len: ByteLen(bytes.len()), at: ByteOffset(at), tail: bytes[at..].to_vec() }
}

fn envelope(bytes: &[u8]) -> Result<Envelope, SyncError> {
    if bytes.is_empty() {
        return Err(malformed("an empty string"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("bytes that are not UTF-8"))?;
    fields(text).map_err(|error| SyncError { code: error.code, ..malformed(&error.message) })
}

fn fields(text: &str) -> Result<Envelope, SyncError> {
    let plain = |what: &'static str| SyncError::new(ErrorCode::Malformed, what);
    let no_envelope = || plain("JSON without the fields value and last_modified");
    let mut parser = Parser::new(text, MAX_DEPTH);
    if !parser.is_at_dict() {
        // The error says whether the text is JSON.
        return Err(Node::parse(text).err().unwrap_or_else(no_envelope));
    }
    let (mut value, mut revision, mut value_end) = (None, None, None);
    parser.members(|key, field, end| match key.as_str() {
        "value" => {
            value = Some(field);
            value_end = revision.is_none().then_some(end);
        }
        "last_modified" => revision = Some(field),
        _ => {}
    })?;
    parser.end()?;
    let (Some(value), Some(Node::Scalar(revision))) = (value, revision) else {
        return Err(no_envelope());
    };
    // Later revisions need room above this one.
    let revision = revision.parse().ok().filter(|revision| *revision < u64::MAX - (1 << 60));
    let revision = revision.ok_or_else(|| plain("a last_modified that is not an integer of nanoseconds"))?;
    Ok(Envelope { value, value_end, revision: Revision(revision) })
}

fn malformed(what: &str) -> SyncError {
    SyncError::new(ErrorCode::Malformed, format!("the key holds {what}; assign the attribute to replace it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_tail_is_that_of_its_text() {
        for revision in [0, 1, 9, 10, 1_763_000_000_000_000_000, u64::MAX].map(Revision) {
            assert_eq!(tail_len(revision), ByteLen::of(&tail(revision)), "{revision}");
        }
    }

    #[test]
    fn a_tail_is_read_from_the_end_of_stored_text() {
        let read = |text: &str| StoredTail::read(text.as_bytes()).map(|tail| (tail.start, tail.revision.0));
        assert_eq!(read("{\"value\":1,\"last_modified\":5}"), Some((10, 5)));
        assert_eq!(read("]],\"last_modified\":1763000000000000000}   "), Some((2, 1_763_000_000_000_000_000)));
        assert_eq!(read(&tail(Revision(9_999_999_999_999_999_999))), Some((0, 9_999_999_999_999_999_999)));
        for text in [
            "",
            "}",
            ",\"last_modified\":}",
            ",\"last_modified\":10000000000000000000}",
            ", \"last_modified\": 5}",
            ",\"last_modified\":5}\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
