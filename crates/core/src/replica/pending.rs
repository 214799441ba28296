//! Pending mutations: those of the open commit, and commits that are fixed because they have been sent.

use crate::command::Commit;
use crate::document::Base;
use crate::mutation::Mutation;
use crate::splice::{Edit, EditSet};
use std::sync::Arc;

/// Mutations that have not been sent, in order, and their edits composed.
#[derive(Debug)]
pub(super) struct OpenCommit {
    /// The number of the first mutation that went in here, which later ones may have made irrelevant.
    pub(super) first: u64,
    pub(super) mutations: Vec<Mutation>,
    pub(super) edits: EditSet,
}

impl OpenCommit {
    pub(super) fn new(first: u64) -> Self {
        Self { first, mutations: Vec::new(), edits: EditSet::new() }
    }

    pub(super) fn push(&mut self, mutation: Mutation, edit: Edit) {
        if matches!(mutation, Mutation::Assign { .. } | Mutation::Delete) {
            // A whole new value makes irrelevant whatever it replaces.
            self.mutations.clear();
            self.edits = EditSet::rewrite();
        } else {
            self.edits.push(edit);
        }
        self.mutations.push(mutation);
    }
}

/// A commit that has been sent: the server may have applied it without our knowing, so its sequence
/// keeps to its mutations whatever happens.
#[derive(Debug)]
pub(super) struct SealedCommit {
    pub(super) first: u64,
    pub(super) mutations: Vec<Mutation>,
    /// What to send, and to send again.
    pub(super) command: Arc<Commit>,
    /// What is stored once it has been applied.
    pub(super) result: Base,
    /// Sent on the present connection, and no answer yet.
    pub(super) in_flight: bool,
}
