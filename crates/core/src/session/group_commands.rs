//! Sending groups.

use super::group_table::{Group, GroupChecks};
use super::ids::AttributeId;
use super::request_table::Purpose;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::ids::GroupId;
use crate::protocol::{self, Command, ReservationRequest, names_key};
use crate::time::Now;
use std::sync::Arc;

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
            self.attributes[changed].attempts.count(commit.sequence);
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
