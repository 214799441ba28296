//! The mutations between two documents: how a document that somebody wrote as a whole is taken in
//! without giving containers a new identity.

use super::align::{Alignment, Pair, align};
use crate::document::{Dict, List, Node};
use crate::mutation::{Json, JsonList, Mutation, Path, Step};
use std::ops::Range;

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
        let alignment = align(old, new);
        if let Some(order) = alignment.order(old.len(), new.len()) {
            self.mutations.push(Mutation::Permute { path: self.path.clone(), order });
            return;
        }
        let Alignment { start, end, middle, .. } = alignment;
        // From the left: what is done there already is as in `new`.
        let mut next = Pair { old: start, new: start };
        for pair in middle {
            self.gap(pair.old - next.old, new, next.new..pair.new, false);
            self.element(pair.new, old.get(pair.old), new.get(pair.new));
            next = Pair { old: pair.old + 1, new: pair.new + 1 };
        }
        self.gap(old.len() - end - next.old, new, next.new..new.len() - end, end == 0);
    }

    /// The same element before and after.
    fn element(&mut self, index: usize, old: Option<&Node>, new: Option<&Node>) {
        let (Some(old), Some(new)) = (old, new) else { return };
        if !self.inside(Step::Index(index), old, new) {
            self.mutations.push(Mutation::Replace { path: self.path.clone(), index, value: json(new) });
        }
    }

    /// Between elements that stay, some go and others come.
    fn gap(&mut self, remove: usize, new: &List, come: Range<usize>, at_end: bool) {
        let (path, index) = (self.path.clone(), come.start);
        let come: Vec<&Node> = come.filter_map(|index| new.get(index)).collect();
        let values = json_list(&come);
        if remove == 0 && values.count > 0 && at_end {
            self.mutations.push(Mutation::Append { path, values });
        } else if remove + values.count > 0 {
            self.mutations.push(Mutation::Splice { path, index, remove, values });
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
    let mut stay = old.iter().map(|(key, _)| key).filter(|key| new.position(key).is_some());
    let mut in_new = new.iter().map(|(key, _)| key);
    stay.all(|key| in_new.next() == Some(key))
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
