//! Stale commits: they are rebased on what is stored. The outcome of one whose reply was lost, and whose writer the server does
//! not know any more, is found out first, or reported as unknown.

use super::Session;
use super::fetch_state::FetchKind;
use super::held_reads::ReadContent;
use super::ids::AttributeId;
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{RefreshId, Sequence};
use crate::protocol::CommitOutcome;
use crate::replica::{GivenUp, UnansweredOutcome, stored_revision};
use crate::time::Now;

impl Session {
    /// A commit was stale. It is rebased on what is stored, unless the server may have applied it before.
    pub(super) fn handle_stale(
        &mut self,
        id: AttributeId,
        sequence: Sequence,
        stored: Option<Stored>,
        dedup_key_present: bool,
        now: Now,
    ) {
        let attribute = &mut self.attributes[id];
        let replica = &mut attribute.replica;
        if !replica.is_first(sequence) {
            // The answer to the oldest pending commit brings what is stored.
            if dedup_key_present {
                replica.mark_unsent_from(sequence);
            } else {
                replica.mark_refused_from(sequence);
            }
            return;
        }
        let is_decided = dedup_key_present || !replica.has_lost_reply();
        match stored {
            Some(stored) if is_decided => {
                replica.mark_unsent_from(sequence);
                self.back_off_from_writers(id, now);
                let content = ReadContent::Stale { stored, dedup_key_present };
                self.take_read(id, content, RefreshId::default(), now);
            }
            Some(stored) => {
                // Commits that were sent behind it for the first time wait for the same dedup key.
                replica.mark_refused_from(sequence);
                self.handle_forgotten(id, &stored, now);
            }
            None if is_decided => {
                replica.mark_unsent_from(sequence);
                attribute.fetch.request(FetchKind::Load);
            }
            None => {
                // Its outcome is unknown until it is answered: nothing may be read before that.
                replica.mark_refused_from(sequence);
                replica.send_without_predecessor();
            }
        }
    }

    /// The server has this document and no dedup key of this writer, whose first pending commit it may have applied.
    fn handle_forgotten(&mut self, id: AttributeId, stored: &Stored, now: Now) {
        let replica = &self.attributes[id].replica;
        match replica.unanswered_outcome(stored, self.is_followed(id, stored), now) {
            UnansweredOutcome::NotApplied => self.rebase_unapplied(id, stored, now),
            UnansweredOutcome::Applied(last) => {
                self.handle_committed(id, last, &CommitOutcome::Duplicate, now);
                let attribute = &mut self.attributes[id];
                attribute.replica.forget_acknowledgement();
                attribute.replica.mark_not_applied(now);
                // The commits after it have to be built anew, without a predecessor.
                attribute.fetch.request(FetchKind::Load);
            }
            // The server lost its data: the document is stored again.
            UnansweredOutcome::Unknown if self.is_memory_lost(id, stored, now) => {
                self.rebase_unapplied(id, stored, now);
            }
            UnansweredOutcome::Unknown if matches!(stored, Stored::TooLong { .. }) => {
                while let Some(sequence) = self.attributes[id].replica.first_unanswered() {
                    self.reject(id, sequence, writer_forgotten(), now);
                }
                self.rebase_unapplied(id, stored, now);
            }
            UnansweredOutcome::Unknown => {
                let content = ReadContent::Forgotten(stored.clone());
                self.take_read(id, content, RefreshId::default(), now);
            }
        }
    }

    /// Rejects the commits whose outcomes are unknown, and rebases on what is stored.
    pub(super) fn give_up_unanswered(&mut self, id: AttributeId, stored: &Stored, now: Now) {
        self.abort_strict_groups(id, now);
        let attribute = &mut self.attributes[id];
        attribute.retry.succeed();
        attribute.freshness.is_verified = true;
        attribute.replica.forget_acknowledgement();
        let GivenUp { rejected, rebased } = attribute.replica.give_up_unanswered(stored, &writer_forgotten(), now);
        for first in rejected {
            self.report_rejected(id, writer_forgotten(), first);
        }
        self.report_rebased(id, rebased, now);
    }

    fn rebase_unapplied(&mut self, id: AttributeId, stored: &Stored, now: Now) {
        self.attributes[id].replica.mark_not_applied(now);
        let content = ReadContent::Stale { stored: stored.clone(), dedup_key_present: false };
        self.take_read(id, content, RefreshId::default(), now);
    }

    /// Whether the deltas that have arrived lead from the confirmed document to the stored one. None of them is of this writer.
    pub(super) fn is_followed(&self, id: AttributeId, stored: &Stored) -> bool {
        let replica = &self.attributes[id].replica;
        let (Some(from), Some(Some(to))) = (replica.revision(), stored_revision(stored)) else { return false };
        replica.has_known_base() && self.inbox.leads(id, from, to, &self.config.writer)
    }

    /// Whether the server has lost both the document and the dedup key of this writer, which cannot have expired. Then no writer
    /// has deleted the document.
    pub(super) fn is_memory_lost(&self, id: AttributeId, stored: &Stored, now: Now) -> bool {
        let replica = &self.attributes[id].replica;
        *stored == Stored::Absent && replica.first_pending().is_some() && replica.must_have_dedup_key(now)
    }
}

/// The error of commits that a server may have applied before it lost the dedup key of their writer.
pub(super) fn writer_forgotten() -> SyncError {
    SyncError::new(
        ErrorCode::OutcomeUnknown,
        "the connection was lost before the answer, and the server has no record any more of whether it had applied the \
         mutation: its key was evicted, or the server lost data; look at the attribute and mutate it again where that is missing",
    )
}
