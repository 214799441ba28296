//! A session against the in-process backend, over a connection that the test controls, and what the tests share.

#![allow(unreachable_pub, dead_code, reason = "each test binary uses a part of this module")]

pub mod oracle;
pub mod tree;

use std::collections::{BTreeMap, VecDeque};
use synced_memory_core::backend::{Execution, MemoryStore, Store, execute};
use synced_memory_core::boundary::{EventWriter, decode_batch};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{Config, MAX_ABSENT_ATTRIBUTES, MAX_COMMIT_SIZE, SecretOptions, TransportLifetime};
use synced_memory_core::document::{self, Content, Node, Stored, add};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::{GroupId, Sequence, WriterId};
use synced_memory_core::journal::{JournalReader, JournalledState};
use synced_memory_core::mutation::{self, Mutation};
use synced_memory_core::protocol::{Answer, Command, DEDUP_KEY_SECONDS, EvictionPolicy, RequestId, Secret};
use synced_memory_core::replica::{Change, ResultValue};
use synced_memory_core::session::{BatchEntry, Event, GroupMutations, Input, JournalWrite, Output, Session};
use synced_memory_core::time::{Instant, Now};

/// A session with its connection: commands and answers move one by one, when the test says so.
pub struct Client {
    pub session: Session,
    pub events: Vec<Event>,
    pub unix_ns: u64,
    pub monotonic: Instant,
    /// The time at which the session wants the next tick, as of the last drain.
    pub timeout: Option<Instant>,
    /// Number of times that the session asked for another connection.
    pub resets: usize,
    /// Commands that were sent and have not reached the server.
    pub outgoing: VecDeque<(RequestId, Command)>,
    /// Answers that the session has not received.
    pub incoming: VecDeque<(RequestId, Answer)>,
    /// The eviction policy that this client's server claims to have.
    pub eviction_policy: Option<EvictionPolicy>,
    /// The journal that the session keeps, and what is stored of it.
    pub journal: Journal,
    connected: bool,
    /// The values as a host has them, which applies local mutations and events only.
    mirror: BTreeMap<String, Option<Node>>,
}

/// A stored journal.
#[derive(Clone, Default, Debug)]
pub struct Journal {
    pub states: BTreeMap<String, String>,
    pub log: Vec<String>,
    /// The number of sessions that have opened it.
    openings: u64,
}

impl Journal {
    fn store(&mut self, JournalWrite { clears_log, states, log, .. }: JournalWrite) {
        if clears_log {
            self.log.clear();
        }
        for (name, state) in states {
            match state {
                Some(state) => self.states.insert(name, state),
                None => self.states.remove(&name),
            };
        }
        if !log.is_empty() {
            self.log.push(log);
        }
    }

    fn read(&self) -> JournalledState {
        let mut reader = JournalReader::new(add);
        self.states.values().for_each(|state| reader.read_state(state).unwrap());
        self.log.iter().for_each(|records| reader.read_log(records).unwrap());
        reader.finish()
    }
}

/// The secret of the delta messages.
pub fn secret() -> Secret {
    Secret::new("the secret of memory:")
}

fn config(writer: &str, names: Option<&[&str]>, max_document_bytes: usize) -> Config {
    Config {
        prefix: "memory:".into(),
        secret: None,
        names: names.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
        writer: WriterId(writer.into()),
        host: None,
        max_document_bytes: ByteLen(max_document_bytes),
        max_commit_size: MAX_COMMIT_SIZE,
        publishes_deltas: false,
        notes_names: true,
        poll_interval_ms: None,
        history: None,
        max_absent_attributes: MAX_ABSENT_ATTRIBUTES,
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        transport_lifetime: TransportLifetime::Process,
        ttl_ms: None,
        seed: 7,
        add,
    }
}

impl Client {
    pub fn new(writer: &str) -> Self {
        Self::with(writer, None, 1 << 26)
    }

    /// A client that verifies delta messages.
    pub fn verifying(writer: &str) -> Self {
        let secret = SecretOptions { prefix: "memory:".into(), candidate: secret() };
        Self::of(Config { secret: Some(secret), publishes_deltas: true, ..config(writer, None, 1 << 26) })
    }

    /// A client whose commits are announced.
    pub fn announcing(writer: &str) -> Self {
        Self::announcing_with(writer, None)
    }

    /// A client of these attributes whose commits are announced.
    pub fn announcing_with(writer: &str, names: Option<&[&str]>) -> Self {
        Self::of(Config { publishes_deltas: true, ..config(writer, names, 1 << 26) })
    }

    pub fn with(writer: &str, names: Option<&[&str]>, max_document_bytes: usize) -> Self {
        Self::of(config(writer, names, max_document_bytes))
    }

    fn of(config: Config) -> Self {
        Self {
            session: Session::new(config),
            events: Vec::new(),
            unix_ns: 1_763_000_000_000_000_000,
            monotonic: Instant(0),
            timeout: None,
            resets: 0,
            outgoing: VecDeque::new(),
            incoming: VecDeque::new(),
            eviction_policy: Some(EvictionPolicy::NoEviction),
            journal: Journal::default(),
            connected: false,
            mirror: BTreeMap::new(),
        }
    }

    /// A client that goes on from a journal, as a new process does.
    pub fn journalled(writer: &str, journal: Journal) -> Self {
        let mut client = Self::announcing(writer);
        client.open_journal(journal, ByteLen(1 << 26));
        client
    }

    /// Goes on from a journal, which has at most so many bytes from now on.
    pub fn open_journal(&mut self, journal: Journal, max_len: ByteLen) {
        let last = Sequence(journal.openings << 24);
        self.journal = Journal { openings: journal.openings + 1, ..journal };
        let now = self.now();
        self.session.keep_journal(self.journal.read(), last, max_len, now);
        self.drain();
    }

    pub fn connected(writer: &str, server: &mut MemoryStore) -> Self {
        let mut client = Self::new(writer);
        client.connect();
        client.run(server);
        client
    }

    pub fn now(&self) -> Now {
        Now { unix_ns: self.unix_ns, monotonic: self.monotonic }
    }

    pub fn connect(&mut self) {
        self.connected = true;
        self.handle(Input::Connected);
    }

    /// Drops everything on the wire, in both directions.
    pub fn disconnect(&mut self) {
        self.connected = false;
        self.outgoing.clear();
        self.incoming.clear();
        self.handle(Input::Disconnected(SyncError::new(ErrorCode::Unreachable, "test")));
    }

    pub fn handle(&mut self, input: Input) {
        let now = self.now();
        self.session.handle(now, input);
        self.drain();
    }

    pub fn drain(&mut self) {
        let now = self.now();
        loop {
            match self.session.poll_output(now) {
                Output::Command(id, command) => self.outgoing.push_back((id, command)),
                Output::Journal(write) => self.journal.store(write),
                Output::Event(event) => {
                    self.reflect(&event);
                    self.events.push(event);
                }
                Output::Reset => self.resets += 1,
                Output::Timeout(timeout) => {
                    self.timeout = timeout;
                    break;
                }
            }
        }
        self.session.confirm_events();
        for (name, value) in &self.mirror {
            assert_eq!(self.session.value(name), value.as_ref(), "the mirror of {name}");
        }
    }

    fn reflect(&mut self, event: &Event) {
        let Event::Changed { name, change, .. } = event else { return };
        match change {
            Change::Loaded(value) => {
                self.mirror.insert(name.clone(), Some(Node::parse(&value.0).unwrap()));
            }
            Change::Patched(mutations) => mutations.iter().for_each(|mutation| self.reflect_mutation(name, mutation)),
            Change::Gone | Change::Unreadable(_) => {
                self.mirror.insert(name.clone(), None);
            }
        }
    }

    fn reflect_mutation(&mut self, name: &str, mutation: &Mutation) {
        let value = self.mirror.entry(name.to_owned()).or_default();
        let effect = mutation::effect_of(value.as_ref(), mutation, add).unwrap();
        mutation::apply(value, mutation, effect.values);
    }

    /// Applies a batch, given as text.
    pub fn mutate(&mut self, batch: &str) {
        self.try_mutate(batch).unwrap();
    }

    pub fn try_mutate(&mut self, batch: &str) -> Result<(), SyncError> {
        let batch = named_mutations(batch)?;
        let result = batch.into_iter().try_for_each(|(name, mutation)| {
            self.session.mutate(&name, mutation.clone())?;
            self.reflect_mutation(&name, &mutation);
            Ok(())
        });
        self.drain();
        result
    }

    /// Applies mutations as a group.
    pub fn mutate_group(&mut self, id: u64, strict: bool, reads: &[&str], batch: &str) -> Result<(), SyncError> {
        self.mutate_group_as(id, strict, false, reads, batch)
    }

    /// A transaction that enumerated the attributes.
    pub fn transact_on_all(&mut self, id: u64, reads: &[&str], batch: &str) -> Result<(), SyncError> {
        self.mutate_group_as(id, true, true, reads, batch)
    }

    fn mutate_group_as(
        &mut self,
        id: u64,
        strict: bool,
        relies_on_names: bool,
        reads: &[&str],
        batch: &str,
    ) -> Result<(), SyncError> {
        let reads = reads.iter().map(|&name| name.to_owned()).collect();
        let mutations = named_mutations(batch)?;
        let now = self.now();
        let result = self.session.mutate_group(
            GroupMutations { id: GroupId(id), strict, relies_on_names, reads, mutations: mutations.clone() },
            now,
        );
        if result.is_ok() {
            for (name, mutation) in &mutations {
                self.reflect_mutation(name, mutation);
            }
        }
        self.drain();
        result.map(drop)
    }

    /// The groups that have ended: the id, and `committed` or the error code.
    pub fn groups(&self) -> Vec<(u64, &str)> {
        let group = |event: &Event| match event {
            Event::GroupCommitted(id) => Some((id.0, "committed")),
            Event::GroupAborted { id, error } => Some((id.0, error.code.as_str())),
            _ => None,
        };
        self.events.iter().filter_map(group).collect()
    }

    /// The server executes one command. Returns false if there is none.
    pub fn serve_one(&mut self, server: &mut MemoryStore) -> bool {
        let Some((id, command)) = self.outgoing.pop_front() else {
            return false;
        };
        let answer = if matches!(command, Command::EvictionPolicy { .. }) {
            Answer::EvictionPolicy(self.eviction_policy)
        } else {
            answer_of(server, &command)
        };
        self.incoming.push_back((id, answer));
        true
    }

    /// The server executes everything but commits, which it answers as a server that is busy.
    pub fn answer_commits_as_busy(&mut self, server: &mut MemoryStore) {
        while let Some((id, command)) = self.outgoing.front() {
            if matches!(command, Command::Commit(..)) {
                let busy = Answer::Busy(SyncError::new(ErrorCode::Unreachable, "LOADING"));
                self.incoming.push_back((*id, busy));
                self.outgoing.pop_front();
            } else {
                self.serve_one(server);
            }
        }
        self.run(server);
    }

    /// The session receives one answer. Returns false if there is none.
    pub fn take_one(&mut self) -> bool {
        let Some((id, answer)) = self.incoming.pop_front() else {
            return false;
        };
        self.handle(Input::Answer(id, answer));
        true
    }

    /// Moves commands and answers until there are none.
    pub fn run(&mut self, server: &mut MemoryStore) {
        while self.serve_one(server) || self.take_one() {}
    }

    pub fn refresh(&mut self, server: &mut MemoryStore) {
        self.session.refresh(None);
        self.drain();
        self.run(server);
    }

    /// The optimistic document's text; `-` where there is none.
    pub fn text(&self, name: &str) -> String {
        self.session.value(name).map_or_else(|| "-".to_owned(), synced_memory_core::document::Node::to_text)
    }

    pub fn settled(&self) -> u64 {
        let settled = |event: &Event| {
            if let Event::Settled(n) = event { Some(n.0) } else { None }
        };
        self.events.iter().rev().find_map(settled).unwrap_or(0)
    }

    /// The results of mutations: mutation number, and the result (`-` for none, `?` for an unknown one) or the error code.
    pub fn results(&self) -> Vec<(u64, String)> {
        let text = |event: &Event| {
            let Event::Completed { number, result } = event else { return None };
            let text = match result {
                Ok(ResultValue::Value(value)) => value.0.to_string(),
                Ok(ResultValue::Nothing) => "-".to_owned(),
                Ok(ResultValue::Unknown) => "?".to_owned(),
                Err(error) => error.code.as_str().to_owned(),
            };
            Some((number.0, text))
        };
        self.events.iter().filter_map(text).collect()
    }

    /// The removals that met what was gone already: the kind, the path and the message of each.
    pub fn moots(&self) -> Vec<String> {
        let mut writer = EventWriter::new();
        self.events.iter().filter(|event| matches!(event, Event::Moot { .. })).for_each(|moot| writer.write(moot));
        let texts = writer.finish();
        let moots: Vec<Vec<serde_json::Value>> =
            texts.iter().flat_map(|text| serde_json::from_str::<Vec<_>>(&text[1..]).unwrap()).collect();
        moots
            .iter()
            .map(|moot| format!("{} {}: {}", moot[2].as_str().unwrap(), moot[3], moot[4].as_str().unwrap()))
            .collect()
    }

    pub fn conflicts(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Conflict { .. })).count()
    }

    pub fn unreadable(&self) -> Vec<(String, ErrorCode)> {
        let unreadable = |event: &Event| match event {
            Event::Changed { name, change: Change::Unreadable(error), .. } => Some((name.clone(), error.code)),
            _ => None,
        };
        self.events.iter().filter_map(unreadable).collect()
    }
}

/// The mutations of a batch without groups, each with the name of its attribute.
pub fn named_mutations(batch: &str) -> Result<Vec<(String, Mutation)>, SyncError> {
    let named = |entry| match entry {
        BatchEntry::Mutation(name, mutation) => Ok((name, mutation)),
        BatchEntry::Group(_) => Err(SyncError::new(ErrorCode::NotSerializable, "a group")),
    };
    decode_batch(batch)?.into_iter().map(named).collect()
}

/// The stored text of an attribute without slack; `-` if it is absent.
pub fn stored(server: &mut MemoryStore, name: &str) -> String {
    let Ok(Execution { answer, .. }) =
        execute(server, &Command::Load { key: format!("memory:{name}"), max_len: ByteLen(usize::MAX) }, 0);
    match answer {
        Answer::Loaded(Stored::Text(text)) => String::from_utf8(text).unwrap().trim_end().to_owned(),
        Answer::Loaded(Stored::Absent) => "-".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Stores a text as a foreign writer does.
pub fn put(server: &mut MemoryStore, name: &str, bytes: &[u8]) {
    let Ok(()) = server.replace(&format!("memory:{name}"), bytes);
}

/// The value inside a stored document.
pub fn stored_value(server: &mut MemoryStore, name: &str) -> String {
    let text = stored(server, name);
    match document::read(&Stored::Text(text.clone().into_bytes())) {
        Content::Document { value, .. } => value.to_text(),
        _ => text,
    }
}

/// The answer of a server, which has the secret.
fn answer_of(server: &mut MemoryStore, command: &Command) -> Answer {
    let Ok(Execution { answer, .. }) = execute(server, command, 0);
    if let Command::Secret { .. } = command { Answer::Secret(Some(secret())) } else { answer }
}
