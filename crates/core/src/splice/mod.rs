//! From edits of a value's text to the cheapest writes that make them on a server.

mod edit_set;
mod plan;

pub use edit_set::EditSet;
pub use plan::{Piece, Plan, PlannedChange, Write, plan, plan_append, plan_edits};

use crate::byte_len::{ByteLen, ByteOffset};

/// The replacement of a part of a value's canonical text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Offset of the part in the value's text.
    pub at: ByteOffset,
    /// The length of the part.
    pub remove: ByteLen,
    /// The text in its place.
    pub insert: String,
}

impl Edit {
    /// Whether the text stays as it is.
    pub fn is_empty(&self) -> bool {
        self.remove == ByteLen(0) && self.insert.is_empty()
    }

    /// The length of the text after the edit.
    pub fn len_after(&self, len_before: ByteLen) -> ByteLen {
        len_before - self.remove + ByteLen::of(&self.insert)
    }

    fn end(&self) -> ByteOffset {
        self.at + self.remove
    }
}
