//! A memory: a session, driven on the thread that calls, and its link to the backend.

use crate::alarm::Alarm;
use crate::backend_capabilities::Capabilities;
use crate::clock;
use crate::journal::{JournalStore, MemoryIdentity, OpenedJournal};
use crate::link::session_link::SessionLink;
use crate::mailbox::Mailbox;
use crate::options::OpenOptions;
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{Config, MAX_ABSENT_ATTRIBUTES, MAX_COMMIT_SIZE, SecretOptions, TransportLifetime};
use synced_memory_core::document::add;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::{
    MutationNumber, RefreshId, ReplicationId, Revision, TtlRequestId, WriterId, WritersRequestId,
};
use synced_memory_core::mutation::Mutation;
use synced_memory_core::protocol::{Command, JOURNALLED_DEDUP_KEY_SECONDS, RequestId, Secret};
use synced_memory_core::session::{BatchEntry, DedupKeys, Event, Input, JournalWrite, Output, Session};
use synced_memory_core::time::{Instant, Now};
use synced_memory_core::writer_label::labelled_writer;

/// The time between two polls for changes that a server does not announce, in milliseconds.
const POLL_INTERVAL_MS: u64 = 1_000;

/// The time, in milliseconds, and the bytes of text after which a drain takes in nothing more. The caller can do other work
/// before it goes on.
const MAX_DRAIN_MS: u64 = 4;
const MAX_DRAINED_BYTES: usize = 1 << 20;

/// The time between two attempts to write to a journal, in milliseconds.
const JOURNAL_RETRY_MS: u64 = 500;

/// An open memory.
///
/// Its replicas change only within calls: whatever arrives in between waits for [`Memory::drain`]. Memories of one URL,
/// `tls` and `base` share a connection, which closes when the last of them is dropped. The mutations of a dropped
/// memory that are not acknowledged are lost, unless it keeps a journal.
pub struct Memory {
    session: Session,
    mailbox: Arc<Mailbox>,
    link: SessionLink,
    alarm: Alarm,
    /// When the alarm will deliver a tick.
    tick_at: Option<Instant>,
    /// Events that `drain` has not returned yet.
    events: Vec<Event>,
    journal: Option<MemoryJournal>,
}

/// The journal of a memory, and what waits for it.
struct MemoryJournal {
    store: JournalStore,
    /// Commands that must not be sent before the journal has been written. They end with their connection.
    held: Vec<(RequestId, Command)>,
    /// When to try again to write.
    retry_at: Option<Instant>,
    /// The mutations and documents that an earlier process has left.
    restored: RestoredState,
}

/// The state that a memory has restored from its journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RestoredState {
    /// The number of pending mutations. Those of the memory itself are numbered from the next one.
    pub mutations: MutationNumber,
    /// The attributes with a known document.
    pub names: Vec<String>,
}

impl Memory {
    /// Open a memory. Does not block: a server need not be reachable yet, nor a file usable; [`Event::Disconnected`] has
    /// the reason. `wake` is called on any thread when
    /// `drain` has something to take in, or is about to: it must only signal, and must not call this memory or block.
    /// Errors: `Options`; with a journal also `Journal` and `JournalInUse`.
    pub fn open(options: OpenOptions, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, SyncError> {
        let mailbox = Arc::new(Mailbox::new(wake));
        let link = SessionLink::open(&options, Arc::clone(&mailbox))?;
        Self::start(options, link, mailbox)
    }

    /// Open another memory on the same connection, such as a scope of this one. It may outlive this one. `options` must
    /// have the URL, `tls` and `base` of this one. Errors: as of `open`.
    pub fn open_beside(
        &self,
        options: OpenOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, SyncError> {
        let mailbox = Arc::new(Mailbox::new(wake));
        let link = self.link.open_sibling(&options.prefix, Arc::clone(&mailbox));
        Self::start(options, link, mailbox)
    }

    fn start(options: OpenOptions, link: SessionLink, mailbox: Arc<Mailbox>) -> Result<Self, SyncError> {
        let (seed, secret) = (clock::random_u64()?, clock::random_id()?);
        let new_writer = labelled_writer(&clock::random_id()?, options.label.as_deref());
        let opened = match &options.journal {
            Some(journal) => {
                let owner = MemoryIdentity::new(&options.url, &options.prefix)?;
                Some((JournalStore::open(journal, &owner, &new_writer.0)?, ByteLen(journal.max_bytes)))
            }
            None => None,
        };
        let writer = opened.as_ref().map_or(new_writer, |(opened, _)| WriterId(opened.writer.as_str().into()));
        let mut session = Session::new(Config {
            prefix: options.prefix,
            secret: Some(SecretOptions { prefix: options.base, candidate: Secret::new(&secret) }),
            names: options.names,
            writer,
            host: options.host,
            max_document_bytes: ByteLen(options.max_document_bytes),
            max_commit_size: MAX_COMMIT_SIZE,
            publishes_deltas: true,
            notes_names: has_one_slot(&link),
            poll_interval_ms: Some(POLL_INTERVAL_MS),
            dedup_key_seconds: if opened.is_some() {
                JOURNALLED_DEDUP_KEY_SECONDS
            } else {
                TransportLifetime::Process.dedup_key_seconds(options.ttl_ms)
            },
            transport_lifetime: TransportLifetime::Process,
            ttl_ms: options.ttl_ms,
            seed,
            add,
            history: options.history,
            max_absent_attributes: MAX_ABSENT_ATTRIBUTES,
        });
        let alarm = Alarm::new(Arc::clone(&mailbox));
        let journal = opened.map(|(OpenedJournal { store, last_sequence, content, damage, .. }, max_len)| {
            if let Some(damage) = damage {
                session.report(Event::Warning(damage));
            }
            let names = content.names().map(str::to_owned).collect();
            let mutations = session.keep_journal(content, last_sequence, max_len, clock::now());
            let restored = RestoredState { mutations, names };
            MemoryJournal { store, held: Vec::new(), retry_at: None, restored }
        });
        let mut memory = Self { session, mailbox, link, alarm, tick_at: None, events: Vec::new(), journal };
        if memory.journal.is_some() {
            memory.drain_session(clock::now());
            memory.signal_events();
        }
        Ok(memory)
    }

    /// The replicas, for reading.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The state that was restored from the journal of an earlier process.
    pub fn restored(&self) -> RestoredState {
        self.journal.as_ref().map(|journal| journal.restored.clone()).unwrap_or_default()
    }

    /// The properties of the backend, as far as they are known now.
    pub fn capabilities(&self) -> Capabilities {
        self.link.shared().capabilities()
    }

    /// Apply local mutations in order and send what may be sent: see [`Session::submit`]. The first error ends the
    /// batch; the mutations before it stay.
    pub fn submit(&mut self, batch: Vec<BatchEntry>) -> Result<(), SyncError> {
        let now = clock::now();
        let mut entries = batch.into_iter();
        let submitted = entries.try_for_each(|entry| {
            self.check_slots(&entry)?;
            self.session.submit(entry, now)
        });
        self.drain_session(now);
        self.signal_events();
        submitted
    }

    /// Refuse a group whose attributes have different slots of a cluster.
    fn check_slots(&self, entry: &BatchEntry) -> Result<(), SyncError> {
        let BatchEntry::Group(group) = entry else { return Ok(()) };
        let names = group.mutations.iter().map(|(name, _)| name).chain(&group.reads);
        let mut keys = names.map(|name| format!("{}{name}", self.link.prefix()));
        let Some(first) = keys.next() else { return Ok(()) };
        match keys.find(|key| !self.link.shared().may_share_group(&first, key)) {
            None => Ok(()),
            Some(other) => Err(SyncError::new(
                ErrorCode::CrossSlot,
                format!(
                    "{first} and {other} are in different slots of the cluster and cannot be changed together; give them \
                     the same hash tag, by names such as {{order}}items and {{order}}total or by a prefix such as {{app}}:"
                ),
            )),
        }
    }

    /// Check a mutation without applying it. Errors: those of `submit`.
    pub fn check(&self, name: &str, mutation: &Mutation) -> Result<(), SyncError> {
        self.session.check(name, mutation)
    }

    /// The approximate size of the mutations that are not acknowledged, in bytes.
    pub fn pending_bytes(&self) -> usize {
        self.session.pending_size().0
    }

    /// Catch up with the backend as of now: with these attributes, or with all and new ones. Gives the id that
    /// [`Event::Refreshed`] reports.
    pub fn refresh(&mut self, names: Option<&[String]>) -> RefreshId {
        let id = self.session.refresh(names);
        self.drain_session(clock::now());
        self.signal_events();
        id
    }

    /// Wait until this many replicas of the server have everything that has been acknowledged, for at most `wait_ms`.
    /// Gives the id that [`Event::Replicated`] reports.
    pub fn replicate(&mut self, wanted: u32, wait_ms: u32) -> ReplicationId {
        let id = self.session.replicate(wanted, wait_ms.into());
        self.drain_session(clock::now());
        id
    }

    /// Make an attribute expire after `ms` milliseconds. Gives the id that [`Event::Lifetime`] reports.
    pub fn expire(&mut self, name: &str, ms: u64) -> Result<TtlRequestId, SyncError> {
        let id = self.session.expire(name, ms)?;
        self.drain_session(clock::now());
        Ok(id)
    }

    /// Make an attribute stay until it is deleted. Gives the id that [`Event::Lifetime`] reports.
    pub fn persist(&mut self, name: &str) -> Result<TtlRequestId, SyncError> {
        let id = self.session.persist(name)?;
        self.drain_session(clock::now());
        Ok(id)
    }

    /// Ask when an attribute expires. Gives the id that [`Event::Lifetime`] reports.
    pub fn ttl(&mut self, name: &str) -> Result<TtlRequestId, SyncError> {
        let id = self.session.ttl(name)?;
        self.drain_session(clock::now());
        Ok(id)
    }

    /// Ask for at most `limit` of the newest entries of an attribute's history. Gives the id that [`Event::History`] reports.
    pub fn history(&mut self, name: &str, limit: u32) -> Result<TtlRequestId, SyncError> {
        let id = self.session.history(name, limit)?;
        self.drain_session(clock::now());
        Ok(id)
    }

    /// Ask for the value that an attribute had at a revision. Gives the id that [`Event::History`] reports.
    pub fn value_at(&mut self, name: &str, revision: Revision) -> Result<TtlRequestId, SyncError> {
        let id = self.session.value_at(name, revision)?;
        self.drain_session(clock::now());
        Ok(id)
    }

    /// Take in what has arrived, send the commands that follow from it, and give the events. Where much has arrived it takes
    /// in a part, and calls `wake` for the rest. Errors: `Internal` if a
    /// thread that does I/O for this memory panicked, after all events from before that. Then the memory must be dropped.
    pub fn drain(&mut self) -> Result<Vec<Event>, SyncError> {
        let failure = self.mailbox.failure();
        let is_done = self.take_inputs();
        self.session.confirm_events();
        let events = std::mem::take(&mut self.events);
        if !is_done {
            self.mailbox.wake();
        }
        match failure {
            Some(error) if events.is_empty() => return Err(error),
            // The next call reports the failure.
            Some(_) => self.mailbox.wake(),
            None => {}
        }
        Ok(events)
    }

    /// Take in what has arrived, as far as that is done in a moment. Returns whether nothing is left.
    fn take_inputs(&mut self) -> bool {
        let began = clock::now();
        let (mut now, mut bytes) = (began, 0);
        loop {
            let mut has_time = true;
            while has_time && let Some(input) = self.mailbox.take() {
                if input == Input::Tick {
                    self.tick_at = None;
                }
                if let (Input::Connected | Input::Disconnected(_), Some(journal)) = (&input, &mut self.journal) {
                    journal.held.clear();
                }
                bytes += input.text_len();
                self.session.handle(now, input);
                now = clock::now();
                has_time = bytes < MAX_DRAINED_BYTES && now.monotonic.ms_since(began.monotonic) < MAX_DRAIN_MS;
            }
            self.drain_session(now);
            // A link in this process has answered already.
            if !has_time || !self.has_arrived() {
                return !self.has_arrived();
            }
        }
    }

    /// Whether the journal lacks mutations, because it could not be written yet.
    pub fn has_unwritten_journal(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.store.has_unwritten())
    }

    /// True if `drain` has something to take in.
    pub fn has_arrived(&self) -> bool {
        !self.mailbox.is_empty()
    }

    /// The dedup keys of this writer: see [`Session::dedup_keys`].
    pub fn dedup_keys(&self) -> DedupKeys {
        self.session.dedup_keys(clock::now())
    }

    /// Read who has the memory open: see [`Session::writers`].
    pub fn writers(&mut self) -> WritersRequestId {
        let id = self.session.writers();
        self.drain_session(clock::now());
        id
    }

    /// Let the backend forget this writer in two minutes instead of a day: see [`Session::release`]. Returns whether
    /// [`Event::Released`] will follow.
    pub fn release(&mut self) -> bool {
        let now = clock::now();
        let is_sent = self.session.release(now);
        self.drain_session(now);
        self.signal_events();
        is_sent
    }

    /// Close the memory. Releases the dedup keys without waiting for the answers, unless that was done before.
    pub fn close(mut self) {
        self.release();
    }

    /// Block until `drain` has something to take in. False if the time ran out first.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.mailbox.wait(timeout)
    }

    /// Drain the session: send its commands, queue its events, and set the alarm.
    fn drain_session(&mut self, now: Now) {
        let (mut has_sent, mut is_reset) = (self.retry_journal(now), false);
        let timeout = loop {
            match self.session.poll_output(now) {
                Output::Command(request, command) => match &mut self.journal {
                    Some(journal) if journal.store.has_unwritten() => journal.held.push((request, command)),
                    _ => {
                        self.link.send(request, command);
                        has_sent = true;
                    }
                },
                Output::Journal(write) => self.write_journal(write, now),
                Output::Event(event) if is_of_restored_group(&event) => {}
                Output::Event(event) => self.events.push(event),
                Output::Reset => is_reset = true,
                Output::Timeout(at) => break at,
            }
        };
        if has_sent {
            self.link.shared().flush();
        }
        if is_reset {
            self.link.shared().reset();
        }
        let retry = self.journal.as_ref().and_then(|journal| journal.retry_at);
        let timeout = [timeout, retry].into_iter().flatten().min();
        // A tick that comes too early costs less than moving the alarm with every reply.
        if let Some(at) = timeout
            && self.tick_at.is_none_or(|tick_at| at < tick_at)
        {
            self.tick_at = Some(at);
            self.alarm.set(at);
        }
    }

    /// Write to the journal. Where that fails, nothing is sent until it has been written after all.
    fn write_journal(&mut self, write: JournalWrite, now: Now) {
        let Some(journal) = &mut self.journal else { return };
        let was_blocked = journal.store.has_unwritten();
        if let Err(error) = journal.store.write(write) {
            journal.retry_at = Some(now.monotonic.plus_ms(JOURNAL_RETRY_MS));
            if !was_blocked {
                self.events.push(Event::Failed(error));
            }
        }
    }

    /// Write what could not be written to the journal, and send what has waited for that. Returns whether something was sent.
    fn retry_journal(&mut self, now: Now) -> bool {
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.store.has_unwritten()) else { return false };
        if journal.store.retry().is_err() {
            journal.retry_at = Some(now.monotonic.plus_ms(JOURNAL_RETRY_MS));
            return false;
        }
        journal.retry_at = None;
        let held = std::mem::take(&mut journal.held);
        let has_sent = !held.is_empty();
        for (request, command) in held {
            self.link.send(request, command);
        }
        has_sent
    }

    /// Wake the caller for events that came about without an input.
    fn signal_events(&self) {
        if !self.events.is_empty() {
            self.mailbox.deliver([Input::Tick]);
        }
    }
}

/// Whether an event is about a group that an earlier process has made, so that nobody waits for it.
fn is_of_restored_group(event: &Event) -> bool {
    matches!(event, Event::GroupCommitted(id) | Event::GroupAborted { id, .. } if Session::is_restored_group(*id))
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("session", &self.session).finish_non_exhaustive()
    }
}
/// Whether the keys of all attributes are in one slot: on a cluster, where the prefix has a hash tag.
fn has_one_slot(link: &SessionLink) -> bool {
    link.shared().may_share_group(&format!("{}a", link.prefix()), &format!("{}b", link.prefix()))
}
