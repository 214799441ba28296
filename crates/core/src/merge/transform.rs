//! Pending mutations, carried from the document they were made on to the one that came instead.
//!
//! Every element that a pending mutation might name gets an id, the same in both documents where
//! [`align`](super::align) says that it is the same element. Going through the pending mutations in order, both
//! lists of ids are kept as the mutations leave them, so that an index becomes an id and the id an index again.

use super::list_map::ListMap;
use crate::document::{Dict, Node};
use crate::mutation::{JsonList, Mutation, Path, Step};
use compact_str::CompactString;
use std::collections::HashMap;

/// What becomes of one pending mutation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Carried {
    /// These say the same about the new document; none where there is nothing left to do.
    As(Vec<Mutation>),
    /// What it was to change is gone: the mutation as it was, and why.
    Lost(Mutation, &'static str),
}

/// Carries the pending mutations of one attribute, in their order.
#[derive(Debug)]
pub struct Transform<'a> {
    root: Fate<'a>,
}

/// Where a value of the document that mutations were made on is in the new one.
#[derive(Debug)]
pub(super) enum Fate<'a> {
    /// Both documents have it; nothing in it has been named yet.
    Both(&'a Node, &'a Node),
    /// A list in both.
    List(Box<ListMap<'a>>),
    /// A dict in both.
    Dict(Box<DictMap<'a>>),
    /// A pending mutation put it there: it is the same in both.
    Pending,
    /// There was none when mutations were made, or a pending mutation took it out.
    Absent,
    /// It is gone, or something of another kind.
    Gone,
}

/// A dict in both documents.
#[derive(Debug)]
pub(super) struct DictMap<'a> {
    old: &'a Dict,
    new: &'a Dict,
    /// Of the keys that pending mutations named: those they set are `Pending`, those they took out `Absent`.
    named: Vec<Fate<'a>>,
    /// Where those are.
    places: HashMap<CompactString, u32>,
}

impl<'a> Transform<'a> {
    /// From the document that the mutations were made on to the new one.
    pub fn new(old: Option<&'a Node>, new: Option<&'a Node>) -> Self {
        Self { root: Fate::between(old, new) }
    }

    /// Where nothing is elsewhere than it was.
    pub fn unchanged() -> Self {
        Self { root: Fate::Pending }
    }

    /// The next mutation.
    pub fn carry(&mut self, mutation: Mutation) -> Carried {
        match mutation {
            Mutation::Assign { .. } => self.root = Fate::Pending,
            // What is there already stays as it is.
            Mutation::Create { .. } if matches!(self.root, Fate::Absent | Fate::Gone) => self.root = Fate::Pending,
            Mutation::Create { .. } => {}
            Mutation::Delete => self.root = Fate::Absent,
            Mutation::Increment { .. } => return self.carry_increment(mutation),
            _ => return self.carry_inside(mutation),
        }
        Carried::As(vec![mutation])
    }

    fn carry_increment(&mut self, mut mutation: Mutation) -> Carried {
        let path = mutation.path().to_vec();
        match self.root.reach(mutation.path_mut()) {
            None | Some(Fate::Gone) => return lost(mutation, &path, "the number that it adds to is gone"),
            Some(fate @ Fate::Absent) => *fate = Fate::Pending,
            _ => {}
        }
        Carried::As(vec![mutation])
    }

    /// One of what is in a container.
    fn carry_inside(&mut self, mut mutation: Mutation) -> Carried {
        let path = mutation.path().to_vec();
        let container = self.root.reach(mutation.path_mut()).map(Fate::open);
        match (container, &mut mutation) {
            (Some(Fate::Pending), _) => {}
            (Some(Fate::Dict(dict)), Mutation::Set { key, .. }) => *dict.enter(key) = Fate::Pending,
            (Some(Fate::Dict(dict)), Mutation::Unset { key, .. }) => *dict.enter(key) = Fate::Absent,
            (Some(Fate::Dict(dict)), Mutation::Clear { path }) => return Carried::As(dict.clear(path)),
            (Some(Fate::List(list)), Mutation::Replace { index, .. }) => match list.replace(*index) {
                Some(place) => *index = place,
                None => return lost(mutation, &path, "the element that it replaces was removed"),
            },
            (Some(Fate::List(list)), Mutation::Append { values, .. }) => list.append(values.count),
            (Some(Fate::List(list)), Mutation::Splice { path, index, remove, values }) => {
                return Carried::As(splice(list, path, *index, *remove, std::mem::take(values)));
            }
            (Some(Fate::List(list)), Mutation::Permute { order, .. }) => *order = list.permute(order),
            _ => return lost(mutation, &path, "the list or dict that it changes is gone"),
        }
        Carried::As(vec![mutation])
    }
}

fn lost(mut mutation: Mutation, path: &[Step], why: &'static str) -> Carried {
    mutation.path_mut().clone_from_slice(path);
    Carried::Lost(mutation, why)
}

/// The elements that are still there go, run by run from the right; what comes, comes where they were.
fn splice(list: &mut ListMap<'_>, path: &Path, index: usize, remove: usize, values: JsonList) -> Vec<Mutation> {
    let cut = list.splice(index, remove, values.count);
    let mut mutations: Vec<Mutation> = Vec::with_capacity(cut.runs.len() + 1);
    let mut values = Some(values);
    for run in cut.runs {
        // One mutation takes out and puts in, as it was made.
        let here = cut.insert_at == run.start && run.start < run.end;
        let values = if here { values.take() } else { None }.unwrap_or_default();
        mutations.push(Mutation::Splice { path: path.clone(), index: run.start, remove: run.len(), values });
    }
    if let Some(values) = values.filter(|values| values.count > 0) {
        mutations.push(Mutation::Splice { path: path.clone(), index: cut.insert_at, remove: 0, values });
    }
    mutations
}

impl<'a> Fate<'a> {
    pub(super) fn between(old: Option<&'a Node>, new: Option<&'a Node>) -> Self {
        match (old, new) {
            (Some(old), Some(new)) => Self::Both(old, new),
            (None, _) => Self::Absent,
            (Some(_), None) => Self::Gone,
        }
    }

    /// Down a path of the old document to a value, which becomes the path in the new one. None where it leads to what is
    /// gone.
    fn reach(&mut self, path: &mut [Step]) -> Option<&mut Self> {
        let Some((step, rest)) = path.split_first_mut() else { return Some(self) };
        let inner = match (self.open(), step) {
            // The rest of the path is the same.
            (this @ Self::Pending, _) => return Some(this),
            (Self::List(list), Step::Index(index)) => list.enter(index)?,
            (Self::Dict(dict), Step::Key(key)) => dict.enter(key),
            _ => return None,
        };
        inner.reach(rest)
    }

    /// Get ready to be named.
    fn open(&mut self) -> &mut Self {
        if let Self::Both(old, new) = *self {
            *self = match (old, new) {
                (Node::List(old), Node::List(new)) => Self::List(Box::new(ListMap::new(old, new))),
                (Node::Dict(old), Node::Dict(new)) => Self::Dict(Box::new(DictMap::new(old, new))),
                _ => Self::Gone,
            };
        }
        self
    }
}

impl<'a> DictMap<'a> {
    fn new(old: &'a Dict, new: &'a Dict) -> Self {
        Self { old, new, named: Vec::new(), places: HashMap::new() }
    }

    fn enter(&mut self, key: &CompactString) -> &mut Fate<'a> {
        let place = self.places.get(key).map_or(self.named.len(), |place| *place as usize);
        if place == self.named.len() {
            self.places.insert(key.clone(), u32::try_from(place).expect("memory ends before numbers do"));
            self.named.push(Fate::between(self.old.get(key), self.new.get(key)));
        }
        &mut self.named[place]
    }

    /// A clear takes out the keys that were there when it was made.
    fn clear(&mut self, path: &Path) -> Vec<Mutation> {
        let is_seen = |key: &CompactString| self.old.position(key).is_some() || self.places.contains_key(key);
        let mutations = if self.new.iter().all(|(key, _)| is_seen(key)) {
            vec![Mutation::Clear { path: path.clone() }]
        } else {
            let named = self.places.keys().filter(|key| self.old.position(key).is_none());
            let mut keys: Vec<&CompactString> = self.old.iter().map(|(key, _)| key).chain(named).collect();
            // In an order of its own, so that every replica does the same.
            keys.sort_unstable();
            keys.into_iter().map(|key| Mutation::Unset { path: path.clone(), key: key.clone() }).collect()
        };
        for (key, _) in self.old.iter() {
            self.enter(key);
        }
        self.named.fill_with(|| Fate::Absent);
        mutations
    }
}
