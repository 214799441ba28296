//! From changes of text to the cheapest bytes that make them on a server.

mod edit_set;
mod plan;

pub use edit_set::EditSet;
pub use plan::{Piece, Plan, Write, appended, plan};

/// Replace `remove` bytes at `at` of a value's canonical text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Offset in bytes.
    pub at: usize,
    /// How many bytes go.
    pub remove: usize,
    /// What comes.
    pub insert: String,
}
