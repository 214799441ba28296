//! The inputs of a session from its backend and its host, and what happens with those that are not about one request.

use super::fetch_state::FetchKind;
use super::request_table::Purpose;
use super::timers::Timer;
use super::{Event, Session, TtlRequest};
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::protocol::{Answer, CommitOutcome, Delta, DeltaDelivery, Invalidations, RequestId};
use crate::time::Now;
use std::sync::Arc;

/// An input of a session: see [`Session::handle`](super::Session::handle).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The backend announces changes in this way from now on. Before this input it announces nothing.
    Notifications(DeltaDelivery, Invalidations),
    /// The backend can be reached (again). Answers to earlier commands will not come any more.
    Connected,
    /// The backend cannot be reached; the host keeps trying.
    Disconnected(SyncError),
    /// The answer to a command.
    Answer(RequestId, Answer),
    /// The keys of documents that have changed. Where the backend delivers deltas and no invalidations, something else than
    /// a commit changed them.
    Changed(Vec<String>),
    /// Any document may have changed.
    ChangedAll,
    /// The deltas of one commit, or of a group's commits, from a source that only writers of the memory can write to.
    Deltas(Vec<Delta>),
    /// A message of the memory's [channel](crate::protocol::channel), which anybody may have published, or its first
    /// [`MAX_MESSAGE_BYTES`](crate::protocol::MAX_MESSAGE_BYTES).
    Message {
        /// The name of the channel.
        channel: Arc<str>,
        /// The message.
        message: Arc<[u8]>,
    },
    /// A timeout has passed (see [`Output::Timeout`](super::Output::Timeout)), or the host wants the session to look at the
    /// time.
    Tick,
}

impl Input {
    /// About the memory that the input takes, in bytes.
    pub fn text_len(&self) -> usize {
        /// About what an element of an input takes beside its text.
        const ELEMENT: usize = 64;
        let stored_len = |stored: &Stored| if let Stored::Text(text) = stored { text.len() } else { 0 };
        ELEMENT
            + match self {
                Self::Deltas(deltas) => {
                    deltas.iter().map(|delta| 2 * ELEMENT + delta.key.len() + delta.mutations.len()).sum()
                }
                Self::Changed(keys) => keys.iter().map(|key| ELEMENT + key.len()).sum(),
                Self::Answer(_, Answer::Loaded(stored)) => stored_len(stored),
                Self::Answer(_, Answer::Committed(CommitOutcome::Stale { stored: Some(stored), .. })) => {
                    stored_len(stored)
                }
                Self::Answer(_, Answer::Compared(results)) => results.iter().flatten().map(stored_len).sum(),
                Self::Answer(_, Answer::Tail { bytes, .. }) => bytes.len(),
                Self::Message { message, .. } => message.len(),
                _ => 0,
            }
    }
}

impl Session {
    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Notifications(delta_delivery, invalidations) => {
                self.connection.delta_delivery = delta_delivery;
                self.connection.invalidations = invalidations;
                self.connection.plan_poll(self.attributes.len(), now);
            }
            Input::Connected => self.handle_connected(now),
            Input::Disconnected(error) => self.handle_disconnected(error),
            Input::Answer(id, answer) => self.handle_answer(id, answer, now),
            Input::Changed(keys) => self.handle_invalidations(&keys, now),
            Input::ChangedAll => drop(self.begin_refresh(None)),
            Input::Deltas(deltas) => self.handle_deltas(deltas, now),
            Input::Message { message, .. } => self.handle_message(&message, now),
            Input::Tick => self.handle_tick(now),
        }
        self.report_refreshed();
        self.report_settled();
    }

    fn handle_connected(&mut self, now: Now) {
        self.end_connection();
        self.connection.connect();
        self.requests.start(now);
        self.secret.request();
        self.eviction.connect();
        self.history_check.connect(&self.config);
        self.check_acknowledged(now);
        self.begin_marks();
        self.begin_presence(now);
        let refresh = self.begin_refresh(None);
        self.refreshes.set_catch_up(refresh);
        self.connection.plan_poll(self.attributes.len(), now);
    }

    fn handle_disconnected(&mut self, error: SyncError) {
        self.end_connection();
        self.events.push(Event::Disconnected(error));
    }

    /// Ends everything that belongs to one connection: its requests will not be answered, and its announcements are over.
    fn end_connection(&mut self) {
        self.connection.disconnect();
        for purpose in self.requests.abandon() {
            match purpose {
                Purpose::Replicate(id) => {
                    let error =
                        SyncError::new(ErrorCode::Unreachable, "the connection was lost before the replicas answered");
                    self.events.push(Event::Replicated { id, count: Err(error) });
                }
                Purpose::TimeToLive(request) => self.queue_ttl(TtlRequest { not_before: None, ..request }),
                Purpose::Group(id) => self.groups.end_request(id),
                Purpose::ReadWriters(id) => self.queue_writers(id),
                Purpose::ReleaseDedupKey => self.end_release(),
                _ => {}
            }
        }
        self.timers.clear();
        self.end_hints();
        self.end_marks();
        self.refreshes.end_connection();
        self.inbox.clear();
        for id in self.attributes.ids() {
            self.attributes[id].end_connection();
            self.attributes.activate(id);
        }
    }

    fn handle_tick(&mut self, now: Now) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::HintedRead(id) => self.end_hinted_read_wait(id, now),
                Timer::HintedRefresh => self.end_hinted_refresh_wait(now),
                Timer::HintedListing => self.end_hinted_listing_wait(now),
                Timer::RetryMark(id) => self.attributes.domain_mut(id).require_read(),
                Timer::JointRead(id) => self.end_joint_read_wait(id),
                Timer::SignOfLife => self.request_sign_of_life(),
                Timer::RetryWriters => self.end_writers_wait(),
                Timer::RetryListing => self.refreshes.listing.start(),
                Timer::RetryAttribute(id) => {
                    self.attributes[id].retry.end_wait();
                    self.attributes.activate(id);
                }
                Timer::RetryCommit(id) => {
                    self.attributes[id].contention.end_wait(now);
                    self.attributes.activate(id);
                }
                Timer::Recheck(id) => {
                    let awaited = &mut self.attributes[id].freshness.awaited_delta;
                    if awaited.is_some_and(|delta| delta.deadline > now.monotonic) {
                        continue;
                    }
                    let kind = if awaited.take().is_some() { FetchKind::Tail } else { FetchKind::Probe };
                    self.request_fetch(id, kind);
                }
            }
        }
        self.ttl_requests.end_delays(now);
        if self.connection.polls.is_due(now) {
            self.poll();
            self.connection.plan_poll(self.attributes.len(), now);
        }
        self.requests.check_overdue(now);
    }

    /// Looks for changes that the backend does not announce.
    fn poll(&mut self) {
        if self.connection.invalidations == Invalidations::None {
            for id in self.attributes.ids() {
                if self.attributes[id].replica.is_loaded() {
                    self.request_fetch(id, FetchKind::Probe);
                }
            }
        }
        let is_listing = self.refreshes.listing.is_due() || self.requests.contains(&Purpose::ListNames);
        if self.connection.polls.count_poll() && self.config.names.is_none() && !is_listing {
            self.refreshes.listing.start();
        }
    }
}
