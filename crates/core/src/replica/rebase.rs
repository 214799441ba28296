//! Puts pending mutations on another document.

use super::Replica;
use super::change::{Change, DroppedMutations, GivenUp, Rebased, Regression};
use super::optimistic::{OptimisticDocument, Snapshot};
use super::pending::{Unapplied, announced_text, created_value};
use crate::document::{self, Content, Guard, Layout, Stored};
use crate::error::SyncError;
use crate::ids::Revision;
use crate::merge::{self, Transform};
use crate::mutation::Mutation;
use crate::protocol::ForeignChange;
use crate::time::Now;
use std::borrow::Cow;

/// Another confirmed document.
impl Replica {
    /// The server has this: transform the pending mutations for it.
    pub fn rebase(&mut self, stored: &Stored, now: Now) -> Rebased {
        if *stored == Stored::Absent && self.confirmed.is_absent() {
            // Pending commits that are about to store a lost document may have been built on commits that are dropped.
            self.confirmed.take_loss_suspicion();
            self.rebuild_commits(now);
            return Rebased::default();
        }
        self.rebase_without(0, stored, now).1
    }

    /// The server has this. The pending commits whose replies were lost are dropped, because it is unknown whether it includes
    /// them; the later ones are transformed from what they were made on.
    pub fn give_up_unanswered(&mut self, stored: &Stored, error: &SyncError, now: Now) -> GivenUp {
        let count = self.unanswered_count();
        let (given_up, rebased) = self.rebase_without(count, stored, now);
        let mut rejected = Vec::new();
        for commit in given_up {
            self.mutation_results.fail_all(&commit.mutations, error);
            if !only_creates(&commit) {
                rejected.push(commit.first);
            }
        }
        GivenUp { rejected, rebased }
    }

    /// The server has this: drop the first `count` pending commits, and transform the others for it. Returns the dropped ones.
    fn rebase_without(&mut self, count: usize, stored: &Stored, now: Now) -> (Vec<Unapplied>, Rebased) {
        let revision_before = self.revision();
        self.journal_gap.is_reduced |= count > 0;
        let (dropped, mut rebased) = self.rebase_on(count, stored, now);
        if self.confirmed.take_loss_suspicion() && revision_before != self.revision() {
            let none = Revision::NONE;
            let (from, to) = (revision_before.unwrap_or(none), self.revision().unwrap_or(none));
            rebased.regression = Some(Regression { from, to });
        }
        (dropped, rebased)
    }

    fn rebase_on(&mut self, count: usize, stored: &Stored, now: Now) -> (Vec<Unapplied>, Rebased) {
        let (new, error, layout, revision) = match document::read_within(stored, self.config.max_document_bytes) {
            Content::Absent => (None, None, Layout::Absent, None),
            Content::Document { value, revision, layout } => (Some(value), None, layout, Some(revision)),
            Content::Unreadable { error, layout } => (None, Some(error), layout, None),
        };
        let had_known_base = self.has_known_base();
        let before = if self.pending.is_empty() { None } else { Some(self.document.snapshot()) };
        let revision_before = self.revision();
        let unapplied = self.unapply_from(count);
        let with_dropped = if count > 0 { Some(self.value().cloned()) } else { None };
        let given_up = self.unapply_from(0);
        let old = std::mem::replace(&mut self.document, OptimisticDocument::new(new, error));
        let unrecorded = self.unrecorded_change(&old, revision).filter(|_| had_known_base);
        self.leave_journal();
        self.unplaced = None;
        self.confirmed.set(layout, revision);
        let Some(before) = before else {
            let rebased = self.rebased(&old.into_snapshot(), revision_before, DroppedMutations::default());
            return (given_up, Rebased { unrecorded, ..rebased });
        };
        let old = with_dropped.unwrap_or_else(|| old.value().cloned());
        // A value that was created because none was there is compared with the one that is there after all.
        let old = old.or_else(|| created_value(&unapplied));
        let new = self.value().cloned();
        let dropped = self.reapply(unapplied, &mut Transform::new(old.as_ref(), new.as_ref()), now);
        (given_up, Rebased { unrecorded, ..self.rebased(&before, revision_before, dropped) })
    }

    /// The change from the confirmed document to the one that has just replaced it. None where the history is not recorded.
    fn unrecorded_change(&self, old: &OptimisticDocument, revision: Option<Revision>) -> Option<ForeignChange> {
        self.config.max_entries(&self.key)?;
        let base = self.revision();
        if base == revision || old.read_error().is_some() || self.document.read_error().is_some() {
            return None;
        }
        let mutations = announced_text(merge::diff(old.value(), self.value()).iter().map(Cow::Borrowed));
        let [base, revision] = [base, revision].map(|revision| revision.unwrap_or(Revision::NONE));
        Some(ForeignChange { base, revision, mutations })
    }

    /// Build the pending commits on the confirmed document again, the first one without any before it.
    pub fn rebuild_commits(&mut self, now: Now) {
        let unapplied = self.unapply_from(0);
        if let (Some(_), Some(Guard::Text { len, at, tail })) =
            (self.unplaced.take(), self.confirmed.layout().map(Layout::guard))
        {
            // The value has more than what is confirmed: a commit that is built on it has to write the whole.
            self.confirmed.set_layout(Layout::Foreign { len, at, tail });
        }
        self.reapply(unapplied, &mut Transform::identity(), now);
    }

    /// The server has lost the document without a deletion: the pending commits store it again.
    pub fn recreate(&mut self, now: Now) -> Rebased {
        let (before, revision_before) = (self.document.snapshot(), self.revision());
        let unapplied = self.unapply_from(0);
        self.journal_gap.is_reduced = true;
        self.confirmed.set_layout(Layout::Absent);
        self.confirmed.forget_acknowledgement();
        self.confirmed.take_loss_suspicion();
        self.document.forget_unreadable();
        self.unplaced = None;
        let dropped = self.reapply(unapplied, &mut Transform::identity(), now);
        if self.pending.is_empty() {
            // The mutations change nothing: no commit stores the document again.
            self.forget_confirmed();
            return self.rebase(&Stored::Absent, now);
        }
        let lost = self.confirmed.take_revision();
        let regression = lost.map(|from| Regression { from, to: Revision::NONE });
        Rebased { regression, ..self.rebased(&before, revision_before, dropped) }
    }

    /// The result of an operation before which the host saw `before`.
    pub(super) fn rebased(
        &self,
        before: &Snapshot,
        revision_before: Option<Revision>,
        dropped: DroppedMutations,
    ) -> Rebased {
        let revision = self.revision();
        let went_back = revision_before.zip(revision).filter(|(from, to)| to < from);
        let regression = went_back.map(|(from, to)| Regression { from, to });
        // The host also has to know another revision of the same document, and that a deletion is confirmed.
        let same_document = || {
            let is_gone = self.value().is_none() && revision.is_none();
            let change = if is_gone { Change::Gone } else { Change::Patched(Vec::new()) };
            (revision_before != revision).then_some(change)
        };
        let change = self.document.change_since(before).or_else(same_document);
        Rebased { change, regression, dropped, writer: None, unrecorded: None }
    }
}

/// Whether a commit only creates a value where there is none: it does no harm twice.
fn only_creates(commit: &Unapplied) -> bool {
    commit.mutations.iter().all(|numbered| matches!(numbered.mutation, Mutation::Create { .. }))
}
