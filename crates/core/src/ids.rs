//! The numbers and names that identify commits.

use compact_str::CompactString;
use std::fmt;

/// An unsigned integer in decimal.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    text.parse::<u64>().ok()?.try_into().ok()
}

/// A document's `last_modified`: unsigned nanoseconds that strictly increase per attribute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after `base`, from a clock that may stand still or run behind.
    #[must_use]
    pub fn after(base: Option<Self>, now_ns: u64) -> Self {
        Self(base.map_or(now_ns, |base| now_ns.max(base.0 + 1)))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who writes: one per session, never reused. With a [`Sequence`] it makes a commit idempotent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WriterId(pub CompactString);

impl WriterId {
    /// Under a millisecond in nanoseconds, hardly ever the same for two writers.
    pub fn spread(&self) -> u64 {
        self.0.bytes().fold(0, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000)
    }
}

/// A writer's counter of commits, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sequence(pub u64);
