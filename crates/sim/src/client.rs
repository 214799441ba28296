//! A client: a session with its wall clock, its connection and its mirror.

use crate::PREFIX;
use crate::faulty_clock::FaultyClock;
use crate::model_value::ModelValue;
use crate::random::Random;
use crate::stored_journal::{Numbering, OpenedJournal, StoredJournal};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{Config, MAX_COMMIT_SIZE, SecretOptions, TransportLifetime};
use synced_memory_core::document::add;
use synced_memory_core::ids::{RefreshId, Revision, Sequence, WriterId};
use synced_memory_core::protocol::{
    Answer, Command, Commit, DEDUP_KEY_SECONDS, DeltaDelivery, Invalidations, RequestId, Secret,
};
use synced_memory_core::session::{Input, Session};
use synced_memory_core::time::{Instant, Now};

/// The directions in which a connection still delivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Health {
    Good,
    /// Commands arrive and replies are lost.
    LosesReplies,
    /// Commands do not arrive.
    LosesCommands,
}

/// An answer on its way to a client, with the command that it answers.
pub(crate) struct Reply {
    pub(crate) id: RequestId,
    pub(crate) answer: Answer,
    pub(crate) command: Command,
}

/// A connection. It delivers in order in each direction.
pub(crate) struct Connection {
    pub(crate) health: Health,
    pub(crate) commands: VecDeque<(RequestId, Command)>,
    pub(crate) replies: VecDeque<Reply>,
    /// Deltas and invalidations on their way to the client.
    pub(crate) notices: VecDeque<Input>,
}

pub(crate) struct Client {
    pub(crate) session: Session,
    /// When the session wants a tick, as of the last drain.
    pub(crate) timeout: Option<Instant>,
    /// Index of the session in the history; its writer id is made from it.
    pub(crate) session_index: usize,
    pub(crate) clock: FaultyClock,
    pub(crate) connection: Option<Connection>,
    /// Commands of abandoned connections that may still arrive, in order for each connection.
    pub(crate) late: Vec<VecDeque<Command>>,
    /// The attributes as an observer of change events and local mutations sees them.
    pub(crate) mirror: BTreeMap<String, ModelValue>,
    /// The confirmed revisions as events reported them.
    pub(crate) reported_revisions: BTreeMap<String, Option<Revision>>,
    /// The confirmed revisions at the last check.
    pub(crate) revisions: BTreeMap<String, u64>,
    /// The last commit of each key whose acknowledgement was received.
    pub(crate) acknowledged: BTreeMap<String, Sequence>,
    /// Keys whose pending commits the session sends again, after the server was busy or refused one.
    pub(crate) resending_keys: BTreeSet<String>,
    /// Unfinished refreshes, with the revisions that they must bring at least.
    pub(crate) refreshes: BTreeMap<RefreshId, Revisions>,
    /// The same for the refresh that follows a new connection.
    pub(crate) catch_up: Revisions,
    /// The session reported that it is connected and up to date.
    pub(crate) is_connected: bool,
    /// The number of mutations that were made before a connection was last lost: only their outcomes can be unknown.
    pub(crate) made_before_loss: u64,
    /// The highest count that was read from each register.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Its journal, if it keeps one.
    pub(crate) journal: Option<StoredJournal>,
    /// The numbers of the session's mutations. Those of the history are the writer's.
    pub(crate) numbering: Numbering,
    /// The session reported every mutation up to this number of its own as settled.
    pub(crate) settled: u64,
    /// The values are those of the journal: the session has not been connected.
    pub(crate) is_restored: bool,
}

/// Revisions of the documents that the server had at some moment.
pub(crate) type Revisions = BTreeMap<&'static str, u64>;

impl Client {
    pub(crate) fn new(session_index: usize, random: &mut Random) -> Self {
        Self {
            session: session(session_index),
            timeout: None,
            session_index,
            clock: FaultyClock::new(random),
            connection: None,
            late: Vec::new(),
            mirror: BTreeMap::new(),
            reported_revisions: BTreeMap::new(),
            revisions: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            resending_keys: BTreeSet::new(),
            refreshes: BTreeMap::new(),
            catch_up: Revisions::new(),
            is_connected: false,
            made_before_loss: 0,
            counts: BTreeMap::new(),
            journal: None,
            numbering: Numbering::default(),
            settled: 0,
            is_restored: false,
        }
    }

    /// Keeps a journal, in which nothing is stored yet.
    pub(crate) fn keep_journal(&mut self, passed_ns: u64) {
        let mut journal = StoredJournal::default();
        let OpenedJournal { content, last_sequence, .. } = journal.open();
        self.journal = Some(journal);
        let (max_len, now) = (self.max_journal_len(), self.now(passed_ns));
        self.session.keep_journal(content, last_sequence, max_len, now);
    }

    /// The limit of its journal. Those of some clients are full from time to time.
    pub(crate) fn max_journal_len(&self) -> ByteLen {
        ByteLen(if self.session_index % 4 == 2 { 4 << 10 } else { 1 << 26 })
    }

    /// Replaces the session by a new one, of another writer. Only the clock and late commands survive.
    pub(crate) fn restart(&mut self, session_index: usize, random: &mut Random, passed_ns: u64) {
        let before = self.replace(session_index, random);
        if before.journal.is_some() {
            self.keep_journal(passed_ns);
        }
    }

    /// Replaces the session by one of the same writer, which can go on from the journal.
    pub(crate) fn continue_process(&mut self, random: &mut Random) {
        let before = self.replace(self.session_index, random);
        (self.journal, self.is_restored) = (before.journal, true);
    }

    fn replace(&mut self, session_index: usize, random: &mut Random) -> Self {
        self.clock.begin_process(random);
        let mut before = std::mem::replace(self, Self::new(session_index, random));
        std::mem::swap(&mut self.clock, &mut before.clock);
        self.late = std::mem::take(&mut before.late);
        before
    }

    pub(crate) fn now(&self, passed_ns: u64) -> Now {
        Now { unix_ns: self.clock.read(passed_ns), monotonic: Instant(passed_ns / 1_000_000) }
    }

    /// The notifications that this client receives.
    pub(crate) fn notifications(&self) -> (DeltaDelivery, Invalidations) {
        match self.session_index % 8 {
            2 | 6 => (DeltaDelivery::None, Invalidations::Broadcast),
            3 | 7 => (DeltaDelivery::OutOfBand, Invalidations::None),
            // As on a cluster.
            1 | 4 => (DeltaDelivery::Unordered, Invalidations::Broadcast),
            _ => (DeltaDelivery::OutOfBand, Invalidations::Broadcast),
        }
    }

    pub(crate) fn open_connection(&mut self) {
        let (commands, replies, notices) = Default::default();
        self.connection = Some(Connection { health: Health::Good, commands, replies, notices });
    }

    /// Abandons the connection. A random number of its first commands will arrive late.
    pub(crate) fn drop_connection(&mut self, random: &mut Random) {
        if let Some(connection) = self.connection.take() {
            let arrive = random.below(connection.commands.len() + 1);
            let late: VecDeque<_> = connection.commands.into_iter().take(arrive).map(|(_, command)| command).collect();
            if !late.is_empty() {
                self.late.push(late);
            }
        }
    }

    /// The next command of a random abandoned connection.
    pub(crate) fn next_late(&mut self, random: &mut Random) -> Option<Command> {
        if self.late.is_empty() {
            return None;
        }
        let index = random.below(self.late.len());
        let command = self.late[index].pop_front();
        self.late.retain(|commands| !commands.is_empty());
        command
    }

    /// True if a commit up to this sequence may still be sent or arrive.
    pub(crate) fn may_send(&self, key: &str, writer: &str, last: Sequence) -> bool {
        let is_one = |command: &Command| {
            commits(command).any(|commit| commit.key == key && commit.writer.0 == writer && commit.sequence <= last)
        };
        let is_known = self.acknowledged.get(key).is_some_and(|known| *known >= last);
        // The next process may send again what this one knows to be acknowledged.
        let may_resend = !is_known || self.resending_keys.contains(key) || self.journal.is_some();
        let own = writer_id(self.session_index).0 == writer && may_resend;
        let late = self.late.iter().flatten().any(is_one);
        let on_the_way = self.connection.iter().flat_map(|connection| &connection.commands);
        own || late || on_the_way.map(|(_, command)| command).any(is_one)
    }
}

/// The commits of a command.
pub(crate) fn commits(command: &Command) -> impl Iterator<Item = &Commit> {
    let (one, several) = match command {
        Command::Commit(commit, _) => (Some(commit), &[][..]),
        Command::Group(group, _) => (None, group.commits.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(several).map(|commit| &**commit)
}

pub(crate) fn writer_id(session_index: usize) -> WriterId {
    WriterId(format!("w{session_index}").as_str().into())
}

/// The secret of the delta messages.
pub(crate) fn secret() -> Secret {
    Secret::new("known to the clients and to no stranger")
}

fn session(session_index: usize) -> Session {
    Session::new(Config {
        prefix: PREFIX.into(),
        secret: Some(SecretOptions { prefix: PREFIX.into(), candidate: secret() }),
        // A third of the clients load listed names, the others everything.
        names: (session_index % 3 == 2).then(|| crate::ATTRIBUTES.map(str::to_owned).to_vec()),
        writer: writer_id(session_index),
        host: None,
        max_document_bytes: ByteLen(1 << 26),
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        transport_lifetime: TransportLifetime::Process,
        // Every other client splits its pending mutations over several commits.
        max_commit_size: if session_index.is_multiple_of(2) { ByteLen(600) } else { MAX_COMMIT_SIZE },
        ttl_ms: None,
        // The commits of some sessions can only be followed by reading, as those with long mutations.
        publishes_deltas: session_index % 5 != 4,
        notes_names: true,
        poll_interval_ms: None,
        seed: session_index as u64,
        add,
        history: None,
        max_absent_attributes: 0,
    })
}
