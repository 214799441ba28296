//! The mapping of nodes between two documents: the one that pending mutations were made on, and the new one.
//!
//! It is opened along the paths that the mutations name, and follows the mutations one by one: it always maps the old
//! document with the mutations so far to the new document with the same mutations, transformed.

mod dict_map;
mod list_map;

use crate::document::Node;
use crate::mutation::Step;
use dict_map::DictMap;
pub(super) use list_map::{ListMap, TransformedSplice};

/// The mapping of one node.
#[derive(Debug)]
pub(super) enum Mapping<'a> {
    /// The node is in both documents, and no mutation has named anything in it yet.
    Unopened { old: &'a Node, new: &'a Node },
    /// A list that is in both documents.
    List(Box<ListMap<'a>>),
    /// A dict that is in both documents.
    Dict(Box<DictMap<'a>>),
    /// A pending mutation has set the node: it is the same in both documents.
    Identical,
    /// The old document has no such node, or a pending mutation has removed it.
    Absent,
    /// The new document has no such node, or one of another kind.
    Lost,
}

impl<'a> Mapping<'a> {
    /// The mapping of a node that may be missing in either document.
    pub(super) fn between(old: Option<&'a Node>, new: Option<&'a Node>) -> Self {
        match (old, new) {
            (Some(old), Some(new)) => Self::Unopened { old, new },
            (None, _) => Self::Absent,
            (Some(_), None) => Self::Lost,
        }
    }

    /// The mapping of the node at a path of the old document; `path` becomes the path of the new document. None where the
    /// path leads through a node that is lost.
    pub(super) fn follow(&mut self, path: &mut [Step]) -> Option<&mut Self> {
        let Some((step, rest)) = path.split_first_mut() else { return Some(self) };
        let inner = match (self.open(), step) {
            // The rest of the path is the same.
            (this @ Self::Identical, _) => return Some(this),
            (Self::List(list), Step::Index(index)) => list.element(index)?,
            (Self::Dict(dict), Step::Key(key)) => dict.value(key),
            _ => return None,
        };
        inner.follow(rest)
    }

    /// Make the nodes inside of this one accessible.
    pub(super) fn open(&mut self) -> &mut Self {
        if let Self::Unopened { old, new } = *self {
            *self = match (old, new) {
                (Node::List(old), Node::List(new)) => Self::List(Box::new(ListMap::new(old, new))),
                (Node::Dict(old), Node::Dict(new)) => Self::Dict(Box::new(DictMap::new(old, new))),
                _ => Self::Lost,
            };
        }
        self
    }
}
