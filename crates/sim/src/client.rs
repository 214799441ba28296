//! A session with its wall clock, its connection and its mirror.

use crate::PREFIX;
use crate::clock::Clock;
use crate::random::Random;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use synced_memory_core::command::{Answer, Changes, Command, Commit, Commits, Input, RequestId};
use synced_memory_core::document::add;
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::session::{Config, Now, Session};

/// Which way a connection still carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Health {
    Good,
    /// Commands are taken, replies are lost.
    LosesReplies,
    /// Nothing reaches the server.
    LosesCommands,
}

/// An answer on its way, with what it is to.
pub(crate) struct Reply {
    pub(crate) id: RequestId,
    pub(crate) answer: Answer,
    pub(crate) command: Command,
}

/// A connection delivers in order, either way, what it delivers.
pub(crate) struct Connection {
    pub(crate) health: Health,
    pub(crate) commands: VecDeque<(RequestId, Command)>,
    pub(crate) replies: VecDeque<Reply>,
    /// What the server tells unasked.
    pub(crate) notices: VecDeque<Input>,
}

pub(crate) struct Client {
    pub(crate) session: Session,
    /// Which life of the ledger this session leads; also its writer id.
    pub(crate) life: usize,
    pub(crate) clock: Clock,
    pub(crate) connection: Option<Connection>,
    /// Of connections that were given up, what the server may still receive. In order in each.
    pub(crate) late: Vec<VecDeque<Command>>,
    /// What somebody knows who is told of changes and knows the local mutations.
    pub(crate) mirror: BTreeMap<String, Tree>,
    /// The confirmed revisions, as somebody knows them who is told.
    pub(crate) told: BTreeMap<String, Option<Revision>>,
    /// The confirmed revisions, as of the last look.
    pub(crate) revisions: BTreeMap<String, u64>,
    /// The last commit of each key whose acknowledgement was received.
    pub(crate) acknowledged: BTreeMap<String, Sequence>,
    /// Keys of which the session sends all again, whatever else is answered.
    pub(crate) sends_again: BTreeSet<String>,
    /// Refreshes that were asked for and are not done: what they must bring at least.
    pub(crate) tickets: BTreeMap<u64, Revisions>,
    /// The same for what begins with a connection.
    pub(crate) catch_up: Revisions,
    /// It says that it is connected and up to date.
    pub(crate) is_up: bool,
    /// The highest count seen of each register.
    pub(crate) counts: BTreeMap<String, u64>,
}

/// What the server had at some moment.
pub(crate) type Revisions = BTreeMap<&'static str, u64>;

impl Client {
    pub(crate) fn new(life: usize, random: &mut Random) -> Self {
        Self {
            session: session(life),
            life,
            clock: Clock::new(random),
            connection: None,
            late: Vec::new(),
            mirror: BTreeMap::new(),
            told: BTreeMap::new(),
            revisions: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            sends_again: BTreeSet::new(),
            tickets: BTreeMap::new(),
            catch_up: Revisions::new(),
            is_up: false,
            counts: BTreeMap::new(),
        }
    }

    /// Begin again, knowing nothing but the time.
    pub(crate) fn be_reborn(&mut self, life: usize, random: &mut Random) {
        self.clock.begin_process(random);
        let before = std::mem::replace(self, Self::new(life, random));
        (self.clock, self.late) = (before.clock, before.late);
    }

    pub(crate) fn now(&self, passed_ns: u64) -> Now {
        Now { unix_ns: self.clock.read(passed_ns), monotonic_ms: passed_ns / 1_000_000 }
    }

    /// What the server tells this one.
    pub(crate) fn hears(&self) -> (Commits, Changes) {
        match self.life % 4 {
            2 => (Commits::Unheard, Changes::OfAll),
            3 => (Commits::Beside, Changes::Unheard),
            _ => (Commits::Beside, Changes::OfAll),
        }
    }

    pub(crate) fn open_connection(&mut self) {
        let (commands, replies, notices) = Default::default();
        self.connection = Some(Connection { health: Health::Good, commands, replies, notices });
    }

    /// The connection is over; the first few of the commands on the way arrive later.
    pub(crate) fn drop_connection(&mut self, random: &mut Random) {
        if let Some(connection) = self.connection.take() {
            let arrive = random.below(connection.commands.len() + 1);
            let late: VecDeque<_> = connection.commands.into_iter().take(arrive).map(|(_, command)| command).collect();
            if !late.is_empty() {
                self.late.push(late);
            }
        }
    }

    /// Of the connections given up, one delivers its next command.
    pub(crate) fn next_late(&mut self, random: &mut Random) -> Option<Command> {
        if self.late.is_empty() {
            return None;
        }
        let index = random.below(self.late.len());
        let command = self.late[index].pop_front();
        self.late.retain(|commands| !commands.is_empty());
        command
    }

    /// May a commit up to this sequence still be sent, or sent again?
    pub(crate) fn may_send(&self, key: &str, writer: &str, last: Sequence) -> bool {
        let is_one = |command: &Command| {
            commits(command).any(|commit| commit.key == key && commit.writer.0 == writer && commit.sequence <= last)
        };
        let is_known = self.acknowledged.get(key).is_some_and(|known| *known >= last);
        let own = writer_id(self.life).0 == writer && (!is_known || self.sends_again.contains(key));
        let late = self.late.iter().flatten().any(is_one);
        let on_the_way = self.connection.iter().flat_map(|connection| &connection.commands);
        own || late || on_the_way.map(|(_, command)| command).any(is_one)
    }
}

/// What a command is to commit.
pub(crate) fn commits(command: &Command) -> impl Iterator<Item = &Commit> {
    let (one, several) = match command {
        Command::Commit(commit) => (Some(commit), &[][..]),
        Command::Group(group) => (None, group.commits.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(several).map(|commit| &**commit)
}

pub(crate) fn writer_id(life: usize) -> WriterId {
    WriterId(format!("w{life}").as_str().into())
}

fn session(life: usize) -> Session {
    Session::new(Config {
        prefix: PREFIX.into(),
        // Some name what they want, others take what there is.
        names: (life % 3 == 2).then(|| crate::ATTRIBUTES.map(str::to_owned).to_vec()),
        writer: writer_id(life),
        max_document_bytes: 1 << 26,
        ttl_ms: None,
        announces: true,
        look_every_ms: None,
        seed: life as u64,
        add,
        absent_kept: 0,
    })
}
