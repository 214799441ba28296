//! Undoes mutations, the last one first.

use super::Mutation;
use super::increment_as_assignment::replace_number;
use super::path::update;
use crate::byte_len::ByteLen;
use crate::document::{Dict, Node, RemovedEntry};
use compact_str::CompactString;

/// The part of a document that a mutation replaced or removed. Nothing is copied for it.
#[derive(Clone, Debug)]
pub enum Undo {
    /// The mutation changed nothing.
    Nothing,
    /// The attribute's value before.
    Whole(Option<Node>),
    /// The value of the key or element before; None where the key is new.
    Value(Option<Node>),
    /// The removed entry of a dict.
    Entry(RemovedEntry),
    /// The content of the cleared dict.
    Dict(Dict),
    /// The removed elements.
    Elements(Vec<Node>),
    /// The element that a [`Take`](Mutation::Take) removed.
    Taken {
        /// Its index before.
        index: usize,
        /// The element.
        element: Node,
    },
    /// Nothing is kept: the mutation has the order of the elements.
    Order,
    /// The number that an increment changed.
    Number {
        /// The number before; None where there was none.
        before: Option<Node>,
        /// The text of the number after.
        after: CompactString,
    },
}

impl Undo {
    /// About the memory that the kept part takes. Costs the number of elements that the mutation removed.
    pub fn size(&self) -> ByteLen {
        match self {
            Self::Whole(Some(node)) | Self::Value(Some(node)) => node.text_len(),
            Self::Entry(removed) => removed.value.text_len(),
            Self::Dict(dict) => dict.text_len(),
            Self::Elements(elements) => elements.iter().map(Node::text_len).sum(),
            Self::Taken { element, .. } => element.text_len(),
            Self::Number { after, .. } => ByteLen(after.len()),
            Self::Nothing | Self::Whole(None) | Self::Value(None) | Self::Order => ByteLen(0),
        }
    }
}

/// The number of values that a removal has removed: elements, one key, one attribute; a dict that was cleared counts as one.
/// 0 for a mutation that is no removal, or takes whatever there is. `how` is what [`apply`](super::apply) returned.
pub fn removed_count(mutation: &Mutation, how: &Undo) -> usize {
    match (mutation, how) {
        (Mutation::Delete, Undo::Whole(Some(_))) | (_, Undo::Entry(_)) => 1,
        (_, Undo::Dict(dict)) => usize::from(!dict.is_empty()),
        (Mutation::Splice { .. }, Undo::Elements(elements)) => elements.len(),
        _ => 0,
    }
}

/// Undo `mutation`, the last one that was applied; `how` is what [`apply`](super::apply) returned.
pub fn undo(value: &mut Option<Node>, mutation: &Mutation, how: Undo) {
    match (mutation, how) {
        (_, Undo::Whole(before)) => *value = before,
        (Mutation::Increment { path, .. }, Undo::Number { before, .. }) => drop(replace_number(value, path, before)),
        (_, how) => {
            let mut how = Some(how);
            update(value.as_mut(), mutation.path(), &mut |container| {
                if let Some(how) = how.take() {
                    undo_inside(container, mutation, how);
                }
            });
        }
    }
}

fn undo_inside(container: &mut Node, mutation: &Mutation, how: Undo) {
    match (container, mutation, how) {
        (Node::Dict(dict), Mutation::Set { key, .. }, Undo::Value(Some(before))) => drop(dict.set(key, before)),
        (Node::Dict(dict), Mutation::Set { key, .. }, Undo::Value(None)) => drop(dict.unset(key)),
        (Node::Dict(dict), Mutation::Unset { key, .. }, Undo::Entry(removed)) => dict.restore(key.clone(), removed),
        (Node::Dict(dict), Mutation::Clear { .. }, Undo::Dict(before)) => **dict = before,
        (Node::List(list), Mutation::Replace { index, .. }, Undo::Value(Some(before))) => {
            drop(list.splice(*index, 1, vec![before]));
        }
        (Node::List(list), Mutation::Append { values, .. }, _) => {
            let count = values.count.min(list.len());
            drop(list.splice(list.len() - count, count, Vec::new()));
        }
        (Node::List(list), Mutation::Splice { index, values, .. }, Undo::Elements(removed)) => {
            drop(list.splice(*index, values.count, removed));
        }
        (Node::List(list), Mutation::Take { .. }, Undo::Taken { index, element }) => {
            drop(list.splice(index, 0, vec![element]));
        }
        (Node::List(list), Mutation::Permute { order, .. }, Undo::Order) => {
            let mut before = vec![0; order.len()];
            for (to, &from) in order.iter().enumerate() {
                before[from] = to;
            }
            list.permute(&before);
        }
        _ => {}
    }
}
