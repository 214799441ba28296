//! Sessions against the in-process backend, with a wire that the test controls.

#![allow(unreachable_pub, dead_code, reason = "each test binary uses a part of this")]

pub mod oracle;
pub mod tree;

use std::collections::{BTreeMap, VecDeque};
use synced_memory_core::backend::{self, MemoryStore, Store};
use synced_memory_core::command::{Answer, Command, Input, RequestId};
use synced_memory_core::document::{self, Content, Node, Stored, add};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::mutation::{self, Mutation};
use synced_memory_core::replica::Change;
use synced_memory_core::session::{ABSENT_KEPT, Config, Event, GroupOf, Now, Session};
use synced_memory_core::wire;

pub struct Client {
    pub session: Session,
    pub events: Vec<Event>,
    pub unix_ns: u64,
    pub monotonic_ms: u64,
    /// Sent, not yet at the server.
    pub outgoing: VecDeque<(RequestId, Command)>,
    /// Answered, not yet taken in.
    pub incoming: VecDeque<(RequestId, Answer)>,
    connected: bool,
    /// What a mirror would hold that only knows local mutations and events.
    mirror: BTreeMap<String, Option<Node>>,
}

impl Client {
    pub fn new(writer: &str) -> Self {
        Self::with(writer, None, 1 << 26)
    }

    pub fn with(writer: &str, names: Option<&[&str]>, max_document_bytes: usize) -> Self {
        let config = Config {
            prefix: "memory:".into(),
            names: names.map(|names| names.iter().map(|&name| name.to_owned()).collect()),
            writer: WriterId(writer.into()),
            max_document_bytes,
            announces: false,
            look_every_ms: None,
            absent_kept: ABSENT_KEPT,
            ttl_ms: None,
            seed: 7,
            add,
        };
        Self {
            session: Session::new(config),
            events: Vec::new(),
            unix_ns: 1_763_000_000_000_000_000,
            monotonic_ms: 0,
            outgoing: VecDeque::new(),
            incoming: VecDeque::new(),
            connected: false,
            mirror: BTreeMap::new(),
        }
    }

    pub fn connected(writer: &str, server: &mut MemoryStore) -> Self {
        let mut client = Self::new(writer);
        client.connect();
        client.run(server);
        client
    }

    pub fn now(&self) -> Now {
        Now { unix_ns: self.unix_ns, monotonic_ms: self.monotonic_ms }
    }

    pub fn connect(&mut self) {
        self.connected = true;
        self.handle(Input::Connected);
    }

    /// Whatever is on the wire, in either direction, is lost.
    pub fn disconnect(&mut self) {
        self.connected = false;
        self.outgoing.clear();
        self.incoming.clear();
        self.handle(Input::Disconnected(SyncError::new(ErrorCode::Unavailable, "test")));
    }

    pub fn handle(&mut self, input: Input) {
        let now = self.now();
        self.session.handle(now, input);
        self.drain();
    }

    pub fn drain(&mut self) {
        let now = self.now();
        while let Some(command) = self.session.poll_command(now) {
            if self.connected {
                self.outgoing.push_back(command);
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.reflect(&event);
            self.events.push(event);
        }
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
        let located = mutation::locate(value.as_ref(), mutation, add).unwrap();
        mutation::apply(value, mutation, located);
    }

    /// Apply a batch in wire form.
    pub fn mutate(&mut self, batch: &str) {
        self.try_mutate(batch).unwrap();
    }

    pub fn try_mutate(&mut self, batch: &str) -> Result<(), SyncError> {
        let batch = wire::decode_batch(batch)?;
        let result = batch.into_iter().try_for_each(|(name, mutation)| {
            self.session.mutate(&name, mutation.clone())?;
            self.reflect_mutation(&name, &mutation);
            Ok(())
        });
        self.drain();
        result
    }

    /// Apply mutations as a group.
    pub fn mutate_group(&mut self, id: u64, strict: bool, reads: &[&str], batch: &str) -> Result<(), SyncError> {
        let reads = reads.iter().map(|&name| name.to_owned()).collect();
        let mutations = wire::decode_batch(batch)?;
        let now = self.now();
        let result = self.session.mutate_group(GroupOf { id, strict, reads, mutations: mutations.clone() }, now);
        if result.is_ok() {
            for (name, mutation) in &mutations {
                self.reflect_mutation(name, mutation);
            }
        }
        self.drain();
        result.map(drop)
    }

    /// The groups that are done, each with the code of what ended it.
    pub fn groups(&self) -> Vec<(u64, &str)> {
        let group = |event: &Event| match event {
            Event::GroupCommitted(id) => Some((*id, "committed")),
            Event::GroupAborted { id, error } => Some((*id, error.code.as_str())),
            _ => None,
        };
        self.events.iter().filter_map(group).collect()
    }

    /// The server takes one command.
    pub fn serve_one(&mut self, server: &mut MemoryStore) -> bool {
        let Some((id, command)) = self.outgoing.pop_front() else {
            return false;
        };
        let Ok(answer) = backend::execute(server, &command, 0);
        self.incoming.push_back((id, answer));
        true
    }

    /// Everything is answered, but commits by a busy server.
    pub fn busy_for_commits(&mut self, server: &mut MemoryStore) {
        while let Some((id, command)) = self.outgoing.front() {
            if matches!(command, Command::Commit(_)) {
                let busy = Answer::Busy(SyncError::new(ErrorCode::Unavailable, "LOADING"));
                self.incoming.push_back((*id, busy));
                self.outgoing.pop_front();
            } else {
                self.serve_one(server);
            }
        }
        self.run(server);
    }

    /// The session takes one answer.
    pub fn take_one(&mut self) -> bool {
        let Some((id, answer)) = self.incoming.pop_front() else {
            return false;
        };
        self.handle(Input::Answer(id, answer));
        true
    }

    /// Until nothing moves any more.
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
            if let Event::Settled(n) = event { Some(*n) } else { None }
        };
        self.events.iter().rev().find_map(settled).unwrap_or(0)
    }

    /// What became of increments: the number of the mutation, and what it made or the code of what kept it from it.
    pub fn sums(&self) -> Vec<(u64, String)> {
        let sum = |event: &Event| match event {
            Event::Incremented { number, sum: Ok(sum) } => Some((*number, sum.as_deref().unwrap_or("?").to_owned())),
            Event::Incremented { number, sum: Err(error) } => Some((*number, error.code.as_str().to_owned())),
            _ => None,
        };
        self.events.iter().filter_map(sum).collect()
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

/// What is stored under an attribute's key, without slack; `-` where there is nothing.
pub fn stored(server: &mut MemoryStore, name: &str) -> String {
    let Ok(answer) = backend::execute(server, &Command::Load { key: format!("memory:{name}") }, 0);
    match answer {
        Answer::Loaded(Stored::Text(text)) => String::from_utf8(text).unwrap().trim_end().to_owned(),
        Answer::Loaded(Stored::Absent) => "-".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// What a foreign writer does.
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
