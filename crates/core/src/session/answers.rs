//! Answers of the backend to requests about one attribute, and to a page of names.

use super::attribute::Attribute;
use super::fetch_state::FetchKind;
use super::held_reads::ReadContent;
use super::ids::AttributeId;
use super::request_table::{Purpose, Request};
use super::timers::Timer;
use super::{Event, Session, TtlRequest};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{self, Stored, StoredTail};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{AppendRun, RefreshId, Revision, Sequence};
use crate::protocol::{Answer, Command, CommitOutcome, DeltaDelivery, NamesLog, ProbeResult, RequestId, Turn};
use crate::replica::{Change, RolledBack};
use crate::time::Now;

/// The attempt whose delay is the one before names are listed again.
const LISTING_RETRY_ATTEMPT: u32 = 5;

/// The longest random time that is added to the wait for the end of a reservation, in milliseconds.
const TURN_JITTER_MS: u64 = 20;

impl Session {
    pub(super) fn handle_answer(&mut self, id: RequestId, answer: Answer, now: Now) {
        // None: the request was abandoned.
        let Some(Request { purpose, refresh, .. }) = self.requests.complete(id, now) else { return };
        match purpose {
            Purpose::Fetch(id) => {
                self.handle_fetched(id, answer, refresh, now);
                self.apply_deltas(id, now);
                self.attributes.activate(id);
            }
            Purpose::Commit(id, sequence) => {
                self.attributes[id].commits_in_flight -= 1;
                self.handle_commit_outcome(id, sequence, answer, now);
                self.apply_deltas(id, now);
                self.attributes.activate(id);
            }
            Purpose::Group(id) => self.handle_group_outcome(id, answer, now),
            Purpose::ListNames => self.handle_names(answer, now),
            Purpose::ReadNamesLog => match answer {
                Answer::Loaded(stored) => self.name_set.set_listed(names_log(stored), refresh),
                _ => self.name_set.forget_listed(),
            },
            Purpose::ReadGroupMark(domain) => self.handle_mark(domain, id, answer, now),
            Purpose::ReadJointly(domain) => self.handle_joint_read(domain, answer, refresh, now),
            Purpose::CheckLateCommit(domain, id) => self.handle_late_commit_check(domain, id, &answer, now),
            Purpose::ReadSecret => self.handle_secret(answer),
            Purpose::ReadEvictionPolicy => self.handle_eviction_policy(&answer),
            Purpose::CheckHistory { name, revision } => self.handle_history_check(&name, revision, answer),
            Purpose::CheckHeldRead(id, request) => {
                self.handle_held_read_check(id, request, answer, now);
                self.apply_deltas(id, now);
                self.attributes.activate(id);
            }
            Purpose::CheckSequence(id) => {
                self.handle_sequence(id, answer, now);
                self.attributes.activate(id);
            }
            Purpose::Replicate(id) => {
                let count = match answer {
                    Answer::Replicas(count) => Ok(count),
                    other => Err(answer_error(other)),
                };
                self.events.push(Event::Replicated { id, count });
            }
            Purpose::TimeToLive(request) => self.handle_lifetime(request, answer, now),
            Purpose::KeepPresence => self.handle_kept(answer, now),
            Purpose::ReadWriters(id) => self.handle_writers(id, answer, now),
            Purpose::ReleaseDedupKey => self.end_release(),
            Purpose::Discarded => {}
        }
    }

    fn handle_names(&mut self, answer: Answer, now: Now) {
        match answer {
            Answer::Names { cursor, keys } => {
                for key in keys {
                    self.handle_name(&key);
                }
                self.refreshes.go_on_listing(cursor);
            }
            Answer::Busy(error) | Answer::ReplyLost(error) => {
                if self.refreshes.delay_listing() {
                    self.events.push(Event::Failed(error));
                }
                self.timers.add_retry(Timer::RetryListing, LISTING_RETRY_ATTEMPT, now);
            }
            other => {
                self.name_set.forget_listed();
                let SyncError { code, message } = answer_error(other);
                let message = format!(
                    "the names of the attributes cannot be listed: {message}; permit SCAN, or open the memory with names"
                );
                self.events.push(Event::Failed(SyncError::new(code, message)));
                self.refreshes.refuse_listing();
            }
        }
    }

    fn handle_secret(&mut self, answer: Answer) {
        match answer {
            Answer::Secret(secret) => self.secret.set(secret),
            // The next message that cannot be verified asks again.
            Answer::Busy(_) => {}
            _ => self.secret.set(None),
        }
    }

    fn handle_name(&mut self, key: &str) {
        let Some(id) = self.attributes.of_key(key) else { return };
        // An attribute that was fetched is awaited by every refresh already, or newer than it requires.
        if self.attributes[id].freshness.current_as_of == RefreshId::default() {
            self.request_fetch(id, FetchKind::Probe);
            self.refreshes.add_listed(id);
        }
    }

    fn handle_lifetime(&mut self, request: TtlRequest, answer: Answer, now: Now) {
        let lifetime = match answer {
            Answer::Lifetime(lifetime) => Ok(lifetime),
            Answer::History(page) => return self.report_history(&request, &page),
            Answer::Busy(_) | Answer::ReplyLost(_) => {
                self.ttl_requests.add_retry(request, now);
                return;
            }
            other => Err(answer_error(other)),
        };
        if let (Command::History { .. }, Err(error)) = (&request.command, &lifetime) {
            return self.events.push(Event::History { id: request.id, result: Err(error.clone()) });
        }
        self.events.push(Event::Lifetime { id: request.id, lifetime });
    }
}

/// Answers to fetches.
impl Session {
    fn handle_fetched(&mut self, id: AttributeId, answer: Answer, refresh: RefreshId, now: Now) {
        let attribute = &mut self.attributes[id];
        if matches!(answer, Answer::Loaded(_) | Answer::Tail { .. }) && attribute.replica.has_unanswered() {
            // The server was busy when these commits arrived. Their outcomes have to be known first.
            attribute.fetch.repeat();
            return;
        }
        if let Answer::Busy(error) | Answer::ReplyLost(error) = answer {
            attribute.fetch.repeat();
            self.back_off(id, error, now);
            return;
        }
        attribute.fetch.end();
        let is_current = match answer {
            Answer::Loaded(stored) => return self.take_read(id, ReadContent::Loaded(stored), refresh, now),
            Answer::Tail { append_run, bytes } => {
                return self.take_read(id, ReadContent::Tail { append_run, bytes }, refresh, now);
            }
            Answer::Probed(result) => self.handle_probed(id, &result, refresh, now),
            other => {
                self.give_up_attribute(id, answer_error(other), now);
                true
            }
        };
        if is_current {
            self.attributes[id].freshness.serve(refresh);
        }
    }

    pub(super) fn handle_loaded(&mut self, id: AttributeId, stored: &Stored, now: Now) {
        let attribute = &mut self.attributes[id];
        attribute.retry.succeed();
        attribute.freshness.set_read();
        attribute.contention.is_behind = false;
        if *stored == Stored::Absent {
            attribute.replica.note_absence(now);
        } else {
            attribute.hints.reset();
        }
        // Another client deleted the document, or the server lost it: the answer to the next commit decides.
        let is_undecided = *stored == Stored::Absent
            && attribute.replica.first_pending().is_some()
            && attribute.replica.is_loaded()
            && attribute.replica.must_have_dedup_key(now);
        if is_undecided {
            attribute.replica.rebuild_commits(now);
        } else {
            self.rebase(id, stored, now);
        }
    }

    /// Returns whether the confirmed document is the stored one. Else its delta is awaited, or the document is read.
    fn handle_probed(&mut self, id: AttributeId, result: &ProbeResult, refresh: RefreshId, now: Now) -> bool {
        let may_await_delta = self.may_await_delta(id);
        let attribute = &mut self.attributes[id];
        attribute.retry.succeed();
        if attribute.replica.is_current(result) {
            attribute.freshness.set_read();
            attribute.contention.is_behind = false;
            return true;
        }
        attribute.hints.reset();
        if let ProbeResult::Text { len, bytes } = result
            && *len > document::max_stored_len(self.config.max_document_bytes)
        {
            let at = ByteOffset(len.0.saturating_sub(bytes.len()));
            let stored = Stored::TooLong { len: *len, at, part: bytes.clone() };
            self.take_read(id, ReadContent::Loaded(stored), refresh, now);
            return false;
        }
        match stored_revision(result).filter(|_| may_await_delta && !attribute.replica.is_too_long()) {
            // The commit may have changed other attributes, too: all of them change together, by its deltas.
            Some(revision) => self.await_probed_delta(id, revision, refresh, now),
            None if attribute.replica.is_too_long() => attribute.fetch.request(FetchKind::Load),
            // The end of a list says what was appended, or that it is another list.
            None => attribute.fetch.request(FetchKind::Tail),
        }
        false
    }

    /// Whether a delta has most likely been sent for a change that a probe has found.
    fn may_await_delta(&self, id: AttributeId) -> bool {
        let is_announced = match self.connection.delta_delivery {
            DeltaDelivery::None => false,
            DeltaDelivery::InOrder => !self.inbox.is_empty(id),
            DeltaDelivery::OutOfBand | DeltaDelivery::Unordered => true,
        };
        let freshness = &self.attributes[id].freshness;
        is_announced && freshness.is_verified && !freshness.is_invalidated
    }

    /// Returns whether the tail said what was appended. Else everything is loaded.
    pub(super) fn handle_tail(
        &mut self,
        id: AttributeId,
        append_run: Option<AppendRun>,
        bytes: &[u8],
        now: Now,
    ) -> bool {
        self.attributes[id].retry.succeed();
        self.abort_strict_groups(id, now);
        let attribute = &mut self.attributes[id];
        let Some(rebased) = attribute.replica.catch_up(attribute.fetch.tail_offset(), bytes, append_run, now) else {
            attribute.fetch.request(FetchKind::Load);
            return false;
        };
        attribute.freshness.is_invalidated = false;
        attribute.contention.is_behind = false;
        self.report_resynced(id, ByteLen(bytes.len()));
        self.report_rebased(id, rebased, now);
        true
    }

    /// The attribute cannot be read: all its pending mutations are rejected.
    fn give_up_attribute(&mut self, id: AttributeId, error: SyncError, now: Now) {
        self.abort_all_groups(id, &error, now);
        if let Some(first) = self.attributes[id].replica.give_up(error.clone()) {
            self.report_rejected(id, error.clone(), first);
        }
        self.report_results(id);
        self.report_change(id, Change::Unreadable(error));
    }
}

/// Answers to commits.
impl Session {
    fn handle_commit_outcome(&mut self, id: AttributeId, sequence: Sequence, answer: Answer, now: Now) {
        let attribute = &mut self.attributes[id];
        match answer {
            Answer::Committed(CommitOutcome::Stale { stored, dedup_key_present }) => {
                self.handle_stale(id, sequence, stored, dedup_key_present, now);
            }
            Answer::Committed(CommitOutcome::StaleTail { len, bytes, dedup_key_present: false })
                if attribute.replica.is_first(sequence) && attribute.replica.has_lost_reply() =>
            {
                let stored = Stored::too_long_with_end(len, bytes);
                self.handle_stale(id, sequence, Some(stored), false, now);
            }
            Answer::Committed(CommitOutcome::StaleTail { bytes, dedup_key_present, .. }) => {
                let is_first = attribute.replica.is_first(sequence);
                attribute.replica.mark_unsent_from(sequence);
                if is_first && !dedup_key_present {
                    attribute.replica.forget_acknowledgement();
                }
                if is_first {
                    attribute.retry.succeed();
                    self.back_off_from_writers(id, now);
                    self.catch_up_with(id, &bytes, now);
                }
            }
            Answer::Committed(CommitOutcome::Reserved(turn)) => {
                let is_first = attribute.replica.is_first(sequence);
                attribute.replica.mark_not_executed(sequence);
                if is_first {
                    attribute.retry.succeed();
                    self.wait_for_turn(id, turn, now);
                }
            }
            Answer::Committed(outcome) => self.handle_committed(id, sequence, &outcome, now),
            Answer::Busy(error) => {
                attribute.replica.mark_not_executed(sequence);
                self.discard_resent_commits(id);
                self.back_off(id, error, now);
            }
            Answer::ReplyLost(error) => {
                attribute.replica.mark_replies_lost();
                self.discard_resent_commits(id);
                self.back_off(id, error, now);
            }
            other => {
                if attribute.replica.has_lost_reply() {
                    // An earlier sending may have been applied.
                    attribute.fetch.request(FetchKind::Load);
                }
                attribute.replica.mark_refused_from(sequence);
                self.reject(id, sequence, answer_error(other), now);
            }
        }
    }

    /// Another writer was first: the next attempt comes after a random wait, so that writers do not go on in step.
    pub(super) fn back_off_from_writers(&mut self, id: AttributeId, now: Now) {
        let most = self.attributes[id].contention.lose(self.requests.round_trip_ms());
        let ms = self.timers.jitter(most);
        if ms > 0 {
            let until = self.attributes[id].contention.wait_for(ms, now);
            self.timers.add(until, Timer::RetryCommit(id));
        }
    }

    /// Other writers have reserved the next commits of an attribute.
    pub(super) fn wait_for_turn(&mut self, id: AttributeId, mut turn: Turn, now: Now) {
        let jitter_ms = self.timers.jitter(TURN_JITTER_MS);
        if self.connection.delta_delivery == DeltaDelivery::None {
            // Nothing says when the turn comes, which lasts about as long as this one.
            turn.remaining_ms /= 2;
        }
        let until = self.attributes[id].contention.wait_for_turn(turn, jitter_ms, now);
        self.timers.add(until, Timer::RetryCommit(id));
    }

    pub(super) fn handle_committed(&mut self, id: AttributeId, sequence: Sequence, outcome: &CommitOutcome, now: Now) {
        let has_deltas = self.connection.delta_delivery != DeltaDelivery::None;
        let attribute = &mut self.attributes[id];
        attribute.retry.succeed();
        attribute.contention.win();
        let is_acknowledged = match outcome {
            CommitOutcome::Appended { revision } => {
                let is_acknowledged = attribute.replica.acknowledge_unplaced(sequence, Some(*revision), now);
                if has_deltas && attribute.replica.can_apply_remote_append() {
                    self.await_delta(id, Some(*revision), now);
                } else {
                    attribute.fetch.request(FetchKind::Tail);
                }
                is_acknowledged
            }
            CommitOutcome::Duplicate => {
                // Other writers may have committed since.
                attribute.fetch.request(FetchKind::Probe);
                attribute.replica.acknowledge_duplicate(sequence, now)
            }
            _ => {
                let is_acknowledged = attribute.replica.acknowledge(sequence, now);
                attribute.freshness.is_verified |= attribute.replica.has_known_base();
                self.check_history(id, now);
                is_acknowledged
            }
        };
        if is_acknowledged {
            self.report_acknowledged(id, sequence);
            self.fail_overtaken_groups(id, now);
        }
    }

    /// Rebases on the document that the backend has where a commit required another.
    pub(super) fn rebase_stale(&mut self, id: AttributeId, stored: &Stored, dedup_key_present: bool, now: Now) {
        let attribute = &mut self.attributes[id];
        attribute.retry.succeed();
        if matches!(stored, Stored::TooLong { .. }) {
            // It was too long for that answer.
            attribute.fetch.request(FetchKind::Load);
            if !dedup_key_present {
                attribute.replica.forget_acknowledgement();
            }
            return;
        }
        attribute.freshness.is_verified = true;
        attribute.contention.is_behind = false;
        if !dedup_key_present && self.is_memory_lost(id, stored, now) {
            let rebased = self.attributes[id].replica.recreate(now);
            self.report_rebased(id, rebased, now);
            return;
        }
        if !dedup_key_present {
            self.attributes[id].replica.forget_acknowledgement();
        }
        self.rebase(id, stored, now);
    }

    fn rebase(&mut self, id: AttributeId, stored: &Stored, now: Now) {
        // A transaction on an attribute that was not loaded relied on its absence.
        if self.attributes[id].replica.is_loaded() || *stored != Stored::Absent {
            self.abort_strict_groups(id, now);
        }
        if self.attributes[id].replica.is_loaded() {
            let len = match stored {
                Stored::Text(text) => text.len(),
                _ => 0,
            };
            self.report_resynced(id, ByteLen(len));
        }
        let Attribute { replica, unapplied, .. } = &mut self.attributes[id];
        let before = replica.revision();
        let mut rebased = replica.rebase(stored, now);
        // A read that was sent before the delta arrived does not bring it.
        let unapplied = unapplied.as_ref();
        rebased.writer = unapplied.and_then(|delta| delta.writer_between(before, replica.revision())).cloned();
        self.report_rebased(id, rebased, now);
    }

    pub(super) fn reject(&mut self, id: AttributeId, sequence: Sequence, error: SyncError, now: Now) {
        self.abort_strict_groups(id, now);
        if let Some(RolledBack { first, rebased, .. }) = self.attributes[id].replica.reject(sequence, &error, now) {
            self.report_rejected(id, error, first);
            self.report_rebased(id, rebased, now);
        }
    }

    /// Rejects a commit that was sent and not answered, so long ago that the server may have forgotten whether it applied
    /// it: sending it again could apply it twice.
    pub(super) fn give_up_commit(&mut self, id: AttributeId, sequence: Sequence, now: Now) {
        self.attributes[id].fetch.request(FetchKind::Load);
        self.reject(id, sequence, outcome_unknown(), now);
        self.report_failed_groups();
        self.report_settled();
    }

    /// Makes the session ignore the answers to commits that are going to be sent again in another form.
    pub(super) fn discard_resent_commits(&mut self, id: AttributeId) {
        let attribute = &mut self.attributes[id];
        if attribute.commits_in_flight == 0 {
            return;
        }
        let replica = &attribute.replica;
        attribute.commits_in_flight -= self.requests.discard(
            |purpose| matches!(purpose, Purpose::Commit(of, sequence) if *of == id && !replica.is_in_flight(*sequence)),
        );
    }

    /// Waits before anything else is sent about an attribute, because the backend was too busy.
    pub(super) fn back_off(&mut self, id: AttributeId, error: SyncError, now: Now) {
        let retry = &mut self.attributes[id].retry;
        if !retry.has_failed() {
            self.events.push(Event::Failed(error));
        }
        if let Some(attempts) = retry.begin_wait() {
            self.timers.add_retry(Timer::RetryAttribute(id), attempts, now);
        }
    }
}

/// The stored revision, as far as a probe shows it; [`Revision::NONE`] where nothing is stored.
fn stored_revision(result: &ProbeResult) -> Option<Revision> {
    match result {
        ProbeResult::Absent => Some(Revision::NONE),
        ProbeResult::Text { bytes, .. } => Some(StoredTail::read(bytes)?.revision),
        ProbeResult::OtherType => None,
    }
}

pub(super) fn outcome_unknown() -> SyncError {
    SyncError::new(
        ErrorCode::OutcomeUnknown,
        "the connection was lost before the answer and came back only after the server may have forgotten what it \
         applied; look at the attribute and mutate it again where that is missing",
    )
}

/// The log of names in the answer to a request for it.
pub(super) fn names_log(stored: Stored) -> NamesLog {
    match stored {
        Stored::Text(bytes) => NamesLog(bytes),
        Stored::Absent | Stored::OtherType | Stored::TooLong { .. } => NamesLog::default(),
    }
}

/// The error of an answer that is none to the request.
pub(super) fn answer_error(answer: Answer) -> SyncError {
    match answer {
        Answer::Refused(error) | Answer::Busy(error) | Answer::ReplyLost(error) => error,
        _ => SyncError::new(ErrorCode::Internal, "the backend gave an answer of another kind than was asked for"),
    }
}
