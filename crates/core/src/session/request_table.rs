//! The requests of a session that the backend has not answered.

use super::ids::{AttributeId, MarkDomainId};
use super::ttl_requests::TtlRequest;
use crate::byte_len::ByteLen;
use crate::id_map::IdMap;
use crate::ids::{GroupId, RefreshId, ReplicationId, Revision, Sequence, WritersRequestId};
use crate::protocol::{Command, RequestId};
use crate::time::{Instant, Now};
use std::collections::VecDeque;

/// A reply is overdue after this time without any reply, in milliseconds.
const REPLY_TIMEOUT_MS: u64 = 20_000;
/// The bandwidth of a slow connection, in bytes a millisecond. A large request has as much more time as it takes there.
const SLOW_BYTES_PER_MS: u64 = 100;

/// The length of requests in flight from which on no more are made: it bounds the work at one time, and the memory.
const MAX_IN_FLIGHT_LEN: ByteLen = ByteLen(4 << 20);

/// The purpose of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Fetch(AttributeId),
    Commit(AttributeId, Sequence),
    Group(GroupId),
    ListNames,
    /// Read the log of names, before they are listed.
    ReadNamesLog,
    ReadSecret,
    ReadGroupMark(MarkDomainId),
    /// Compare all documents of a domain at one moment.
    ReadJointly(MarkDomainId),
    /// Whether a copy of a commit was applied that may be in what a joint read brings.
    CheckLateCommit(MarkDomainId, AttributeId),
    /// Whether a copy of a commit was applied that may be in this held read, which no joint read checks.
    CheckHeldRead(AttributeId, RequestId),
    ReadEvictionPolicy,
    /// Whether the history of an attribute has the commit that made this revision.
    CheckHistory {
        name: String,
        revision: Revision,
    },
    /// Whether the server has the last acknowledged commit.
    CheckSequence(AttributeId),
    Replicate(ReplicationId),
    TimeToLive(TtlRequest),
    /// Keep this writer's entry in the list of writers.
    KeepPresence,
    ReadWriters(WritersRequestId),
    ReleaseDedupKey,
    /// The answer is ignored: the session has done in another way what the request was for. It shows that the connection
    /// works, all the same.
    Discarded,
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    /// The newest refresh when the request was made: its answer is as new as that refresh requires.
    pub(super) refresh: RefreshId,
    deadline: Instant,
    sent: Instant,
    len: ByteLen,
}

/// The requests in flight, the oldest first, and their commands until those are output. All of them belong to one
/// connection: they end with it.
#[derive(Debug)]
pub(super) struct RequestTable {
    in_flight: IdMap<RequestId, Request>,
    /// The length of the requests in flight.
    in_flight_len: ByteLen,
    commands: VecDeque<(RequestId, Command)>,
    last_id: RequestId,
    last_completed: RequestId,
    last_reply: Instant,
    is_reset_needed: bool,
    /// The mean time to the answers of commits and fetches, of which the newer ones count more; in milliseconds.
    round_trip_ms: u64,
}

impl RequestTable {
    pub(super) fn new() -> Self {
        Self {
            in_flight: IdMap::default(),
            in_flight_len: ByteLen(0),
            commands: VecDeque::new(),
            last_id: RequestId(0),
            last_completed: RequestId(0),
            last_reply: Instant::default(),
            is_reset_needed: false,
            round_trip_ms: 0,
        }
    }

    /// A new connection: replies have been possible since now.
    pub(super) fn start(&mut self, now: Now) {
        self.last_reply = now.monotonic;
    }

    /// The connection is over: removes all requests, and returns what those in flight were for.
    pub(super) fn abandon(&mut self) -> impl Iterator<Item = Purpose> + use<> {
        self.commands.clear();
        self.in_flight_len = ByteLen(0);
        std::mem::take(&mut self.in_flight).into_values().map(|request| request.purpose)
    }

    /// Adds a request. `len` is its length, as far as it can be large.
    pub(super) fn add(
        &mut self,
        purpose: Purpose,
        command: Command,
        len: ByteLen,
        refresh: RefreshId,
        now: Now,
    ) -> RequestId {
        self.last_id.0 += 1;
        let deadline = now.monotonic.plus_ms(REPLY_TIMEOUT_MS + len.0 as u64 / SLOW_BYTES_PER_MS);
        let sent = now.monotonic;
        self.in_flight.insert(self.last_id, Request { purpose, refresh, deadline, sent, len });
        self.in_flight_len += len;
        self.commands.push_back((self.last_id, command));
        self.last_id
    }

    /// Whether another request may be made now. Replies make room.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight_len < MAX_IN_FLIGHT_LEN
    }

    pub(super) fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Removes and returns the oldest command that has not been output.
    pub(super) fn pop_command(&mut self) -> Option<(RequestId, Command)> {
        self.commands.pop_front()
    }

    /// Removes and returns the request that a reply belongs to. None where it was abandoned.
    pub(super) fn complete(&mut self, id: RequestId, now: Now) -> Option<Request> {
        let request = self.in_flight.remove(id)?;
        self.in_flight_len -= request.len;
        self.last_reply = now.monotonic;
        self.last_completed = id;
        if let Purpose::Fetch(_) | Purpose::Commit(..) | Purpose::Group(_) = request.purpose {
            self.round_trip_ms = (self.round_trip_ms * 3 + now.monotonic.ms_since(request.sent)).div_ceil(4);
        }
        Some(request)
    }

    /// The request whose answer has come last.
    pub(super) fn last_completed(&self) -> RequestId {
        self.last_completed
    }

    /// Makes the session ignore the answers to some requests. Returns their number.
    pub(super) fn discard(&mut self, is_discarded: impl Fn(&Purpose) -> bool) -> usize {
        let mut count = 0;
        for request in self.in_flight.values_mut().filter(|request| is_discarded(&request.purpose)) {
            request.purpose = Purpose::Discarded;
            count += 1;
        }
        count
    }

    /// The measured time of one round trip, in milliseconds.
    pub(super) fn round_trip_ms(&self) -> u64 {
        self.round_trip_ms
    }

    pub(super) fn contains(&self, purpose: &Purpose) -> bool {
        self.in_flight.values().any(|request| request.purpose == *purpose)
    }

    /// When a reply is overdue: the oldest request has exceeded its time, and no other reply has come for the same time.
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        let oldest = self.in_flight.first()?;
        Some(oldest.deadline.max(self.last_reply.plus_ms(REPLY_TIMEOUT_MS)))
    }

    /// Asks for a reset of the connection where a reply is overdue.
    pub(super) fn check_overdue(&mut self, now: Now) {
        self.is_reset_needed |= self.overdue_at().is_some_and(|at| at <= now.monotonic);
    }

    /// Whether a reset has become necessary since the last call.
    pub(super) fn take_reset(&mut self) -> bool {
        std::mem::take(&mut self.is_reset_needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    fn add(requests: &mut RequestTable, purpose: Purpose, len: usize, now: Now) -> RequestId {
        let command = Command::Load { key: "memory:x".into(), max_len: ByteLen(100) };
        requests.add(purpose, command, ByteLen(len), RefreshId(1), now);
        requests.pop_command().expect("the command").0
    }

    fn fetch(id: usize) -> Purpose {
        Purpose::Fetch(AttributeId::new(id))
    }

    #[test]
    fn a_reply_completes_its_request_once() {
        let mut requests = RequestTable::new();
        let id = add(&mut requests, fetch(0), 0, at(0));
        assert!(!requests.has_commands());
        assert_eq!(requests.complete(id, at(1)).map(|request| request.purpose), Some(fetch(0)));
        assert!(requests.complete(id, at(2)).is_none());
        assert_eq!(requests.overdue_at(), None);
    }

    #[test]
    fn a_reply_is_overdue_without_any_reply() {
        let mut requests = RequestTable::new();
        requests.start(at(500));
        let first = add(&mut requests, fetch(0), 0, at(1_000));
        add(&mut requests, fetch(1), 0, at(2_000));
        assert_eq!(requests.overdue_at(), Some(Instant(1_000 + REPLY_TIMEOUT_MS)));
        requests.complete(first, at(5_000));
        let overdue = 5_000 + REPLY_TIMEOUT_MS;
        assert_eq!(requests.overdue_at(), Some(Instant(overdue)));
        requests.check_overdue(at(overdue - 1));
        assert!(!requests.take_reset());
        requests.check_overdue(at(overdue));
        assert!(requests.take_reset());
        assert!(!requests.take_reset(), "once");
    }

    #[test]
    fn a_large_request_may_take_longer() {
        let mut requests = RequestTable::new();
        add(&mut requests, fetch(0), 1_000_000, at(0));
        assert_eq!(requests.overdue_at(), Some(Instant(REPLY_TIMEOUT_MS + 1_000_000 / SLOW_BYTES_PER_MS)));
    }

    #[test]
    fn a_discarded_request_still_has_a_deadline() {
        let mut requests = RequestTable::new();
        let id = add(&mut requests, Purpose::ListNames, 0, at(0));
        assert!(requests.contains(&Purpose::ListNames));
        assert_eq!(requests.discard(|purpose| *purpose == Purpose::ListNames), 1);
        assert!(!requests.contains(&Purpose::ListNames));
        assert!(requests.overdue_at().is_some());
        assert_eq!(requests.complete(id, at(1)).map(|request| request.purpose), Some(Purpose::Discarded));
    }

    #[test]
    fn nothing_outlives_the_connection() {
        let mut requests = RequestTable::new();
        add(&mut requests, fetch(0), 0, at(0));
        requests.add(
            fetch(1),
            Command::Load { key: "memory:y".into(), max_len: ByteLen(100) },
            ByteLen(0),
            RefreshId(1),
            at(0),
        );
        assert_eq!(requests.abandon().collect::<Vec<_>>(), [fetch(0), fetch(1)]);
        assert!(!requests.has_commands());
        assert_eq!(requests.overdue_at(), None);
    }
}
