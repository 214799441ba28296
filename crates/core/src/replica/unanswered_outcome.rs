//! Decides what became of commits whose replies were lost, where the server has no dedup key of this writer.
//!
//! Such a key expires long after the last attempt to send a commit again. Where it is gone earlier, it was evicted, or the
//! server lost data. A commit that may have been applied is never applied again on a guess.

use super::Replica;
use super::pending::Form;
use crate::document::{Guard, Layout, Stored, StoredTail};
use crate::ids::{GroupId, Revision, Sequence};
use crate::protocol::EvictionPolicy;
use crate::time::Now;

/// The outcome of the pending commits whose replies were lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnansweredOutcome {
    /// The server has applied none of them.
    NotApplied,
    /// The server has applied the commits up to this one, and none after it.
    Applied(Sequence),
    /// The server may have applied any of them.
    Unknown,
}

/// Commits whose replies were lost.
impl Replica {
    /// The outcome of the unanswered commits. The server has this document, and no dedup key of this writer. `is_followed`
    /// tells whether deltas of other writers lead from the confirmed document to the stored one.
    pub fn unanswered_outcome(&self, stored: &Stored, is_followed: bool, now: Now) -> UnansweredOutcome {
        let sealed = self.pending.sealed();
        let Some(first) = sealed.first().filter(|commit| commit.has_lost_reply) else {
            return UnansweredOutcome::NotApplied;
        };
        let unanswered = &sealed[..self.unanswered_count()];
        if let Some(last) = unanswered.iter().rfind(|commit| is_layout_of(&commit.layout, stored)) {
            return UnansweredOutcome::Applied(last.command.sequence);
        }
        // A revision occurs once: what is stored is still what the commits were built on.
        let is_base = self.has_known_base()
            && matches!(first.form, Form::Original | Form::Restored)
            && self.confirmed.layout().is_some_and(|layout| is_layout_of(layout, stored));
        if is_base || is_followed || self.had_no_dedup_key(now) {
            return UnansweredOutcome::NotApplied;
        }
        UnansweredOutcome::Unknown
    }

    /// Whether the server had no dedup key of this writer when the oldest pending commit was first sent, and evicts none: it
    /// has not applied the commit where it has no such key now.
    pub fn had_no_dedup_key(&self, now: Now) -> bool {
        self.eviction_policy == Some(EvictionPolicy::NoEviction) && !self.must_have_dedup_key(now)
    }

    /// Whether the reply to the oldest pending commit was lost at any time.
    pub fn has_lost_reply(&self) -> bool {
        self.pending.sealed().first().is_some_and(|commit| commit.has_lost_reply)
    }

    /// Whether a group's commit would make this document. A document that is absent may be so for another reason.
    pub fn is_result_of_group(&self, group: GroupId, stored: &Stored) -> bool {
        let commit = self.pending.find_group(group);
        *stored != Stored::Absent && commit.is_some_and(|commit| is_layout_of(&commit.layout, stored))
    }

    /// The oldest pending commit, if its reply was lost.
    pub fn first_unanswered(&self) -> Option<Sequence> {
        let first = self.pending.sealed().first().filter(|commit| commit.has_lost_reply)?;
        Some(first.command.sequence)
    }

    /// The number of pending commits whose replies were lost. They are the oldest ones.
    pub(super) fn unanswered_count(&self) -> usize {
        self.pending.sealed().iter().take_while(|commit| commit.has_lost_reply).count()
    }

    /// The server has applied none of the pending commits. Copies of them that are still on their way will not be applied, either,
    /// except for appends that were sent to be applied without a dedup key.
    pub fn mark_not_applied(&mut self, now: Now) {
        let needed_no_dedup_key = self.had_no_dedup_key(now);
        for commit in self.pending.sealed_mut() {
            commit.mark_not_applied(needed_no_dedup_key);
        }
    }

    /// The server has not found the commit before the oldest pending one: send that one so that the answer to it says what is
    /// stored.
    pub fn send_without_predecessor(&mut self) {
        if let Some(commit) = self.pending.sealed_mut().first_mut() {
            commit.lose_reply();
            commit.require_dedup_key();
        }
    }
}

/// Whether this layout is that of the stored document: its length and its revision. Clocks that stand still can give two
/// writers the same revision.
fn is_layout_of(layout: &Layout, stored: &Stored) -> bool {
    match (layout.guard(), stored) {
        (Guard::Absent, Stored::Absent) => true,
        (Guard::Text { len, at, tail }, Stored::Text(text)) => {
            text.len() == len.0 && text.get(at.0..).is_some_and(|end| end.starts_with(&tail))
        }
        (Guard::Text { len, tail, .. }, Stored::TooLong { len: stored_len, .. }) => {
            let revision = StoredTail::read(&tail).map(|tail| Some(tail.revision));
            len == *stored_len && revision.is_some() && revision == stored_revision(stored)
        }
        _ => false,
    }
}

/// The revision of what is stored, None where nothing is; None for a document that this library did not write last.
pub fn stored_revision(stored: &Stored) -> Option<Option<Revision>> {
    match stored {
        Stored::Absent => Some(None),
        Stored::Text(text) => StoredTail::read(text).map(|tail| Some(tail.revision)),
        Stored::TooLong { len, at, part } if at.0 + part.len() == len.0 => {
            StoredTail::read(part).map(|tail| Some(tail.revision))
        }
        Stored::TooLong { .. } | Stored::OtherType => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::test_support::{at, loaded, mutate, send};
    use crate::splice::Plan;

    const STORED: &str = "{\"value\":[1],\"last_modified\":5}";

    /// A replica that was acknowledged, with two commits whose replies were lost.
    fn unanswered() -> Replica {
        let mut replica = loaded(STORED);
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 1);
        replica.acknowledge(Sequence(1), at(1));
        for sequence in [2, 3] {
            mutate(&mut replica, sequence, r#"[["append","x",[],[3]]]"#);
            send(&mut replica, sequence);
        }
        replica.mark_replies_lost();
        replica
    }

    /// The document after a commit.
    fn made_by(commit: &super::super::pending::SealedCommit) -> Stored {
        let revision = commit.command.revision;
        let Guard::Text { len, .. } = commit.layout.guard() else { panic!("no document") };
        let text = format!("{{\"value\":[7],\"last_modified\":{revision}}}");
        let value = format!("[{}7]", " ".repeat(len.0 - text.len()));
        Stored::Text(text.replace("[7]", &value).into_bytes())
    }

    fn stored(revision: Revision) -> Stored {
        Stored::Text(format!("{{\"value\":[7],\"last_modified\":{revision}}}").into_bytes())
    }

    #[test]
    fn a_commit_whose_revision_is_stored_was_applied() {
        let replica = unanswered();
        for (index, sequence) in [(0, 2), (1, 3)] {
            let commit = &replica.pending.sealed()[index];
            let outcome = |stored| replica.unanswered_outcome(&stored, false, at(2));
            assert_eq!(outcome(made_by(commit)), UnansweredOutcome::Applied(Sequence(sequence)));
            let of_another_writer = stored(commit.command.revision);
            assert_eq!(outcome(of_another_writer), UnansweredOutcome::Unknown, "with the same revision");
        }
    }

    #[test]
    fn a_commit_whose_base_is_stored_was_not_applied() {
        let replica = unanswered();
        let base = replica.revision().unwrap();
        let stored = Stored::Text(format!("{{\"value\":[1,2],\"last_modified\":{base}}}").into_bytes());
        assert_eq!(replica.unanswered_outcome(&stored, false, at(2)), UnansweredOutcome::NotApplied);
    }

    #[test]
    fn a_chain_of_deltas_shows_that_a_commit_was_not_applied() {
        let replica = unanswered();
        let other = stored(Revision(u64::MAX >> 1));
        assert_eq!(replica.unanswered_outcome(&other, false, at(2)), UnansweredOutcome::Unknown);
        assert_eq!(replica.unanswered_outcome(&other, true, at(2)), UnansweredOutcome::NotApplied);
    }

    #[test]
    fn a_first_commit_was_not_applied_where_no_key_is_evicted() {
        let mut replica = loaded(STORED);
        replica.set_eviction_policy(None);
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        let first = send(&mut replica, 1);
        assert!(!matches!(first.plan, Plan::Append(_)), "a late copy of it needs its guard");
        replica.mark_replies_lost();
        let outcome = |replica: &Replica| replica.unanswered_outcome(&stored(Revision(6)), false, at(2));
        assert_eq!(outcome(&replica), UnansweredOutcome::Unknown);
        replica.set_eviction_policy(Some(EvictionPolicy::ExpiringKeys));
        assert_eq!(outcome(&replica), UnansweredOutcome::Unknown);
        replica.set_eviction_policy(Some(EvictionPolicy::NoEviction));
        assert_eq!(outcome(&replica), UnansweredOutcome::NotApplied);
        let mut acknowledged = unanswered();
        acknowledged.set_eviction_policy(Some(EvictionPolicy::NoEviction));
        assert_eq!(outcome(&acknowledged), UnansweredOutcome::Unknown, "its key cannot have expired");
    }

    #[test]
    fn a_commit_that_was_never_sent_before_was_not_applied() {
        let mut replica = loaded(STORED);
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 1);
        assert_eq!(replica.unanswered_outcome(&stored(Revision(6)), false, at(2)), UnansweredOutcome::NotApplied);
        assert_eq!(replica.unanswered_count(), 0);
    }
}
