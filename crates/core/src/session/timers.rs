//! Timers: actions of a session at a later time.

use super::ids::{AttributeId, MarkDomainId};
use crate::id_map::IdMap;
use crate::time::{Instant, Now};

/// The first retry of what the backend was too busy for, in milliseconds. The delay doubles with each attempt.
const FIRST_RETRY_MS: u64 = 20;
const MAX_RETRY_MS: u64 = 2_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Timer {
    /// Send to the backend about this attribute again, after the backend was too busy.
    RetryAttribute(AttributeId),
    /// Commit to this attribute again, after other writers were ahead.
    RetryCommit(AttributeId),
    /// Read this attribute, because of a hint.
    HintedRead(AttributeId),
    /// Read everything, because of a hint.
    HintedRefresh,
    /// List the names, because of a hint.
    HintedListing,
    /// List the names again, after the backend was too busy.
    RetryListing,
    /// Read the group mark of a domain again, after the backend was too busy.
    RetryMark(MarkDomainId),
    /// Keep this writer's entry in the list of writers.
    SignOfLife,
    /// Read the list of writers again, after the backend was too busy.
    RetryWriters,
    /// Send a joint read.
    JointRead(MarkDomainId),
    /// Fetch this attribute, unless the delta that it awaits has arrived or is not overdue yet.
    Recheck(AttributeId),
}

/// The timers of a session. All of them belong to one connection: they end with it.
#[derive(Debug)]
pub(super) struct Timers {
    due: IdMap<Instant, Timer>,
    jitter: Jitter,
}

impl Timers {
    /// No timers. `seed` is random.
    pub(super) fn new(seed: u64) -> Self {
        Self { due: IdMap::default(), jitter: Jitter(seed | 1) }
    }

    pub(super) fn add(&mut self, at: Instant, timer: Timer) {
        self.due.add(at, timer);
    }

    /// Adds a timer with exponential backoff and jitter. `attempts` counts the failures in a row, from 1.
    pub(super) fn add_retry(&mut self, timer: Timer, attempts: u32, now: Now) {
        let longest = (FIRST_RETRY_MS << attempts.min(10)).min(MAX_RETRY_MS);
        let delay = longest / 2 + self.jitter.next() % (longest / 2 + 1);
        self.add(now.monotonic.plus_ms(delay), timer);
    }

    /// A random number up to and including `most`.
    pub(super) fn jitter(&mut self, most: u64) -> u64 {
        self.jitter.next() % (most + 1)
    }

    pub(super) fn contains(&self, timer: Timer) -> bool {
        self.due.values().any(|other| *other == timer)
    }

    /// When the first timer is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first_id()
    }

    /// Removes and returns the first timer, if it is due.
    pub(super) fn pop_due(&mut self, now: Now) -> Option<Timer> {
        self.due.pop_up_to(now.monotonic)
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    /// The attributes that timers refer to.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.due.values().filter_map(|timer| match timer {
            Timer::RetryAttribute(id) | Timer::RetryCommit(id) | Timer::Recheck(id) | Timer::HintedRead(id) => {
                Some(*id)
            }
            Timer::RetryListing
            | Timer::SignOfLife
            | Timer::RetryWriters
            | Timer::HintedRefresh
            | Timer::HintedListing
            | Timer::RetryMark(_)
            | Timer::JointRead(_) => None,
        })
    }
}

/// A xorshift generator: good enough to keep many clients from retrying in step.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    #[test]
    fn timers_are_due_in_order_of_time() {
        let mut timers = Timers::new(7);
        let [a, b] = [0, 1].map(AttributeId::new);
        timers.add(Instant(20), Timer::Recheck(a));
        timers.add(Instant(10), Timer::RetryListing);
        timers.add(Instant(10), Timer::Recheck(b));
        assert_eq!(timers.next(), Some(Instant(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(10)), Some(Timer::RetryListing));
        assert_eq!(timers.pop_due(at(10)), Some(Timer::Recheck(b)));
        assert_eq!(timers.pop_due(at(10)), None);
        assert!(timers.contains(Timer::Recheck(a)) && !timers.contains(Timer::Recheck(b)));
        assert_eq!(timers.attributes().collect::<Vec<_>>(), [a]);
    }

    #[test]
    fn retries_wait_longer_with_each_attempt_up_to_a_limit() {
        let mut timers = Timers::new(7);
        for (attempts, longest) in [(1, 40), (2, 80), (7, 2_000), (40, 2_000)] {
            timers.add_retry(Timer::RetryListing, attempts, at(1_000));
            let delay = timers.next().unwrap().ms_since(Instant(1_000));
            assert!((longest / 2..=longest).contains(&delay), "attempt {attempts} waits {delay} ms");
            timers.clear();
        }
    }
}
