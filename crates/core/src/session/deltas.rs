//! Announcements of the backend: keys that changed, and deltas of other writers.

use super::Session;
use super::attribute::UnappliedDelta;
use super::delta_inbox::DeltaGroupId;
use super::fetch_state::FetchKind;
use super::freshness::AwaitedDelta;
use super::ids::AttributeId;
use super::timers::Timer;
use crate::document::StoredTail;
use crate::ids::{RefreshId, Revision};
use crate::protocol::{
    Delta, DeltaDelivery, DeltaMessage, Invalidations, decode_delta_message, decode_unsigned_message,
};
use crate::replica::DeltaResult;
use crate::time::Now;

/// Longest time, in milliseconds, that a delta may arrive after an answer that shows its commit. A later delta is taken as lost.
pub(super) const DELTA_WAIT_MS: u64 = 200;
/// The delay before a key is probed whose invalidation a delta explains, in milliseconds.
const RECHECK_MS: u64 = 1_000;

/// The way in which a delta that has arrived is handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Admission {
    /// It is queued.
    Queue,
    /// It is dropped, because it is of a commit of this session.
    Ignored,
    /// The document is read.
    Read,
    /// The document is read at a bounded rate.
    Hint,
}

impl Session {
    /// Keys were changed by some process.
    pub(super) fn handle_invalidations(&mut self, keys: &[String], now: Now) {
        // Tracked keys, and those of a cluster, may be invalidated before the delta of the same commit arrives.
        let is_final = self.connection.invalidations != Invalidations::Tracked
            && self.connection.delta_delivery != DeltaDelivery::Unordered;
        for key in keys {
            let Some(id) = self.attributes.of_key(key) else { continue };
            let freshness = &mut self.attributes[id].freshness;
            if std::mem::take(&mut freshness.expects_invalidation) {
                // Most likely the invalidation is that of the delta. But a writer without deltas may have written, too.
                if !self.timers.contains(Timer::Recheck(id)) {
                    self.timers.add(now.monotonic.plus_ms(RECHECK_MS), Timer::Recheck(id));
                }
            } else {
                freshness.is_invalidated = is_final;
                self.request_fetch(id, FetchKind::Probe);
            }
        }
    }

    /// A message has arrived on the channel.
    pub(super) fn handle_message(&mut self, message: &[u8], now: Now) {
        let is_verified = self.secret.verifies(message);
        let decoded = if is_verified { decode_delta_message(message) } else { decode_unsigned_message(message) };
        // None: no delta message.
        let Some(decoded) = decoded else { return };
        if !is_verified && self.config.secret.is_some() {
            self.secret.request_again(now);
        }
        match decoded {
            DeltaMessage::Deltas(deltas) => self.handle_deltas(deltas, now),
            DeltaMessage::Changed(keys) => self.handle_hints(&keys, now),
            DeltaMessage::ChangedAll => self.handle_hint_about_all(now),
        }
    }

    /// Takes the deltas of one commit, or of several attributes that were committed together. Where one of them cannot be
    /// queued, none is: all of the attributes are read.
    pub(super) fn handle_deltas(&mut self, deltas: Vec<Delta>, now: Now) {
        let mut admitted = Vec::new();
        for delta in deltas {
            if delta.is_end_of_turn() {
                if let Some(id) = self.attributes.find_key(&delta.key) {
                    self.end_turn_of_other(id, now);
                    self.attributes.activate(id);
                }
                continue;
            }
            let Some(id) = self.attributes.of_key(&delta.key) else { continue };
            self.attributes.activate(id);
            match self.admit_delta(id, &delta) {
                Admission::Ignored => {}
                admission => admitted.push((id, delta, admission)),
            }
        }
        if admitted.iter().any(|(_, _, admission)| *admission != Admission::Queue) {
            let is_hint = admitted.iter().any(|(_, _, admission)| *admission == Admission::Hint);
            for (id, delta, admission) in admitted {
                self.read_unqueued(id, &delta, admission, is_hint, now);
            }
            return;
        }
        let group = self.inbox.next_group();
        let ids: Vec<AttributeId> = admitted.iter().map(|(id, ..)| *id).collect();
        for (id, delta, _) in admitted {
            self.inbox.add(id, delta, group);
        }
        self.inbox.bind(group, &ids);
        for id in ids {
            self.apply_deltas(id, now);
        }
    }

    /// Decides how a delta is handled, and notes that an invalidation of its key may follow.
    fn admit_delta(&mut self, id: AttributeId, delta: &Delta) -> Admission {
        if !delta.rises() || self.attributes[id].replica.may_be_undone_creation(delta) {
            return Admission::Hint;
        }
        let attribute = &mut self.attributes[id];
        attribute.freshness.expects_invalidation =
            matches!(self.connection.delta_delivery, DeltaDelivery::OutOfBand | DeltaDelivery::Unordered)
                && self.connection.invalidations != Invalidations::None;
        if delta.writer == self.config.writer && !attribute.replica.may_have_unplaced_appends() {
            // The deltas of this session's own commits say only where the server has put appends.
            return Admission::Ignored;
        }
        if !attribute.replica.is_loaded() || self.inbox.is_full(id) {
            return Admission::Read;
        }
        Admission::Queue
    }

    /// Reads the document of a delta that is not queued.
    fn read_unqueued(&mut self, id: AttributeId, delta: &Delta, admission: Admission, is_hint: bool, now: Now) {
        let attribute = &mut self.attributes[id];
        attribute.unapplied = Some(UnappliedDelta::new(delta));
        match admission {
            Admission::Hint => self.handle_hint(id, FetchKind::Tail, now),
            Admission::Read if !attribute.replica.is_loaded() => {
                attribute.replica.note_early_delta(delta);
                attribute.fetch.request(FetchKind::Probe);
            }
            Admission::Read => self.read_instead_of_deltas(id),
            _ if is_hint => self.handle_hint(id, FetchKind::Probe, now),
            _ => attribute.fetch.request(FetchKind::Probe),
        }
    }

    /// Applies the deltas of an attribute that can be applied now, each with those that were committed together with it.
    pub(super) fn apply_deltas(&mut self, id: AttributeId, now: Now) {
        while let Some(group) = self.applicable_group(id) {
            let Some(together) = self.inbox.attributes_of(group).map(<[_]>::to_vec) else {
                if !self.apply_first_deltas(id, now) {
                    self.apply_first_delta(id, now);
                }
                continue;
            };
            if !together.iter().all(|other| self.applicable_group(*other) == Some(group)) {
                // The event that makes the others applicable tries again.
                return;
            }
            if !self.fit_together(&together) {
                self.read_together(&together, now);
                return;
            }
            self.inbox.unbind(group);
            for one in &together {
                self.apply_first_delta(*one, now);
            }
            // Their next deltas may have waited for this.
            for other in together.into_iter().filter(|other| *other != id) {
                self.apply_deltas(other, now);
            }
        }
    }

    /// The group of the first delta of an attribute, if that can be applied as far as this attribute is concerned.
    fn applicable_group(&self, id: AttributeId) -> Option<DeltaGroupId> {
        let (delta, group) = self.inbox.first(id)?;
        let attribute = &self.attributes[id];
        let is_applicable = attribute.is_at_rest() || attribute.may_apply_remote_append(delta, &self.config.writer);
        (is_applicable && !self.is_read_jointly(id)).then_some(group)
    }

    /// Whether the first deltas of these attributes, which were committed together, are all included already, or can all be
    /// applied.
    fn fit_together(&self, ids: &[AttributeId]) -> bool {
        let first = |id: &AttributeId| self.inbox.first(*id).map(|(delta, _)| (&self.attributes[*id].replica, delta));
        let is_included = |id| first(id).is_some_and(|(replica, delta)| replica.includes(delta));
        let can_apply = |id| first(id).is_some_and(|(replica, delta)| replica.can_apply(delta));
        ids.iter().all(is_included) || ids.iter().all(can_apply)
    }

    /// Reads these attributes instead of applying their deltas.
    fn read_together(&mut self, ids: &[AttributeId], now: Now) {
        // Where there is no document, it may be an old message, published again by anybody.
        let is_hint = ids.iter().any(|id| self.attributes[*id].replica.revision().is_none());
        for &id in ids {
            for other in self.inbox.clear_attribute(id) {
                self.read_instead_of_deltas(other);
            }
            if is_hint {
                self.handle_hint(id, FetchKind::Tail, now);
            } else if let Some(domain) = self.mark_domain(id) {
                self.request_joint_read(domain, now);
            } else {
                self.request_fetch(id, FetchKind::Tail);
            }
        }
    }

    /// Applies the first deltas of an attribute at once. Returns false where they have to be applied one by one.
    fn apply_first_deltas(&mut self, id: AttributeId, now: Now) -> bool {
        let replica = &self.attributes[id].replica;
        let is_new = self.inbox.first(id).is_some_and(|(first, _)| !replica.includes(first));
        if !is_new || replica.can_apply_remote_append() {
            return false;
        }
        self.abort_strict_groups(id, now);
        let deltas = self.inbox.first_alone(id);
        let Some((count, mut rebased)) = self.attributes[id].replica.apply_deltas(&deltas, now) else { return false };
        let writer = deltas.first().map(|delta| &delta.writer);
        let is_only_writer = deltas.iter().take(count).all(|delta| Some(&delta.writer) == writer);
        rebased.writer = writer.filter(|_| is_only_writer).cloned();
        self.attributes.activate(id);
        self.report_rebased(id, rebased, now);
        for _ in 0..count {
            let Some(delta) = self.inbox.pop(id) else { break };
            self.check_awaited_delta(id, delta.revision, now);
            self.end_turn_of_other(id, now);
        }
        true
    }

    fn apply_first_delta(&mut self, id: AttributeId, now: Now) {
        // None where a message names an attribute twice, and its first delta has led to reading the document.
        let Some(delta) = self.inbox.pop(id) else { return };
        self.attributes.activate(id);
        if !self.attributes[id].replica.includes(&delta) {
            self.abort_strict_groups(id, now);
        }
        let replica = &mut self.attributes[id].replica;
        let followed = if replica.can_apply_remote_append() {
            replica.apply_remote_append(&delta)
        } else {
            replica.apply_delta(&delta, now)
        };
        match followed {
            DeltaResult::Applied(mut rebased) => {
                // An own delta shows where the server has put appends.
                rebased.writer = Some(delta.writer).filter(|writer| *writer != self.config.writer);
                self.report_rebased(id, rebased, now);
                self.check_awaited_delta(id, delta.revision, now);
                self.end_turn_of_other(id, now);
            }
            DeltaResult::Known => {}
            DeltaResult::Gap if self.attributes[id].replica.revision().is_none() => {
                // It may be an old message about a document that has been deleted, published again by anybody.
                for other in self.inbox.clear_attribute(id) {
                    self.read_instead_of_deltas(other);
                }
                self.handle_hint(id, FetchKind::Tail, now);
            }
            DeltaResult::Gap => {
                self.attributes[id].unapplied = Some(UnappliedDelta::new(&delta));
                self.read_instead_of_deltas(id);
            }
        }
    }

    /// Another writer has committed or ended its turn: the next commit of this session may be due.
    fn end_turn_of_other(&mut self, id: AttributeId, now: Now) {
        if let Some(until) = self.attributes[id].contention.note_commit_of_other(now) {
            self.timers.add(until, Timer::RetryCommit(id));
        }
    }

    /// Reads the document instead of applying the deltas, and those of the attributes that were changed together with it.
    fn read_instead_of_deltas(&mut self, id: AttributeId) {
        let mut ids = vec![id];
        while let Some(id) = ids.pop() {
            ids.extend(self.inbox.clear_attribute(id));
            self.request_fetch(id, FetchKind::Tail);
        }
    }
}

/// Awaited deltas.
impl Session {
    /// The delta that makes this revision is on its way, and says where the server has put appends. Nothing changes if
    /// another delta is awaited already.
    pub(super) fn await_delta(&mut self, id: AttributeId, revision: Option<Revision>, now: Now) {
        if let Some(revision) = revision
            && self.attributes[id].freshness.awaited_delta.is_none()
        {
            let deadline = now.monotonic.plus_ms(DELTA_WAIT_MS);
            self.set_awaited_delta(id, AwaitedDelta { revision, refresh: RefreshId::default(), deadline });
        }
    }

    /// A probe for this refresh has found a revision whose delta is on its way. That does not extend the wait for a delta
    /// that is awaited already.
    pub(super) fn await_probed_delta(&mut self, id: AttributeId, revision: Revision, refresh: RefreshId, now: Now) {
        let awaited = self.attributes[id].freshness.awaited_delta;
        let refresh = awaited.map_or(refresh, |delta| delta.refresh.max(refresh));
        let deadline = awaited.map_or(now.monotonic.plus_ms(DELTA_WAIT_MS), |delta| delta.deadline);
        self.set_awaited_delta(id, AwaitedDelta { revision, refresh, deadline });
    }

    fn set_awaited_delta(&mut self, id: AttributeId, delta: AwaitedDelta) {
        self.attributes[id].freshness.awaited_delta = Some(delta);
        self.timers.add(delta.deadline, Timer::Recheck(id));
    }

    /// A stale commit has shown the end of the stored text: the deltas of other writers, most of which have arrived already,
    /// lead there. Where they most likely do not, the document is loaded.
    pub(super) fn catch_up_with(&mut self, id: AttributeId, stored_end: &[u8], now: Now) {
        let revision = StoredTail::read(stored_end).map(|tail| tail.revision);
        let is_announced = self.connection.delta_delivery != DeltaDelivery::None;
        let attribute = &mut self.attributes[id];
        let freshness = &mut attribute.freshness;
        let may_follow = is_announced && freshness.is_verified && !freshness.is_invalidated;
        attribute.contention.is_behind = true;
        match revision.filter(|revision| may_follow && Some(*revision) > attribute.replica.revision()) {
            Some(revision) => self.await_probed_delta(id, revision, RefreshId::default(), now),
            None => attribute.fetch.request(FetchKind::Load),
        }
    }

    /// A delta that makes this revision has been applied: it may be the awaited one.
    fn check_awaited_delta(&mut self, id: AttributeId, revision: Revision, now: Now) {
        let attribute = &mut self.attributes[id];
        let awaited = &mut attribute.freshness.awaited_delta;
        let Some(delta) = awaited.take_if(|delta| delta.revision == revision) else { return };
        attribute.freshness.is_verified = true;
        attribute.contention.is_behind = false;
        attribute.freshness.serve(delta.refresh);
        let unplaced = attribute.replica.unplaced_revision();
        self.await_delta(id, unplaced, now);
    }
}
