//! One attribute of a session: its replica, and when to send what about it.

use super::change_hints::ChangeHints;
use super::commit_attempts::CommitAttempts;
use super::contention::Contention;
use super::fetch_state::{FetchKind, FetchState};
use super::freshness::Freshness;
use super::group_marks::KnownMark;
use super::held_reads::{HeldRead, ReadContent};
use super::ids::MarkDomainId;
use super::journal::JournalledAttribute;
use super::read_throttle::ReadThrottle;
use super::retry_state::RetryState;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::ids::{Revision, Sequence, WriterId};
use crate::protocol::{Command, Commit, ContentionTerms, Delta};
use crate::replica::{ProbeWindow, Replica};
use crate::time::Now;
use std::sync::Arc;

/// Longest time, in milliseconds, for which a replica that keeps appending may not know the rest of the list.
const MAX_LAG_MS: u64 = 500;

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) replica: Replica,
    pub(super) fetch: FetchState,
    pub(super) freshness: Freshness,
    pub(super) retry: RetryState,
    pub(super) contention: Contention,
    pub(super) attempts: CommitAttempts,
    /// The last commit of another writer whose delta could not be applied, so that the document is read.
    pub(super) unapplied: Option<UnappliedDelta>,
    /// The limit on reads that hints lead to.
    pub(super) hints: ReadThrottle,
    /// The number of commit requests in flight whose answers count.
    pub(super) commits_in_flight: usize,
    /// Whether to ask if the server still has the last acknowledged commit.
    pub(super) must_check_sequence: bool,
    /// The read of its document that is not shown yet.
    pub(super) held: Option<HeldRead>,
    /// The documents that share its group mark. None where a group cannot change it together with others.
    pub(super) domain: Option<MarkDomainId>,
    /// Whether it is in the queue of active attributes: see `AttributeTable`.
    pub(super) is_active: bool,
    /// Whether it is in the index of pending mutations: see `AttributeTable`.
    pub(super) is_pending: bool,
    /// The last acknowledgement that the journal has of it. None where the journal has no state of it.
    pub(super) journalled: Option<JournalledAttribute>,
}

/// A commit that is known only by its writer and its revisions.
#[derive(Debug)]
pub(super) struct UnappliedDelta {
    base: Revision,
    revision: Revision,
    writer: WriterId,
}

impl UnappliedDelta {
    pub(super) fn new(delta: &Delta) -> Self {
        Self { base: delta.base, revision: delta.revision, writer: delta.writer.clone() }
    }

    /// The writer, if it is the commit that leads from one revision to the other.
    pub(super) fn writer_between(&self, before: Option<Revision>, after: Option<Revision>) -> Option<&WriterId> {
        let [before, after] = [before, after].map(|revision| revision.unwrap_or(Revision::NONE));
        (before == self.base && after == self.revision).then_some(&self.writer)
    }
}

impl Attribute {
    pub(super) fn new(name: String, replica: Replica) -> Self {
        Self {
            name,
            replica,
            fetch: FetchState::default(),
            freshness: Freshness::default(),
            retry: RetryState::default(),
            contention: Contention::default(),
            attempts: CommitAttempts::default(),
            unapplied: None,
            hints: ChangeHints::throttle_of_attribute(),
            commits_in_flight: 0,
            must_check_sequence: false,
            held: None,
            domain: None,
            is_active: false,
            is_pending: false,
            journalled: None,
        }
    }

    /// The connection is over: answers will not come, and commits have to be sent again.
    pub(super) fn end_connection(&mut self) {
        self.fetch.end();
        self.held = None;
        self.freshness.end_connection();
        self.retry = RetryState::default();
        self.contention = Contention::default();
        self.hints.end_connection();
        self.commits_in_flight = 0;
        self.replica.mark_replies_lost();
    }

    /// Whether the stored document is known, and nothing in flight or requested can change that.
    pub(super) fn is_at_rest(&self) -> bool {
        self.fetch.reads_nothing()
            && self.held.is_none()
            && self.replica.has_known_base()
            && !self.replica.has_unanswered()
    }

    /// Whether a delta can be applied although appends of this session are in flight: they stay behind what it adds.
    pub(super) fn may_apply_remote_append(&self, delta: &Delta, own: &WriterId) -> bool {
        self.fetch.reads_nothing()
            && self.held.is_none()
            && self.replica.can_apply_remote_append()
            && (delta.writer != *own || self.replica.may_be_first_unplaced(delta.revision))
    }

    /// Whether there is no document and nothing in progress, so that nothing is lost with this attribute. References to it
    /// from elsewhere do not count.
    pub(super) fn is_evictable(&self, now: Now) -> bool {
        self.is_at_rest()
            && self.fetch.requested().is_none()
            && !self.is_active
            && !self.is_pending
            && !self.retry.is_waiting()
            && self.commits_in_flight == 0
            && self.freshness.awaited_delta.is_none()
            && self.replica.is_forgettable(now)
    }

    /// The next fetch, if one is requested and can go now. `max_len` is that of the longest text to read.
    pub(super) fn next_fetch(&mut self, max_len: ByteLen, now: Now) -> Option<Command> {
        let lags = self.replica.unplaced_since().is_some();
        if lags && self.freshness.awaited_delta.is_some() && !self.replica.can_apply_remote_append() {
            // The delta could be applied only if nothing but appends were pending.
            self.freshness.awaited_delta = None;
            self.fetch.request(FetchKind::Tail);
        }
        let requested = self.fetch.requested()?;
        if self.fetch.in_flight().is_some() || self.held.is_some() || self.may_lag(now) {
            return None;
        }
        // A commit that may have been applied is sent again first: nothing may be placed below it.
        if self.replica.must_resend() {
            return None;
        }
        let is_verified = self.freshness.is_verified;
        let kind = match requested {
            _ if !self.replica.is_loaded() => FetchKind::Load,
            FetchKind::Tail if self.replica.is_too_long() => FetchKind::Probe,
            // The stored document has changed for certain.
            FetchKind::Probe if lags && is_verified => FetchKind::Tail,
            FetchKind::Probe if lags => FetchKind::Load,
            FetchKind::Tail if !is_verified => FetchKind::Load,
            kind => kind,
        };
        let key = self.replica.key().to_owned();
        let (kind, offset, command) = match (kind, self.replica.tail_offset()) {
            (FetchKind::Probe, _) => {
                let ProbeWindow { before_end, len } = self.replica.probe_window();
                (kind, ByteOffset::START, Command::Probe { key, before_end, len })
            }
            (FetchKind::Tail, Some(offset)) => (kind, offset, Command::Tail { key, at: offset, max_len }),
            _ => (FetchKind::Load, ByteOffset::START, Command::Load { key, max_len }),
        };
        self.fetch.begin(kind, offset);
        Some(command)
    }

    /// Whether a requested tail can wait: while appends of this session go out, what else is in the list is not needed.
    fn may_lag(&self, now: Now) -> bool {
        self.fetch.requested() == Some(FetchKind::Tail)
            && self.replica.tail_offset().is_some()
            && self.replica.first_pending().is_some()
            && self.replica.can_apply_remote_append()
            && self.replica.unplaced_since().is_some_and(|since| now.monotonic < since.monotonic.plus_ms(MAX_LAG_MS))
    }

    /// Whether commits can go: the stored document is known, or the commits that have to be sent again will find it out.
    pub(super) fn may_commit(&self) -> bool {
        if self.contention.is_waiting() || self.is_catching_up() || self.is_given_up() {
            return false;
        }
        if self.held.is_some() {
            return self.replica.must_resend();
        }
        let is_known =
            self.fetch.requested() != Some(FetchKind::Load) && self.fetch.in_flight() < Some(FetchKind::Tail);
        is_known || self.replica.must_resend()
    }

    /// Whether what is held decides that pending commits are given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.held.as_ref().is_some_and(|held| matches!(held.content, ReadContent::Forgotten(_)))
    }

    /// Whether what is held was read after this mark, and does not include a copy of a pending commit that has arrived late.
    pub(super) fn is_held_since(&self, known: &KnownMark) -> bool {
        self.held.as_ref().is_some_and(|held| {
            let is_fetched = matches!(held.content, ReadContent::Loaded(_) | ReadContent::Tail { .. });
            held.request > known.since && !(is_fetched && self.replica.has_lost_reply())
        })
    }

    /// Whether deltas or a fetch are going to bring what a stale commit was not built on.
    fn is_catching_up(&self) -> bool {
        let is_coming = self.freshness.awaited_delta.is_some() || !self.fetch.reads_nothing();
        self.contention.is_behind && is_coming && !self.replica.must_resend()
    }

    /// The next commit, if one can go now. `sequence` is for mutations that are sent for the first time.
    pub(super) fn next_commit(&mut self, now: Now, sequence: Sequence, terms: ContentionTerms) -> Option<Arc<Commit>> {
        if self.may_commit() { self.replica.next_commit(now, terms, || sequence) } else { None }
    }
}
