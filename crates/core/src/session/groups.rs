//! Groups: mutations of several attributes that are committed together or not at all.

use super::answers::{answer_error, names_log, outcome_unknown};
use super::attribute_table::check_name;
use super::fetch_state::FetchKind;
use super::group_table::{FailedGroup, Group, GroupChecks};
use super::held_reads::ReadContent;
use super::ids::AttributeId;
use super::rebase_stale::writer_forgotten;
use super::request_table::Purpose;
use super::{Event, GroupMutations, Session};
use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{GroupId, MutationNumber, RefreshId};
use crate::journal::JournalledGroup;
use crate::protocol::{
    self, Answer, Command, DeltaDelivery, GroupOutcome, GuardResult, ReservationRequest, Turn, names_key,
};
use crate::replica::{Conflict, Replica, RolledBack, UnansweredOutcome};
use crate::time::Now;
use std::sync::Arc;

/// Making a group.
impl Session {
    /// Makes mutations that are committed together. Returns the length of the document that the last one changed. A group
    /// without mutations is committed by a check of what it reads.
    /// Errors: `ReservedName`, and those of the first mutation that cannot be made; then none is.
    pub fn mutate_group(&mut self, group: GroupMutations, now: Now) -> Result<ByteLen, SyncError> {
        let GroupMutations { id, strict, relies_on_names, reads, mutations } = group;
        // The set of names of a session that is restricted to some is fixed: it relies on the attributes alone.
        let relies_on_names = relies_on_names && self.config.names.is_none();
        if relies_on_names && !self.config.notes_names {
            return Err(names_in_several_slots());
        }
        let mut read_ids = Vec::new();
        for name in reads {
            check_name(&name)?;
            let read = self.attributes.find_or_add(&name);
            if !self.attributes[read].replica.is_loaded() {
                self.request_fetch(read, FetchKind::Load);
            }
            read_ids.push(read);
        }
        let before = self.issued.last_mutation();
        let first = if mutations.is_empty() { before } else { before.next() };
        let mut changes = Vec::new();
        let mut len = ByteLen(0);
        for (name, mutation) in mutations {
            let made = check_name(&name).and_then(|()| {
                let attribute = self.attributes.find_or_add(&name);
                if !changes.contains(&attribute) {
                    changes.push(attribute);
                }
                self.mutate_attribute(attribute, mutation, Some(JournalledGroup { id: id.0, is_strict: strict }))
            });
            match made {
                Ok(changed_len) => len = changed_len,
                Err(error) => {
                    for attribute in changes {
                        self.attributes[attribute].replica.abort(id, &error, now);
                    }
                    self.issued.set_last_mutation(before);
                    return Err(error);
                }
            }
        }
        let names = if relies_on_names { self.name_set.known().cloned() } else { None };
        if changes.is_empty() && read_ids.is_empty() && !relies_on_names {
            self.events.push(Event::GroupCommitted(id));
            return Ok(len);
        }
        for read in &read_ids {
            self.attributes.activate(*read);
        }
        let is_strict = strict;
        let group = Group {
            is_strict,
            reads: read_ids,
            names,
            changes,
            first,
            first_checks: None,
            is_in_flight: false,
            sent: Vec::new(),
        };
        let is_unknown = relies_on_names && group.names.is_none();
        self.groups.insert(id, group);
        if is_unknown {
            // It has enumerated a set that nothing proves complete.
            let refresh = self.begin_refresh(None);
            self.fail_strict_group(id, refresh, now);
        }
        Ok(len)
    }
}

/// Sending a group.
impl Session {
    /// Sends the groups of an attribute that can go now: those that come next in every attribute that they change.
    pub(super) fn send_groups(&mut self, id: AttributeId, now: Now) {
        let mut at = 0;
        while let Some(&group) = self.groups.of_attribute(id).get(at) {
            if let Some(checks) = self.group_checks(group) {
                self.send_group(group, checks, now);
            }
            let Some(Group { changes, .. }) = self.groups.get(group) else {
                // Nothing was left to do, and the group has been removed.
                continue;
            };
            if changes.contains(&id) && self.attributes[id].replica.is_in_group(group) {
                // Later groups of the attribute are behind it.
                return;
            }
            at += 1;
        }
    }

    /// Sends the groups that rely on the set of names alone.
    pub(super) fn send_groups_without_attributes(&mut self, now: Now) {
        for id in self.groups.without_attributes().to_vec() {
            if let Some(checks) = self.group_checks(id) {
                self.send_group(id, checks, now);
            }
        }
    }

    /// The checks of what a group reads. None while it cannot go.
    fn group_checks(&self, id: GroupId) -> Option<GroupChecks> {
        let group = self.groups.get(id).filter(|group| !group.is_in_flight)?;
        let is_next = |changed: &AttributeId| {
            let attribute = &self.attributes[*changed];
            !attribute.replica.is_in_group(id)
                || (!self.is_read_jointly(*changed)
                    && !attribute.retry.is_waiting()
                    && attribute.may_commit()
                    && attribute.replica.is_group_next(id))
        };
        if !group.changes.iter().all(is_next) {
            return None;
        }
        let is_waiting = |read: &AttributeId| {
            let attribute = &self.attributes[*read];
            attribute.retry.is_waiting() || attribute.contention.is_waiting()
        };
        if group.reads.iter().any(is_waiting) {
            return None;
        }
        if let Some(checks) = &group.first_checks {
            return Some(checks.clone());
        }
        let mut documents = Vec::new();
        for read in &group.reads {
            let replica = &self.attributes[*read].replica;
            documents.push((replica.key().to_owned(), replica.guard_before(group.first)?));
        }
        let names = group.names.as_ref().map(|log| (names_key(&self.config.prefix), log.guard()));
        Some(GroupChecks { documents, names })
    }

    fn send_group(&mut self, id: GroupId, checks: GroupChecks, now: Now) {
        let reservation = self.group_reservation(id);
        let Some(group) = self.groups.get_mut(id) else { return };
        let (changes, mut commits) = (group.changes.clone(), Vec::new());
        let first_new = self.issued.next_sequence();
        group.sent.clear();
        for &changed in &group.changes {
            let replica = &mut self.attributes[changed].replica;
            if !replica.is_in_group(id) {
                // Other writers have done all of it already.
                continue;
            }
            let sequence = self.issued.next_sequence();
            let Some(commit) = replica.send_group(now, || sequence) else { continue };
            self.issued.use_sequence(commit.sequence);
            group.sent.push(changed);
            commits.push(commit);
        }
        if commits.is_empty() && (checks.is_empty() || !group.is_strict) {
            self.groups.remove(id);
            self.events.push(Event::GroupCommitted(id));
            return;
        }
        let sealed = group.sent.iter().copied().zip(&commits).filter(|(_, commit)| commit.sequence >= first_new);
        let sealed: Vec<_> = sealed.map(|(changed, commit)| (changed, Arc::clone(commit))).collect();
        group.sent.extend(&group.reads);
        group.is_in_flight = true;
        group.first_checks.get_or_insert_with(|| checks.clone());
        for (changed, commit) in sealed {
            self.journal_seal(changed, &commit);
        }
        let len = ByteLen(commits.iter().map(|commit| commit.plan.command_len().0).sum());
        let GroupChecks { documents: checks, names } = checks;
        let writer = self.config.writer.clone();
        let is_announced = self.config.publishes_deltas;
        let mark_key = self.attributes.shared_mark_key(commits.len(), &changes);
        let group = protocol::Group { commits, checks, names, is_announced, writer, reservation, mark_key };
        self.send(Purpose::Group(id), Command::Group(Arc::new(group), self.secret.known().cloned()), len, now);
    }

    /// The request of a group: the writer reserves the next commits where it has lost often races for one of the attributes.
    fn group_reservation(&self, id: GroupId) -> ReservationRequest {
        let attributes = self.groups.get(id).into_iter().flat_map(Group::attributes);
        let (delivery, round_trip_ms) = (self.connection.delta_delivery, self.requests.round_trip_ms());
        let terms = attributes.map(|id| self.attributes[id].contention.terms(delivery, round_trip_ms));
        terms
            .map(|terms| terms.reservation)
            .max_by_key(|request| request.if_stale())
            .unwrap_or(ReservationRequest::None)
    }
}

/// The answer to a group.
impl Session {
    pub(super) fn handle_group_outcome(&mut self, id: GroupId, answer: Answer, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        group.is_in_flight = false;
        let sent = std::mem::take(&mut group.sent);
        for &attribute in &sent {
            self.attributes.activate(attribute);
        }
        match answer {
            Answer::Grouped(GroupOutcome::Stale(results)) => self.handle_stale_group(id, &sent, results, now),
            Answer::Grouped(GroupOutcome::Reserved(turns)) => self.handle_reserved_group(id, &sent, &turns, now),
            Answer::Grouped(outcome) => {
                self.handle_committed_group(id, &sent, outcome == GroupOutcome::Duplicate, now);
            }
            Answer::Busy(_) | Answer::ReplyLost(_) if sent.is_empty() => {
                let refresh = self.begin_refresh(None);
                self.fail_strict_group(id, refresh, now);
            }
            Answer::Busy(ref error) | Answer::ReplyLost(ref error) => {
                let is_reply_lost = matches!(answer, Answer::ReplyLost(_));
                for &attribute in &sent {
                    let replica = &mut self.attributes[attribute].replica;
                    match replica.group_sequence(id) {
                        Some(_) if is_reply_lost => replica.mark_replies_lost(),
                        Some(sequence) => replica.mark_refused_from(sequence),
                        None => {}
                    }
                    self.back_off(attribute, error.clone(), now);
                }
            }
            other => self.abort_group(id, answer_error(other), now),
        }
        for attribute in sent {
            self.apply_deltas(attribute, now);
        }
    }

    /// Other writers have reserved the next commit of one of the documents, or of several.
    fn handle_reserved_group(&mut self, id: GroupId, sent: &[AttributeId], turns: &[Turn], now: Now) {
        for (&attribute, turn) in sent.iter().zip(turns) {
            let replica = &mut self.attributes[attribute].replica;
            if let Some(sequence) = replica.group_sequence(id) {
                replica.mark_refused_from(sequence);
            }
            self.attributes[attribute].retry.succeed();
            if turn.writers_ahead > 0 {
                self.wait_for_turn(attribute, *turn, now);
            }
        }
    }

    fn handle_stale_group(&mut self, id: GroupId, sent: &[AttributeId], results: Vec<GuardResult>, now: Now) {
        let outcome = self.stale_group_outcome(id, sent, &results, now);
        if matches!(outcome, UnansweredOutcome::Applied(_)) {
            self.handle_committed_group(id, sent, true, now);
            return;
        }
        let is_unknown = outcome == UnansweredOutcome::Unknown;
        for &attribute in sent {
            let replica = &mut self.attributes[attribute].replica;
            if replica.is_in_group(id) {
                // A late copy is not applied either: its guards match no document any more.
                replica.mark_not_applied(now);
            }
        }
        for (&attribute, result) in sent.iter().zip(&results) {
            if result.stored.is_some() {
                self.back_off_from_writers(attribute, now);
            }
        }
        if self.groups.get(id).is_some_and(|group| group.is_strict) {
            if is_unknown {
                self.abort_group(id, writer_forgotten(), now);
                for &attribute in sent {
                    self.request_fetch(attribute, FetchKind::Probe);
                }
            } else {
                self.handle_stale_strict_group(id, sent, results, now);
            }
            return;
        }
        if is_unknown {
            self.abort_group(id, writer_forgotten(), now);
        }
        for (&attribute, GuardResult { stored, dedup_key_present }) in sent.iter().zip(results) {
            let Some(stored) = stored else { continue };
            if self.attributes[attribute].replica.has_unanswered() {
                // Nothing may be placed below commits that the server may have applied.
                self.request_fetch(attribute, FetchKind::Load);
            } else {
                let content = ReadContent::Stale { stored, dedup_key_present };
                self.take_read(attribute, content, RefreshId::default(), now);
            }
        }
    }

    fn handle_stale_strict_group(
        &mut self,
        id: GroupId,
        sent: &[AttributeId],
        mut results: Vec<GuardResult>,
        now: Now,
    ) {
        // The log of names was checked last.
        let log = results.drain(sent.len().min(results.len())..).next().and_then(|result| result.stored);
        let is_stale = |(attribute, result): (&AttributeId, GuardResult)| result.stored.map(|_| *attribute);
        let mut stale: Vec<AttributeId> = sent.iter().zip(results).filter_map(is_stale).collect();
        // Where deltas arrive, that of the other writer's commit is on its way. It may change several attributes, and it
        // changes all of them together.
        let has_deltas = self.connection.delta_delivery != DeltaDelivery::None;
        for attribute in &stale {
            self.request_fetch(*attribute, if has_deltas { FetchKind::Probe } else { FetchKind::Load });
        }
        let Some(log) = log.map(names_log) else {
            let refresh = self.refreshes.begin(stale, false);
            return self.fail_strict_group(id, refresh, now);
        };
        let Some(keys) = self.name_set.known().and_then(|known| log.keys_since(known)) else {
            // Nothing tells which names are new.
            let refresh = self.begin_refresh(None);
            return self.fail_strict_group(id, refresh, now);
        };
        for key in keys {
            if let Some(attribute) = self.attributes.of_key(&key) {
                self.request_fetch(attribute, FetchKind::Probe);
                stale.push(attribute);
            }
        }
        let refresh = self.refreshes.begin(stale, false);
        self.name_set.set_later(log, refresh);
        self.fail_strict_group(id, refresh, now);
    }

    /// Rolls a strict group back at once, and reports that when it can be tried again: a refresh of what it relied on is
    /// complete, and no other writer has the turn.
    fn fail_strict_group(&mut self, id: GroupId, refresh: RefreshId, now: Now) {
        self.fail_group(id, Some(refresh), now);
    }

    fn fail_group(&mut self, id: GroupId, refresh: Option<RefreshId>, now: Now) {
        let error = transaction_conflict();
        let attributes = self.groups.get(id).into_iter().flat_map(Group::attributes).collect();
        self.roll_back_group(id, &error, now);
        self.groups.add_failed(FailedGroup { id, error, refresh, attributes });
    }

    /// Reports the failed groups that can be tried again.
    pub(super) fn report_failed_groups(&mut self) {
        let attributes = &self.attributes;
        let is_waiting = |id: AttributeId| attributes[id].contention.is_waiting_for_turn();
        for FailedGroup { id, error, .. } in self.groups.take_failed(is_waiting) {
            self.events.push(Event::GroupAborted { id, error });
        }
    }

    /// A group has been committed that relied on the set of names: its own creations and deletions are known, too.
    fn advance_names(&mut self, id: GroupId) {
        let Some(Group { names: Some(before), changes, .. }) = self.groups.get(id) else { return };
        let mut after = before.clone();
        for changed in changes {
            let replica = &self.attributes[*changed].replica;
            if let Some(sequence) = replica.noted_sequence(id) {
                after.note(&self.config.writer, sequence, replica.key());
            }
        }
        self.name_set.advance(before, after);
    }

    /// The outcome of a group that the server has found stale.
    fn stale_group_outcome(
        &self,
        id: GroupId,
        sent: &[AttributeId],
        results: &[GuardResult],
        now: Now,
    ) -> UnansweredOutcome {
        let changed = || {
            let all = sent.iter().map(|attribute| &self.attributes[*attribute].replica).zip(results);
            all.filter(|(replica, _)| replica.is_in_group(id))
        };
        if !changed().any(|(replica, _)| replica.has_group_lost_reply(id)) {
            return UnansweredOutcome::NotApplied;
        }
        // A group is applied to all of its documents or to none.
        if changed().any(|(_, result)| result.dedup_key_present || result.stored.is_none()) {
            return UnansweredOutcome::NotApplied;
        }
        let is_applied = |(replica, result): (&Replica, &GuardResult)| {
            let stored = result.stored.as_ref();
            stored.is_some_and(|stored| replica.is_result_of_group(id, stored)).then(|| replica.group_sequence(id))?
        };
        if let Some(sequence) = changed().find_map(is_applied) {
            return UnansweredOutcome::Applied(sequence);
        }
        // The server never had one of the keys, or it has lost all of its data.
        let is_lost = |result: &GuardResult| result.stored == Some(Stored::Absent);
        let is_memory_lost = changed().all(|(replica, result)| is_lost(result) && replica.must_have_dedup_key(now));
        if is_memory_lost || changed().any(|(replica, _)| replica.had_no_dedup_key(now)) {
            return UnansweredOutcome::NotApplied;
        }
        UnansweredOutcome::Unknown
    }

    fn handle_committed_group(&mut self, id: GroupId, sent: &[AttributeId], is_duplicate: bool, now: Now) {
        if !is_duplicate {
            self.advance_names(id);
        }
        for &attribute in sent {
            self.attributes[attribute].contention.win();
            self.acknowledge_group_part(attribute, id, is_duplicate, now);
        }
        self.groups.remove(id);
        self.events.push(Event::GroupCommitted(id));
    }

    fn acknowledge_group_part(&mut self, id: AttributeId, group: GroupId, is_duplicate: bool, now: Now) {
        let attribute = &mut self.attributes[id];
        let Some(sequence) = attribute.replica.group_sequence(group) else { return };
        attribute.retry.succeed();
        if is_duplicate {
            // Other writers may have committed since.
            attribute.fetch.request(FetchKind::Probe);
            attribute.replica.acknowledge_duplicate(sequence, now);
        } else {
            attribute.replica.acknowledge(sequence, now);
            attribute.freshness.is_verified |= attribute.replica.has_known_base();
        }
        self.report_acknowledged(id);
        self.fail_overtaken_groups(id, now);
    }
}

/// Aborting a group.
impl Session {
    /// Rolls all mutations of a group back, and reports that.
    pub(super) fn abort_group(&mut self, id: GroupId, error: SyncError, now: Now) {
        if self.roll_back_group(id, &error, now) {
            self.events.push(Event::GroupAborted { id, error });
        }
    }

    /// Returns false where the group is not pending any more.
    fn roll_back_group(&mut self, id: GroupId, error: &SyncError, now: Now) -> bool {
        let Some(group) = self.groups.remove(id) else { return false };
        self.requests.discard(|purpose| *purpose == Purpose::Group(id));
        for &changed in &group.changes {
            let attribute = &mut self.attributes[changed];
            let Some(rolled_back) = attribute.replica.abort(id, error, now) else { continue };
            let RolledBack { first, mutations, mut rebased } = rolled_back;
            if !group.is_strict && error.code == ErrorCode::Conflict {
                let conflict = |mutation| Conflict { mutation, error: error.clone() };
                rebased.dropped.conflicts.extend(mutations.into_iter().map(conflict));
            } else if !group.is_strict {
                self.report_rejected(changed, error.clone(), first);
            }
            self.attributes.activate(changed);
            self.report_rebased(changed, rebased, now);
        }
        for changed in group.changes {
            self.abort_strict_groups_since(changed, group.first, now);
        }
        true
    }

    /// Aborts the strict groups of an attribute that something else is about to change. One that was sent and not answered
    /// stays: its answer decides.
    pub(super) fn abort_strict_groups(&mut self, attribute: AttributeId, now: Now) {
        self.abort_strict_groups_since(attribute, MutationNumber::default(), now);
    }

    /// The same for the groups that were made after the mutation `first`.
    fn abort_strict_groups_since(&mut self, attribute: AttributeId, first: MutationNumber, now: Now) {
        let is_aborted = |id: &GroupId| {
            self.groups.get(*id).is_some_and(|group| {
                let is_unanswered = |of: &AttributeId| self.attributes[*of].replica.is_group_unanswered(*id);
                let is_sent = group.is_in_flight || group.changes.iter().any(is_unanswered);
                group.is_strict && group.first >= first && !is_sent
            })
        };
        let groups = self.groups.of_attribute(attribute).iter().copied();
        for id in groups.filter(is_aborted).collect::<Vec<_>>() {
            self.fail_group(id, None, now);
        }
    }

    /// Aborts the strict groups that have read an attribute, were not sent yet, and are overtaken: a mutation that was made after
    /// them is committed. What they have read of the attribute is over, and what they wait for is still to come.
    pub(super) fn fail_overtaken_groups(&mut self, attribute: AttributeId, now: Now) {
        let last = self.attributes[attribute].replica.last_acknowledged();
        let is_overtaken = |id: &GroupId| {
            self.groups.get(*id).is_some_and(|group| {
                group.is_strict
                    && group.first_checks.is_none()
                    && group.first < last
                    && group.reads.contains(&attribute)
            })
        };
        for id in self.groups.of_attribute(attribute).iter().copied().filter(is_overtaken).collect::<Vec<_>>() {
            self.fail_group(id, None, now);
        }
    }

    /// Aborts all groups of an attribute that cannot be read any more.
    pub(super) fn abort_all_groups(&mut self, attribute: AttributeId, error: &SyncError, now: Now) {
        for id in self.groups.of_attribute(attribute).to_vec() {
            self.abort_group(id, error.clone(), now);
        }
    }

    /// Aborts a group that was sent and not answered, so long ago that the server may have forgotten whether it applied it.
    pub(super) fn give_up_group(&mut self, id: GroupId, now: Now) {
        for attribute in self.groups.get(id).map(|group| group.changes.as_slice()).unwrap_or_default() {
            self.attributes[*attribute].fetch.request(FetchKind::Load);
        }
        self.abort_group(id, outcome_unknown(), now);
        self.report_failed_groups();
        self.report_settled();
    }
}

fn names_in_several_slots() -> SyncError {
    SyncError::new(
        ErrorCode::CrossSlot,
        "the transaction enumerated the attributes, which are in different slots of the cluster; read attributes by name, \
         list them in the option names, or use a prefix with a hash tag such as {app}:",
    )
}

fn transaction_conflict() -> SyncError {
    SyncError::new(ErrorCode::Conflict, "another writer changed what the transaction had read before it was committed")
}
