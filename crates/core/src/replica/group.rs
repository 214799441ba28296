//! This attribute's part in a group: mutations of several attributes that are committed together.

use super::{Rebased, Replica};
use crate::command::Commit;
use crate::document::{Base, Guard};
use crate::error::SyncError;
use crate::ids::Sequence;
use crate::mutation::Mutation;
use crate::session::Now;
use std::sync::Arc;

impl Replica {
    /// Has it pending mutations of this group?
    pub fn is_in_group(&self, group: u64) -> bool {
        self.position_of_group(group).is_some()
    }

    fn position_of_group(&self, group: u64) -> Option<usize> {
        let sealed = self.sealed.iter().map(|commit| commit.group);
        sealed.chain(self.open.iter().map(|open| open.group)).position(|of| of == Some(group))
    }

    /// The group that a commit which was sent is a part of.
    pub fn group_of(&self, sequence: Sequence) -> Option<u64> {
        self.sealed.iter().find(|commit| commit.command.sequence == sequence)?.group
    }

    /// Has the group been sent, and not been answered?
    pub fn is_group_unanswered(&self, group: u64) -> bool {
        self.sealed.iter().any(|commit| commit.group == Some(group) && commit.maybe_applied.is_some())
    }

    /// Can the group go out as far as this attribute is concerned: is everything before it done, and known what to?
    pub fn is_group_next(&self, group: u64) -> bool {
        match self.sealed.first() {
            Some(commit) => {
                commit.group == Some(group)
                    && !commit.in_flight
                    && (self.is_in_step() || commit.maybe_applied.is_some())
            }
            None => self.open.front().is_some_and(|open| open.group == Some(group)) && self.is_in_step(),
        }
    }

    /// What must be stored for this document to be what it is here. None while mutations made before `number` are
    /// pending, or where it is not known what is stored.
    pub fn guard_before(&self, number: u64) -> Option<Guard> {
        let is_done = !self.has_unanswered() && self.first_pending().is_none_or(|first| first > number);
        self.confirmed.as_ref().filter(|_| is_done && self.landed.is_none()).map(Base::guard)
    }

    /// This attribute's part, to be sent now: see `is_group_next`.
    pub fn send_group(&mut self, now: Now, next_sequence: impl FnOnce() -> Sequence) -> Option<Arc<Commit>> {
        if self.sealed.is_empty() {
            self.seal_next(next_sequence(), now);
        }
        let commit = self.sealed.first_mut()?;
        commit.in_flight = true;
        commit.maybe_applied.get_or_insert(now);
        Some(Arc::clone(&commit.command))
    }

    /// The sequence of this attribute's part, once it has been sent.
    pub fn group_sequence(&self, group: u64) -> Option<Sequence> {
        self.sealed.iter().find(|commit| commit.group == Some(group)).map(|commit| commit.command.sequence)
    }

    /// Take the group's mutations back. Gives the number of the first, all of them, and what that did to the document.
    /// None where there are none.
    pub fn abort(&mut self, group: u64, error: &SyncError, now: Now) -> Option<(u64, Vec<Mutation>, Rebased)> {
        let (removed, rebased) = self.remove(self.position_of_group(group)?, now);
        let removed = removed?;
        self.refuse_sums(&removed.mutations, error);
        Some((removed.first, removed.mutations.into_iter().map(|(_, mutation)| mutation).collect(), rebased))
    }

    /// Groups of which a mutation was dropped since this was asked last.
    pub fn take_broken_groups(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.broken)
    }
}
