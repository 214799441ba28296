//! A limit on how often something that anybody can send leads to a request.

use crate::time::{Instant, Now};

/// Lets the first event through at once, then one each interval. The interval doubles each time, up to a limit, until it is
/// [reset](Self::reset).
#[derive(Debug)]
pub(super) struct ReadThrottle {
    first_ms: u64,
    max_ms: u64,
    interval_ms: u64,
    /// The earliest time of the next request.
    next: Option<Instant>,
    is_waiting: bool,
}

/// The consequence of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Throttled {
    /// A request can go now.
    Now,
    /// A request can go at this time: the caller calls [`ReadThrottle::end_wait`] then.
    At(Instant),
    /// A request goes at the time that an earlier event led to.
    Waits,
}

impl ReadThrottle {
    /// A throttle whose interval is `first_ms` at first and at most `max_ms`.
    pub(super) fn new(first_ms: u64, max_ms: u64) -> Self {
        Self { first_ms, max_ms, interval_ms: first_ms, next: None, is_waiting: false }
    }

    /// An event has arrived. A request for it goes at `earliest` or later.
    pub(super) fn throttle(&mut self, earliest: Instant, now: Now) -> Throttled {
        if self.is_waiting {
            return Throttled::Waits;
        }
        let at = self.next.map_or(earliest, |next| next.max(earliest));
        if at > now.monotonic {
            self.is_waiting = true;
            return Throttled::At(at);
        }
        self.begin_interval(now);
        Throttled::Now
    }

    /// Whether a request can go now. If not, the event is forgotten.
    pub(super) fn try_now(&mut self, now: Now) -> bool {
        let can_go = !self.is_waiting && self.next.is_none_or(|next| next <= now.monotonic);
        if can_go {
            self.begin_interval(now);
        }
        can_go
    }

    /// The time that [`Throttled::At`] gave has come: a request goes.
    pub(super) fn end_wait(&mut self, now: Now) {
        self.is_waiting = false;
        self.begin_interval(now);
    }

    fn begin_interval(&mut self, now: Now) {
        self.next = Some(now.monotonic.plus_ms(self.interval_ms));
        self.interval_ms = (self.interval_ms * 2).min(self.max_ms);
    }

    /// The events turned out to be worth a request.
    pub(super) fn reset(&mut self) {
        self.interval_ms = self.first_ms;
    }

    /// The connection is over, and timers with it.
    pub(super) fn end_connection(&mut self) {
        self.is_waiting = false;
        self.next = None;
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    #[test]
    fn requests_become_rarer_up_to_a_limit() {
        let mut throttle = ReadThrottle::new(20, 50);
        let mut requests = Vec::new();
        let mut due = None;
        for ms in 0..300 {
            if due == Some(Instant(ms)) {
                due = None;
                throttle.end_wait(at(ms));
                requests.push(ms);
            }
            match throttle.throttle(Instant(ms), at(ms)) {
                Throttled::Now => requests.push(ms),
                Throttled::At(at) => due = Some(at),
                Throttled::Waits => {}
            }
        }
        assert_eq!(requests, [0, 20, 60, 110, 160, 210, 260]);
        throttle.reset();
        throttle.end_connection();
        assert_eq!(throttle.throttle(Instant(300), at(300)), Throttled::Now);
    }

    #[test]
    fn a_request_does_not_go_before_the_caller_has_room_for_it() {
        let mut throttle = ReadThrottle::new(20, 50);
        assert_eq!(throttle.throttle(Instant(7), at(0)), Throttled::At(Instant(7)));
        assert_eq!(throttle.throttle(Instant(0), at(0)), Throttled::Waits);
    }
}
