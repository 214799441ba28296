//! Groups: mutations of several attributes that are committed together or not at all.

use super::handle::refusal;
use super::{Event, Now, Purpose, Session, check_name};
use crate::command::{self, Answer, Command, Commits, Found, GroupOutcome};
use crate::document::{Guard, Node, Stored};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Sequence;
use crate::mutation::Mutation;
use crate::wire::Entry;
use std::collections::BTreeSet;
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
    reads: Vec<String>,
    /// The attributes that it changes.
    names: Vec<String>,
    /// The number of its first mutation.
    first: u64,
    /// What the request on its way is about: the attributes that it changes, and those that it relies on.
    sent: Vec<String>,
}

impl Session {
    /// Apply what a batch holds: see `mutate` and `mutate_group`.
    pub fn submit(&mut self, entry: Entry, now: Now) -> Result<usize, SyncError> {
        match entry {
            Entry::Mutation(name, mutation) => self.mutate(&name, mutation),
            Entry::Group(group) => self.mutate_group(group, now),
        }
    }

    /// Apply local mutations, to be committed together. Gives the length in bytes of the document that the last one
    /// changed. Where one cannot be applied, none is.
    pub fn mutate_group(&mut self, group: GroupOf, now: Now) -> Result<usize, SyncError> {
        let GroupOf { id, strict, reads, mutations } = group;
        let before = self.last_mutation;
        let names: BTreeSet<String> = mutations.iter().map(|(name, _)| name.clone()).collect();
        let mut len = 0;
        for (name, mutation) in mutations {
            match self.mutate_in(&name, mutation, Some(id)) {
                Ok(bytes) => len = bytes,
                Err(error) => {
                    for name in &names {
                        if let Some(attribute) = self.attributes.get_mut(name) {
                            attribute.replica.abort(id, &error, now);
                        }
                    }
                    self.last_mutation = before;
                    return Err(error);
                }
            }
        }
        for name in &reads {
            check_name(name)?;
            self.attribute(name);
        }
        let names = names.into_iter().collect();
        self.groups.insert(id, Group { strict, reads, names, first: before + 1, sent: Vec::new() });
        Ok(len)
    }

    /// Send the groups whose turn it is in all their attributes.
    pub(super) fn send_groups(&mut self, now: Now) {
        let ids: Vec<u64> = self.groups.iter().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(checks) = self.checks_of(id) {
                self.send_group(id, checks, now);
            }
        }
    }

    /// What must be stored in the attributes that the group relies on. None where it is not its turn.
    fn checks_of(&self, id: u64) -> Option<Vec<(String, Guard)>> {
        let group = self.groups.get(id)?;
        let is_next = |name: &String| {
            self.attributes.get(name).is_some_and(|attribute| {
                !attribute.replica.is_in_group(id)
                    || (!attribute.waits && attribute.may_commit() && attribute.replica.is_group_next(id))
            })
        };
        if !group.names.iter().all(is_next) {
            return None;
        }
        let check = |name: &String| {
            let attribute = self.attributes.get(name).filter(|attribute| !attribute.waits)?;
            let guard = attribute.replica.guard_before(group.first)?;
            Some((attribute.replica.key().to_owned(), guard))
        };
        group.reads.iter().map(check).collect()
    }

    fn send_group(&mut self, id: u64, checks: Vec<(String, Guard)>, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let mut commits = Vec::new();
        group.sent.clear();
        for name in &group.names {
            let Some(attribute) = self.attributes.get_mut(name).filter(|one| one.replica.is_in_group(id)) else {
                // Others did all of it already.
                continue;
            };
            let sequence = Sequence(self.last_sequence + 1);
            let Some(commit) = attribute.replica.send_group(now, || sequence) else { continue };
            self.last_sequence = self.last_sequence.max(commit.sequence.0);
            group.sent.push(name.clone());
            commits.push(commit);
        }
        group.sent.extend(group.reads.iter().cloned());
        if group.sent.is_empty() {
            self.groups.remove(id);
            self.events.push_back(Event::GroupCommitted(id));
            return;
        }
        let bytes = commits.iter().map(|commit| commit.plan.bytes()).sum();
        self.send(Purpose::Group(id), Command::Group(Arc::new(command::Group { commits, checks })), bytes, now);
    }

    pub(super) fn take_group_outcome(&mut self, id: u64, answer: Answer, now: Now) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let sent = std::mem::take(&mut group.sent);
        let strict = group.strict;
        self.active.extend(sent.iter().cloned());
        match answer {
            Answer::Grouped(GroupOutcome::Stale(found)) => {
                for name in &sent {
                    let replica = &mut self.attribute(name).replica;
                    if let Some(sequence) = replica.group_sequence(id) {
                        replica.unsend(sequence);
                    }
                }
                if strict {
                    self.abort_group(id, conflict(), now);
                }
                for (name, found) in sent.iter().zip(found) {
                    if strict && self.hears.0 != Commits::Unheard && found.stored.is_some() {
                        // What others committed over several attributes is told in one piece. To read some of them now
                        // would tear it apart.
                        self.glances.insert((now.monotonic_ms + TOLD_WITHIN_MS, name.clone()));
                    } else {
                        self.take_found(name, found, now);
                    }
                }
            }
            Answer::Grouped(outcome) => {
                let is_duplicate = outcome == GroupOutcome::Duplicate;
                for name in &sent {
                    self.acknowledge_part(name, id, is_duplicate, now);
                }
                self.groups.remove(id);
                self.events.push_back(Event::GroupCommitted(id));
            }
            Answer::Busy(error) => {
                for name in &sent {
                    let replica = &mut self.attribute(name).replica;
                    if replica.is_in_group(id) {
                        replica.unsend_all();
                    }
                    self.wait(name, error.clone(), now);
                }
            }
            other => self.abort_group(id, refusal(other), now),
        }
        for name in &sent {
            self.follow(name, now);
        }
    }

    fn acknowledge_part(&mut self, name: &str, id: u64, is_duplicate: bool, now: Now) {
        let attribute = self.attribute(name);
        let Some(sequence) = attribute.replica.group_sequence(id) else { return };
        attribute.attempts = 0;
        if is_duplicate {
            // More may have been applied since.
            attribute.ask(super::Want::Probe);
            attribute.replica.applied_before(sequence, now);
        } else {
            attribute.replica.applied(sequence, now);
            attribute.known_here |= attribute.replica.is_in_step();
        }
        let revision = attribute.replica.revision();
        let bytes = attribute.replica.value().map_or(0, Node::text_len);
        self.events.push_back(Event::Acknowledged { name: name.to_owned(), revision, bytes });
        self.report_sums(name);
    }

    /// What is stored where the group expected something else.
    fn take_found(&mut self, name: &str, Found { stored, remembers }: Found, now: Now) {
        let Some(stored) = stored else { return };
        let attribute = self.attribute(name);
        attribute.attempts = 0;
        attribute.known_here = true;
        let is_lost = stored == Stored::Absent
            && !remembers
            && attribute.replica.first_pending().is_some()
            && attribute.replica.must_be_remembered(now);
        if is_lost {
            let rebased = attribute.replica.recreate(now);
            self.report_rebased(name, rebased, now);
        } else {
            self.rebase(name, &stored, now);
        }
    }

    /// Take all mutations of a group back.
    pub(super) fn abort_group(&mut self, id: u64, error: SyncError, now: Now) {
        let Some(group) = self.groups.remove(id) else { return };
        self.requests.retain(|request| !matches!(request.purpose, Purpose::Group(of) if of == id));
        for name in &group.names {
            let Some((first, mutations, rebased)) = self.attribute(name).replica.abort(id, &error, now) else {
                continue;
            };
            if !group.strict && error.code == ErrorCode::Conflict {
                for mutation in mutations {
                    let error = error.clone();
                    self.events.push_back(Event::Conflict { name: name.clone(), mutation, error });
                }
            } else if !group.strict {
                self.events.push_back(Event::Rejected { name: name.clone(), error: error.clone(), first });
            }
            self.active.insert(name.clone());
            self.report_rebased(name, rebased, now);
        }
        self.events.push_back(Event::GroupAborted { id, error });
        for name in &group.names {
            self.abort_strict_from(name, group.first, now);
        }
    }

    /// An attribute is about to change by something else: transactions that saw it as it is begin anew.
    pub(super) fn abort_strict(&mut self, name: &str, now: Now) {
        self.abort_strict_from(name, 0, now);
    }

    /// The same for those that were made after mutation `first`.
    fn abort_strict_from(&mut self, name: &str, first: u64, now: Now) {
        let is_concerned = |(id, group): &(u64, &Group)| {
            let is_out = |of: &String| {
                self.attributes.get(of).is_some_and(|attribute| attribute.replica.is_group_unanswered(*id))
            };
            group.strict
                && group.first >= first
                && (group.names.iter().any(|of| of == name) || group.reads.iter().any(|of| of == name))
                // What came of one that was sent, its answer tells.
                && !group.names.iter().any(is_out)
        };
        let ids: Vec<u64> = self.groups.iter().filter(is_concerned).map(|(id, _)| id).collect();
        for id in ids {
            self.abort_group(id, conflict(), now);
        }
    }

    /// An attribute cannot be used any more.
    pub(super) fn abort_all(&mut self, name: &str, error: &SyncError, now: Now) {
        let is_concerned = |group: &Group| group.names.iter().chain(&group.reads).any(|of| of == name);
        let ids: Vec<u64> = self.groups.iter().filter(|(_, group)| is_concerned(group)).map(|(id, _)| id).collect();
        for id in ids {
            self.abort_group(id, error.clone(), now);
        }
    }

    /// A group went out, its answer never came, and the server may not know any more.
    pub(super) fn give_up_group(&mut self, id: u64, now: Now) {
        let names = self.groups.get(id).map(|group| group.names.clone()).unwrap_or_default();
        for name in names {
            self.attribute(&name).ask(super::Want::Load);
        }
        self.abort_group(id, super::handle::outcome_unknown(), now);
        self.report_settled();
    }
}

fn conflict() -> SyncError {
    SyncError::new(ErrorCode::Conflict, "what the transaction saw was changed by somebody else before it was committed")
}
