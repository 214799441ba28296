//! The commands that a session sends to a backend.

use super::secret::Secret;
use super::writers_list::WritersChange;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::Guard;
use crate::ids::{Revision, Sequence, WriterId};
use crate::splice::Plan;
use std::sync::Arc;

/// Identifies a command within its session, so that the answer finds its way back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct RequestId(pub u64);

/// The lifetime of a dedup key and of an append run on the server, in seconds, where the writer is a process.
pub const DEDUP_KEY_SECONDS: u32 = 24 * 60 * 60;

/// The same where the writer keeps a journal, and may send its commits again after its process has ended.
pub const JOURNALLED_DEDUP_KEY_SECONDS: u32 = 30 * 24 * 60 * 60;

/// The longest text that the answer to a stale commit brings. A longer one is loaded, by a reader that bounds what it takes.
pub const MAX_STALE_TEXT: ByteLen = ByteLen(1 << 20);

/// The lifetime of a dedup key of a writer whose transport lives for one request, in seconds.
pub const REQUEST_DEDUP_KEY_SECONDS: u32 = 15 * 60;

/// The lifetime of a dedup key after its writer has released it, in milliseconds: a copy of a commit may still be on its way.
pub const RELEASED_DEDUP_KEY_MS: u64 = 2 * 60 * 1000;

/// The most entries of a history that a command reads.
pub const HISTORY_LIMIT: u32 = 10_000;

/// A command to a backend. Every backend gives the same answers, which [`Answer`](super::Answer) describes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Read the text of a document.
    Load {
        /// The full key.
        key: String,
        /// The longest text to read. Of a longer one, only the length and the beginning are.
        max_len: ByteLen,
    },
    /// Read the length of a document's text and some bytes near its end, to see whether it is still the same.
    Probe {
        /// The full key.
        key: String,
        /// How far before the end of the text the bytes begin, at least `len`. If the text is shorter, fewer bytes are
        /// returned.
        before_end: ByteLen,
        /// The number of bytes, at least one.
        len: ByteLen,
    },
    /// Read the end of a list's text, and the append run that ends with its revision.
    Tail {
        /// The full key.
        key: String,
        /// The offset of the first byte to read.
        at: ByteOffset,
        /// The longest text to read to its end. Of a longer one, the bytes that are read end behind this length.
        max_len: ByteLen,
    },
    /// Change one document, atomically and at most once. The delta message is signed with the secret, if there is one.
    Commit(Arc<Commit>, Option<Secret>),
    /// Change several documents, all or none, and at most once. The secret is as of `Commit`.
    Group(Arc<Group>, Option<Secret>),
    /// Compare several keys with guards at one moment: those of documents, the names key, and the key of the group mark.
    Compare {
        /// The full keys, with what is expected there.
        checks: Vec<(String, Guard)>,
    },
    /// Read the secret of the delta messages of a prefix. Where there is none, the candidate becomes it.
    Secret {
        /// The prefix that the memories share.
        prefix: String,
        /// The new secret, if there is none.
        candidate: Secret,
    },
    /// Set a document's time to live. Nothing happens where there is no document.
    Expire {
        /// The full key.
        key: String,
        /// Milliseconds from when the backend executes the command, at least one.
        ms: u64,
    },
    /// Remove a document's time to live.
    Persist {
        /// The full key.
        key: String,
    },
    /// Read a document's time to live.
    Ttl {
        /// The full key.
        key: String,
    },
    /// Wait until replicas of the server have everything that was committed before.
    Replicas {
        /// The start of the marker key, which is written before WAIT. On a cluster it selects the node, too.
        prefix: String,
        /// The session's writer id.
        writer: WriterId,
        /// The number of replicas to wait for.
        wanted: u32,
        /// The longest wait, in milliseconds.
        wait_ms: u64,
    },
    /// Read the last sequence of a writer that was applied to a document.
    LastSequence {
        /// The full key of the document.
        key: String,
        /// The writer.
        writer: WriterId,
    },
    /// Let a writer's dedup key expire: it sends no commit to the document again.
    ExpireDedupKey {
        /// The full key of the document.
        key: String,
        /// The writer.
        writer: WriterId,
        /// Milliseconds from when the backend executes the command, at least one.
        ms: u64,
    },
    /// Change the list of the writers that have a memory open, or read it.
    Writers {
        /// The key of the list.
        key: String,
        /// The change. None: the list is read.
        change: Option<WritersChange>,
    },
    /// Read the newest entries of a document's history.
    History {
        /// The full key of the document.
        key: String,
        /// The most entries to read.
        limit: u32,
    },
    /// Add to a document's history what a foreign writer has changed, unless that was recorded before.
    RecordChange {
        /// The full key of the document.
        key: String,
        /// The change.
        change: ForeignChange,
        /// The most entries of the history.
        max_entries: u32,
    },
    /// Read the eviction policy of the server.
    EvictionPolicy {
        /// The prefix of the memory's keys, of whose node a cluster gives the policy.
        prefix: String,
    },
    /// List keys with a prefix, a page at a time.
    Names {
        /// The literal prefix (no pattern).
        prefix: String,
        /// `"0"` for the first page, then the cursor of the last answer.
        cursor: String,
    },
}

/// A change that a foreign writer has made, as a comparison of the documents before and after it shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignChange {
    /// The revision before, [`Revision::NONE`] where nothing was stored.
    pub base: Revision,
    /// The revision after, [`Revision::NONE`] where nothing is stored.
    pub revision: Revision,
    /// The mutations as [text](crate::codec), with '' as the attribute's name. Empty if they are too long.
    pub mutations: String,
}

/// The mutations that one round trip applies atomically to one document, as byte edits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The full key of the document.
    pub key: String,
    /// The writer. With `sequence` it identifies the commit, so that the backend applies it at most once.
    pub writer: WriterId,
    /// The commit's number. It is the same on every retry.
    pub sequence: Sequence,
    /// The sequence of the writer that must be the last applied one. Set where the commit is built on the expected result of
    /// another that was still in flight.
    pub after: Option<Sequence>,
    /// Whether the commit is stale where the backend has no dedup key of the writer. Only without an `after`, which needs the
    /// key as well.
    pub needs_dedup_key: bool,
    /// The lifetime of the writer's dedup key from now on, in seconds.
    pub dedup_key_seconds: u32,
    /// The condition under which the plan fits the stored document.
    pub guard: Guard,
    /// The byte edits.
    pub plan: Plan,
    /// The revision that the commit makes.
    pub revision: Revision,
    /// The time to live that the document gets, in milliseconds; None: its expiry stays.
    pub ttl_ms: Option<u64>,
    /// The names key, where the commit creates or deletes the document and notes that there.
    pub names_key: Option<String>,
    /// The part of the commit that is published; None where nothing is.
    pub announcement: Option<Announcement>,
    /// The most entries of the document's history, which the commit adds one to. None where it is not recorded.
    pub max_entries: Option<u32>,
    /// The terms for the case that other writers are ahead of the commit.
    pub terms: ContentionTerms,
}

/// The terms of a commit that other writers are ahead of: it is stale, or they have reserved the next commit of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentionTerms {
    /// The longest stored text that the answer brings. Of a longer one it brings the length and the end.
    pub text_limit: ByteLen,
    /// When the writer is added to the document's reservation queue.
    pub reservation: ReservationRequest,
}

/// When a writer is added to the reservation queue of a document, and for how long it reserves the next commit once it is the
/// first in the queue, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservationRequest {
    /// It is not added.
    None,
    /// It is added where other writers are in the queue.
    IfReserved(u32),
    /// It is added where other writers are in the queue, and where the commit is stale.
    IfStale(u32),
}

impl ReservationRequest {
    /// The request of a commit that a backend refuses because of the queue.
    pub fn if_reserved(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::IfReserved(ms) | Self::IfStale(ms) => Some(ms),
        }
    }

    /// The request of a commit that is stale.
    pub fn if_stale(self) -> Option<u32> {
        match self {
            Self::IfStale(ms) => Some(ms),
            _ => None,
        }
    }
}

impl Default for ContentionTerms {
    /// The whole text, and no reservation.
    fn default() -> Self {
        Self { text_limit: ByteLen(u32::MAX as usize), reservation: ReservationRequest::None }
    }
}

/// Commits that are applied together or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The commits, each to another document. None of them has an `after` or is an append.
    pub commits: Vec<Arc<Commit>>,
    /// Other documents, with what must be stored there.
    pub checks: Vec<(String, Guard)>,
    /// The names key, with the log that must be stored there; None where the group does not rely on the names.
    pub names: Option<(String, Guard)>,
    /// Whether deltas are published. Then every commit has an announcement.
    pub is_announced: bool,
    /// The writer, which every commit has, too.
    pub writer: WriterId,
    /// When the writer is added to the reservation queues of all documents, those that are only checked included: where others
    /// have reserved the next commit of one of them, or where one of them is stale.
    pub reservation: ReservationRequest,
    /// The key of the group mark, which the commits change. None where there are not several, and where no key is in the hash
    /// slot of all of them.
    pub mark_key: Option<String>,
}

impl Group {
    /// The number of guards: those of the commits, of the checks, and of the log of names.
    pub fn guard_count(&self) -> usize {
        self.commits.len() + self.checks.len() + usize::from(self.names.is_some())
    }
}

/// The part of a commit that is published, for replicas that have the document it is built on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// The revision that the commit is built on, [`Revision::NONE`] where nothing is stored.
    pub base: Revision,
    /// The mutations as [text](crate::codec), with '' as the attribute's name. Empty if they are too long to be published, or
    /// if they do not turn the document of revision `base` into this one.
    pub mutations: String,
}
