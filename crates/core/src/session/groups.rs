//! Groups: mutations of several attributes that are committed together or not at all.

use super::attribute::Want;
use super::attributes::Id;
use super::handle::refusal;
use super::{Event, Now, Purpose, Session, Timer, check_name};
use crate::command::{self, Answer, Command, Commits, Found, GroupOutcome};
use crate::document::{Guard, Stored};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Sequence;
use crate::mutation::Mutation;
use crate::wire::Entry;
use std::sync::Arc;

/// What was committed before an answer is told within this many milliseconds, or never.
pub(super) const TOLD_WITHIN_MS: u64 = 200;

/// Mutations to be committed together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupOf {
    /// Not used before in this session.
    pub id: u64,
    /// Anything that changes an attribute which it changes or relies on ends it. Otherwise its mutations merge with those
    /// of others like all mutations do.
    pub strict: bool,
    /// Attributes that it relies on and does not change.
    pub reads: Vec<String>,
    /// Names and mutations.
    pub mutations: Vec<(String, Mutation)>,
}

/// A group that is pending.
#[derive(Debug)]
pub(super) struct Group {
    strict: bool,
    reads: Vec<Id>,
    /// The attributes that it changes.
    changes: Vec<Id>,
    /// The number of its first mutation.
    first: u64,
    /// What the request on its way is about: the attributes that it changes, and those that it relies on.
    sent: Vec<Id>,
}

impl Group {
    fn attributes(&self) -> impl Iterator<Item = Id> {
        self.changes.iter().chain(&self.reads).copied()
    }
}

impl Session {
    /// Apply what a batch holds, for a host that has applied it already. Errors: as of `mutate_group`, and of names; what
    /// `mutate` refuses is reported as [`Event::Rejected`], and what the attribute has in its stead.
    pub fn submit(&mut self, entry: Entry, now: Now) -> Result<(), SyncError> {
        match entry {
            Entry::Group(group) => self.mutate_group(group, now).map(drop),
            Entry::Mutation(name, mutation) => {
                check_name(&name)?;
                let id = self.attribute(&name);
                if let Err(error) = self.mutate_in(id, mutation, None) {
                    self.refuse(id, error);
                }
                Ok(())
            }
        }
    }

    /// The host has made a mutation that cannot be applied: it is told what the attribute has. What it makes until then is
    /// made on something else, and refused, too.
    fn refuse(&mut self, id: Id, error: SyncError) {
        self.last_mutation += 1;
        if !self.refused.iter().any(|(refused, _)| *refused == id) {
            self.report_rejected(id, error.clone(), self.last_mutation);
            self.report_change(id, self.attributes[id].replica.as_loaded());
            self.refused.push((id, error));
        }
        self.report_settled();
    }

    /// Apply local mutations, to be committed together. Gives the length in bytes of the document that the last one
    /// changed. Where one cannot be applied, none is.
    pub fn mutate_group(&mut self, group: GroupOf, now: Now) -> Result<usize, SyncError> {
        let GroupOf { id, strict, reads, mutations } = group;
        let mut relied_on = Vec::new();
        for name in reads {
            check_name(&name)?;
            let read = self.attribute(&name);
            if !self.attributes[read].replica.is_loaded() {
                self.attributes[read].ask(Want::Load);
                self.attributes.activate(read);
            }
            relied_on.push(read);
        }
        let before = self.last_mutation;
        let mut changes = Vec::new();
        let mut len = 0;
        for (name, mutation) in mutations {
            let made = check_name(&name).and_then(|()| {
                let attribute = self.attribute(&name);
                if !changes.contains(&attribute) {
                    changes.push(attribute);
                }
                self.mutate_in(attribute, mutation, Some(id))
            });
            match made {
                Ok(bytes) => len = bytes,
                Err(error) => {
                    for attribute in changes {
                        self.attributes[attribute].replica.abort(id, &error, now);
                    }
                    self.last_mutation = before;
                    return Err(error);
                }
            }
        }
        let group = Group { strict, reads: relied_on, changes, first: before + 1, sent: Vec::new() };
        for attribute in group.attributes() {
            self.attributes[attribute].groups.push(id);
        }
        self.groups.insert(id, group);
        Ok(len)
    }

    /// Send those of the groups about an attribute whose turn it is in all their attributes.
    pub(super) fn send_groups(&mut self, id: Id, now: Now) {
        let mut at = 0;
        while let Some(&group) = self.attributes[id].groups.get(at) {
            if let Some(checks) = self.checks_of(group) {
                self.send_group(group, checks, now);
            }
            let Some(Group { changes, .. }) = self.groups.get(group) else {
                // There was nothing left to do.
                continue;
            };
            if changes.contains(&id) && self.attributes[id].replica.is_in_group(group) {
                // Those behind it wait for it.
                return;
            }
            at += 1;
        }
    }

    /// It is not pending any more.
    fn end_group(&mut self, id: u64) -> Option<Group> {
        let group = self.groups.remove(id)?;
        for attribute in group.attributes() {
            self.attributes[attribute].groups.retain(|of| *of != id);
        }
        Some(group)
    }

    /// What must be stored in the attributes that the group relies on. None where it is not its turn.
    fn checks_of(&self, id: u64) -> Option<Vec<(String, Guard)>> {
        let group = self.groups.get(id)?;
        let is_next = |changed: &Id| {
            let attribute = &self.attributes[*changed];
            !attribute.replica.is_in_group(id)
                || (!attribute.waits && attribute.may_commit() && attribute.replica.is_group_next(id))
        };
        if !group.changes.iter().all(is_next) {
            return None;
        }
        let mut checks = Vec::new();
        for read in &group.reads {
            let attribute = &self.attributes[*read];
            let guard = attribute.replica.guard_before(group.first).filter(|_| !attribute.waits)?;
            checks.push((attribute.replica.key().to_owned(), guard));
        }
        Some(checks)
    }

    fn send_group(&mut self, id: u64, checks: Vec<(String, Guard)>, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let mut commits = Vec::new();
        group.sent.clear();
        for &changed in &group.changes {
            let attribute = &mut self.attributes[changed];
            if !attribute.replica.is_in_group(id) {
                // Others did all of it already.
                continue;
            }
            let sequence = Sequence(self.last_sequence + 1);
            let Some(commit) = attribute.replica.send_group(now, || sequence) else { continue };
            self.last_sequence = self.last_sequence.max(commit.sequence.0);
            group.sent.push(changed);
            commits.push(commit);
        }
        if commits.is_empty() {
            self.end_group(id);
            self.events.push_back(Event::GroupCommitted(id));
            return;
        }
        group.sent.extend(&group.reads);
        let bytes = commits.iter().map(|commit| commit.plan.bytes()).sum();
        self.send(Purpose::Group(id), Command::Group(Arc::new(command::Group { commits, checks })), bytes, now);
    }

    pub(super) fn take_group_outcome(&mut self, id: u64, answer: Answer, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let sent = std::mem::take(&mut group.sent);
        let strict = group.strict;
        for &attribute in &sent {
            self.attributes.activate(attribute);
        }
        match answer {
            Answer::Grouped(GroupOutcome::Stale(found)) => {
                for &attribute in &sent {
                    let replica = &mut self.attributes[attribute].replica;
                    if let Some(sequence) = replica.group_sequence(id) {
                        replica.unsend(sequence);
                    }
                }
                if strict {
                    self.abort_group(id, conflict(), now);
                }
                for (&attribute, found) in sent.iter().zip(found) {
                    if strict && self.hears.0 != Commits::Unheard && found.stored.is_some() {
                        // What others committed over several attributes is told in one piece. To read some of them now
                        // would tear it apart.
                        self.timers.add(now.monotonic_ms + TOLD_WITHIN_MS, Timer::Glance(attribute));
                    } else {
                        self.take_found(attribute, found, now);
                    }
                }
            }
            Answer::Grouped(outcome) => {
                let is_duplicate = outcome == GroupOutcome::Duplicate;
                for &attribute in &sent {
                    self.acknowledge_part(attribute, id, is_duplicate, now);
                }
                self.end_group(id);
                self.events.push_back(Event::GroupCommitted(id));
            }
            Answer::Busy(error) => {
                for &attribute in &sent {
                    let replica = &mut self.attributes[attribute].replica;
                    if replica.is_in_group(id) {
                        replica.unsend_all();
                    }
                    self.wait(attribute, error.clone(), now);
                }
            }
            other => self.abort_group(id, refusal(other), now),
        }
        for attribute in sent {
            self.follow(attribute, now);
        }
    }

    fn acknowledge_part(&mut self, id: Id, group: u64, is_duplicate: bool, now: Now) {
        let attribute = &mut self.attributes[id];
        let Some(sequence) = attribute.replica.group_sequence(group) else { return };
        attribute.attempts = 0;
        if is_duplicate {
            // More may have been applied since.
            attribute.ask(Want::Probe);
            attribute.replica.applied_before(sequence, now);
        } else {
            attribute.replica.applied(sequence, now);
            attribute.known_here |= attribute.replica.is_in_step();
        }
        self.report_acknowledged(id);
    }

    /// What is stored where the group expected something else.
    fn take_found(&mut self, id: Id, Found { stored, remembers }: Found, now: Now) {
        let Some(stored) = stored else { return };
        let attribute = &mut self.attributes[id];
        attribute.attempts = 0;
        attribute.known_here = true;
        let is_lost = stored == Stored::Absent
            && !remembers
            && attribute.replica.first_pending().is_some()
            && attribute.replica.must_be_remembered(now);
        if is_lost {
            let rebased = attribute.replica.recreate(now);
            self.report_rebased(id, rebased, now);
        } else {
            self.rebase(id, &stored, now);
        }
    }

    /// Take all mutations of a group back.
    pub(super) fn abort_group(&mut self, id: u64, error: SyncError, now: Now) {
        let Some(group) = self.end_group(id) else { return };
        self.forget_answers(|purpose| matches!(purpose, Purpose::Group(of) if *of == id));
        for &changed in &group.changes {
            let attribute = &mut self.attributes[changed];
            let Some((first, mutations, mut rebased)) = attribute.replica.abort(id, &error, now) else { continue };
            if !group.strict && error.code == ErrorCode::Conflict {
                rebased.conflicts.extend(mutations.into_iter().map(|mutation| (mutation, error.clone())));
            } else if !group.strict {
                self.report_rejected(changed, error.clone(), first);
            }
            self.attributes.activate(changed);
            self.report_rebased(changed, rebased, now);
        }
        self.events.push_back(Event::GroupAborted { id, error });
        for changed in group.changes {
            self.abort_strict_from(changed, group.first, now);
        }
    }

    /// An attribute is about to change by something else: transactions that saw it as it is begin anew.
    pub(super) fn abort_strict(&mut self, attribute: Id, now: Now) {
        self.abort_strict_from(attribute, 0, now);
    }

    /// The same for those that were made after mutation `first`.
    fn abort_strict_from(&mut self, attribute: Id, first: u64, now: Now) {
        let is_concerned = |id: &u64| {
            self.groups.get(*id).is_some_and(|group| {
                group.strict
                    && group.first >= first
                    // What came of one that was sent, its answer tells.
                    && !group.changes.iter().any(|of| self.attributes[*of].replica.is_group_unanswered(*id))
            })
        };
        let ids: Vec<u64> = self.attributes[attribute].groups.iter().copied().filter(is_concerned).collect();
        for id in ids {
            self.abort_group(id, conflict(), now);
        }
    }

    /// An attribute cannot be used any more.
    pub(super) fn abort_all(&mut self, attribute: Id, error: &SyncError, now: Now) {
        for id in self.attributes[attribute].groups.clone() {
            self.abort_group(id, error.clone(), now);
        }
    }

    /// A group went out, its answer never came, and the server may not know any more.
    pub(super) fn give_up_group(&mut self, id: u64, now: Now) {
        for attribute in self.groups.get(id).map(|group| group.changes.as_slice()).unwrap_or_default() {
            self.attributes[*attribute].ask(Want::Load);
        }
        self.abort_group(id, super::handle::outcome_unknown(), now);
        self.report_settled();
    }
}

fn conflict() -> SyncError {
    SyncError::new(ErrorCode::Conflict, "what the transaction saw was changed by somebody else before it was committed")
}
