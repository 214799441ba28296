//! The events of a session.

use super::ids::AttributeId;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::document::Node;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{MutationNumber, Revision, Sequence, WriterId};
use crate::replica::{Change, CompletedMutation, Conflict, Moot, Rebased, Regression};
use crate::time::Now;

impl Session {
    /// Adds an event of the host's own, such as one about the journal.
    pub fn report(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Reports what a rebase did, and aborts the groups that it broke.
    pub(super) fn report_rebased(&mut self, id: AttributeId, rebased: Rebased, now: Now) {
        self.discard_resent_commits(id);
        if let Some(change) = rebased.unrecorded {
            self.record_change(id, change, now);
        }
        if let Some(Regression { from, to }) = rebased.regression {
            self.events.push(Event::Regressed { name: self.attributes[id].name.clone(), from, to });
        }
        for Conflict { mutation, error } in rebased.dropped.conflicts {
            self.events.push(Event::Conflict { name: self.attributes[id].name.clone(), mutation, error });
        }
        for Moot { removal, message } in rebased.dropped.moots {
            self.events.push(Event::Moot { name: self.attributes[id].name.clone(), removal, message });
        }
        self.report_results(id);
        if let Some(change) = rebased.change {
            self.report_change_by(id, change, rebased.writer);
        }
        for group in rebased.dropped.groups {
            let error = SyncError::new(ErrorCode::Conflict, "another mutation of the same batch could not be kept");
            self.abort_group(group, error, now);
        }
    }

    /// Reports that so many bytes of a document were read again.
    pub(super) fn report_resynced(&mut self, id: AttributeId, len: ByteLen) {
        self.events.push(Event::Resynced { name: self.attributes[id].name.clone(), len });
    }

    /// Reports a change whose writer is unknown.
    pub(super) fn report_change(&mut self, id: AttributeId, change: Change) {
        self.report_change_by(id, change, None);
    }

    fn report_change_by(&mut self, id: AttributeId, change: Change, writer: Option<WriterId>) {
        self.journal_change(id);
        let Described { name, revision, len } = self.describe(id);
        self.events.push(Event::Changed { name, change, revision, len, writer });
    }

    pub(super) fn report_acknowledged(&mut self, id: AttributeId, sequence: Sequence) {
        let Described { name, revision, len } = self.describe(id);
        let attribute = &mut self.attributes[id];
        let (last, attempts) = (attribute.replica.last_acknowledged(), attribute.attempts.take(sequence));
        self.events.push(Event::Acknowledged { name, revision, len, last, attempts });
        self.report_results(id);
    }

    fn describe(&self, id: AttributeId) -> Described {
        let attribute = &self.attributes[id];
        Described {
            name: attribute.name.clone(),
            revision: attribute.replica.revision(),
            len: attribute.replica.value().map_or(ByteLen(0), Node::text_len),
        }
    }

    pub(super) fn report_rejected(&mut self, id: AttributeId, error: SyncError, first: MutationNumber) {
        self.events.push(Event::Rejected { name: self.attributes[id].name.clone(), error, first });
    }

    pub(super) fn report_results(&mut self, id: AttributeId) {
        for CompletedMutation { number, is_take, result } in self.attributes[id].replica.collect_results() {
            if !self.is_of_earlier_process(number) {
                self.events.push(Event::Completed { number, result });
            } else if is_take && let Some(taken) = self.taken_for_nobody(id, &result) {
                self.events.push(Event::Warning(taken));
            }
        }
    }

    pub(super) fn report_refreshed(&mut self) {
        let attributes = &self.attributes;
        for refresh in self.refreshes.take_complete(|id| attributes[id].freshness.current_as_of) {
            self.name_set.complete(refresh.id, refresh.is_listed);
            if refresh.is_catch_up {
                self.events.push(Event::Connected);
                self.eviction.set_ready();
            }
            if (refresh.is_catch_up || refresh.is_listed) && !self.refreshes.is_listing_refused() {
                self.events.push_ready();
            }
            self.events.push(Event::Refreshed(refresh.id));
            self.groups.complete_refresh(refresh.id);
        }
        self.report_failed_groups();
    }

    pub(super) fn report_settled(&mut self) {
        let first_pending = self.attributes.first_pending();
        if let Some(settled) = self.issued.advance_settled(first_pending) {
            self.events.push(Event::Settled(settled));
        }
    }
}

/// The state of an attribute in events.
struct Described {
    name: String,
    revision: Option<Revision>,
    len: ByteLen,
}
