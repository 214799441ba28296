//! Pending mutations: those of the open commit, and commits that are fixed because they have been sent.

use crate::command::Commit;
use crate::document::{Base, Node};
use crate::ids::{Revision, Sequence};
use crate::mutation::{JsonList, Mutation, Undo, assignment, undo};
use crate::session::Now;
use crate::splice::{Edit, EditSet, Plan};
use crate::wire;
use compact_str::CompactString;
use std::sync::Arc;

/// Longer mutations are not told along with a commit: most that hear of it would not want them yet.
const MAX_TOLD_BYTES: usize = 16 * 1024;

/// How far back the open commit is searched for a mutation that a new one can take the place of.
const COALESCE_OVER: usize = 16;

/// A mutation that was made, and what takes it back.
#[derive(Debug)]
pub(super) struct Made {
    /// The session's number of it, or of the one whose place it took.
    pub(super) number: u64,
    pub(super) mutation: Mutation,
    pub(super) undo: Undo,
}

impl Made {
    /// The same for who has the document as it was before: he need not know how to add.
    pub(super) fn into_patch(self) -> Mutation {
        match (self.mutation, self.undo) {
            (Mutation::Increment { path, .. }, Undo::Number { after, .. }) => assignment(&path, &after),
            (mutation, _) => mutation,
        }
    }
}

/// Mutations that have not been sent, in order, and their edits composed.
#[derive(Debug)]
pub(super) struct OpenCommit {
    /// The number of the first mutation that went in here, which later ones may have made irrelevant.
    pub(super) first: u64,
    pub(super) made: Vec<Made>,
    pub(super) edits: EditSet,
    /// The group that they are a part of.
    pub(super) group: Option<u64>,
}

/// A commit that has been sent: the server may have applied it without our knowing, so its sequence
/// keeps to its mutations whatever happens.
#[derive(Debug)]
pub(super) struct SealedCommit {
    pub(super) first: u64,
    pub(super) made: Vec<Made>,
    /// What to send, and to send again.
    pub(super) command: Arc<Commit>,
    /// What is stored once it has been applied.
    pub(super) result: Base,
    /// Sent on the present connection, and no answer yet.
    pub(super) in_flight: bool,
    /// Since when it has been sent, if the server has not said that it could not apply it.
    pub(super) maybe_applied: Option<Now>,
    /// It is not as it was when it was sent first.
    pub(super) rebased: bool,
    /// The group that it is a part of.
    pub(super) group: Option<u64>,
    /// And nobody knows which of the two the server has applied, if it has.
    pub(super) unsure: bool,
}

impl SealedCommit {
    /// The document's revision once it has been applied; None where it deletes it.
    pub(super) fn result_revision(&self) -> Option<Revision> {
        (self.result != Base::Absent).then_some(self.command.revision)
    }

    /// What its increments made of their numbers, by their own numbers.
    pub(super) fn sums(&self) -> impl Iterator<Item = (u64, &CompactString)> {
        self.made.iter().filter_map(|made| match &made.undo {
            Undo::Number { after, .. } => Some((made.number, after)),
            _ => None,
        })
    }

    /// Is it one that finds its place by itself?
    pub(super) fn is_append(&self) -> bool {
        matches!(self.command.plan, Plan::Append(_))
    }

    /// How many elements it puts at the end of the list that is the whole value, where it does nothing else.
    pub(super) fn appended(&self) -> Option<usize> {
        appended_count(&self.made)
    }
}

/// A commit's mutations, off the document.
#[derive(Debug)]
pub(super) struct Lifted {
    pub(super) first: u64,
    /// None where it has not been sent.
    pub(super) sequence: Option<Sequence>,
    pub(super) maybe_applied: Option<Now>,
    pub(super) group: Option<u64>,
    /// With their numbers.
    pub(super) mutations: Vec<(u64, Mutation)>,
}

impl OpenCommit {
    pub(super) fn new(first: u64, group: Option<u64>) -> Self {
        Self { first, made: Vec::new(), edits: EditSet::new(), group }
    }

    /// The elements that it puts at the end of the list that is the whole value, where it does nothing else.
    pub(super) fn appended(&self) -> Option<String> {
        appended(self.made.iter().map(|made| &made.mutation)).map(|values| values.text.into())
    }

    /// Its mutations in wire form, for others; empty where they would rather read the document.
    pub(super) fn told(&self) -> String {
        let bytes: usize = self.made.iter().map(|made| made.mutation.bytes()).sum();
        if bytes > MAX_TOLD_BYTES {
            return String::new();
        }
        wire::encode_batch(self.made.iter().map(|made| &made.mutation))
    }

    /// Does its first mutation give a whole value?
    pub(super) fn begins_whole(&self) -> bool {
        let first = self.made.first().map(|made| &made.mutation);
        first.is_some_and(|first| matches!(first, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete))
    }

    /// Is it one that finds its place by itself?
    pub(super) fn is_append(&self) -> bool {
        appended_count(&self.made).is_some()
    }

    /// Add what was just made.
    pub(super) fn push(&mut self, number: u64, mutation: Mutation, edit: Edit, undo: Undo) {
        let is_whole = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        let awaits_sum = |made: &Made| matches!(made.mutation, Mutation::Increment { .. });
        if is_whole && !self.made.iter().any(awaits_sum) {
            // A whole new value makes irrelevant whatever it replaces.
            let mut before = match undo {
                Undo::Whole(before) => before,
                _ => None,
            };
            lift(&mut before, std::mem::take(&mut self.made));
            self.made.push(Made { number, mutation, undo: Undo::Whole(before) });
            self.edits = EditSet::rewrite();
            return;
        }
        if is_whole {
            self.edits = EditSet::rewrite();
        } else {
            self.edits.push(edit);
        }
        match self.replaced_by(&mutation) {
            Some(before) => *before = mutation,
            None => self.made.push(Made { number, mutation, undo }),
        }
    }

    /// The mutation that a new one takes the place of: it gave the same key or element a value, and what was
    /// made since gave others of the same container theirs.
    fn replaced_by(&mut self, new: &Mutation) -> Option<&mut Mutation> {
        let recent = self.made.iter_mut().rev().take(COALESCE_OVER).map(|made| &mut made.mutation);
        for before in recent {
            match (&*before, new) {
                (Mutation::Set { path, key, .. }, Mutation::Set { path: new_path, key: new_key, .. })
                    if path == new_path =>
                {
                    if key == new_key {
                        return Some(before);
                    }
                }
                (Mutation::Replace { path, index, .. }, Mutation::Replace { path: new_path, index: new_index, .. })
                    if path == new_path =>
                {
                    if index == new_index {
                        return Some(before);
                    }
                }
                _ => return None,
            }
        }
        None
    }
}

/// How many elements these put at the end of the list that is the whole value, where they do nothing else.
pub(super) fn appended_count(made: &[Made]) -> Option<usize> {
    let mut count = 0;
    for made in made {
        match &made.mutation {
            Mutation::Append { path, values } if path.is_empty() => count += values.count,
            _ => return None,
        }
    }
    Some(count)
}

/// What these put at the end of the list that is the whole value, where they do nothing else.
pub(super) fn appended<'a>(mutations: impl Iterator<Item = &'a Mutation>) -> Option<JsonList> {
    let (mut text, mut count) = (String::new(), 0);
    for mutation in mutations {
        match mutation {
            Mutation::Append { path, values } if path.is_empty() && values.count > 0 => {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(&values.text);
                count += values.count;
            }
            _ => return None,
        }
    }
    Some(JsonList { text: text.into(), count })
}

/// Take mutations back, the last one first. Gives them in the order they were made, with their numbers.
pub(super) fn lift(value: &mut Option<Node>, made: Vec<Made>) -> Vec<(u64, Mutation)> {
    let mut mutations = Vec::with_capacity(made.len());
    for Made { number, mutation, undo: how } in made.into_iter().rev() {
        undo(value, &mutation, how);
        mutations.push((number, mutation));
    }
    mutations.reverse();
    mutations
}
