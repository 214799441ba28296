//! Applies mutations to a document's value.

use super::increment_as_assignment::replace_number;
use super::path::update;
use super::{Mutation, Undo};
use crate::document::Node;
use compact_str::CompactString;

/// Apply a mutation to the document for which [`effect_of`](super::effect_of) has just found its `values`. Returns what
/// [`undo`](super::undo) needs.
pub fn apply(value: &mut Option<Node>, mutation: &Mutation, mut values: Vec<Node>) -> Undo {
    match mutation {
        Mutation::Create { .. } if value.is_some() => Undo::Nothing,
        Mutation::Assign { .. } | Mutation::Create { .. } => Undo::Whole(std::mem::replace(value, values.pop())),
        Mutation::Delete => Undo::Whole(value.take()),
        Mutation::Increment { path, .. } => {
            let after = values.last().map(Node::to_text).map_or(CompactString::default(), Into::into);
            Undo::Number { before: replace_number(value, path, values.pop()), after }
        }
        _ => {
            let mut undo = Undo::Nothing;
            update(value.as_mut(), mutation.path(), &mut |container| {
                undo = apply_inside(container, mutation, std::mem::take(&mut values));
            });
            undo
        }
    }
}

fn apply_inside(container: &mut Node, mutation: &Mutation, mut values: Vec<Node>) -> Undo {
    match (container, mutation) {
        (Node::Dict(dict), Mutation::Set { key, .. }) => match values.pop() {
            Some(node) => Undo::Value(dict.set(key, node)),
            None => Undo::Nothing,
        },
        (Node::Dict(dict), Mutation::Unset { key, .. }) => dict.unset(key).map_or(Undo::Nothing, Undo::Entry),
        (Node::Dict(dict), Mutation::Clear { .. }) => Undo::Dict(std::mem::take(dict)),
        (Node::List(list), Mutation::Replace { index, .. }) => Undo::Value(list.splice(*index, 1, values).pop()),
        (Node::List(list), Mutation::Append { .. }) => Undo::Elements(list.splice(list.len(), 0, values)),
        (Node::List(list), Mutation::Splice { index, remove, .. }) => {
            Undo::Elements(list.splice(*index, *remove, values))
        }
        (Node::List(list), Mutation::Take { end, .. }) => {
            let Some(index) = end.index(list.len()) else { return Undo::Nothing };
            let element = list.splice(index, 1, values).pop();
            element.map_or(Undo::Nothing, |element| Undo::Taken { index, element })
        }
        (Node::List(list), Mutation::Permute { order, .. }) => {
            list.permute(order);
            Undo::Order
        }
        _ => Undo::Nothing,
    }
}
