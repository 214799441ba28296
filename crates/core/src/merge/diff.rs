//! The mutations between two documents: how a document that somebody wrote as a whole is taken in
//! without giving containers a new identity.

use super::align::align;
use crate::document::{Dict, List, Node};
use crate::mutation::{Json, JsonList, Mutation, Path, Step};
use std::collections::HashSet;

/// Mutations that turn `old` into `new`, to the byte.
pub fn diff(old: Option<&Node>, new: Option<&Node>) -> Vec<Mutation> {
    match (old, new) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![Mutation::Delete],
        (Some(old), Some(new)) if old == new => Vec::new(),
        (Some(Node::List(old)), Some(Node::List(new))) => Diff::of(|diff| diff.lists(old, new)),
        (Some(Node::Dict(old)), Some(Node::Dict(new))) => Diff::of(|diff| diff.dicts(old, new)),
        (_, Some(new)) => vec![Mutation::Assign { value: json(new) }],
    }
}

#[derive(Default)]
struct Diff {
    path: Path,
    mutations: Vec<Mutation>,
}

impl Diff {
    fn of(compare: impl FnOnce(&mut Self)) -> Vec<Mutation> {
        let mut diff = Self::default();
        compare(&mut diff);
        diff.mutations
    }

    fn dicts(&mut self, old: &Dict, new: &Dict) {
        let path = self.path.clone();
        if !keeps_order(old, new) {
            self.mutations.push(Mutation::Clear { path: path.clone() });
            for (key, value) in new.iter() {
                self.mutations.push(Mutation::Set { path: path.clone(), key: key.clone(), value: json(value) });
            }
            return;
        }
        for (key, _) in old.iter().filter(|(key, _)| new.position(key).is_none()) {
            self.mutations.push(Mutation::Unset { path: path.clone(), key: key.clone() });
        }
        for (key, value) in new.iter() {
            let same_kind = old.get(key).is_some_and(|old| self.inside(Step::Key(key.clone()), old, value));
            if !same_kind {
                self.mutations.push(Mutation::Set { path: path.clone(), key: key.clone(), value: json(value) });
            }
        }
    }

    fn lists(&mut self, old: &List, new: &List) {
        let start = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
        let rest = old.len().min(new.len()) - start;
        let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
        let old: Vec<&Node> = old.iter().skip(start).take(old.len() - start - end).collect();
        let new: Vec<&Node> = new.iter().skip(start).take(new.len() - start - end).collect();
        // Between what stays, from the left: what is done there already is as in `new`.
        let (mut from_old, mut from_new) = (0, 0);
        for (in_old, in_new) in align(&old, &new) {
            self.gap(&old[from_old..in_old], &new[from_new..in_new], start + from_new, false);
            (from_old, from_new) = (in_old + 1, in_new + 1);
        }
        self.gap(&old[from_old..], &new[from_new..], start + from_new, end == 0);
    }

    /// Elements of which none stays, from `index` on: each becomes its counterpart, the rest goes or comes.
    fn gap(&mut self, old: &[&Node], new: &[&Node], index: usize, at_end: bool) {
        let path = self.path.clone();
        let both = old.len().min(new.len());
        for (i, (old, value)) in old.iter().zip(new).enumerate() {
            let index = index + i;
            if !self.inside(Step::Index(index), old, value) {
                self.mutations.push(Mutation::Replace { path: path.clone(), index, value: json(value) });
            }
        }
        let (remove, values) = (old.len() - both, json_list(&new[both..]));
        if remove == 0 && values.count > 0 && at_end {
            self.mutations.push(Mutation::Append { path, values });
        } else if remove + values.count > 0 {
            self.mutations.push(Mutation::Splice { path, index: index + both, remove, values });
        }
    }

    /// Go into two values at the same place. False where one has to replace the other.
    fn inside(&mut self, step: Step, old: &Node, new: &Node) -> bool {
        if old == new {
            return true;
        }
        self.path.push(step);
        let same_kind = match (old, new) {
            (Node::List(old), Node::List(new)) => {
                self.lists(old, new);
                true
            }
            (Node::Dict(old), Node::Dict(new)) => {
                self.dicts(old, new);
                true
            }
            _ => false,
        };
        self.path.pop();
        same_kind
    }
}

/// Do the keys that stay keep their order, with new keys after them?
fn keeps_order(old: &Dict, new: &Dict) -> bool {
    let new_keys: HashSet<&str> = new.iter().map(|(key, _)| key.as_str()).collect();
    let stay = old.iter().map(|(key, _)| key.as_str()).filter(|key| new_keys.contains(key));
    let mut in_new = new.iter().map(|(key, _)| key.as_str());
    stay.into_iter().all(|key| in_new.next() == Some(key))
}

fn json(value: &Node) -> Json {
    Json(value.to_text().into())
}

fn json_list(values: &[&Node]) -> JsonList {
    let mut text = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        value.print(&mut text);
    }
    JsonList { text: text.into(), count: values.len() }
}
