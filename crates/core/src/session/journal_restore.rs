//! Going on from the journal of an earlier process. `docs/journal.md` has the rules and their reasons.

use super::group_table::Group;
use super::ids::AttributeId;
use super::journal::{JournalledAttribute, SessionJournal};
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{GroupId, MutationNumber, Sequence};
use crate::journal::{JournalledCommit, JournalledState, ReplayedAttribute};
use crate::replica::{Conflict, MutationResult, ResultValue};
use crate::time::Now;
use std::collections::BTreeMap;

/// The ids of restored groups begin with this one. Hosts number theirs from 1.
const RESTORED_GROUPS: u64 = 1 << 52;

impl Session {
    /// Keeps a journal of at most about `max_len` bytes, and goes on from what it holds: as the writer that has written it, whose
    /// id the configuration must have. The first commit gets the sequence after `last_sequence`, which is at least the last one
    /// that the writer may have used. Only for a session that nothing was done with. Returns the number of mutations that are
    /// pending: those that the host makes are numbered from the next one.
    pub fn keep_journal(
        &mut self,
        journalled: JournalledState,
        last_sequence: Sequence,
        max_len: ByteLen,
        now: Now,
    ) -> MutationNumber {
        let mut attributes = journalled.attributes;
        renumber(&mut attributes);
        let groups = renumber_groups(&mut attributes);
        self.journal = Some(SessionJournal::new(&attributes, max_len, now));
        self.issued.use_sequence(last_sequence);
        let mut changes: BTreeMap<u64, (bool, Vec<AttributeId>)> = BTreeMap::new();
        let mut pending = Vec::new();
        let mut last = MutationNumber::default();
        for ReplayedAttribute { state, .. } in attributes {
            let id = self.attributes.find_or_add(&state.name);
            let numbers = state.commits.iter().flat_map(|commit| commit.mutations.iter().map(|(number, _)| *number));
            last = numbers.max().unwrap_or_default().max(last);
            for commit in &state.commits {
                self.eviction.await_policy_if(commit.seal.is_some());
                if let Some(group) = commit.group {
                    changes.entry(group.id).or_insert((group.is_strict, Vec::new())).1.push(id);
                }
            }
            let acknowledged = state.acknowledged.map(|acknowledged| acknowledged.sequence);
            let dropped = self.attributes[id].replica.restore(state, now);
            for Conflict { mutation, error } in dropped.conflicts {
                self.events.push(Event::Conflict { name: self.attributes[id].name.clone(), mutation, error });
            }
            self.attributes[id].journalled = Some(JournalledAttribute { acknowledged });
            if let Some(first) = self.attributes[id].replica.first_pending() {
                pending.push((first, id));
            }
            if self.attributes[id].replica.value().is_some() {
                self.report_change(id, self.attributes[id].replica.whole_change());
            }
        }
        pending.sort_unstable();
        for (first, id) in pending {
            self.attributes.add_pending(id, first);
        }
        self.issued.set_last_mutation(last);
        for (id, (is_strict, changes)) in changes {
            let first = groups.get(&id).copied().unwrap_or_default();
            self.restore_group(GroupId(id), is_strict, changes, first, now);
        }
        if let Some(journal) = &mut self.journal {
            // The values that were reported are those of the journal.
            journal.forget_changes();
            journal.last_restored = last;
        }
        self.replace_log();
        self.report_settled();
        last
    }

    /// A group of several attributes, or of one. A transaction that was not sent cannot be repeated: what it relied on may have
    /// changed, and the function that made it is gone.
    fn restore_group(
        &mut self,
        id: GroupId,
        is_strict: bool,
        changes: Vec<AttributeId>,
        first: MutationNumber,
        now: Now,
    ) {
        if !is_strict {
            let (reads, names, first_checks, is_in_flight, sent) = (Vec::new(), None, None, false, Vec::new());
            self.groups.insert(id, Group { is_strict, reads, names, changes, first, first_checks, is_in_flight, sent });
            return;
        }
        let error = SyncError::new(
            ErrorCode::Conflict,
            "the process ended before a transaction was sent; nothing of it was applied: run it again",
        );
        for changed in changes {
            if let Some(rolled_back) = self.attributes[changed].replica.abort(id, &error, now) {
                self.report_rejected(changed, error.clone(), rolled_back.first);
                self.report_rebased(changed, rolled_back.rebased, now);
            }
        }
    }

    /// Whether an earlier process has made a mutation: nobody waits for its result.
    pub(super) fn is_of_earlier_process(&self, number: MutationNumber) -> bool {
        self.journal.as_ref().is_some_and(|journal| number <= journal.last_restored)
    }

    /// The warning about an element that was removed for a caller that has ended. None where nothing was removed.
    pub(super) fn taken_for_nobody(&self, id: AttributeId, result: &MutationResult) -> Option<SyncError> {
        let element = match result {
            Ok(ResultValue::Value(element)) => format!("nobody else gets it: {}", element.0),
            Ok(ResultValue::Unknown) => "nobody else gets it, and what it was is unknown".to_owned(),
            Ok(ResultValue::Nothing) | Err(_) => return None,
        };
        let name = &self.attributes[id].name;
        let message = format!(
            "{name}: an earlier process removed an element by $shift or $pop and ended before its caller had it; {element}; handle \
             it, or add it again"
        );
        Some(SyncError::new(ErrorCode::Journal, message))
    }

    /// Whether the id is that of a group that was restored from a journal, which the host does not know.
    pub fn is_restored_group(id: GroupId) -> bool {
        id.0 >= RESTORED_GROUPS
    }
}

/// Numbers all mutations from 1, in the order in which they were made.
fn renumber(attributes: &mut [ReplayedAttribute]) {
    let mut mutations: Vec<_> = commits_of(attributes).flat_map(|commit| &mut commit.mutations).collect();
    mutations.sort_by_key(|(number, _)| *number);
    let (mut previous, mut last) = (None, MutationNumber::default());
    for (number, _) in mutations {
        if previous.replace(*number) != Some(*number) {
            last = last.next();
        }
        *number = last;
    }
}

fn commits_of(attributes: &mut [ReplayedAttribute]) -> impl Iterator<Item = &mut JournalledCommit> {
    attributes.iter_mut().flat_map(|attribute| &mut attribute.state.commits)
}

/// Gives the groups ids of their own, in the order in which they were made. Returns the first mutation of each.
fn renumber_groups(attributes: &mut [ReplayedAttribute]) -> BTreeMap<u64, MutationNumber> {
    let mut firsts = BTreeMap::new();
    for commit in commits_of(attributes) {
        let (Some(group), Some((number, _))) = (commit.group, commit.mutations.first()) else { continue };
        let first = firsts.entry(group.id).or_insert(*number);
        *first = (*first).min(*number);
    }
    let mut made: Vec<(MutationNumber, u64)> = firsts.into_iter().map(|(id, first)| (first, id)).collect();
    made.sort_unstable();
    let ids: BTreeMap<u64, u64> = made.iter().map(|(_, id)| *id).zip(RESTORED_GROUPS..).collect();
    for commit in commits_of(attributes) {
        if let Some(group) = &mut commit.group {
            group.id = ids.get(&group.id).copied().unwrap_or(group.id);
        }
    }
    (RESTORED_GROUPS..).zip(made).map(|(id, (first, _))| (id, first)).collect()
}
