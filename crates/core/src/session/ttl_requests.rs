//! The host's requests to read or set the time to live of attributes, and to read their histories, until they are sent.

use super::ids::AttributeId;
use crate::id_map::IdMap;
use crate::ids::{MutationNumber, Revision, TtlRequestId};
use crate::protocol::Command;
use crate::time::{Instant, Now};

/// The delay before a request is sent again, after the backend was too busy for it, in milliseconds.
const RETRY_MS: u64 = 200;

/// A request to read or set the time to live of an attribute, or to read its history. Carrying it out twice does no harm, so it is sent again
/// after a lost connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TtlRequest {
    pub(super) id: TtlRequestId,
    /// The attribute's name.
    pub(super) name: String,
    pub(super) command: Command,
    /// The revision whose value is wanted, of a request that reads the history.
    pub(super) wanted: Option<Revision>,
    /// The mutations up to this one go first.
    pub(super) after: MutationNumber,
    /// The request is not sent before this time.
    pub(super) not_before: Option<Instant>,
}

/// Requests about times to live, until they are sent. A request is blocked while its attribute has pending mutations that
/// were made before it.
#[derive(Debug)]
pub(super) struct TtlRequests {
    ready: IdMap<TtlRequestId, TtlRequest>,
    blocked: IdMap<AttributeId, Vec<TtlRequest>>,
    last_id: TtlRequestId,
}

impl TtlRequests {
    pub(super) fn new() -> Self {
        Self { ready: IdMap::default(), blocked: IdMap::default(), last_id: TtlRequestId(0) }
    }

    pub(super) fn next_id(&mut self) -> TtlRequestId {
        self.last_id.0 += 1;
        self.last_id
    }

    /// Adds a request. `blocked_by` is its attribute if pending mutations of it go first, else None.
    pub(super) fn add(&mut self, request: TtlRequest, blocked_by: Option<AttributeId>) {
        match blocked_by {
            Some(id) => self.blocked.entry(id, Vec::new).push(request),
            None => self.ready.insert(request.id, request),
        }
    }

    /// Adds a request that the backend was too busy for.
    pub(super) fn add_retry(&mut self, request: TtlRequest, now: Now) {
        let not_before = Some(now.monotonic.plus_ms(RETRY_MS));
        self.add(TtlRequest { not_before, ..request }, None);
    }

    /// Removes and returns the requests that an attribute blocks: the caller adds those again that it still blocks.
    pub(super) fn take_blocked(&mut self, id: AttributeId) -> Vec<TtlRequest> {
        self.blocked.remove(id).unwrap_or_default()
    }

    /// Removes and returns the requests to be sent now, oldest first.
    pub(super) fn take_ready(&mut self, now: Now) -> Vec<TtlRequest> {
        let mut ready = Vec::new();
        if self.ready.is_empty() {
            return ready;
        }
        for request in std::mem::take(&mut self.ready).into_values() {
            if request.not_before.is_some_and(|at| at > now.monotonic) {
                self.ready.insert(request.id, request);
            } else {
                ready.push(request);
            }
        }
        ready
    }

    /// Ends the delay of the requests that are due, so that `next_retry` does not return a time that has passed.
    pub(super) fn end_delays(&mut self, now: Now) {
        for request in self.ready.values_mut() {
            request.not_before = request.not_before.filter(|at| *at > now.monotonic);
        }
    }

    /// When the first delayed request is due.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.ready.values().filter_map(|request| request.not_before).min()
    }

    /// The attributes that block requests.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.blocked.iter().map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    fn request(queue: &mut TtlRequests, name: &str) -> TtlRequest {
        let command = Command::Ttl { key: format!("memory:{name}") };
        let (id, after) = (queue.next_id(), MutationNumber(1));
        TtlRequest { id, name: name.into(), command, wanted: None, after, not_before: None }
    }

    #[test]
    fn a_blocked_request_is_not_ready() {
        let mut queue = TtlRequests::new();
        let attribute = AttributeId::new(4);
        let (x, y) = (request(&mut queue, "x"), request(&mut queue, "y"));
        queue.add(x.clone(), Some(attribute));
        queue.add(y.clone(), None);
        assert_eq!(queue.attributes().collect::<Vec<_>>(), [attribute]);
        assert_eq!(queue.take_ready(at(0)), [y]);
        assert_eq!(queue.take_blocked(attribute), [x]);
        assert_eq!(queue.take_blocked(attribute), []);
    }

    #[test]
    fn a_retry_is_delayed() {
        let mut queue = TtlRequests::new();
        let first = request(&mut queue, "x");
        let second = request(&mut queue, "y");
        queue.add_retry(first.clone(), at(1_000));
        queue.add(second.clone(), None);
        assert_eq!(queue.next_retry(), Some(Instant(1_000 + RETRY_MS)));
        assert_eq!(queue.take_ready(at(1_000)), [second]);
        queue.end_delays(at(1_000 + RETRY_MS));
        assert_eq!(queue.next_retry(), None, "it is due");
        assert_eq!(queue.take_ready(at(1_000 + RETRY_MS)), [first]);
    }
}
