//! The answers to groups.

use super::answers::{answer_error, names_log};
use super::fetch_state::FetchKind;
use super::group_table::Group;
use super::held_reads::ReadContent;
use super::ids::AttributeId;
use super::rebase_stale::writer_forgotten;
use super::{Event, Session};
use crate::document::Stored;
use crate::ids::{GroupId, RefreshId};
use crate::protocol::{Answer, DeltaDelivery, GroupOutcome, GuardResult, Turn};
use crate::replica::{Replica, UnansweredOutcome};
use crate::time::Now;

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
                        Some(sequence) => replica.mark_not_executed(sequence),
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
                replica.mark_not_executed(sequence);
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
            self.check_history(id, now);
        }
        self.report_acknowledged(id, sequence);
        self.fail_overtaken_groups(id, now);
    }
}
