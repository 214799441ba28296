//! Documents: JSON values that know the length of their text, so that a mutation finds the bytes it changes; and their
//! stored form.

mod chunked_vec;
mod dict;
mod lexer;
mod list;
mod number;
mod parse;
mod stored;
mod strings;

pub use dict::{Dict, RemovedEntry};
pub use list::List;
pub use number::{Add, MAX_NUMBER_LEN, add};
pub use stored::{Content, Guard, Layout, Stored, max_stored_len, read, read_within};

pub(crate) use dict::key_text_len;
pub(crate) use lexer::{Lexer, Token};
pub(crate) use number::{is_unsafe_integer, sum};
pub(crate) use stored::{HEAD, StoredTail, VALUE_START, canonical_len, tail, tail_len};
pub(crate) use strings::quoted;

use crate::byte_len::ByteLen;
use crate::error::SyncError;
use compact_str::CompactString;

/// The deepest nesting of containers in a document. Python's `json` gives up near 1000.
pub const MAX_DEPTH: usize = 512;

/// A JSON value. Its text is canonical: compact, keys in insertion order, strings as `JSON.stringify` writes them, numbers
/// as their last writer wrote them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// The text of null, a boolean, a number or a string (with its quotes). Also `NaN`, `Infinity`
    /// and `-Infinity`, which Python writes.
    Scalar(CompactString),
    /// An array.
    List(Box<List>),
    /// An object.
    Dict(Box<Dict>),
}

impl Node {
    /// Read one JSON value. Errors: [`Malformed`](crate::error::ErrorCode::Malformed),
    /// [`TooDeep`](crate::error::ErrorCode::TooDeep).
    pub fn parse(text: &str) -> Result<Self, SyncError> {
        parse::value(text, MAX_DEPTH)
    }

    /// Like [`Self::parse`], for a value that will be inside of `depth` containers.
    pub(crate) fn parse_inside(text: &str, depth: usize) -> Result<Self, SyncError> {
        parse::value(text, MAX_DEPTH.saturating_sub(depth))
    }

    /// Read comma-separated values (a list's text without its brackets), inside of `depth` containers.
    pub(crate) fn parse_list(text: &str, depth: usize) -> Result<Vec<Self>, SyncError> {
        parse::values(text, MAX_DEPTH.saturating_sub(depth))
    }

    /// The length of the text, at constant cost.
    pub fn text_len(&self) -> ByteLen {
        match self {
            Self::Scalar(text) => ByteLen::of(text),
            Self::List(list) => list.text_len(),
            Self::Dict(dict) => dict.text_len(),
        }
    }

    /// Append the text to `out`.
    pub fn print(&self, out: &mut String) {
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::List(list) => list.print(out),
            Self::Dict(dict) => dict.print(out),
        }
    }

    /// The text.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.text_len().0);
        self.print(&mut out);
        out
    }
}
