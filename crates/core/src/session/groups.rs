//! Groups: mutations of several attributes that are committed together or not at all. Making a group, and aborting it.

use super::answers::outcome_unknown;
use super::attribute_table::check_name;
use super::fetch_state::FetchKind;
use super::group_table::{FailedGroup, Group};
use super::ids::AttributeId;
use super::request_table::Purpose;
use super::{Event, GroupMutations, Session};
use crate::byte_len::ByteLen;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{GroupId, MutationNumber, RefreshId};
use crate::journal::JournalledGroup;
use crate::replica::{Conflict, RolledBack};
use crate::time::Now;

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
                        self.attributes[attribute].replica.withdraw_group(id, before, &error, now);
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

/// Aborting a group.
impl Session {
    /// Rolls a strict group back at once, and reports that when it can be tried again: a refresh of what it relied on is
    /// complete, and no other writer has the turn.
    pub(super) fn fail_strict_group(&mut self, id: GroupId, refresh: RefreshId, now: Now) {
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
