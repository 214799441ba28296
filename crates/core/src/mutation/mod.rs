//! One recorded change with its intent.

mod apply;
mod increment;
mod undo;

pub use apply::{Located, apply, locate};
pub use increment::assignment;
pub use undo::{Undo, undo};

use compact_str::CompactString;

/// One step from a container to what is in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// A key of a dict, as canonical JSON string text without its quotes.
    Key(CompactString),
    /// An index of a list.
    Index(usize),
}

/// From the attribute's value down to a container; empty for the value itself.
pub type Path = Vec<Step>;

/// One JSON value as canonical text (compact, UTF-8 unescaped, numbers as written).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(pub Box<str>);

/// Several JSON values as canonical text: comma-separated, without brackets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JsonList {
    /// `1,"b",{}`
    pub text: Box<str>,
    /// How many.
    pub count: usize,
}

/// One change of one attribute. Paths lead to the container that changes, that of an increment to the number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// Give the attribute a whole new value.
    Assign {
        /// The value.
        value: Json,
    },
    /// Give the attribute a value if it has none.
    Create {
        /// The value.
        value: Json,
    },
    /// Delete the attribute.
    Delete,
    /// Give a key of a dict a value; a new key goes last.
    Set {
        /// The dict.
        path: Path,
        /// The key, as in [`Step::Key`].
        key: CompactString,
        /// The value.
        value: Json,
    },
    /// Take a key out of a dict.
    Unset {
        /// The dict.
        path: Path,
        /// The key, as in [`Step::Key`].
        key: CompactString,
    },
    /// Empty a dict.
    Clear {
        /// The dict.
        path: Path,
    },
    /// Give an element of a list another value.
    Replace {
        /// The list.
        path: Path,
        /// The element.
        index: usize,
        /// The value.
        value: Json,
    },
    /// Put values at the end of a list.
    Append {
        /// The list.
        path: Path,
        /// The values.
        values: JsonList,
    },
    /// Take `remove` elements out of a list at `index` and put values there.
    Splice {
        /// The list.
        path: Path,
        /// Where; at most the list's length.
        index: usize,
        /// How many elements go.
        remove: usize,
        /// What comes.
        values: JsonList,
    },
    /// Reorder a whole list: element `order[i]` becomes element `i`.
    Permute {
        /// The list.
        path: Path,
        /// A permutation of `0..len`.
        order: Vec<usize>,
    },
    /// Add to a number. A key that is not there, or an attribute, counts as 0.
    Increment {
        /// The number itself.
        path: Path,
        /// A number.
        by: Json,
    },
}

impl Mutation {
    /// About how many bytes it takes to keep.
    pub fn bytes(&self) -> usize {
        let payload = match self {
            Self::Assign { value } | Self::Create { value } | Self::Set { value, .. } | Self::Replace { value, .. } => {
                value.0.len()
            }
            Self::Increment { by, .. } => by.0.len(),
            Self::Append { values, .. } | Self::Splice { values, .. } => values.text.len(),
            Self::Permute { order, .. } => size_of_val(order.as_slice()),
            Self::Delete | Self::Unset { .. } | Self::Clear { .. } => 0,
        };
        size_of::<Self>() + size_of_val(self.path()) + payload
    }

    /// The path, to be changed.
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
            | Self::Increment { path, .. } => path,
        }
    }

    /// The container or number that changes; empty where it is the whole attribute.
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
            | Self::Increment { path, .. } => path,
        }
    }
}
