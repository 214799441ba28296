//! When a session polls for changes that the backend does not announce.

use crate::protocol::Invalidations;
use crate::time::{Instant, Now};

/// Names are listed at every tenth poll.
const POLLS_PER_LISTING: u64 = 10;

/// The schedule of polls. There is none without a configured interval, without a connection, and where the backend
/// announces every change of a key.
#[derive(Debug)]
pub(super) struct PollSchedule {
    interval_ms: Option<u64>,
    next: Option<Instant>,
    polls: u64,
}

impl PollSchedule {
    pub(super) fn new(interval_ms: Option<u64>) -> Self {
        Self { interval_ms, next: None, polls: 0 }
    }

    /// Plans the next poll on a connection. The interval is at least one millisecond for each attribute.
    pub(super) fn plan(&mut self, invalidations: Invalidations, attributes: usize, now: Now) {
        let interval_ms = self.interval_ms.filter(|_| invalidations != Invalidations::Broadcast);
        self.next = interval_ms.map(|ms| now.monotonic.plus_ms(ms.max(attributes as u64)));
    }

    /// Ends polling, with the connection.
    pub(super) fn stop(&mut self) {
        self.next = None;
    }

    /// When the next poll is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    pub(super) fn is_due(&self, now: Now) -> bool {
        self.next.is_some_and(|at| at <= now.monotonic)
    }

    /// Counts a poll. True if it is one that lists the names, too.
    pub(super) fn count_poll(&mut self) -> bool {
        self.polls += 1;
        self.polls.is_multiple_of(POLLS_PER_LISTING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    #[test]
    fn polls_where_the_backend_does_not_announce_all_changes() {
        for (interval_ms, invalidations, next) in [
            (Some(1_000), Invalidations::None, Some(Instant(1_500))),
            (Some(1_000), Invalidations::Tracked, Some(Instant(1_500))),
            (Some(1_000), Invalidations::Broadcast, None),
            (None, Invalidations::None, None),
        ] {
            let mut schedule = PollSchedule::new(interval_ms);
            schedule.plan(invalidations, 3, at(500));
            assert_eq!(schedule.next(), next);
            schedule.stop();
            assert!(!schedule.is_due(at(10_000)));
        }
    }

    #[test]
    fn many_attributes_are_polled_less_often() {
        let mut schedule = PollSchedule::new(Some(1_000));
        schedule.plan(Invalidations::None, 20_000, at(0));
        assert!(!schedule.is_due(at(19_999)) && schedule.is_due(at(20_000)));
    }

    #[test]
    fn every_tenth_poll_lists_the_names() {
        let mut schedule = PollSchedule::new(Some(1));
        let listings: Vec<u64> = (1..=30).filter(|_| schedule.count_poll()).collect();
        assert_eq!(listings, [10, 20, 30]);
    }
}
