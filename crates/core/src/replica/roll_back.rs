//! Takes back pending mutations that the server refused, and those of an attribute that cannot be read.

use super::Replica;
use super::change::RolledBack;
use super::confirmed::Confirmed;
use super::optimistic::OptimisticDocument;
use super::pending::Unapplied;
use crate::error::SyncError;
use crate::ids::{GroupId, MutationNumber, Sequence};
use crate::merge::Transform;
use crate::time::Now;

impl Replica {
    /// Take back a commit that the server refused for good. None where that commit is not pending.
    pub fn reject(&mut self, sequence: Sequence, error: &SyncError, now: Now) -> Option<RolledBack> {
        self.roll_back(self.pending.position(sequence)?, error, now)
    }

    /// Take back the mutations of a group. None where there are none.
    pub fn abort(&mut self, group: GroupId, error: &SyncError, now: Now) -> Option<RolledBack> {
        self.roll_back(self.pending.position_of_group(group)?, error, now)
    }

    /// The attribute cannot be read any more. Returns the number of the first mutation that was pending.
    pub fn give_up(&mut self, error: SyncError) -> Option<MutationNumber> {
        let first = self.first_pending();
        self.journal_gap.is_reduced = true;
        for commit in self.unapply_from(0) {
            self.mutation_results.fail_all(&commit.mutations, &error);
        }
        self.document = OptimisticDocument::new(None, Some(error));
        self.leave_journal();
        self.confirmed = Confirmed::unknown(self.confirmed.highest());
        self.unplaced = None;
        first
    }

    /// Take back a pending commit, as if another mutation had undone it. The index counts sealed commits, then open ones.
    fn roll_back(&mut self, index: usize, error: &SyncError, now: Now) -> Option<RolledBack> {
        self.journal_gap.is_reduced = true;
        let (before, revision_before) = (self.document.snapshot(), self.revision());
        let was_sealed = index < self.pending.sealed().len();
        let later = self.unapply_from(index + 1);
        let with_it = self.value().cloned();
        let removed = self.unapply_from(index).pop();
        // Open commits are not built on anything yet: if an open one is taken back, those before it stay as they are.
        let earlier = if was_sealed { self.unapply_from(0) } else { Vec::new() };
        let mut dropped = self.reapply(earlier, &mut Transform::identity(), now);
        let without_it = self.value().cloned();
        let mut transform = Transform::new(with_it.as_ref(), without_it.as_ref());
        dropped.extend(self.reapply(later, &mut transform, now));
        if self.unplaced.is_some() {
            self.forget_confirmed();
        }
        if self.pending.is_empty() && self.confirmed.is_absent() {
            // If the server has lost the value, no commit stores it again.
            self.document.clear();
            self.leave_journal();
        }
        let rebased = self.rebased(&before, revision_before, dropped);
        let Unapplied { first, mutations, .. } = removed?;
        self.mutation_results.fail_all(&mutations, error);
        let mutations = mutations.into_iter().map(|numbered| numbered.mutation).collect();
        Some(RolledBack { first, mutations, rebased })
    }
}
