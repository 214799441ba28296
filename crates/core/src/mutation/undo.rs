//! Taking mutations back, last one first.

use super::Mutation;
use super::apply::change;
use super::increment::put;
use crate::document::{Dict, Node};
use compact_str::CompactString;

/// What a mutation took away, kept so that it can be taken back. Nothing is copied for it.
#[derive(Debug)]
pub enum Undo {
    /// It changed nothing.
    Nothing,
    /// The attribute's value before.
    Whole(Option<Node>),
    /// What the key or the element had before; None where the key is new.
    Value(Option<Node>),
    /// Where the key was, and its value.
    Entry(usize, Node),
    /// What the dict held.
    Dict(Dict),
    /// The elements that went.
    Elements(Vec<Node>),
    /// The order is in the mutation.
    Order,
    /// An increment's number.
    Number {
        /// What was there; None where there was nothing.
        before: Option<Node>,
        /// What is there now.
        after: CompactString,
    },
}

/// Take back `mutation`, the last that was made, as `apply` said.
pub fn undo(value: &mut Option<Node>, mutation: &Mutation, undo: Undo) {
    match (mutation, undo) {
        (_, Undo::Whole(before)) => *value = before,
        (Mutation::Increment { path, .. }, Undo::Number { before, .. }) => drop(put(value, path, before)),
        (_, undo) => {
            let mut undo = Some(undo);
            change(value.as_mut(), mutation.path(), &mut |node| {
                if let Some(undo) = undo.take() {
                    undo_inside(node, mutation, undo);
                }
            });
        }
    }
}

fn undo_inside(container: &mut Node, mutation: &Mutation, undo: Undo) {
    match (container, mutation, undo) {
        (Node::Dict(dict), Mutation::Set { key, .. }, Undo::Value(Some(before))) => drop(dict.set(key, before)),
        (Node::Dict(dict), Mutation::Set { key, .. }, Undo::Value(None)) => drop(dict.unset(key)),
        (Node::Dict(dict), Mutation::Unset { key, .. }, Undo::Entry(position, node)) => {
            dict.put_back(position, key.clone(), node);
        }
        (Node::Dict(dict), Mutation::Clear { .. }, Undo::Dict(before)) => **dict = before,
        (Node::List(list), Mutation::Replace { index, .. }, Undo::Value(Some(before))) => {
            drop(list.splice(*index, 1, vec![before]));
        }
        (Node::List(list), Mutation::Append { values, .. }, _) => {
            let count = values.count.min(list.len());
            drop(list.splice(list.len() - count, count, Vec::new()));
        }
        (Node::List(list), Mutation::Splice { index, values, .. }, Undo::Elements(gone)) => {
            drop(list.splice(*index, values.count, gone));
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
