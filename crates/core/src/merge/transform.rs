//! Transforms pending mutations: made on one document, they become mutations of another that mean the same.

use super::mapping::{ListMap, Mapping, TransformedSplice};
use crate::document::Node;
use crate::mutation::{JsonList, Mutation, Path, Step};

/// The result of transforming one mutation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transformed {
    /// The mutations of the new document; none where there is nothing left to do.
    Mutations(Vec<Mutation>),
    /// The list that a [`Take`](Mutation::Take) was to take from is not in the new document.
    NothingToTake,
    /// The node that the mutation was to change is not in the new document.
    Dropped {
        /// The mutation as it was.
        mutation: Mutation,
        /// The reason, for people.
        reason: &'static str,
    },
}

/// Transforms the pending mutations of one attribute, in their order.
#[derive(Debug)]
pub struct Transform<'a> {
    root: Mapping<'a>,
}

impl<'a> Transform<'a> {
    /// The transformation of mutations that were made on `old`, for the document `new`.
    pub fn new(old: Option<&'a Node>, new: Option<&'a Node>) -> Self {
        Self { root: Mapping::between(old, new) }
    }

    /// The transformation that leaves all mutations as they are.
    pub fn identity() -> Self {
        Self { root: Mapping::Identical }
    }

    /// Transform the next mutation.
    pub fn transform(&mut self, mutation: Mutation) -> Transformed {
        match mutation {
            Mutation::Assign { .. } => self.root = Mapping::Identical,
            // A `create` takes effect only where the new document has no value.
            Mutation::Create { .. } if matches!(self.root, Mapping::Absent | Mapping::Lost) => {
                self.root = Mapping::Identical;
            }
            Mutation::Create { .. } => {}
            Mutation::Delete => self.root = Mapping::Absent,
            Mutation::Increment { .. } => return self.transform_increment(mutation),
            Mutation::Take { .. } => return self.transform_take(mutation),
            _ => return self.transform_inside(mutation),
        }
        Transformed::Mutations(vec![mutation])
    }

    fn transform_increment(&mut self, mut mutation: Mutation) -> Transformed {
        let path = mutation.path().to_vec();
        match self.root.follow(mutation.path_mut()) {
            None | Some(Mapping::Lost) => return dropped(mutation, &path, "the number that it adds to is gone"),
            Some(number @ Mapping::Absent) => *number = Mapping::Identical,
            _ => {}
        }
        Transformed::Mutations(vec![mutation])
    }

    /// A `take` takes what the new list has. Where the list is gone, there is nothing to take.
    fn transform_take(&mut self, mut mutation: Mutation) -> Transformed {
        let Mutation::Take { path, end } = &mut mutation else { return Transformed::Mutations(vec![mutation]) };
        match self.root.follow(path).map(Mapping::open) {
            Some(Mapping::Identical) => {}
            Some(Mapping::List(list)) => list.take(*end),
            _ => return Transformed::NothingToTake,
        }
        Transformed::Mutations(vec![mutation])
    }

    /// Transform a mutation of a container.
    fn transform_inside(&mut self, mut mutation: Mutation) -> Transformed {
        let path = mutation.path().to_vec();
        let container = self.root.follow(mutation.path_mut()).map(Mapping::open);
        match (container, &mut mutation) {
            (Some(Mapping::Identical), _) => {}
            (Some(Mapping::Dict(dict)), Mutation::Set { key, .. }) => *dict.value(key) = Mapping::Identical,
            (Some(Mapping::Dict(dict)), Mutation::Unset { key, .. }) => *dict.value(key) = Mapping::Absent,
            (Some(Mapping::Dict(dict)), Mutation::Clear { path }) => return Transformed::Mutations(dict.clear(path)),
            (Some(Mapping::List(list)), Mutation::Replace { index, .. }) => match list.replace(*index) {
                Some(new_index) => *index = new_index,
                None => return dropped(mutation, &path, "the element that it replaces was removed"),
            },
            (Some(Mapping::List(list)), Mutation::Append { values, .. }) => list.append(values.count),
            (Some(Mapping::List(list)), Mutation::Splice { path, index, remove, values }) => {
                return Transformed::Mutations(splice(list, path, *index, *remove, std::mem::take(values)));
            }
            (Some(Mapping::List(list)), Mutation::Permute { order, .. }) => *order = list.permute(order),
            _ => return dropped(mutation, &path, "the list or dict that it changes is gone"),
        }
        Transformed::Mutations(vec![mutation])
    }
}

fn dropped(mut mutation: Mutation, path: &[Step], reason: &'static str) -> Transformed {
    mutation.path_mut().clone_from_slice(path);
    Transformed::Dropped { mutation, reason }
}

/// Transform a splice: one removal for each run of elements that the new list has, from the right, and one insertion.
fn splice(list: &mut ListMap<'_>, path: &Path, index: usize, remove: usize, values: JsonList) -> Vec<Mutation> {
    let TransformedSplice { removals, insert_at } = list.splice(index, remove, values.count);
    let mut mutations: Vec<Mutation> = Vec::with_capacity(removals.len() + 1);
    let mut values = Some(values);
    for run in removals {
        // A removal where the values are inserted stays one mutation with the insertion.
        let values = if insert_at == run.start { values.take() } else { None }.unwrap_or_default();
        mutations.push(Mutation::Splice { path: path.clone(), index: run.start, remove: run.len(), values });
    }
    if let Some(values) = values.filter(|values| values.count > 0) {
        mutations.push(Mutation::Splice { path: path.clone(), index: insert_at, remove: 0, values });
    }
    mutations
}
