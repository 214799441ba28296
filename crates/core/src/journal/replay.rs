//! The states that the records of a journal lead to.

use super::decode_records::{Record, decode_record};
use super::{AttributeState, JournalledCommit, RECORD_END};
use crate::document::{Add, Node};
use crate::error::SyncError;
use crate::ids::{MutationNumber, Sequence};
use crate::mutation::{self, Mutation};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a journal: first its states, then its log, in the order in which they were written.
#[derive(Debug)]
pub struct JournalReader {
    attributes: BTreeMap<String, Replayed>,
    add: Add,
}

/// A state, and the mutations of acknowledged commits that are not in its value yet.
#[derive(Debug, Default)]
struct Replayed {
    state: AttributeState,
    applied: Vec<Mutation>,
    /// The length of the text of the state, where that is all.
    stored_len: Option<usize>,
    /// Whether its first record was missing or could not be read: what it holds is not what it was.
    lacks_base: bool,
}

/// The states of all attributes of a journal, for [`Session::keep_journal`](crate::session::Session::keep_journal).
#[derive(Debug, Default)]
pub struct JournalledState {
    pub(crate) attributes: Vec<ReplayedAttribute>,
}

/// The state of an attribute after all records.
#[derive(Debug)]
pub(crate) struct ReplayedAttribute {
    pub(crate) state: AttributeState,
    /// The length of the stored text, where that is this state.
    pub(crate) stored_len: Option<usize>,
}

impl JournalledState {
    /// The names of the attributes that it has a value of.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let known = self.attributes.iter().map(|attribute| &attribute.state).filter(|state| state.value.is_some());
        known.map(|state| state.name.as_str())
    }

    /// The numbers of the pending mutations in ascending order, as the session numbered them that has written the journal.
    pub fn pending(&self) -> BTreeSet<MutationNumber> {
        let commits = self.attributes.iter().flat_map(|attribute| &attribute.state.commits);
        commits.flat_map(|commit| &commit.mutations).map(|(number, _)| *number).collect()
    }

    /// Nothing of it is stored any more: the session has to write all of it.
    pub fn mark_unstored(&mut self) {
        for attribute in &mut self.attributes {
            attribute.stored_len = None;
        }
    }
}

impl JournalReader {
    /// Nothing has been read. `add` is the function that adds numbers for increments.
    pub fn new(add: Add) -> Self {
        Self { attributes: BTreeMap::new(), add }
    }

    /// Reads the state of one attribute. Errors: `NotSerializable`, and those of the value.
    pub fn read_state(&mut self, text: &str) -> Result<(), SyncError> {
        for record in text.split_terminator(RECORD_END) {
            if let Record::State(state) = decode_record(record)? {
                let stored_len = state.commits.is_empty().then_some(text.len());
                let name = state.name.clone();
                self.attributes.insert(name, Replayed { state, stored_len, ..Replayed::default() });
            }
        }
        Ok(())
    }

    /// Reads records of the log. Errors: those of [`read_state`](Self::read_state). The records before the one that cannot be
    /// decoded count.
    pub fn read_log(&mut self, records: &str) -> Result<(), SyncError> {
        records.split_terminator(RECORD_END).try_for_each(|record| {
            self.take(decode_record(record)?);
            Ok(())
        })
    }

    fn take(&mut self, record: Record) {
        match record {
            Record::State(state) => {
                self.attributes.insert(state.name.clone(), Replayed { state, ..Replayed::default() });
            }
            Record::Changed { state, after, mutations } => {
                let replayed = self.of(state.name.clone());
                replayed.apply_up_to(after);
                replayed.applied.extend(mutations);
                replayed.state = AttributeState { value: replayed.state.value.take(), ..state };
            }
            Record::Mutation { name, number, group, mutation } => {
                let commits = &mut self.of(name).state.commits;
                match commits.last_mut().filter(|last| last.seal.is_none() && last.group == group) {
                    Some(last) => last.mutations.push((number, mutation)),
                    None => commits.push(JournalledCommit { seal: None, group, mutations: vec![(number, mutation)] }),
                }
            }
            Record::Sealed { name, seal, before } => {
                let commits = &mut self.of(name).state.commits;
                let Some(first) = commits.iter().position(|commit| commit.seal.is_none()) else { return };
                let group = commits[first].group;
                let is_sealed = |number| before.is_none_or(|before| number < before);
                let (mut mutations, mut rest) = (Vec::new(), Vec::new());
                for mut commit in commits.split_off(first) {
                    let later = commit.mutations.iter().position(|(number, _)| !is_sealed(*number));
                    let left = later.map_or_else(Vec::new, |at| commit.mutations.split_off(at));
                    mutations.append(&mut commit.mutations);
                    if !left.is_empty() {
                        rest.push(JournalledCommit { mutations: left, ..commit });
                    }
                }
                if !mutations.is_empty() {
                    commits.push(JournalledCommit { seal: Some(seal), group, mutations });
                }
                commits.append(&mut rest);
            }
            Record::Acknowledged { name, acknowledged, layout, revision } => {
                let replayed = self.of(name);
                replayed.apply_up_to(Some(acknowledged.sequence));
                let state = &mut replayed.state;
                state.acknowledged = Some(acknowledged);
                (state.layout, state.revision) = (layout, revision);
                state.highest = state.highest.max(revision);
            }
        }
    }

    fn of(&mut self, name: String) -> &mut Replayed {
        let new = AttributeState { name: name.clone(), ..AttributeState::default() };
        let without_base = Replayed { state: new, lacks_base: true, ..Replayed::default() };
        let replayed = self.attributes.entry(name).or_insert(without_base);
        replayed.stored_len = None;
        replayed
    }

    /// The states after all records.
    pub fn finish(self) -> JournalledState {
        let add = self.add;
        JournalledState { attributes: self.attributes.into_values().map(|replayed| replayed.finish(add)).collect() }
    }
}

impl Replayed {
    /// The commits up to this sequence were acknowledged.
    fn apply_up_to(&mut self, last: Option<Sequence>) {
        let is_done = |commit: &&JournalledCommit| commit.seal.is_some_and(|seal| Some(seal.sequence) <= last);
        let count = self.state.commits.iter().take_while(is_done).count();
        for commit in self.state.commits.drain(..count) {
            self.applied.extend(commit.mutations.into_iter().map(|(_, mutation)| mutation));
        }
    }

    fn finish(self, add: Add) -> ReplayedAttribute {
        let Self { mut state, mut applied, stored_len, lacks_base } = self;
        // The outcome of a transaction that was sent is found in what is stored. It is part of the value that later mutations
        // were made on.
        let is_transaction =
            |commit: &JournalledCommit| commit.seal.is_some() && commit.group.is_some_and(|group| group.is_strict);
        while state.commits.first().is_some_and(is_transaction) {
            let commit = state.commits.remove(0);
            applied.extend(commit.mutations.into_iter().map(|(_, mutation)| mutation));
            state.layout = None;
        }
        for mutation in applied {
            if !apply(&mut state.value, &mutation, add) {
                state.layout = None;
            }
        }
        if lacks_base {
            state.layout = None;
        }
        ReplayedAttribute { state, stored_len }
    }
}

/// Apply a mutation. Returns whether it could be.
fn apply(value: &mut Option<Node>, mutation: &Mutation, add: Add) -> bool {
    let effect = mutation::effect_of(value.as_ref(), mutation, add);
    effect.is_ok_and(|effect| {
        mutation::apply(value, mutation, effect.values);
        true
    })
}
