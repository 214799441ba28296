//! Waiting between attempts.

use std::time::Duration;

/// Delays between attempts that fail: each is twice as long as the one before it, up to a maximum, and jittered so that
/// many clients do not retry at the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// Failures since the last success.
    failures: u32,
}

impl Backoff {
    /// The delay after one failure is at most `first`, the delay after many is at most `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// An attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The delay after one more failure.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        jittered(self.first.saturating_mul(factor).min(self.longest))
    }

    /// The delay after a failure that lasts until a person intervenes: that of many failures, at once.
    pub(crate) fn longest_delay(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        jittered(self.longest)
    }
}

/// A random duration between half of `longest` and all of it.
fn jittered(longest: Duration) -> Duration {
    let part = u32::from(getrandom::u32().unwrap_or_default().to_le_bytes()[0]);
    longest / 2 + longest * part / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(2);

    #[test]
    fn delays_double_up_to_the_longest_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for limit in [20, 40, 80, 160, 320, 640, 1280, 2000, 2000].map(Duration::from_millis) {
            let delay = backoff.next_delay();
            assert!(limit / 2 <= delay && delay <= limit, "{delay:?} of {limit:?}");
        }
        for _ in 0..100 {
            assert!(backoff.next_delay() <= LONGEST);
        }
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }

    #[test]
    fn a_lasting_failure_waits_the_longest_at_once() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        assert!(backoff.longest_delay() >= LONGEST / 2);
        assert!(backoff.next_delay() >= FIRST, "it counts as a failure");
    }
}
