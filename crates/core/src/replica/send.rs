//! Sends commits, one by one or as parts of groups, and sends them again.

use super::Replica;
use crate::document::{Guard, Layout};
use crate::ids::{GroupId, MutationNumber, Sequence};
use crate::protocol::{Commit, ContentionTerms, MAX_STALE_TEXT};
use crate::time::Now;
use std::sync::Arc;

/// Commits of this attribute alone.
impl Replica {
    /// The next commit to send, if one can be sent now. `next_sequence` is called only for mutations that are sent for the
    /// first time.
    pub fn next_commit(
        &mut self,
        now: Now,
        terms: ContentionTerms,
        next_sequence: impl FnOnce() -> Sequence,
    ) -> Option<Arc<Commit>> {
        let is_group_first = self.pending.sealed().first().is_some_and(|commit| commit.group.is_some());
        // A commit of a group is sent with those of the other attributes.
        if is_group_first || !self.pending.has_room_in_flight() {
            return None;
        }
        let (can_build, can_append) = (self.has_known_base(), self.is_loaded());
        let not_in_flight = self.pending.sealed().iter().position(|commit| !commit.delivery.is_in_flight());
        let index = if let Some(index) = not_in_flight {
            index
        } else {
            let open = self.pending.open().front()?;
            if open.group.is_some() || !(can_build || (can_append && open.is_append())) {
                return None;
            }
            self.seal_next(next_sequence(), now);
            self.pending.sealed().len() - 1
        };
        let had_no_dedup_key = self.had_no_dedup_key(now);
        let commit = &mut self.pending.sealed_mut()[index];
        let can_send = can_build || (can_append && commit.is_append()) || commit.delivery.is_unanswered();
        if !can_send {
            return None;
        }
        if !commit.has_lost_reply {
            return Some(commit.send(now, terms));
        }
        if commit.is_append() && commit.command.after.is_none() && !had_no_dedup_key {
            // It would be appended to any list, also to one that has the elements already.
            commit.require_dedup_key();
        }
        // If the server has forgotten the writer, the text that it has decides.
        Some(commit.send(now, ContentionTerms { text_limit: MAX_STALE_TEXT, ..terms }))
    }

    /// Whether the reply to this commit is outstanding.
    pub fn is_in_flight(&self, sequence: Sequence) -> bool {
        self.pending.find(sequence).is_some_and(|commit| commit.delivery.is_in_flight())
    }

    /// Whether this is the oldest pending commit, whose reply shows what is stored. Later ones are built on it.
    pub fn is_first(&self, sequence: Sequence) -> bool {
        self.pending.sealed().first().is_some_and(|commit| commit.command.sequence == sequence)
    }

    /// The oldest pending commit, if the server may apply a copy of it late. It never applies one of a group: their guards match
    /// no document any more.
    pub fn first_with_late_copy(&self) -> Option<Sequence> {
        let first = self.pending.sealed().first()?;
        (first.has_lost_reply && first.group.is_none()).then_some(first.command.sequence)
    }

    /// Whether there are commits that the server may have applied without this replica knowing it.
    pub fn has_unanswered(&self) -> bool {
        self.pending.has_unanswered()
    }

    /// Whether there are commits that must be sent again because their replies were lost.
    pub fn must_resend(&self) -> bool {
        self.pending.has_lost_replies()
    }

    /// The server has not applied this commit, nor any that are built on it: they must be sent again.
    pub fn mark_unsent_from(&mut self, sequence: Sequence) {
        self.pending.mark_unsent_from(sequence);
    }

    /// The server has not executed this commit this time, nor any that are built on it. Those of which it may have executed an
    /// earlier sending have to be sent again before anything else.
    pub fn mark_refused_from(&mut self, sequence: Sequence) {
        self.pending.mark_refused_from(sequence);
    }

    /// The server has not executed this commit this time: it must be sent again. So must those after it, unless the server may
    /// have executed an earlier sending of this one: then they stay in flight.
    pub fn mark_not_executed(&mut self, sequence: Sequence) {
        self.pending.mark_not_executed(sequence);
    }

    /// Replies to commits in flight will not arrive: the commits must be sent again.
    pub fn mark_replies_lost(&mut self) {
        self.pending.mark_replies_lost();
    }

    /// The first commit whose reply was lost so long ago that the server may not know any more whether it applied it.
    pub fn first_expired(&self, now: Now) -> Option<Sequence> {
        self.pending.first_expired(self.config.dedup_key_seconds, now)
    }
}

/// Commits of groups: mutations of several attributes that are committed together. These methods are about the part of
/// this attribute.
impl Replica {
    /// Whether there are pending mutations of this group.
    pub fn is_in_group(&self, group: GroupId) -> bool {
        self.pending.position_of_group(group).is_some()
    }

    /// The group of a commit that has been sealed.
    pub fn group_of(&self, sequence: Sequence) -> Option<GroupId> {
        self.pending.find(sequence)?.group
    }

    /// The sequence of the group's commit, once that is sealed.
    pub fn group_sequence(&self, group: GroupId) -> Option<Sequence> {
        self.pending.find_group(group).map(|commit| commit.command.sequence)
    }

    /// The sequence of the group's commit, where that notes in the log of names that it creates or deletes the document.
    pub fn noted_sequence(&self, group: GroupId) -> Option<Sequence> {
        let commit = &self.pending.find_group(group)?.command;
        commit.names_key.as_ref().map(|_| commit.sequence)
    }

    /// Whether the server may have applied the group without this replica knowing it.
    pub fn is_group_unanswered(&self, group: GroupId) -> bool {
        self.pending.find_group(group).is_some_and(|commit| commit.delivery.is_unanswered())
    }

    /// Whether the group can be sent: all mutations before it are acknowledged, and it is known what it is built on.
    pub fn is_group_next(&self, group: GroupId) -> bool {
        if let Some(commit) = self.pending.sealed().first() {
            let can_send = self.has_known_base() || commit.delivery.is_unanswered();
            return commit.group == Some(group) && !commit.delivery.is_in_flight() && can_send;
        }
        let is_first = self.pending.open().front().is_some_and(|open| open.group == Some(group));
        is_first && self.has_known_base()
    }

    /// Whether the reply to the group's commit was lost at any time.
    pub fn has_group_lost_reply(&self, group: GroupId) -> bool {
        self.pending.find_group(group).is_some_and(|commit| commit.has_lost_reply)
    }

    /// The commit to send for the group: see `is_group_next`.
    pub fn send_group(&mut self, now: Now, next_sequence: impl FnOnce() -> Sequence) -> Option<Arc<Commit>> {
        if self.pending.sealed().is_empty() {
            self.seal_next(next_sequence(), now);
        }
        self.pending.sealed_mut().first_mut().map(|commit| commit.send(now, ContentionTerms::default()))
    }

    /// The guard of a group that read this attribute without changing it: what was stored before mutation `number` was
    /// made. None while earlier mutations are pending, or where it is unknown what is stored.
    pub fn guard_before(&self, number: MutationNumber) -> Option<Guard> {
        let is_done = !self.has_unanswered() && self.first_pending().is_none_or(|first| first > number);
        self.confirmed.layout().filter(|_| is_done && self.unplaced.is_none()).map(Layout::guard)
    }
}
