//! Mutations: recorded changes of one attribute, each with its intent.

mod apply;
mod effect;
mod increment_as_assignment;
mod path;
mod undo;

pub use apply::apply;
pub use effect::{Effect, effect_of};
pub use increment_as_assignment::assignment;
pub use path::{Path, Step, list_node};
pub use undo::{Undo, removed_count, undo};

use crate::byte_len::ByteLen;
use compact_str::CompactString;

/// One JSON value as canonical text (compact, UTF-8 unescaped, numbers as written).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(pub Box<str>);

/// Several JSON values as canonical text: comma-separated, without brackets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JsonList {
    /// For example `1,"b",{}`.
    pub text: Box<str>,
    /// The number of values.
    pub count: usize,
}

/// One of the two ends of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListEnd {
    /// The end with the first element.
    First,
    /// The end with the last element.
    Last,
}

impl ListEnd {
    /// The index of the element at this end of a list of `len` elements. None where there is none.
    pub fn index(self, len: usize) -> Option<usize> {
        let last = len.checked_sub(1)?;
        Some(match self {
            Self::First => 0,
            Self::Last => last,
        })
    }
}

/// One change of one attribute. The path leads to the container that changes; that of an increment, to the number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// Replace the whole value of the attribute.
    Assign {
        /// The value.
        value: Json,
    },
    /// Set the value of the attribute, if it has none.
    Create {
        /// The value.
        value: Json,
    },
    /// Delete the attribute.
    Delete,
    /// Set the value of a key of a dict; a new key is added at the end.
    Set {
        /// The dict.
        path: Path,
        /// The key, as in [`Step::Key`].
        key: CompactString,
        /// The value.
        value: Json,
    },
    /// Remove a key from a dict.
    Unset {
        /// The dict.
        path: Path,
        /// The key, as in [`Step::Key`].
        key: CompactString,
    },
    /// Remove all keys from a dict.
    Clear {
        /// The dict.
        path: Path,
    },
    /// Replace an element of a list.
    Replace {
        /// The list.
        path: Path,
        /// The index of the element.
        index: usize,
        /// The value.
        value: Json,
    },
    /// Add values at the end of a list.
    Append {
        /// The list.
        path: Path,
        /// The values.
        values: JsonList,
    },
    /// Replace `remove` elements of a list from `index` on by values.
    Splice {
        /// The list.
        path: Path,
        /// The index of the first element that is replaced; at most the list's length.
        index: usize,
        /// The number of elements that are removed.
        remove: usize,
        /// The values that are inserted.
        values: JsonList,
    },
    /// Reorder a whole list: element `order[i]` becomes element `i`.
    Permute {
        /// The list.
        path: Path,
        /// A permutation of `0..len`.
        order: Vec<usize>,
    },
    /// Remove the element at one end of a list, whichever that is when the commit is applied. It is the mutation's result. A list
    /// that is empty or absent stays as it is.
    Take {
        /// The list.
        path: Path,
        /// The end.
        end: ListEnd,
    },
    /// Add to a number. A key or an attribute that does not exist counts as 0.
    Increment {
        /// The number.
        path: Path,
        /// The number that is added.
        by: Json,
    },
}

impl Mutation {
    /// About the memory that the mutation takes.
    pub fn size(&self) -> ByteLen {
        let payload = match self {
            Self::Assign { value } | Self::Create { value } | Self::Set { value, .. } | Self::Replace { value, .. } => {
                value.0.len()
            }
            Self::Increment { by, .. } => by.0.len(),
            Self::Append { values, .. } | Self::Splice { values, .. } => values.text.len(),
            Self::Permute { order, .. } => size_of_val(order.as_slice()),
            Self::Delete | Self::Unset { .. } | Self::Clear { .. } | Self::Take { .. } => 0,
        };
        ByteLen(size_of::<Self>() + size_of_val(self.path()) + payload)
    }

    /// About the memory that the values take in the document. Costs the length of their text.
    pub fn values_size(&self) -> ByteLen {
        /// About what a container and an element take beside their text.
        const CONTAINER: usize = 256;
        const ELEMENT: usize = 16;
        let text = match self {
            Self::Assign { value } | Self::Create { value } | Self::Set { value, .. } | Self::Replace { value, .. } => {
                &value.0
            }
            Self::Append { values, .. } | Self::Splice { values, .. } => &values.text,
            _ => return ByteLen(0),
        };
        let structure = text.bytes().map(|byte| match byte {
            b'[' | b'{' => CONTAINER,
            b',' => ELEMENT,
            _ => 0,
        });
        ByteLen(text.len() + structure.sum::<usize>())
    }

    /// Whether the mutation has a result, which its caller awaits.
    pub(crate) fn has_result(&self) -> bool {
        matches!(self, Self::Increment { .. } | Self::Take { .. })
    }

    /// The path, to be transformed.
    pub(crate) fn path_mut(&mut self) -> &mut [Step] {
        match self {
            Self::Assign { .. } | Self::Create { .. } | Self::Delete => &mut [],
            Self::Set { path, .. }
            | Self::Unset { path, .. }
            | Self::Clear { path }
            | Self::Replace { path, .. }
            | Self::Append { path, .. }
            | Self::Splice { path, .. }
            | Self::Permute { path, .. }
            | Self::Take { path, .. }
            | Self::Increment { path, .. } => path,
        }
    }

    /// The path of the container or number that changes; empty for the whole attribute.
    pub fn path(&self) -> &[Step] {
        match self {
            Self::Assign { .. } | Self::Create { .. } | Self::Delete => &[],
            Self::Set { path, .. }
            | Self::Unset { path, .. }
            | Self::Clear { path }
            | Self::Replace { path, .. }
            | Self::Append { path, .. }
            | Self::Splice { path, .. }
            | Self::Permute { path, .. }
            | Self::Take { path, .. }
            | Self::Increment { path, .. } => path,
        }
    }
}
