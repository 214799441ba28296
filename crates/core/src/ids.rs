//! The numbers and names that identify revisions, append runs, writers, commits, mutations, groups, refreshes, waits for
//! replicas, requests about times to live, and requests for the list of writers.

use compact_str::CompactString;
use std::fmt;

/// Parse an unsigned decimal integer; None where `text` is anything else, or more than `T` can hold.
pub(crate) fn parse_unsigned<T: TryFrom<u64>>(text: &str) -> Option<T> {
    // Without this, a plus sign would be taken.
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u64>().ok().filter(|_| is_decimal)?.try_into().ok()
}

/// A document's `last_modified`: unsigned nanoseconds that strictly increase per attribute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of no document: below every other.
    pub const NONE: Self = Self(0);

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

/// A run of appends to one list: every revision from the first to the last was made from the one before it by an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppendRun {
    /// The revision of the list that the first append was made to.
    pub first: Revision,
    /// The revision after the last append.
    pub last: Revision,
}

impl AppendRun {
    /// Whether the list had this revision during the run, or right before it.
    pub fn contains(self, revision: Revision) -> bool {
        (self.first..=self.last).contains(&revision)
    }
}

/// The id of a writer: one per session, never reused. With a [`Sequence`] it identifies a commit, so that a server
/// applies the commit at most once. It may end in a [label](crate::writer_label).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WriterId(pub CompactString);

impl WriterId {
    /// A number of nanoseconds below one millisecond, derived from the name: two writers hardly ever have the same.
    pub fn revision_offset(&self) -> u64 {
        self.0.bytes().fold(0, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000)
    }
}

/// The number of a commit among those of its writer, from 1, in the order in which they were first sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sequence(pub u64);

/// The number of a local mutation within its session, from 1, in the order in which they were made. The default, 0, is
/// before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MutationNumber(pub u64);

impl MutationNumber {
    /// The number of the mutation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number of the mutation before this one, which is not the default.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }
}

/// The number of a group (mutations of several attributes that are committed together) within its session. The host
/// chooses it and uses it once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u64);

/// Identifies a refresh within its session. A later refresh has a greater id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct RefreshId(pub u64);

/// Identifies a wait for replicas within its session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplicationId(pub u64);

/// Identifies a request to read or set an attribute's time to live within its session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TtlRequestId(pub u64);

/// Identifies a request for the list of writers within its session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WritersRequestId(pub u64);
