//! The history of one session.

use std::collections::{BTreeMap, BTreeSet};

/// Identifies a mutation by its session and its number in that session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct MutationId {
    pub(crate) session_index: usize,
    pub(crate) number: u64,
}

/// The mutations of one session, from its start to its crash or to the end of the run.
#[derive(Default)]
pub(crate) struct SessionRecord {
    /// Number of mutations made; mutations are numbered from 1.
    pub(crate) made: u64,
    /// Every mutation up to this number was reported as settled.
    pub(crate) settled: u64,
    /// The session ended with a crash.
    pub(crate) crashed: bool,
    /// Number of the last mutation of each attribute.
    pub(crate) last_of: BTreeMap<String, u64>,
    /// The attribute of each mutation.
    pub(crate) names: Vec<String>,
    /// The mutations whose outcome was reported as unknown.
    pub(crate) unknown: BTreeSet<u64>,
    /// The mutations that were not in the journal when the process of their writer ended.
    pub(crate) lost: BTreeSet<u64>,
}

impl SessionRecord {
    /// A mutation of this attribute was made.
    pub(crate) fn record_mutation(&mut self, name: &str) {
        self.made += 1;
        self.last_of.insert(name.to_owned(), self.made);
        self.names.push(name.to_owned());
    }

    /// The outcome of the attribute's mutations from `first` to `last` was reported as unknown, or follows from such ones.
    pub(crate) fn record_unknown(&mut self, name: &str, first: u64, last: u64) {
        let names = (1..).zip(&self.names);
        let unknown = names.filter(|(number, of)| (first..=last).contains(number) && *of == name);
        self.unknown.extend(unknown.map(|(number, _)| number));
    }

    /// True if the outcome of a mutation of this attribute is unknown.
    pub(crate) fn has_unknown(&self, name: &str) -> bool {
        self.unknown.iter().any(|number| self.name_of(*number) == name)
    }

    /// The attribute of a mutation.
    pub(crate) fn name_of(&self, number: u64) -> &str {
        &self.names[usize::try_from(number - 1).unwrap_or_default()]
    }
}
