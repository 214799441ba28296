//! The contract of all backends: the vectors of `tests/conformance/backend`. Included by the tests of each backend.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use synced_memory_core::byte_len::{ByteLen, ByteOffset};
use synced_memory_core::document;
use synced_memory_core::history::{HistoryEntry, HistoryPage};
use synced_memory_core::ids::{AppendRun, Revision, Sequence, WriterId};
use synced_memory_core::protocol::{self, Answer, Command, GuardResult, Lifetime, ReservationRequest, Turn};
use synced_memory_core::splice;

const FILES: [&str; 8] = [
    include_str!("../../../../tests/conformance/backend/commit.json"),
    include_str!("../../../../tests/conformance/backend/append.json"),
    include_str!("../../../../tests/conformance/backend/group.json"),
    include_str!("../../../../tests/conformance/backend/history.json"),
    include_str!("../../../../tests/conformance/backend/lifetime.json"),
    include_str!("../../../../tests/conformance/backend/long.json"),
    include_str!("../../../../tests/conformance/backend/other-type.json"),
    include_str!("../../../../tests/conformance/backend/reservations.json"),
];

/// The time that real servers may lose between a command and a look at what it left, in milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// A backend under test, without any keys.
pub(crate) trait Backend {
    /// Stores a text, as a foreign program does.
    fn store(&mut self, key: &str, text: &str);

    /// Stores something that is not a string. Only servers can.
    fn store_other_type(&mut self, key: &str) {
        panic!("{key} can only hold a string here");
    }

    fn execute(&mut self, command: &Command) -> Answer;

    /// Takes the deltas that were announced since the last call.
    fn take_deltas(&mut self) -> Vec<protocol::Delta>;
}

/// Steps on a fresh backend.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    /// Texts by key, stored before the first step.
    #[serde(default)]
    before: BTreeMap<String, String>,
    /// Keys that hold something that is not a string before the first step.
    #[serde(default)]
    pub(crate) other_type: Vec<String>,
    steps: Vec<Step>,
}

/// One command, and what it must answer and leave.
#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    request: Request,
    answer: Value,
    /// All deltas that the step announces. There where a commit is to be announced.
    deltas: Option<Vec<Delta>>,
    /// Texts by key, stored after the step; null where there must be none.
    #[serde(default)]
    stored: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Request {
    Load(String),
    #[serde(rename_all = "camelCase")]
    LoadWithin {
        key: String,
        max_len: usize,
    },
    #[serde(rename_all = "camelCase")]
    Probe {
        key: String,
        before_end: usize,
        len: usize,
    },
    #[serde(rename_all = "camelCase")]
    Tail {
        key: String,
        at: usize,
        max_len: Option<usize>,
    },
    Commit(Box<Commit>),
    #[serde(rename_all = "camelCase")]
    Group {
        commits: Vec<Commit>,
        #[serde(default)]
        checks: Vec<Check>,
        names: Option<Check>,
        /// A group with commits is announced if they are.
        #[serde(default)]
        is_announced: bool,
        #[serde(default = "writer_a")]
        writer: String,
        reserve: Option<Reserve>,
        /// The key of the group mark.
        mark: Option<String>,
    },
    Compare(Vec<Check>),
    Expire {
        key: String,
        ms: u64,
    },
    Persist {
        key: String,
    },
    Ttl {
        key: String,
    },
    #[serde(rename_all = "camelCase")]
    LastSequence {
        #[serde(default = "tasks")]
        key: String,
        #[serde(default = "writer_a")]
        writer: String,
    },
    /// The newest entries of this number.
    History(u32),
    #[serde(rename_all = "camelCase")]
    RecordChange {
        base: u64,
        revision: u64,
        mutations: String,
        max_entries: u32,
    },
}

/// An entry of a history, whose time does not matter.
#[derive(Deserialize)]
struct Entry {
    revision: u64,
    base: u64,
    writer: Option<String>,
    mutations: String,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Commit {
    #[serde(default = "tasks")]
    key: String,
    #[serde(default = "writer_a")]
    writer: String,
    sequence: u64,
    after: Option<u64>,
    #[serde(default)]
    needs_dedup_key: bool,
    guard: Guard,
    plan: Plan,
    /// The same as the sequence where it does not matter.
    revision: Option<u64>,
    ttl_ms: Option<u64>,
    /// The names key, if the commit notes that it creates or deletes its document.
    names_key: Option<String>,
    announcement: Option<Announcement>,
    /// Where the commit is recorded.
    max_entries: Option<u32>,
    /// No limit where it does not matter.
    text_limit: Option<usize>,
    reserve: Option<Reserve>,
}

/// When the writer is added to the reservation queue, and for how many milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reserve {
    IfReserved(u32),
    IfStale(u32),
}

fn tasks() -> String {
    "memory:tasks".into()
}

fn writer_a() -> String {
    "a".into()
}

#[derive(Deserialize)]
struct Check {
    key: String,
    guard: Guard,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Guard {
    Absent,
    Other,
    /// The whole text.
    Text(String),
    /// The length and the tail of this text, as sessions guard a list.
    TailOf(String),
    /// A length, and bytes at an offset.
    Part {
        len: usize,
        at: usize,
        bytes: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Plan {
    Delete,
    Set(String),
    Append(String),
    Edit(Vec<Write>),
}

#[derive(Deserialize)]
struct Write {
    at: usize,
    pieces: Vec<Piece>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Piece {
    Text(String),
    Range { start: usize, len: usize },
    Spaces(usize),
}

#[derive(Deserialize)]
struct Announcement {
    base: u64,
    mutations: String,
}

#[derive(Deserialize)]
struct Delta {
    key: String,
    writer: String,
    base: u64,
    revision: u64,
    len: usize,
    mutations: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stored {
    Absent,
    Other,
    Text(String),
    /// The length and the first bytes of a text that is too long.
    Long(usize, String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum ProbeResult {
    Absent,
    Other,
    Text { len: usize, bytes: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tail {
    append_run: Option<(u64, u64)>,
    bytes: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum CommitOutcome {
    Applied,
    Duplicate,
    Appended(u64),
    #[serde(rename_all = "camelCase")]
    Stale {
        stored: Option<Stored>,
        dedup_key: bool,
    },
    #[serde(rename_all = "camelCase")]
    StaleTail {
        len: usize,
        bytes: String,
        dedup_key: bool,
    },
    #[serde(rename_all = "camelCase")]
    Reserved {
        remaining_ms: u32,
        writers_ahead: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum GroupOutcome {
    Applied,
    Duplicate,
    Stale(Vec<Found>),
    /// The time that is left, and the number of writers ahead.
    Reserved(Vec<(u32, u32)>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    stored: Option<Stored>,
    dedup_key: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum TimeLeft {
    Absent,
    Endless,
    Remaining(u64),
}

/// All vectors of the contract.
pub(crate) fn vectors() -> Vec<Vector> {
    FILES.into_iter().flat_map(|file| serde_json::from_str::<Vec<Vector>>(file).unwrap()).collect()
}

impl Vector {
    /// Replays the steps on a fresh backend.
    pub(crate) fn replay(&self, backend: &mut impl Backend) {
        self.before.iter().for_each(|(key, text)| backend.store(key, text));
        self.other_type.iter().for_each(|key| backend.store_other_type(key));
        for (number, step) in (1..).zip(&self.steps) {
            let at = format!("{}, step {number}", self.name);
            let command = step.request.command();
            assert!(!is_announced(&command) || step.deltas.is_some(), "{at}: which deltas?");
            assert_answer(&backend.execute(&command), &step.request.answer(&step.answer), &at);
            if let Some(deltas) = &step.deltas {
                let deltas: Vec<protocol::Delta> = deltas.iter().map(Delta::to_core).collect();
                assert_eq!(backend.take_deltas(), deltas, "{at}");
            }
            for (key, text) in &step.stored {
                let stored = text.as_ref().map_or(document::Stored::Absent, |text| text_of(text));
                assert_eq!(
                    backend.execute(&Command::Load { key: key.clone(), max_len: ByteLen(10_000) }),
                    Answer::Loaded(stored),
                    "{at}: {key}"
                );
            }
        }
    }
}

fn is_announced(command: &Command) -> bool {
    match command {
        Command::Commit(commit, _) => commit.announcement.is_some(),
        Command::Group(group, _) => group.is_announced,
        _ => false,
    }
}

fn assert_answer(answer: &Answer, expected: &Answer, at: &str) {
    match (answer, expected) {
        (
            Answer::Committed(protocol::CommitOutcome::Reserved(turn)),
            Answer::Committed(protocol::CommitOutcome::Reserved(expected)),
        ) => assert_turn(*turn, *expected, at),
        (
            Answer::Grouped(protocol::GroupOutcome::Reserved(turns)),
            Answer::Grouped(protocol::GroupOutcome::Reserved(expected)),
        ) => {
            assert_eq!(turns.len(), expected.len(), "{at}");
            turns.iter().zip(expected).for_each(|(turn, expected)| assert_turn(*turn, *expected, at));
        }
        (Answer::Lifetime(Lifetime::Remaining(ms)), Answer::Lifetime(Lifetime::Remaining(most))) => {
            assert!(ms <= most && ms + PATIENCE_MS > *most, "{at}: {ms} of {most} ms are left");
        }
        (Answer::History(page), Answer::History(expected)) => {
            let mut page = page.clone();
            for entry in &mut page.entries {
                entry.at_ms = 0;
            }
            assert_eq!(page, *expected, "{at}");
        }
        _ => assert_eq!(answer, expected, "{at}"),
    }
}

fn assert_turn(turn: Turn, expected: Turn, at: &str) {
    let (ms, most) = (turn.remaining_ms, expected.remaining_ms);
    assert_eq!(turn.writers_ahead, expected.writers_ahead, "{at}");
    assert!(
        ms <= most && (most == 0 || u64::from(ms) + PATIENCE_MS > u64::from(most)),
        "{at}: {ms} of {most} ms are left"
    );
}

fn turn((remaining_ms, writers_ahead): (u32, u32)) -> Turn {
    Turn { remaining_ms, writers_ahead }
}

impl Request {
    fn command(&self) -> Command {
        match self {
            Self::Load(key) => Command::Load { key: key.clone(), max_len: ByteLen(10_000) },
            Self::Probe { key, before_end, len } => {
                Command::Probe { key: key.clone(), before_end: ByteLen(*before_end), len: ByteLen(*len) }
            }
            Self::LoadWithin { key, max_len } => Command::Load { key: key.clone(), max_len: ByteLen(*max_len) },
            Self::Tail { key, at, max_len } => {
                Command::Tail { key: key.clone(), at: ByteOffset(*at), max_len: ByteLen(max_len.unwrap_or(10_000)) }
            }
            Self::Commit(commit) => Command::Commit(commit.to_core(), None),
            Self::Group { commits, checks, names, is_announced, writer, reserve, mark } => {
                let writer = WriterId(writer.as_str().into());
                let commits = commits.iter().map(Commit::to_core);
                let is_announced = *is_announced || commits.clone().any(|commit| commit.announcement.is_some());
                let group = protocol::Group {
                    commits: commits
                        .map(|commit| protocol::Commit { writer: writer.clone(), ..(*commit).clone() }.into())
                        .collect(),
                    checks: checks.iter().map(Check::to_core).collect(),
                    names: names.as_ref().map(Check::to_core),
                    is_announced,
                    writer,
                    reservation: reserve.as_ref().map_or(ReservationRequest::None, Reserve::to_core),
                    mark_key: mark.clone(),
                };
                Command::Group(group.into(), None)
            }
            Self::Compare(checks) => Command::Compare { checks: checks.iter().map(Check::to_core).collect() },
            Self::Expire { key, ms } => Command::Expire { key: key.clone(), ms: *ms },
            Self::Persist { key } => Command::Persist { key: key.clone() },
            Self::Ttl { key } => Command::Ttl { key: key.clone() },
            Self::History(limit) => Command::History { key: tasks(), limit: *limit },
            Self::RecordChange { base, revision, mutations, max_entries } => Command::RecordChange {
                key: tasks(),
                change: protocol::ForeignChange {
                    base: Revision(*base),
                    revision: Revision(*revision),
                    mutations: mutations.clone(),
                },
                max_entries: *max_entries,
            },
            Self::LastSequence { key, writer } => {
                Command::LastSequence { key: key.clone(), writer: WriterId(writer.as_str().into()) }
            }
        }
    }

    fn answer(&self, json: &Value) -> Answer {
        match self {
            Self::Load(_) | Self::LoadWithin { .. } => Answer::Loaded(read::<Stored>(json).to_core()),
            Self::Probe { .. } => Answer::Probed(match read(json) {
                ProbeResult::Absent => protocol::ProbeResult::Absent,
                ProbeResult::Other => protocol::ProbeResult::OtherType,
                ProbeResult::Text { len, bytes } => {
                    protocol::ProbeResult::Text { len: ByteLen(len), bytes: bytes.into() }
                }
            }),
            Self::Tail { .. } => {
                let Tail { append_run, bytes } = read(json);
                let run = |(first, last)| AppendRun { first: Revision(first), last: Revision(last) };
                Answer::Tail { append_run: append_run.map(run), bytes: bytes.into() }
            }
            Self::Commit(_) => Answer::Committed(match read(json) {
                CommitOutcome::Applied => protocol::CommitOutcome::Applied,
                CommitOutcome::Duplicate => protocol::CommitOutcome::Duplicate,
                CommitOutcome::Appended(revision) => protocol::CommitOutcome::Appended { revision: Revision(revision) },
                CommitOutcome::Stale { stored, dedup_key } => protocol::CommitOutcome::Stale {
                    stored: stored.as_ref().map(Stored::to_core),
                    dedup_key_present: dedup_key,
                },
                CommitOutcome::StaleTail { len, bytes, dedup_key } => protocol::CommitOutcome::StaleTail {
                    len: ByteLen(len),
                    bytes: bytes.into(),
                    dedup_key_present: dedup_key,
                },
                CommitOutcome::Reserved { remaining_ms, writers_ahead } => {
                    protocol::CommitOutcome::Reserved(Turn { remaining_ms, writers_ahead })
                }
            }),
            Self::Group { .. } => Answer::Grouped(match read(json) {
                GroupOutcome::Applied => protocol::GroupOutcome::Applied,
                GroupOutcome::Duplicate => protocol::GroupOutcome::Duplicate,
                GroupOutcome::Stale(found) => protocol::GroupOutcome::Stale(found.iter().map(Found::to_core).collect()),
                GroupOutcome::Reserved(turns) => {
                    protocol::GroupOutcome::Reserved(turns.into_iter().map(turn).collect())
                }
            }),
            Self::Compare(_) => {
                let stored = read::<Vec<Option<Stored>>>(json);
                Answer::Compared(stored.iter().map(|stored| stored.as_ref().map(Stored::to_core)).collect())
            }
            Self::History(_) => {
                let entries = read::<Vec<Entry>>(json).into_iter().map(Entry::into_core).collect();
                Answer::History(HistoryPage { entries, malformed: 0 })
            }
            Self::RecordChange { .. } => Answer::Recorded(read(json)),
            Self::LastSequence { .. } => Answer::LastSequence(read::<Option<u64>>(json).map(Sequence)),
            Self::Expire { .. } | Self::Persist { .. } | Self::Ttl { .. } => Answer::Lifetime(match read(json) {
                TimeLeft::Absent => Lifetime::Absent,
                TimeLeft::Endless => Lifetime::Endless,
                TimeLeft::Remaining(ms) => Lifetime::Remaining(ms),
            }),
        }
    }
}

fn read<T: DeserializeOwned>(json: &Value) -> T {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

impl Entry {
    fn into_core(self) -> HistoryEntry {
        HistoryEntry {
            at_ms: 0,
            revision: Revision(self.revision),
            base: Revision(self.base),
            writer: self.writer.map(|writer| WriterId(writer.as_str().into())),
            mutations: self.mutations,
            text: self.text,
        }
    }
}

impl Commit {
    fn to_core(&self) -> Arc<protocol::Commit> {
        let announcement = self.announcement.as_ref();
        Arc::new(protocol::Commit {
            key: self.key.clone(),
            writer: WriterId(self.writer.as_str().into()),
            sequence: Sequence(self.sequence),
            after: self.after.map(Sequence),
            needs_dedup_key: self.needs_dedup_key,
            dedup_key_seconds: protocol::DEDUP_KEY_SECONDS,
            guard: self.guard.to_core(),
            plan: self.plan.to_core(),
            revision: Revision(self.revision.unwrap_or(self.sequence)),
            ttl_ms: self.ttl_ms,
            names_key: self.names_key.clone(),
            announcement: announcement.map(|Announcement { base, mutations }| protocol::Announcement {
                base: Revision(*base),
                mutations: mutations.clone(),
            }),
            max_entries: self.max_entries,
            terms: protocol::ContentionTerms {
                text_limit: self.text_limit.map_or(protocol::ContentionTerms::default().text_limit, ByteLen),
                reservation: self.reserve.as_ref().map_or(ReservationRequest::None, Reserve::to_core),
            },
        })
    }
}

impl Reserve {
    fn to_core(&self) -> ReservationRequest {
        match *self {
            Self::IfReserved(ms) => ReservationRequest::IfReserved(ms),
            Self::IfStale(ms) => ReservationRequest::IfStale(ms),
        }
    }
}

impl Check {
    fn to_core(&self) -> (String, document::Guard) {
        (self.key.clone(), self.guard.to_core())
    }
}

impl Guard {
    fn to_core(&self) -> document::Guard {
        let part = |len, at, bytes: &str| document::Guard::Text {
            len: ByteLen(len),
            at: ByteOffset(at),
            tail: bytes.as_bytes().to_vec(),
        };
        match self {
            Self::Absent => document::Guard::Absent,
            Self::Other => document::Guard::OtherType,
            Self::Text(text) => part(text.len(), 0, text),
            Self::TailOf(text) => {
                let at = text.rfind(",\"last_modified\":").expect("a canonical document");
                part(text.len(), at, &text[at..])
            }
            Self::Part { len, at, bytes } => part(*len, *at, bytes),
        }
    }
}

impl Plan {
    fn to_core(&self) -> splice::Plan {
        match self {
            Self::Delete => splice::Plan::Delete,
            Self::Set(text) => splice::Plan::Set(text.clone()),
            Self::Append(elements) => splice::Plan::Append(elements.clone()),
            Self::Edit(writes) => splice::Plan::Edit(writes.iter().map(Write::to_core).collect()),
        }
    }
}

impl Write {
    fn to_core(&self) -> splice::Write {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => splice::Piece::Text(text.clone()),
            Piece::Range { start, len } => splice::Piece::Range { start: ByteOffset(*start), len: ByteLen(*len) },
            Piece::Spaces(count) => splice::Piece::Spaces(ByteLen(*count)),
        };
        splice::Write { at: ByteOffset(self.at), pieces: self.pieces.iter().map(piece).collect() }
    }
}

impl Delta {
    fn to_core(&self) -> protocol::Delta {
        protocol::Delta {
            key: self.key.clone(),
            writer: WriterId(self.writer.as_str().into()),
            base: Revision(self.base),
            revision: Revision(self.revision),
            len: ByteLen(self.len),
            mutations: self.mutations.clone(),
        }
    }
}

impl Stored {
    fn to_core(&self) -> document::Stored {
        match self {
            Self::Absent => document::Stored::Absent,
            Self::Other => document::Stored::OtherType,
            Self::Text(text) => text_of(text),
            Self::Long(len, part) => {
                document::Stored::TooLong { len: ByteLen(*len), at: ByteOffset::START, part: part.clone().into() }
            }
        }
    }
}

impl Found {
    fn to_core(&self) -> GuardResult {
        GuardResult { stored: self.stored.as_ref().map(Stored::to_core), dedup_key_present: self.dedup_key }
    }
}

fn text_of(text: &str) -> document::Stored {
    document::Stored::Text(text.as_bytes().to_vec())
}
