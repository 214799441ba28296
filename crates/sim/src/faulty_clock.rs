//! The wall clock of a client, which may be wrong or stand still.

use crate::random::Random;

/// The time that a clock which is two hours slow shows when a simulation starts, in nanoseconds since 1970.
const BEGIN_NS: u64 = 1_763_000_000_000_000_000;
const HOUR_NS: usize = 3_600_000_000_000;

/// A wall clock that is wrong by some time, or stands still.
pub(crate) struct FaultyClock {
    /// Nanoseconds ahead of a clock that is two hours slow, so that the number is never negative.
    ahead_ns: u64,
    stands_at: Option<u64>,
}

impl FaultyClock {
    /// A clock that runs.
    pub(crate) fn running(random: &mut Random) -> Self {
        let mut clock = Self { ahead_ns: 0, stands_at: None };
        clock.jump(random);
        clock
    }

    pub(crate) fn new(random: &mut Random) -> Self {
        let mut clock = Self::running(random);
        if random.one_in(4) {
            clock.stands_at = Some(clock.read(0));
        }
        clock
    }

    /// The reading in nanoseconds since 1970, after so much simulated time.
    pub(crate) fn read(&self, passed_ns: u64) -> u64 {
        self.stands_at.unwrap_or(BEGIN_NS + passed_ns + self.ahead_ns)
    }

    /// Stops, restarts or moves the clock.
    pub(crate) fn disturb(&mut self, random: &mut Random, passed_ns: u64) {
        match (random.below(3), self.stands_at) {
            (0, Some(_)) => self.stands_at = None,
            (0, None) => self.stands_at = Some(self.read(passed_ns)),
            _ => self.jump(random),
        }
    }

    /// Moves a stopped clock a little, so that a new process does not start at the nanosecond at which another one stopped.
    pub(crate) fn begin_process(&mut self, random: &mut Random) {
        if let Some(at) = &mut self.stands_at {
            *at += 1 + random.below(1_000_000) as u64;
        }
    }

    /// Sets a random error: mostly small, sometimes hours.
    fn jump(&mut self, random: &mut Random) {
        let range = *random.pick(&[1_000_000, 1_000_000, 3_000_000_000, HOUR_NS]);
        let wrong = random.below(2 * range);
        self.ahead_ns = u64::try_from(2 * HOUR_NS - range + wrong).expect("a few hours");
    }
}
