//! Taking mutations back, last one first.

use super::Mutation;
use super::apply::{dict_change, list_change};
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
        (Mutation::Set { path, key, .. }, Undo::Value(before)) => dict_change(value, path, |dict| match before {
            Some(node) => drop(dict.set(key, node)),
            None => drop(dict.unset(key)),
        }),
        (Mutation::Unset { path, key }, Undo::Entry(position, node)) => {
            dict_change(value, path, |dict| dict.put_back(position, key.clone(), node));
        }
        (Mutation::Clear { path }, Undo::Dict(before)) => dict_change(value, path, |dict| *dict = before),
        (Mutation::Replace { path, index, .. }, Undo::Value(before)) => {
            list_change(value, path, |list| drop(list.splice(*index, 1, before.into_iter().collect())));
        }
        (Mutation::Append { path, values }, _) => list_change(value, path, |list| {
            let count = values.count.min(list.len());
            drop(list.splice(list.len() - count, count, Vec::new()));
        }),
        (Mutation::Splice { path, index, values, .. }, Undo::Elements(gone)) => {
            list_change(value, path, |list| drop(list.splice(*index, values.count, gone)));
        }
        (Mutation::Permute { path, order }, Undo::Order) => list_change(value, path, |list| {
            let mut before = vec![0; order.len()];
            for (to, &from) in order.iter().enumerate() {
                before[from] = to;
            }
            list.permute(&before);
        }),
        (Mutation::Increment { path, .. }, Undo::Number { before, .. }) => drop(put(value, path, before)),
        _ => {}
    }
}
