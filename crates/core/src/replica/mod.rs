//! The replica of one attribute: the confirmed document, and the pending mutations that are applied to it optimistically.
//!
//! - `OptimisticDocument` is the document that the host sees: confirmed value plus all pending mutations.
//! - `Confirmed` is what the server has, without the value.
//! - `PendingCommits` are the commits that are not acknowledged, in order.
//! - `UnplacedAppends` are acknowledged appends to a list that had changed on the server.
//!
//! The operations: `build` seals commits and reapplies pending mutations, `send` sends commits, `acknowledge` records
//! that they were applied, and `roll_back` undoes those that were refused; `rebase`, `delta` and `append` take in the
//! commits of other writers.

mod acknowledge;
mod append;
mod applied_mutation;
mod build;
mod change;
mod confirmed;
mod delta;
mod journal;
mod mutation_results;
mod optimistic;
mod pending;
mod rebase;
mod roll_back;
mod send;
#[cfg(test)]
mod test_support;
mod unanswered_outcome;
mod unplaced_appends;

pub use change::{Change, Conflict, DroppedMutations, GivenUp, Moot, Rebased, Regression, RolledBack};
pub use confirmed::ProbeWindow;
pub use delta::DeltaResult;
pub use mutation_results::{CompletedMutation, MutationResult, ResultValue};
pub use optimistic::effect_within;
pub use unanswered_outcome::{UnansweredOutcome, stored_revision};

use crate::byte_len::ByteLen;
use crate::config::Config;
use crate::document::{self, Guard, Layout, Node};
use crate::error::SyncError;
use crate::ids::{GroupId, MutationNumber, Revision, Sequence};
use crate::mutation::{Effect, Mutation};
use crate::protocol::{EvictionPolicy, ProbeResult};
use crate::time::Now;
use confirmed::Confirmed;
use journal::JournalGap;
use mutation_results::MutationResults;
use optimistic::OptimisticDocument;
use pending::PendingCommits;
use std::sync::Arc;
use unplaced_appends::UnplacedAppends;

/// One attribute.
#[derive(Debug)]
pub struct Replica {
    key: String,
    config: Arc<Config>,
    document: OptimisticDocument,
    confirmed: Confirmed,
    pending: PendingCommits,
    /// The optimistic document has their elements after those of the confirmed list. Only while the confirmed layout is
    /// known, and that of a list.
    unplaced: Option<UnplacedAppends>,
    mutation_results: MutationResults,
    /// The last mutation that the server is known to have applied.
    last_acknowledged: MutationNumber,
    /// The policy of the server, as far as it is known.
    eviction_policy: Option<EvictionPolicy>,
    journal_gap: JournalGap,
}

/// State.
impl Replica {
    /// A replica of which nothing is known but the highest revision that the attribute may have had.
    pub fn new(key: String, config: Arc<Config>, highest: Option<Revision>) -> Self {
        Self {
            key,
            config,
            document: OptimisticDocument::default(),
            confirmed: Confirmed::unknown(highest),
            pending: PendingCommits::default(),
            unplaced: None,
            mutation_results: MutationResults::default(),
            last_acknowledged: MutationNumber::default(),
            eviction_policy: None,
            journal_gap: JournalGap::default(),
        }
    }

    /// The server has this eviction policy; None: that is unknown.
    pub fn set_eviction_policy(&mut self, policy: Option<EvictionPolicy>) {
        self.eviction_policy = policy;
    }

    /// The key on the server.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value of the optimistic document.
    pub fn value(&self) -> Option<&Node> {
        self.document.value()
    }

    /// The confirmed revision.
    pub fn revision(&self) -> Option<Revision> {
        self.confirmed.revision()
    }

    /// Whether it is known what the server has, or had at the confirmed revision.
    pub fn is_loaded(&self) -> bool {
        self.confirmed.is_known()
    }

    /// Whether it is known what the pending mutations are applied to: the confirmed document alone.
    pub fn has_known_base(&self) -> bool {
        self.is_loaded() && self.unplaced.is_none()
    }

    /// Whether the attribute does not exist, and one that is created `now` or later gets a revision above all that this one
    /// ever had. Nothing must be pending.
    pub fn is_forgettable(&self, now: Now) -> bool {
        self.confirmed.is_absent()
            && self.value().is_none()
            && self.document.read_error().is_none()
            && self.mutation_results.is_empty()
            && self.confirmed.highest() < Some(Revision(now.unix_ns))
    }

    /// Whether the stored text is known to be longer than may be read. A probe shows whether it still is.
    pub fn is_too_long(&self) -> bool {
        let max = document::max_stored_len(self.config.max_document_bytes);
        matches!(self.confirmed.layout(), Some(Layout::Foreign { len, .. }) if *len > max)
    }

    /// The number of the oldest mutation that is neither acknowledged nor given up.
    pub fn first_pending(&self) -> Option<MutationNumber> {
        self.pending.first_number()
    }

    /// The last mutation that the server is known to have applied.
    pub fn last_acknowledged(&self) -> MutationNumber {
        self.last_acknowledged
    }

    /// About the memory that the pending mutations take.
    pub fn pending_size(&self) -> ByteLen {
        self.pending.size()
    }

    /// The change that leads a host to the optimistic document, whatever the host has.
    pub fn whole_change(&self) -> Change {
        self.document.whole()
    }

    /// The guard of what is confirmed. None: unknown.
    pub fn confirmed_guard(&self) -> Option<Guard> {
        self.confirmed.layout().map(Layout::guard)
    }

    /// The bytes to probe: they show whether the server still has what is confirmed, or else the revision of what it has.
    pub fn probe_window(&self) -> ProbeWindow {
        self.confirmed.probe_window()
    }

    /// Whether a probe shows that the server still has what is confirmed.
    pub fn is_current(&self, probe: &ProbeResult) -> bool {
        self.confirmed.matches(probe)
    }

    /// The last acknowledged commit whose sequence the server must still have, unless it evicted the key or lost its data.
    pub fn acknowledged_sequence(&self, now: Now) -> Option<Sequence> {
        self.confirmed.acknowledged_sequence(self.config.dedup_key_seconds, now)
    }

    /// Whether the server must have a dedup key of this writer, unless it evicted the key or lost its data.
    pub fn must_have_dedup_key(&self, now: Now) -> bool {
        self.acknowledged_sequence(now).is_some()
    }

    /// The server does not have this writer's dedup key any more.
    pub fn forget_acknowledgement(&mut self) {
        self.open_journal_gap();
        self.journal_gap.is_reduced = true;
        self.confirmed.forget_acknowledgement();
    }

    /// The server does not have the last acknowledged commit in its dedup key: the next document that is read from it tells
    /// whether it lost something.
    pub fn suspect_loss(&mut self) {
        self.confirmed.suspect_loss();
    }

    /// Collect the results of mutations that are acknowledged or dropped.
    pub fn collect_results(&mut self) -> Vec<CompletedMutation> {
        self.mutation_results.collect()
    }

    /// Undoes the mutations of a group that cannot be made, all of which have numbers after `last`. The caller receives the
    /// error, so they have no results.
    pub fn withdraw_group(&mut self, group: GroupId, last: MutationNumber, error: &SyncError, now: Now) {
        self.abort(group, error, now);
        self.mutation_results.discard_after(last);
    }
}

/// Local mutations.
impl Replica {
    /// The effect of a mutation on the optimistic document, which must not make it longer than `max_len`.
    pub fn effect_of(&self, mutation: &Mutation, max_len: ByteLen) -> Result<Effect, SyncError> {
        self.document.effect_of(mutation, max_len, self.config.add)
    }

    /// Apply a local mutation, of a group or by itself. Returns the length of the document after it.
    pub fn mutate(
        &mut self,
        number: MutationNumber,
        mutation: Mutation,
        max_len: ByteLen,
        group: Option<GroupId>,
    ) -> Result<ByteLen, SyncError> {
        let Effect { edit, values } = self.effect_of(&mutation, max_len)?;
        let len_before = self.document.text_len();
        let undo = self.document.apply(&mutation, values);
        let open = self.pending.open_for(number, group, len_before, self.config.max_commit_size);
        open.push(number, mutation, edit, undo);
        Ok(self.document.text_len())
    }

    /// It is unknown what the server has, and most likely that is nothing: the reply to the first commit shows it.
    pub fn assume_absent(&mut self) {
        self.confirmed.set_layout(Layout::Absent);
    }
}
