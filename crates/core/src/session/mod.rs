//! The state machine over the replicas of one memory: mutations and answers in, commands and events out.
//!
//! **After every call that takes `now`, drain `poll_command` and `poll_event`, then look at
//! `poll_timeout` and `poll_reset`.**

mod ask;
mod attribute;
mod attributes;
mod groups;
mod handle;
mod refresh;
mod report;
mod told;

pub use refresh::Ticket;

use crate::command::{Changes, Command, Commits, Lifetime, RequestId};
use crate::document::{Add, Node, quoted};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{Revision, Sequence, WriterId};
use crate::mutation::Mutation;
use crate::numbered::Numbered;
use crate::replica::{Change, Replica, Sum, locate};
use ask::Ask;
use attribute::Want;
use attributes::{Attributes, Id};
use groups::Group;
pub use groups::GroupOf;
use refresh::Refreshes;
use std::collections::VecDeque;
use std::sync::Arc;

/// A reply is overdue after this long without any reply, in milliseconds,
const REPLY_TIMEOUT_MS: u64 = 20_000;
/// and what is sent may take as long as it does on a line this slow.
const SLOWEST_BYTES_PER_MS: u64 = 100;

/// What hosts give as [`Config::absent_kept`].
pub const ABSENT_KEPT: usize = 256;

/// The time, as the host sees it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Nanoseconds since 1970, for revisions. May stand still or jump.
    pub unix_ns: u64,
    /// Milliseconds of a clock that never goes back, for timeouts.
    pub monotonic_ms: u64,
}

/// What a session is for.
#[derive(Clone, Debug)]
pub struct Config {
    /// What keys of this memory start with, `memory:` or `memory:<scope>:`.
    pub prefix: String,
    /// The attributes to load; None: all that are there.
    pub names: Option<Vec<String>>,
    /// Random, never used before.
    pub writer: WriterId,
    /// The most bytes that one document may have.
    pub max_document_bytes: usize,
    /// The backend tells others what commits do.
    pub announces: bool,
    /// How often to look, in milliseconds, for changes that the backend does not tell of; None: only when asked to.
    pub look_every_ms: Option<u64>,
    /// Every commit lets its attribute expire after so many milliseconds.
    pub ttl_ms: Option<u64>,
    /// Random, for the jitter of retries.
    pub seed: u64,
    /// How increments add.
    pub add: Add,
    /// So many attributes that are gone are remembered, beside an eighth of how many there are.
    pub absent_kept: usize,
}

/// What a session tells its host.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attribute changed other than by `mutate`.
    Changed {
        /// The attribute.
        name: String,
        /// How.
        change: Change,
        /// The confirmed revision.
        revision: Option<Revision>,
        /// The document's length in bytes, 0 where there is none.
        bytes: usize,
    },
    /// A commit was acknowledged.
    Acknowledged {
        /// The attribute.
        name: String,
        /// Its revision now; None where it was deleted.
        revision: Option<Revision>,
        /// The optimistic document's length in bytes.
        bytes: usize,
    },
    /// Every mutation up to this number has been acknowledged or given up.
    Settled(u64),
    /// The server refused mutations for good; they are rolled back.
    Rejected {
        /// The attribute.
        name: String,
        /// Why.
        error: SyncError,
        /// The number of the first of them.
        first: u64,
    },
    /// A mutation was dropped because what it was to change is gone.
    Conflict {
        /// The attribute.
        name: String,
        /// What was dropped.
        mutation: Mutation,
        /// Why.
        error: SyncError,
    },
    /// A document's revision went back: the server lost something (a fail-over, a restored backup).
    /// What it has now is followed.
    Regressed {
        /// The attribute.
        name: String,
        /// The revision that had been confirmed.
        from: Revision,
        /// The revision that is stored now.
        to: Revision,
    },
    /// The backend can be reached, and everything loaded is up to date.
    Connected,
    /// The backend cannot be reached.
    Disconnected(SyncError),
    /// The initial load is done, or was given up because the backend cannot be reached.
    Ready,
    /// Everything that `refresh` was asked for is up to date as of that call.
    Refreshed(Ticket),
    /// So many replicas have everything that was acknowledged before the call of `replicate` with this number.
    Replicated {
        /// The number.
        request: u64,
        /// How many, or why nobody knows.
        count: Result<u32, SyncError>,
    },
    /// A group was acknowledged, by the id that it was given.
    GroupCommitted(u64),
    /// A group was given up, and all its mutations were taken back.
    GroupAborted {
        /// Its id.
        id: u64,
        /// Why.
        error: SyncError,
    },
    /// How long an attribute stays, asked or set by the call that gave this number.
    Lifetime {
        /// The number.
        request: u64,
        /// How long, or why nobody knows.
        lifetime: Result<Lifetime, SyncError>,
    },
    /// What became of the increment that is the mutation with this number, once its commit is acknowledged or it is
    /// given up.
    Incremented {
        /// The mutation's number.
        number: u64,
        /// What the number was right after it.
        sum: Sum,
    },
    /// Something else went wrong.
    Failed(SyncError),
}

/// An outstanding request.
#[derive(Debug)]
struct Request {
    purpose: Purpose,
    /// When it is overdue, unless something else was answered lately.
    deadline_ms: u64,
    /// The newest refresh asked for when the request went out: its answer serves all up to it.
    ticket: Ticket,
}

impl Request {
    fn is_listing(&self) -> bool {
        matches!(self.purpose, Purpose::Names)
    }
}

#[derive(Clone, Debug)]
enum Purpose {
    Fetch(Id),
    Commit(Id, Sequence),
    Group(u64),
    Names,
    Replicas(u64),
    Ask(Ask),
    /// What it was for has been done in another way. That the answer comes tells all the same that the connection is alive.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// The backend was too busy for this attribute.
    Retry(Id),
    /// It was too busy to list names.
    List,
    /// Look at an attribute that changed, just in case.
    Glance(Id),
}

/// The replicas of one memory and their traffic.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    attributes: Attributes,
    /// At how many of them those that are gone are forgotten,
    forget_at: usize,
    /// and when that was done: none of them had a higher revision.
    forgotten_at: Option<Revision>,
    /// Groups that are pending, by id.
    groups: Numbered<Group>,
    /// Attributes whose announcements are to be taken in together, by a number of their own.
    told_together: Numbered<Vec<Id>>,
    last_told: u64,
    /// What to do when (monotonic ms).
    timers: Numbered<Timer>,
    /// What the backend tells of by itself.
    hears: (Commits, Changes),
    /// When to look (monotonic ms) for what it does not tell of, and how often that was done.
    next_look: Option<u64>,
    looks: u64,
    connected: bool,
    ready: bool,
    /// The refresh that must be done before `Connected` is reported.
    catch_up: Option<Ticket>,
    refreshes: Refreshes,
    /// The page of names to ask for next.
    next_page: Option<String>,
    /// What to ask of replicas: number, how many, for how many milliseconds.
    replications: Vec<(u64, u32, u64)>,
    last_replication: u64,
    /// What is asked of attributes and not yet sent.
    asks: Numbered<Ask>,
    last_ask: u64,
    requests: Numbered<Request>,
    last_request: u64,
    last_sequence: u64,
    last_mutation: u64,
    /// Attributes of which the host has something else until it has polled all events, and why.
    refused: Vec<(Id, SyncError)>,
    settled: u64,
    last_answer_ms: u64,
    random: u64,
    reset: bool,
    commands: VecDeque<(RequestId, Command)>,
    events: VecDeque<Event>,
}

/// Getters.
impl Session {
    /// A session that knows nothing yet and is not connected.
    pub fn new(config: Config) -> Self {
        let mut session = Self {
            attributes: Attributes::default(),
            forget_at: config.absent_kept,
            forgotten_at: None,
            groups: Numbered::default(),
            told_together: Numbered::default(),
            last_told: 0,
            timers: Numbered::default(),
            hears: Default::default(),
            next_look: None,
            looks: 0,
            connected: false,
            ready: false,
            catch_up: None,
            refreshes: Refreshes::default(),
            next_page: None,
            replications: Vec::new(),
            last_replication: 0,
            asks: Numbered::default(),
            last_ask: 0,
            requests: Numbered::default(),
            last_request: 0,
            last_sequence: 0,
            last_mutation: 0,
            refused: Vec::new(),
            settled: 0,
            last_answer_ms: 0,
            random: config.seed | 1,
            reset: false,
            commands: VecDeque::new(),
            events: VecDeque::new(),
            config: Arc::new(config),
        };
        let config = Arc::clone(&session.config);
        for name in config.names.iter().flatten() {
            session.attribute(name);
        }
        session
    }

    /// The optimistic document of an attribute.
    pub fn value(&self, name: &str) -> Option<&Node> {
        self.attributes.get(name)?.replica.value()
    }

    /// The confirmed revision of an attribute.
    pub fn revision(&self, name: &str) -> Option<Revision> {
        self.attributes.get(name)?.replica.revision()
    }

    /// The number of the oldest mutation that is neither acknowledged nor given up. Costs the number of attributes that have
    /// such.
    pub fn first_pending(&self) -> Option<u64> {
        self.attributes.pending().filter_map(|attribute| attribute.replica.first_pending()).min()
    }

    /// About how many bytes all pending mutations take. Costs their number.
    pub fn pending_bytes(&self) -> usize {
        self.attributes.pending().map(|attribute| attribute.replica.pending_bytes()).sum()
    }

    /// Is the value what was stored at its revision, with the pending mutations on top? It is not while it is unknown
    /// what the last commits were applied to.
    pub fn is_in_step(&self, name: &str) -> bool {
        self.attributes.get(name).is_some_and(|attribute| attribute.replica.is_in_step())
    }

    /// Would `mutate` take it?
    pub fn check(&self, name: &str, mutation: &Mutation) -> Result<(), SyncError> {
        check_name(name)?;
        let (max_bytes, add) = (self.config.max_document_bytes, self.config.add);
        match self.attributes.get(name) {
            Some(attribute) => attribute.replica.locate(mutation, max_bytes).map(drop),
            None => locate(None, mutation, max_bytes, add).map(drop),
        }
    }
}

/// Commands.
impl Session {
    /// Apply a local mutation; it goes out with the next commit. Mutations are numbered from 1.
    /// Gives the document's length in bytes afterwards.
    pub fn mutate(&mut self, name: &str, mutation: Mutation) -> Result<usize, SyncError> {
        check_name(name)?;
        let id = self.attribute(name);
        self.mutate_in(id, mutation, None)
    }

    fn mutate_in(&mut self, id: Id, mutation: Mutation, group: Option<u64>) -> Result<usize, SyncError> {
        if let Some((_, error)) = self.refused.iter().find(|(refused, _)| *refused == id) {
            return Err(error.clone());
        }
        let max_bytes = self.config.max_document_bytes;
        let number = self.last_mutation + 1;
        // Should something be there, the answer to the commit brings it: no need to ask before. (A transaction would begin anew.)
        let may_assume = self.connected && self.catch_up.is_none() && group.is_none();
        let attribute = &mut self.attributes[id];
        let len = attribute.replica.mutate(number, mutation, max_bytes, group)?;
        if !attribute.replica.is_loaded() {
            if may_assume {
                attribute.replica.assume_absent();
            } else {
                attribute.ask(Want::Load);
            }
        }
        self.last_mutation = number;
        self.attributes.activate(id);
        self.attributes.expect_settling(id, number);
        Ok(len)
    }

    /// Catch up with the backend as of now: with these attributes; or, for None, with all, and look
    /// for new ones. Answered by [`Event::Refreshed`], after a reconnect if need be.
    pub fn refresh(&mut self, names: Option<&[String]>) -> Ticket {
        let ticket = self.begin_refresh(names);
        self.report_refreshed();
        ticket
    }

    /// Wait until so many replicas have everything that has been acknowledged. Answered by [`Event::Replicated`] with
    /// the number that this gives, at the latest after `wait_ms` on a connection.
    pub fn replicate(&mut self, wanted: u32, wait_ms: u64) -> u64 {
        self.last_replication += 1;
        self.replications.push((self.last_replication, wanted, wait_ms));
        self.last_replication
    }

    fn begin_refresh(&mut self, names: Option<&[String]>) -> Ticket {
        let listing = names.is_none() && self.config.names.is_none();
        if listing {
            self.next_page = Some("0".to_owned());
            self.forget_answers(|purpose| matches!(purpose, Purpose::Names));
        }
        let ids: Vec<Id> = match names {
            Some(names) => {
                let names = names.iter().filter(|name| check_name(name).is_ok());
                names.map(|name| self.attribute(name)).collect()
            }
            None => self.attributes.ids(),
        };
        for id in &ids {
            self.attributes[*id].ask(Want::Probe);
            self.attributes.activate(*id);
        }
        self.refreshes.begin(ids, listing)
    }

    /// Answers to such requests do not count any more.
    fn forget_answers(&mut self, is_such: impl Fn(&Purpose) -> bool) {
        for request in self.requests.values_mut().filter(|request| is_such(&request.purpose)) {
            request.purpose = Purpose::Nothing;
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.config.prefix)
    }

    /// The attribute of this name, which may be new.
    fn attribute(&mut self, name: &str) -> Id {
        self.attributes.find(name).unwrap_or_else(|| {
            let key = self.key(name);
            self.attributes.add(name, Replica::new(key, Arc::clone(&self.config), self.forgotten_at))
        })
    }
}

/// Polls.
impl Session {
    /// The next command for the backend.
    pub fn poll_command(&mut self, now: Now) -> Option<(RequestId, Command)> {
        if self.commands.is_empty() && self.connected {
            self.list_names(now);
            self.ask_replicas(now);
            while let Some(id) = self.attributes.next_active() {
                self.send_for(id, now);
                self.send_groups(id, now);
                self.release_asks(id);
            }
            self.send_asks(now);
            self.forget_absent(now);
        }
        self.commands.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            self.refused.clear();
        }
        event
    }

    /// Would `poll_event` give something?
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The monotonic time in milliseconds at which the session wants an [`Input::Tick`](crate::command::Input::Tick).
    pub fn poll_timeout(&self) -> Option<u64> {
        let timer = self.timers.first_number();
        [timer, self.next_look, self.overdue_at(), self.next_ask_at()].into_iter().flatten().min()
    }

    /// True once where replies are overdue: the host drops the connection and makes a new one.
    pub fn poll_reset(&mut self) -> bool {
        std::mem::take(&mut self.reset)
    }

    fn overdue_at(&self) -> Option<u64> {
        let oldest = self.requests.first()?;
        Some(oldest.deadline_ms.max(self.last_answer_ms + REPLY_TIMEOUT_MS))
    }

    /// Forget attributes that are gone, where there are many: who makes one for each visitor makes more than can be kept.
    fn forget_absent(&mut self, now: Now) {
        // One that is not listed can come back only where somebody remembers that it is of interest.
        if self.config.names.is_some() || self.attributes.len() < self.forget_at || !self.refused.is_empty() {
            return;
        }
        // What something refers to stays: the active do.
        let attributes = &mut self.attributes;
        self.refreshes.waits_for().for_each(|id| attributes.activate(id));
        for timer in self.timers.values() {
            if let Timer::Retry(id) | Timer::Glance(id) = timer {
                attributes.activate(*id);
            }
        }
        attributes.forget_absent(now);
        self.forgotten_at = self.forgotten_at.max(Some(Revision(now.unix_ns)));
        let there = self.attributes.len();
        self.forget_at = there + there / 8 + self.config.absent_kept;
    }

    fn list_names(&mut self, now: Now) {
        if let Some(cursor) = self.next_page.take() {
            let command = Command::Names { prefix: self.config.prefix.clone(), cursor };
            self.send(Purpose::Names, command, 0, now);
        }
    }

    fn ask_replicas(&mut self, now: Now) {
        if self.catch_up.is_some() {
            return;
        }
        for (request, wanted, wait_ms) in std::mem::take(&mut self.replications) {
            let (prefix, writer) = (self.config.prefix.clone(), self.config.writer.clone());
            self.send(Purpose::Replicas(request), Command::Replicas { prefix, writer, wanted, wait_ms }, 0, now);
        }
    }

    fn send_for(&mut self, id: Id, now: Now) {
        let replica = &self.attributes[id].replica;
        if self.attributes[id].waits {
            return;
        }
        if let Some(sequence) = replica.outlived(now) {
            match replica.group_of(sequence) {
                Some(group) => self.give_up_group(group, now),
                None => self.give_up_commit(id, sequence, now),
            }
        }
        self.send_fetch(id, now);
        self.send_commits(id, now);
        // A glance may have had to let commits go first.
        self.send_fetch(id, now);
    }

    fn send_fetch(&mut self, id: Id, now: Now) {
        if let Some(fetch) = self.attributes[id].next_fetch(now) {
            self.send(Purpose::Fetch(id), fetch, 0, now);
        }
    }

    fn send_commits(&mut self, id: Id, now: Now) {
        while let Some(commit) = self.attributes[id].next_commit(now, Sequence(self.last_sequence + 1)) {
            self.last_sequence = self.last_sequence.max(commit.sequence.0);
            self.attributes[id].answers_due += 1;
            let bytes = commit.plan.bytes();
            self.send(Purpose::Commit(id, commit.sequence), Command::Commit(commit), bytes, now);
        }
    }

    fn send(&mut self, purpose: Purpose, command: Command, bytes: usize, now: Now) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let deadline_ms = now.monotonic_ms + REPLY_TIMEOUT_MS + bytes as u64 / SLOWEST_BYTES_PER_MS;
        self.requests.insert(id.0, Request { purpose, deadline_ms, ticket: self.refreshes.newest() });
        self.commands.push_back((id, command));
    }
}

fn check_name(name: &str) -> Result<(), SyncError> {
    if name.is_empty() || name.starts_with(['$', '_']) || name.contains(':') {
        return Err(SyncError::new(
            ErrorCode::ReservedName,
            format!(
                "the attribute name {} is reserved: it must not be empty, start with $ or _, or hold a colon",
                quoted(name)
            ),
        ));
    }
    Ok(())
}
