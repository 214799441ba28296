//! What a client takes for the time.

use crate::random::Random;

/// When simulations begin, in nanoseconds since 1970.
const BEGIN_NS: u64 = 1_763_000_000_000_000_000;
const HOUR_NS: usize = 3_600_000_000_000;

/// A wall clock that is wrong by some time, or stands.
pub(crate) struct Clock {
    /// How far it is ahead of one that is two hours slow: sums stay positive.
    ahead_ns: u64,
    stands_at: Option<u64>,
}

impl Clock {
    /// One that goes.
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

    /// Nanoseconds since 1970, as this clock has it, when this much time has passed.
    pub(crate) fn read(&self, passed_ns: u64) -> u64 {
        self.stands_at.unwrap_or(BEGIN_NS + passed_ns + self.ahead_ns)
    }

    /// Stop, go on, or jump.
    pub(crate) fn disturb(&mut self, random: &mut Random, passed_ns: u64) {
        match (random.below(3), self.stands_at) {
            (0, Some(_)) => self.stands_at = None,
            (0, None) => self.stands_at = Some(self.read(passed_ns)),
            _ => self.jump(random),
        }
    }

    /// A process begins: not in the very nanosecond in which another clock of the machine stopped.
    pub(crate) fn begin_process(&mut self, random: &mut Random) {
        if let Some(at) = &mut self.stands_at {
            *at += 1 + random.below(1_000_000) as u64;
        }
    }

    /// Most clocks are wrong by little, some by hours.
    fn jump(&mut self, random: &mut Random) {
        let range = *random.pick(&[1_000_000, 1_000_000, 3_000_000_000, HOUR_NS]);
        let wrong = random.below(2 * range);
        self.ahead_ns = u64::try_from(2 * HOUR_NS - range + wrong).expect("a few hours");
    }
}
