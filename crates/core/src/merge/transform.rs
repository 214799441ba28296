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
    /// What it was to change is gone.
    Lost(&'static str),
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

const NO_CONTAINER: Carried = Carried::Lost("the list or dict that it changes is gone");

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
            Mutation::Assign { .. } => {
                self.root = Fate::Pending;
                Carried::As(vec![mutation])
            }
            Mutation::Create { .. } => {
                // What is there already stays as it is.
                if matches!(self.root, Fate::Absent | Fate::Gone) {
                    self.root = Fate::Pending;
                }
                Carried::As(vec![mutation])
            }
            Mutation::Delete => {
                self.root = Fate::Absent;
                Carried::As(vec![mutation])
            }
            Mutation::Set { mut path, key, value } => match self.root.descend(&mut path) {
                Some(Fate::Dict(dict)) => {
                    *dict.enter(&key) = Fate::Pending;
                    Carried::As(vec![Mutation::Set { path, key, value }])
                }
                Some(Fate::Pending) => Carried::As(vec![Mutation::Set { path, key, value }]),
                _ => NO_CONTAINER,
            },
            Mutation::Unset { mut path, key } => match self.root.descend(&mut path) {
                Some(Fate::Dict(dict)) => {
                    *dict.enter(&key) = Fate::Absent;
                    Carried::As(vec![Mutation::Unset { path, key }])
                }
                Some(Fate::Pending) => Carried::As(vec![Mutation::Unset { path, key }]),
                _ => NO_CONTAINER,
            },
            Mutation::Clear { mut path } => match self.root.descend(&mut path) {
                Some(Fate::Dict(dict)) => Carried::As(dict.clear(&path)),
                Some(Fate::Pending) => Carried::As(vec![Mutation::Clear { path }]),
                _ => NO_CONTAINER,
            },
            Mutation::Replace { mut path, index, value } => match self.root.descend(&mut path) {
                Some(Fate::List(list)) => match list.replace(index) {
                    Some(index) => Carried::As(vec![Mutation::Replace { path, index, value }]),
                    None => Carried::Lost("the element that it replaces was removed"),
                },
                Some(Fate::Pending) => Carried::As(vec![Mutation::Replace { path, index, value }]),
                _ => NO_CONTAINER,
            },
            Mutation::Append { mut path, values } => match self.root.descend(&mut path) {
                Some(Fate::List(list)) => {
                    list.append(values.count);
                    Carried::As(vec![Mutation::Append { path, values }])
                }
                Some(Fate::Pending) => Carried::As(vec![Mutation::Append { path, values }]),
                _ => NO_CONTAINER,
            },
            Mutation::Splice { mut path, index, remove, values } => match self.root.descend(&mut path) {
                Some(Fate::List(list)) => Carried::As(splice(list, &path, index, remove, values)),
                Some(Fate::Pending) => Carried::As(vec![Mutation::Splice { path, index, remove, values }]),
                _ => NO_CONTAINER,
            },
            Mutation::Permute { mut path, order } => match self.root.descend(&mut path) {
                Some(Fate::List(list)) => {
                    let order = list.permute(&order);
                    Carried::As(vec![Mutation::Permute { path, order }])
                }
                Some(Fate::Pending) => Carried::As(vec![Mutation::Permute { path, order }]),
                _ => NO_CONTAINER,
            },
            Mutation::Increment { mut path, by } => match self.root.reach(&mut path) {
                None | Some(Fate::Gone) => Carried::Lost("the number that it adds to is gone"),
                Some(fate) => {
                    if matches!(fate, Fate::Absent) {
                        *fate = Fate::Pending;
                    }
                    Carried::As(vec![Mutation::Increment { path, by }])
                }
            },
        }
    }
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

    /// Down a path of the old document to a container, which becomes the path in the new one. None where it leads to
    /// what is gone.
    fn descend(&mut self, path: &mut [Step]) -> Option<&mut Self> {
        let container = self.reach(path)?;
        container.open();
        Some(container)
    }

    /// The same, to any value.
    fn reach(&mut self, path: &mut [Step]) -> Option<&mut Self> {
        let Some((step, rest)) = path.split_first_mut() else { return Some(self) };
        self.open();
        let inner = match (self, step) {
            // The rest of the path is the same.
            (this @ Self::Pending, _) => return Some(this),
            (Self::List(list), Step::Index(index)) => list.enter(index)?,
            (Self::Dict(dict), Step::Key(key)) => dict.enter(key),
            _ => return None,
        };
        inner.reach(rest)
    }

    /// Get ready to be named.
    fn open(&mut self) {
        if let Self::Both(old, new) = *self {
            *self = match (old, new) {
                (Node::List(old), Node::List(new)) => Self::List(Box::new(ListMap::new(old, new))),
                (Node::Dict(old), Node::Dict(new)) => Self::Dict(Box::new(DictMap::new(old, new))),
                _ => Self::Gone,
            };
        }
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
