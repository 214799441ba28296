//! The time, which hosts pass in with every call.

/// A moment of the host's monotonic clock, in milliseconds since some start that stays the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// The moment this many milliseconds later.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0 + ms)
    }

    /// The milliseconds from an earlier moment to this one; 0 where that is not earlier.
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The time, as the host sees it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Nanoseconds since 1970, for revisions. This clock may stand still or jump.
    pub unix_ns: u64,
    /// The monotonic clock, for timeouts.
    pub monotonic: Instant,
}

impl Now {
    /// The milliseconds from an earlier moment to this one, as the clock counts them that has gone further: not all monotonic
    /// clocks count the time that a machine sleeps.
    pub(crate) fn ms_since(self, earlier: Self) -> u64 {
        let by_unix = self.unix_ns.saturating_sub(earlier.unix_ns) / 1_000_000;
        self.monotonic.ms_since(earlier.monotonic).max(by_unix)
    }
}
