//! The stored form of a document: `{"value":<JSON>,"last_modified":<integer ns>}`, as the Python
//! package `synced-memory` reads and writes it, and spaces after it.

use super::parse::Parser;
use super::{MAX_DEPTH, Node};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;

/// What comes before the value in canonical text.
pub(crate) const HEAD: &str = "{\"value\":";
/// Of text that is not ours, this many bytes at its end tell whether it is still the same.
const GUARD_BYTES: usize = 4096;

/// What comes after the value in canonical text.
pub(crate) fn tail(revision: Revision) -> String {
    format!(",\"last_modified\":{revision}}}")
}

/// The revision that the end of what is stored tells.
pub(crate) fn told_revision(end: &[u8]) -> Option<Revision> {
    let end = end.trim_ascii_end().strip_suffix(b"}")?;
    let digits = end.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = end.split_at(end.len() - digits);
    let digits = std::str::from_utf8(digits).ok().filter(|_| before.ends_with(b",\"last_modified\":"))?;
    digits.parse().ok().map(Revision)
}

/// What a backend has under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stored {
    /// Nothing.
    Absent,
    /// Something that is not a string: a hash, a list, a set.
    OtherType,
    /// A string.
    Text(Vec<u8>),
}

/// What that means.
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
        /// How it is stored.
        base: Base,
    },
    /// Something that is not a document.
    Unreadable {
        /// Why: malformed, too deep, not a string.
        error: SyncError,
        /// How it is stored.
        base: Base,
    },
}

/// What is stored, as far as a commit that builds on it must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// Nothing.
    Absent,
    /// Something that is not a string.
    OtherType,
    /// Text that is not canonical: the first commit writes it anew as a whole.
    Foreign {
        /// Its length.
        len: usize,
        /// Where `tail` begins.
        at: usize,
        /// Its end: from the value's end on where that holds the revision, else all of it or its
        /// last few kilobytes.
        tail: Vec<u8>,
    },
    /// Canonical text and slack.
    Canonical {
        /// The length of the value's text.
        value_len: usize,
        /// The revision.
        revision: Revision,
        /// Spaces after the closing brace, for later growth.
        slack: usize,
    },
}

/// What must be stored for a commit to be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// Nothing.
    Absent,
    /// Something that is not a string.
    OtherType,
    /// A string of this length that has `tail` at `at`.
    Text {
        /// Bytes stored.
        len: usize,
        /// Where `tail` begins.
        at: usize,
        /// Bytes that change with every revision.
        tail: Vec<u8>,
    },
}

impl Base {
    /// The guard of a commit built on this.
    pub fn guard(&self) -> Guard {
        match self {
            Self::Absent => Guard::Absent,
            Self::OtherType => Guard::OtherType,
            Self::Foreign { len, at, tail } => Guard::Text { len: *len, at: *at, tail: tail.clone() },
            Self::Canonical { value_len, revision, slack } => {
                let at = HEAD.len() + value_len;
                let tail = tail(*revision).into_bytes();
                Guard::Text { len: at + tail.len() + slack, at, tail }
            }
        }
    }
}

/// Find out what stored bytes mean. Whatever they are, there is an answer.
pub fn read(stored: &Stored) -> Content {
    let (error, base) = match stored {
        Stored::Absent => return Content::Absent,
        Stored::OtherType => {
            let error = SyncError::new(
                ErrorCode::WrongType,
                "the key holds something that is not a string; assign the attribute to replace it",
            );
            (error, Base::OtherType)
        }
        Stored::Text(bytes) => match envelope(bytes) {
            Ok(envelope) => {
                let base = envelope.base(bytes);
                return Content::Document { value: envelope.value, revision: envelope.revision, base };
            }
            Err(error) => {
                let at = bytes.len().saturating_sub(GUARD_BYTES);
                (error, Base::Foreign { len: bytes.len(), at, tail: bytes[at..].to_vec() })
            }
        },
    };
    Content::Unreadable { error, base }
}

struct Envelope {
    value: Node,
    /// Where the value's text ends, if the revision comes after it.
    value_end: Option<usize>,
    revision: Revision,
}

impl Envelope {
    fn base(&self, bytes: &[u8]) -> Base {
        let text = bytes.trim_ascii_end();
        let value_len = self.value.text_len();
        let canonical_len = HEAD.len() + value_len + tail(self.revision).len();
        // Nothing shorter means the same, so equal length says canonical.
        if text.len() == canonical_len && text.starts_with(HEAD.as_bytes()) && self.value_end.is_some() {
            let slack = bytes.len() - text.len();
            return Base::Canonical { value_len, revision: self.revision, slack };
        }
        let at = self.value_end.filter(|end| bytes.len() - end <= GUARD_BYTES).unwrap_or(0);
        Base::Foreign { len: bytes.len(), at, tail: bytes[at..].to_vec() }
    }
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
    parser.space();
    if !parser.take(b'{') {
        // Tell text that is no JSON from JSON that is something else.
        return Err(Node::parse(text).err().unwrap_or_else(no_envelope));
    }
    let (mut value, mut revision, mut value_end) = (None, None, None);
    parser.space();
    if !parser.take(b'}') {
        loop {
            let key = parser.key()?;
            let field = parser.value()?;
            match key.as_str() {
                "value" => {
                    value = Some(field);
                    value_end = revision.is_none().then_some(parser.at());
                }
                "last_modified" => revision = Some(field),
                _ => {}
            }
            if parser.take(b'}') {
                break;
            }
            parser.expect(b',')?;
        }
    }
    parser.end()?;
    let (Some(value), Some(Node::Scalar(revision))) = (value, revision) else {
        return Err(no_envelope());
    };
    // The next revisions must have room above this one.
    let revision = revision.parse().ok().filter(|revision| *revision < u64::MAX - (1 << 60));
    let revision = revision.ok_or_else(|| plain("a last_modified that is not an integer of nanoseconds"))?;
    Ok(Envelope { value, value_end, revision: Revision(revision) })
}

fn malformed(what: &str) -> SyncError {
    SyncError::new(ErrorCode::Malformed, format!("the key holds {what}; assign the attribute to replace it"))
}
