//! Held reads: what was read about an attribute, until it is known to belong to one moment with what is shown of the others.

use super::Session;
use super::ids::AttributeId;
use crate::document::Stored;
use crate::ids::{AppendRun, RefreshId};
use crate::protocol::RequestId;
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
        let Some(domain_id) = self.mark_domain(id) else { return self.show(id, content, refresh, now) };
        let request = self.requests.last_completed();
        let domain = self.attributes.domain_mut(domain_id);
        domain.require_read_after(request);
        domain.holders.retain(|holder| *holder != id);
        domain.holders.push(id);
        self.attributes[id].held = Some(HeldRead { content, request, refresh });
    }

    /// Shows the held reads of these attributes.
    pub(super) fn show_held(&mut self, ids: &[AttributeId], now: Now) {
        for &id in ids {
            if let Some(HeldRead { content, refresh, .. }) = self.take_held(id) {
                self.show(id, content, refresh, now);
            }
        }
        for &id in ids {
            self.apply_deltas(id, now);
            self.attributes.activate(id);
        }
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
            self.attributes.domain_mut(domain).holders.retain(|holder| *holder != id);
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
