//! The mutations between two documents. Containers that are in both keep their identity, so that a document that another
//! program has written as a whole merges with pending mutations.

use super::align::{Alignment, Pair, align};
use crate::document::{Dict, List, Node};
use crate::mutation::{Json, JsonList, Mutation, Path, Step};
use compact_str::CompactString;
use std::ops::Range;

/// The mutations that make the text of `old` that of `new`.
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

/// Adds the mutations that make the node at `path`, inside of a document, another.
pub(super) fn diff_at(old: &Node, new: &Node, path: &Path, mutations: &mut Vec<Mutation>) -> Option<()> {
    let (last, container) = path.split_last()?;
    let mut diff = Diff { path: container.to_vec(), mutations: Vec::new() };
    if !diff.inside(last.clone(), old, new) {
        let (path, value) = (container.to_vec(), json(new));
        mutations.push(match last {
            Step::Key(key) => Mutation::Set { path, key: key.clone(), value },
            Step::Index(index) => Mutation::Replace { path, index: *index, value },
        });
    }
    mutations.extend(diff.mutations);
    Some(())
}

/// The mutations of the list at `path` that make its end, the elements from `start` on, another.
pub fn diff_of_ends(path: &[Step], start: usize, old: &List, new: &List) -> Vec<Mutation> {
    if old == new {
        return Vec::new();
    }
    let mut diff = Diff { path: path.to_vec(), mutations: Vec::new() };
    diff.lists(old, new);
    for mutation in &mut diff.mutations {
        let is_of_list = mutation.path().len() == path.len();
        match mutation {
            Mutation::Splice { index, .. } | Mutation::Replace { index, .. } if is_of_list => *index += start,
            Mutation::Permute { path, .. } if is_of_list => {
                let values = json_list(&new.iter().collect::<Vec<_>>());
                *mutation = Mutation::Splice { path: path.clone(), index: start, remove: old.len(), values };
            }
            other => {
                if let Some(Step::Index(index)) = other.path_mut().get_mut(path.len()) {
                    *index += start;
                }
            }
        }
    }
    diff.mutations
}

/// The mutations found so far, and the path of the container that is being compared.
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

    /// The keys at the start that have kept their order stay. All others are added again, since new keys come last.
    fn dicts(&mut self, old: &Dict, new: &Dict) {
        let path = self.path.clone();
        let (mut old_entries, mut new_entries) = (old.iter().peekable(), new.iter().peekable());
        let (mut removed, mut keeps_any) = (Vec::new(), false);
        while let Some((old_key, old_value)) = old_entries.peek() {
            match new_entries.peek() {
                Some((key, value)) if key == old_key => {
                    keeps_any = true;
                    if !self.inside(Step::Key((*key).clone()), old_value, value) {
                        self.set(&path, key, value);
                    }
                    new_entries.next();
                }
                Some(_) if new.contains(old_key) => break,
                _ => removed.push(*old_key),
            }
            old_entries.next();
        }
        removed.extend(old_entries.map(|(key, _)| key));
        if keeps_any || removed.len() < 2 {
            let unset = |key: &CompactString| Mutation::Unset { path: path.clone(), key: key.clone() };
            self.mutations.extend(removed.into_iter().map(unset));
        } else {
            self.mutations.push(Mutation::Clear { path: path.clone() });
        }
        for (key, value) in new_entries {
            self.set(&path, key, value);
        }
    }

    fn set(&mut self, path: &Path, key: &CompactString, value: &Node) {
        self.mutations.push(Mutation::Set { path: path.clone(), key: key.clone(), value: json(value) });
    }

    fn lists(&mut self, old: &List, new: &List) {
        let alignment = align(old, new);
        if let Some(order) = alignment.permutation(old.len(), new.len()) {
            self.mutations.push(Mutation::Permute { path: self.path.clone(), order });
            return;
        }
        let Alignment { start, end, middle, .. } = alignment;
        // From left to right: the elements before `next` are those of the new list already.
        let mut next = Pair { old: start, new: start };
        for pair in middle {
            self.gap(pair.old - next.old, new, next.new..pair.new, false);
            self.element(pair.new, old.get(pair.old), new.get(pair.new));
            next = Pair { old: pair.old + 1, new: pair.new + 1 };
        }
        self.gap(old.len() - end - next.old, new, next.new..new.len() - end, end == 0);
    }

    /// Compare an element that is in both lists.
    fn element(&mut self, index: usize, old: Option<&Node>, new: Option<&Node>) {
        let (Some(old), Some(new)) = (old, new) else { return };
        if !self.inside(Step::Index(index), old, new) {
            self.mutations.push(Mutation::Replace { path: self.path.clone(), index, value: json(new) });
        }
    }

    /// Replace `remove` elements by `inserted` ones of the new list, between elements that are in both lists.
    fn gap(&mut self, remove: usize, new: &List, inserted: Range<usize>, is_at_end: bool) {
        let (path, index) = (self.path.clone(), inserted.start);
        let inserted: Vec<&Node> = inserted.filter_map(|index| new.get(index)).collect();
        let values = json_list(&inserted);
        if remove == 0 && values.count > 0 && is_at_end {
            self.mutations.push(Mutation::Append { path, values });
        } else if remove + values.count > 0 {
            self.mutations.push(Mutation::Splice { path, index, remove, values });
        }
    }

    /// Compare two nodes at the same step. False where they differ and are not containers of the same kind.
    fn inside(&mut self, step: Step, old: &Node, new: &Node) -> bool {
        if old == new {
            return true;
        }
        self.path.push(step);
        let is_same_kind = match (old, new) {
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
        is_same_kind
    }
}

pub(super) fn json(value: &Node) -> Json {
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
