//! Held reads: what was read about an attribute, until it is known to belong to one moment with what is shown of the others.

use super::Session;
use super::fetch_state::FetchKind;
use super::ids::AttributeId;
use super::request_table::Purpose;
use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::ids::{AppendRun, RefreshId};
use crate::protocol::{Answer, Command, CommitOutcome, RequestId};
use crate::time::Now;

/// A read that is not shown yet. Meanwhile nothing is committed to the attribute, and no delta is applied.
#[derive(Debug)]
pub(super) struct HeldRead {
    pub(super) content: ReadContent,
    /// The request that it is the answer to.
    pub(super) request: RequestId,
    /// The newest refresh that it serves.
    pub(super) refresh: RefreshId,
}

/// The content of a read.
#[derive(Debug)]
pub(super) enum ReadContent {
    /// The document.
    Loaded(Stored),
    /// The end of a list.
    Tail { append_run: Option<AppendRun>, bytes: Vec<u8> },
    /// The document that a commit was not built on.
    Stale { stored: Stored, dedup_key_present: bool },
    /// The document, which may include pending commits of a writer that the server has forgotten: they are given up.
    Forgotten(Stored),
}

impl ReadContent {
    /// The whole document.
    pub(super) fn stored(&self) -> Option<&Stored> {
        match self {
            Self::Loaded(stored) | Self::Stale { stored, .. } | Self::Forgotten(stored) => Some(stored),
            Self::Tail { .. } => None,
        }
    }

    /// The same, with the document as it was later.
    pub(super) fn with(self, stored: Stored) -> Self {
        match self {
            Self::Loaded(_) | Self::Tail { .. } => Self::Loaded(stored),
            Self::Stale { dedup_key_present, .. } => Self::Stale { stored, dedup_key_present },
            Self::Forgotten(_) => Self::Forgotten(stored),
        }
    }
}

impl Session {
    /// The last answer has brought this. It is shown at once where no other attribute can show the other half of a group.
    pub(super) fn take_read(&mut self, id: AttributeId, content: ReadContent, refresh: RefreshId, now: Now) {
        let Some(domain_id) = self.mark_domain(id) else { return self.show_alone(id, content, refresh, now) };
        let request = self.requests.last_completed();
        let domain = self.attributes.domain_mut(domain_id);
        domain.require_read_after(request);
        domain.holders.insert(id);
        self.attributes[id].held = Some(HeldRead { content, request, refresh });
    }

    /// Shows the held reads of these attributes.
    pub(super) fn show_held(&mut self, ids: &[AttributeId], now: Now) {
        for &id in ids {
            if let Some(HeldRead { content, refresh, .. }) = self.take_held(id) {
                self.show_alone(id, content, refresh, now);
            }
        }
        for &id in ids {
            self.apply_deltas(id, now);
            self.attributes.activate(id);
        }
    }

    /// Shows a read that no joint read checks. It is held until the last applied sequence is known if it may include a commit of
    /// which a copy has arrived late.
    fn show_alone(&mut self, id: AttributeId, content: ReadContent, refresh: RefreshId, now: Now) {
        let is_fetched = matches!(content, ReadContent::Loaded(_) | ReadContent::Tail { .. });
        let replica = &self.attributes[id].replica;
        if !is_fetched || replica.first_with_late_copy().is_none() {
            return self.show(id, content, refresh, now);
        }
        let command = Command::LastSequence { key: replica.key().to_owned(), writer: self.config.writer.clone() };
        let request = self.requests.last_completed();
        self.attributes[id].held = Some(HeldRead { content, request, refresh });
        self.send(Purpose::CheckHeldRead(id, request), command, ByteLen(0), now);
    }

    /// The last sequence that was applied shows whether a held read may include a pending commit. Then the document is read
    /// again.
    pub(super) fn handle_held_read_check(&mut self, id: AttributeId, request: RequestId, answer: Answer, now: Now) {
        if self.attributes[id].held.as_ref().is_none_or(|held| held.request != request) {
            return;
        }
        let Some(HeldRead { content, refresh, .. }) = self.take_held(id) else { return };
        if let Answer::Busy(error) | Answer::ReplyLost(error) = answer {
            self.attributes[id].fetch.request(FetchKind::Load);
            self.back_off(id, error, now);
        } else if self.acknowledge_late_commit(id, &answer, now) {
            self.attributes[id].fetch.request(FetchKind::Load);
        } else {
            self.show(id, content, refresh, now);
        }
    }

    /// Acknowledges the first pending commit where this last applied sequence shows that a late copy of it was applied. Returns
    /// whether it was.
    pub(super) fn acknowledge_late_commit(&mut self, id: AttributeId, answer: &Answer, now: Now) -> bool {
        let last = if let Answer::LastSequence(last) = answer { *last } else { None };
        let Some(first) = self.attributes[id].replica.first_with_late_copy().filter(|first| last >= Some(*first))
        else {
            return false;
        };
        self.handle_committed(id, first, &CommitOutcome::Duplicate, now);
        true
    }

    /// Whether a joint read of the attribute is in flight: nothing is sent about it, and no delta is applied.
    pub(super) fn is_read_jointly(&self, id: AttributeId) -> bool {
        let domain = self.attributes[id].domain;
        domain.is_some_and(|domain| self.attributes.domain(domain).is_joint_read_in_flight())
    }

    /// Removes and returns the held read of an attribute.
    pub(super) fn take_held(&mut self, id: AttributeId) -> Option<HeldRead> {
        let held = self.attributes[id].held.take()?;
        if let Some(domain) = self.attributes[id].domain {
            self.attributes.domain_mut(domain).holders.remove(&id);
        }
        Some(held)
    }

    /// The attribute follows what was read.
    pub(super) fn show(&mut self, id: AttributeId, content: ReadContent, refresh: RefreshId, now: Now) {
        let is_current = match content {
            ReadContent::Loaded(stored) => {
                self.handle_loaded(id, &stored, now);
                true
            }
            ReadContent::Tail { append_run, bytes } => self.handle_tail(id, append_run, &bytes, now),
            ReadContent::Stale { stored, dedup_key_present } => {
                self.rebase_stale(id, &stored, dedup_key_present, now);
                false
            }
            ReadContent::Forgotten(stored) => {
                self.give_up_unanswered(id, &stored, now);
                false
            }
        };
        if is_current {
            self.attributes[id].freshness.serve(refresh);
        }
    }
}
