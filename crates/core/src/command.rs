//! What a session asks of a backend, and what a backend answers. Every backend gives the same answers.

use crate::document::{Guard, Stored};
use crate::error::SyncError;
use crate::ids::{Revision, Sequence, WriterId};
use crate::splice::Plan;
use std::sync::Arc;

/// Names one command of a session, so that its answer finds its way back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// How long a backend remembers a writer's last sequence, in seconds.
pub const REMEMBER_SECONDS: u32 = 24 * 60 * 60;

/// One request to a backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Read what is stored under `key`.
    Load {
        /// The full key.
        key: String,
    },
    /// Read the length of what is stored under `key` and some bytes of it, to see whether it is still the same.
    Probe {
        /// The full key.
        key: String,
        /// How many bytes before the end of what is stored they begin, at least `len`; nowhere before its start.
        before_end: usize,
        /// How many, at least one.
        len: usize,
    },
    /// Read the end of a list, and since when it has only been appended to.
    Tail {
        /// The full key.
        key: String,
        /// Offset of the first byte to read.
        at: usize,
    },
    /// Change what is stored under one key, atomically and at most once.
    Commit(Arc<Commit>),
    /// Change what is stored under several keys, all or nothing, and at most once.
    Group(Arc<Group>),
    /// Let what is stored under `key` expire; nothing happens where there is nothing.
    Expire {
        /// The full key.
        key: String,
        /// From when the backend takes the command, in milliseconds, at least one.
        ms: u64,
    },
    /// Keep what is stored under `key` until somebody deletes it.
    Persist {
        /// The full key.
        key: String,
    },
    /// Ask when what is stored under `key` expires.
    Ttl {
        /// The full key.
        key: String,
    },
    /// Wait until replicas have everything that was committed before.
    Replicas {
        /// What the keys of the memory start with.
        prefix: String,
        /// Who asks.
        writer: WriterId,
        /// How many.
        wanted: u32,
        /// For how long at most.
        wait_ms: u64,
    },
    /// List keys that start with `prefix`, a page at a time.
    Names {
        /// The literal prefix (no pattern).
        prefix: String,
        /// `"0"` for the first page, then what the last answer said.
        cursor: String,
    },
}

/// The mutations that one round trip applies atomically to one attribute, as byte edits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The full key of the document.
    pub key: String,
    /// With `sequence`, the idempotency key.
    pub writer: WriterId,
    /// Strictly increasing per writer; the same on every retry of the same mutations.
    pub sequence: Sequence,
    /// The commit of this writer that must have been applied last: set where this one was built on
    /// the expected result of another that was still in flight.
    pub after: Option<Sequence>,
    /// What must be stored for the edit to fit.
    pub guard: Guard,
    /// The edit.
    pub plan: Plan,
    /// The document's revision once applied.
    pub revision: Revision,
    /// It expires so many milliseconds later; None: when it would have anyway, if ever.
    pub ttl_ms: Option<u64>,
    /// What to tell those who listen; None where nobody can.
    pub delta: Option<Delta>,
}

/// Commits that are applied together or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// One for each document that changes, none with an `after`, an append, or the key of another.
    pub commits: Vec<Arc<Commit>>,
    /// What else must be stored as it is: full keys, none of them that of a commit.
    pub checks: Vec<(String, Guard)>,
}

/// What a commit does, for those who have what it is built on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delta {
    /// The revision that it is built on; 0 where nothing is stored.
    pub base: Revision,
    /// Its mutations in wire form, without the attribute's name; empty where they would be too long.
    pub mutations: String,
}

/// What a backend tells of somebody's commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// The full key.
    pub key: String,
    /// Who made it.
    pub writer: WriterId,
    /// The revision before; 0 where nothing was stored.
    pub base: Revision,
    /// The revision after; 0 where it deleted the document.
    pub revision: Revision,
    /// How many bytes are stored after it.
    pub len: usize,
    /// As in [`Delta::mutations`].
    pub mutations: String,
}

/// A backend's answer to one [`Command`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To [`Command::Load`].
    Loaded(Stored),
    /// To [`Command::Probe`].
    Probed(Probed),
    /// To [`Command::Tail`].
    Tail {
        /// Every revision from the first to the second came from the one before it by an append.
        appends: Option<(Revision, Revision)>,
        /// What is stored from the offset on.
        bytes: Vec<u8>,
    },
    /// To [`Command::Commit`].
    Committed(Outcome),
    /// To [`Command::Group`].
    Grouped(GroupOutcome),
    /// To [`Command::Expire`], [`Command::Persist`] and [`Command::Ttl`]: how it is now.
    Lifetime(Lifetime),
    /// To [`Command::Replicas`]: how many have it.
    Replicas(u32),
    /// To [`Command::Names`]: full keys, possibly repeated, and the cursor to go on from (`"0"` at the end).
    Names {
        /// The next page's cursor.
        cursor: String,
        /// Full keys.
        keys: Vec<String>,
    },
    /// The backend could not do it now, but may later (loading, read-only, out of memory): try again.
    Busy(SyncError),
    /// The backend will not do it.
    Refused(SyncError),
}

/// What became of a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Applied now.
    Applied,
    /// Applied now, to a list that was not the one that the commit was built on.
    Appended {
        /// The revision that it made.
        revision: Revision,
    },
    /// This sequence had been applied before; nothing was changed.
    Duplicate,
    /// The guard did not match; nothing was changed. `stored` is there unless the commit had an
    /// `after`: its predecessor's answer has it.
    Stale {
        /// What is stored instead.
        stored: Option<Stored>,
        /// Does the backend remember a sequence of this writer? One that forgets before
        /// [`REMEMBER_SECONDS`] have passed has lost its data.
        remembers: bool,
    },
}

/// What became of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GroupOutcome {
    /// Applied now.
    Applied,
    /// Its sequences had been applied before; nothing was changed.
    Duplicate,
    /// Some guard did not match; nothing was changed. What there is for each commit, then for each check.
    Stale(Vec<Found>),
}

/// What is stored in a place that a group is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// What is stored where the guard did not match.
    pub stored: Option<Stored>,
    /// As in [`Outcome::Stale`]; of a check, false.
    pub remembers: bool,
}

/// A glance at what is stored under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probed {
    /// No such key.
    Absent,
    /// A string.
    Text {
        /// Its length.
        len: usize,
        /// The bytes asked for, as far as there are so many.
        bytes: Vec<u8>,
    },
    /// The key holds something that is not a string.
    OtherType,
}

/// How long what is stored under a key stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// Nothing is stored.
    Absent,
    /// Until somebody deletes it.
    Endless,
    /// So many milliseconds.
    Left(u64),
}

/// Which commits of others a backend tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Commits {
    /// None.
    #[default]
    Unheard,
    /// All, in order with its answers: what was committed before an answer is told before it.
    WithAnswers,
    /// All, on a line of their own: an answer may overtake them. And of each it is said, after it, which keys changed.
    Beside,
}

/// Which other changes a backend tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Changes {
    /// None.
    #[default]
    Unheard,
    /// Those of keys that this session has read.
    OfRead,
    /// All of the memory's keys.
    OfAll,
}

/// What a host tells a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// From now on the backend tells of this by itself; nothing, before this is said.
    Hears(Commits, Changes),
    /// The backend can be reached (again). Answers to earlier requests will not come any more.
    Connected,
    /// The backend cannot be reached; the host keeps trying.
    Disconnected(SyncError),
    /// The answer to a request.
    Answer(RequestId, Answer),
    /// Keys that some process changed; where nothing was said to be heard of changes, by something else than a commit.
    Changed(Vec<String>),
    /// Everything may have changed.
    ChangedAll,
    /// What some process committed together.
    Announced(Vec<Announcement>),
    /// A timeout has passed (see `Session::poll_timeout`), or a caller just wants the session to look at the time.
    Tick,
}
