//! Takes in that the server has applied commits.

use super::Replica;
use super::pending::{Form, SealedCommit};
use super::unplaced_appends::{UnplacedAppend, UnplacedAppends};
use crate::ids::{Revision, Sequence};
use crate::time::Now;

impl Replica {
    /// The server has applied a commit, and all before it. False where that commit is not pending.
    pub fn acknowledge(&mut self, sequence: Sequence, now: Now) -> bool {
        if self.unplaced.is_some() {
            // It is unknown what the commit was applied to.
            return self.acknowledge_unplaced(sequence, None, now);
        }
        let Some(commit) = self.take_up_to(sequence, |_| true) else { return false };
        self.confirmed.note_acknowledgement(sequence, now);
        if self.confirmed.is_known() {
            let revision = commit.resulting_revision();
            self.confirmed.set(commit.layout, revision);
        }
        true
    }

    /// The server has applied an earlier sending of a commit, to an unknown document. False where that commit is not
    /// pending.
    pub fn acknowledge_duplicate(&mut self, sequence: Sequence, now: Now) -> bool {
        match self.pending.find(sequence) {
            None => false,
            // The server may have applied an earlier form: before it refused a later one, or as a copy that was late.
            Some(commit) if commit.form != Form::Original => {
                self.take_up_to(sequence, |commit| commit.form != Form::RebuiltUnanswered);
                self.confirmed.note_acknowledgement(sequence, now);
                self.forget_confirmed();
                true
            }
            Some(commit) if commit.is_append() => self.acknowledge_unplaced(sequence, None, now),
            Some(_) => self.acknowledge(sequence, now),
        }
    }

    /// The server has appended the elements of a commit, and of all before it, to a list that is not the confirmed one; the
    /// list has `revision` since, where that is known. False where that commit is not pending.
    pub fn acknowledge_unplaced(&mut self, sequence: Sequence, revision: Option<Revision>, now: Now) -> bool {
        let Some(commits) = self.pending.take_up_to(sequence) else { return false };
        for commit in &commits {
            self.extend_base_change(commit.mutations.iter().map(|applied| &applied.mutation));
            self.last_acknowledged = commit.last;
            self.mutation_results.complete(commit, false);
        }
        self.confirmed.note_acknowledgement(sequence, now);
        self.confirmed.raise_highest(revision);
        if !self.confirmed.is_known() {
            return true;
        }
        let append = |commit: &SealedCommit| {
            let revision = revision.filter(|_| commit.command.sequence == sequence);
            commit.appended_count().map(|count| UnplacedAppend { count, revision })
        };
        match commits.iter().map(append).collect::<Option<Vec<_>>>() {
            Some(appends) => self.unplaced.get_or_insert_with(|| UnplacedAppends::new(now)).extend(appends),
            // Other mutations were among them.
            None => self.forget_confirmed(),
        }
        true
    }

    /// Remove the commits up to this one, which the server has applied. `is_document_known` tells whether a commit was
    /// applied to the document that it was last built on.
    fn take_up_to(
        &mut self,
        sequence: Sequence,
        is_document_known: impl Fn(&SealedCommit) -> bool,
    ) -> Option<SealedCommit> {
        let mut commits = self.pending.take_up_to(sequence)?;
        for commit in &commits {
            self.extend_base_change(commit.mutations.iter().map(|applied| &applied.mutation));
            self.last_acknowledged = commit.last;
            self.mutation_results.complete(commit, is_document_known(commit));
        }
        self.document.confirm_replacement();
        commits.pop()
    }

    /// The stored document must be loaded.
    pub fn forget_confirmed(&mut self) {
        self.leave_journal();
        self.confirmed.forget();
        self.unplaced = None;
    }
}
