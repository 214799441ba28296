//! The answers of a backend to a session's commands.

use super::eviction_policy::EvictionPolicy;
use super::secret::Secret;
use super::writers_list::WritersList;
use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::error::SyncError;
use crate::history::HistoryPage;
use crate::ids::{AppendRun, Revision, Sequence};

/// The answer of a backend to one [`Command`](super::Command).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The answer to `Load`.
    Loaded(Stored),
    /// The answer to `Probe`.
    Probed(ProbeResult),
    /// The answer to `Tail`.
    Tail {
        /// The last append run, if the backend has one.
        append_run: Option<AppendRun>,
        /// The stored bytes from the offset on.
        bytes: Vec<u8>,
    },
    /// The answer to `Commit`.
    Committed(CommitOutcome),
    /// The answer to `Group`.
    Grouped(GroupOutcome),
    /// The answer to `Compare`: what is stored under each key, if its guard does not match.
    Compared(Vec<Option<Stored>>),
    /// The answer to `Secret`. None where the secret cannot be read, or where the backend delivers deltas by itself, so that
    /// none is needed.
    Secret(Option<Secret>),
    /// The answer to `Expire`, `Persist` and `Ttl`: the time to live now.
    Lifetime(Lifetime),
    /// The answer to `Replicas`: the number of replicas that have everything.
    Replicas(u32),
    /// The answer to `LastSequence`; None where the backend has no dedup key of the writer.
    LastSequence(Option<Sequence>),
    /// The answer to `Writers`: the list as of now, empty after a change.
    Writers(WritersList),
    /// The answer to `History`.
    History(HistoryPage),
    /// The answer to `RecordChange`: whether the change was added.
    Recorded(bool),
    /// The answer to `EvictionPolicy`; None where the backend's policy is not one that is known.
    EvictionPolicy(Option<EvictionPolicy>),
    /// The answer to `Names`.
    Names {
        /// The cursor of the next page, `"0"` at the end.
        cursor: String,
        /// Full keys, possibly repeated.
        keys: Vec<String>,
    },
    /// The backend did not execute the command now, but may later (loading, read-only, out of memory): try again.
    Busy(SyncError),
    /// The reply is lost, while others still arrive: the backend may have executed the command. Try again.
    ReplyLost(SyncError),
    /// The backend will not execute the command.
    Refused(SyncError),
}

/// The outcome of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommitOutcome {
    /// The commit is applied.
    Applied,
    /// The commit is applied, to a list that was not the one it was built on.
    Appended {
        /// The revision that it made.
        revision: Revision,
    },
    /// The commit had been applied before; nothing was changed.
    Duplicate,
    /// The guard does not match, or the dedup key that the commit needs is not there; nothing was changed.
    Stale {
        /// The stored document. None if the commit has a predecessor (`after`): the answer to the predecessor contains it.
        stored: Option<Stored>,
        /// Whether the backend has a sequence of this writer. If it is gone before its lifetime is over, it was evicted, or
        /// the backend lost its data.
        dedup_key_present: bool,
    },
    /// The guard does not match, and the stored text is longer than the commit's terms allow; nothing was changed.
    StaleTail {
        /// The length of the stored text.
        len: ByteLen,
        /// Its last bytes. They hold the revision, unless the slack is longer than they are.
        bytes: Vec<u8>,
        /// As in `Stale`.
        dedup_key_present: bool,
    },
    /// Other writers have reserved the next commit; nothing was changed.
    Reserved(Turn),
}

/// The outcome of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupOutcome {
    /// All commits are applied.
    Applied,
    /// The group had been applied before; nothing was changed.
    Duplicate,
    /// A guard does not match; nothing was changed. The results are those of the commits, then those of the checks, then that of
    /// the log of names.
    Stale(Vec<GuardResult>),
    /// Other writers have reserved the next commit of a document; nothing was changed. The turns are those of the commits, then
    /// those of the checks.
    Reserved(Vec<Turn>),
}

/// The place of a writer in the reservation queue of one document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Turn {
    /// The time after which the reservation of the first writer ends, unless it commits before, in milliseconds; 0 where no
    /// other writer comes before this one.
    pub remaining_ms: u32,
    /// The number of writers that come before this one.
    pub writers_ahead: u32,
}

/// The result of one guard of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GuardResult {
    /// The stored document, if the guard does not match.
    pub stored: Option<Stored>,
    /// As in [`CommitOutcome::Stale`]; false for a check.
    pub dedup_key_present: bool,
}

/// The result of a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProbeResult {
    /// There is no such key.
    Absent,
    /// The key holds a string.
    Text {
        /// The length of the string.
        len: ByteLen,
        /// The bytes that the command asks for, as far as there are any.
        bytes: Vec<u8>,
    },
    /// The key holds something that is not a string.
    OtherType,
}

/// The time to live of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// There is no document.
    Absent,
    /// The document does not expire.
    Endless,
    /// The document expires in this many milliseconds.
    Remaining(u64),
}
