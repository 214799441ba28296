//! One memory: a session, driven on the thread that calls, and the link to its backend.

use crate::clock;
use crate::io::Alarm;
use crate::link::Capabilities;
use crate::link::hub::Port;
use crate::mailbox::Mailbox;
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::command::Input;
use synced_memory_core::document::add;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::mutation::Mutation;
use synced_memory_core::session::{ABSENT_KEPT, Config, Event, Now, Session};
use synced_memory_core::wire::Entry;

/// How often to look for changes that a server does not tell of, in milliseconds.
const LOOK_EVERY_MS: u64 = 1_000;

/// What to open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenOptions {
    /// `redis:`, `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`, both also as `rediss+`, `file:` or `memory:`.
    pub url: String,
    /// What the keys start with of all memories that share a connection, such as `memory:`.
    pub base: String,
    /// What the memory's keys start with: the same, or `memory:<scope>:`.
    pub prefix: String,
    /// The attributes to load; None: all that are there.
    pub names: Option<Vec<String>>,
    /// The most bytes that one document may have.
    pub max_document_bytes: usize,
    /// Every commit lets its attribute expire after so many milliseconds.
    pub ttl_ms: Option<u64>,
    /// For `rediss:`.
    pub tls: Tls,
}

/// Certificates, as PEM text.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Tls {
    /// The authorities that may have signed the server's certificate; None: those that everybody trusts.
    pub ca: Option<String>,
    /// This client's certificate and its key.
    pub client: Option<(String, String)>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// An open memory. Nothing moves between calls: whatever arrives waits in the mailbox for [`Memory::drain`].
/// Memories of one URL, `tls` and `base` share a connection, which dropping the last of them closes; mutations of a
/// dropped one that are not acknowledged by then are lost.
pub struct Memory {
    session: Session,
    mailbox: Arc<Mailbox>,
    port: Port,
    alarm: Alarm,
    /// When the alarm is going to deliver a tick.
    tick_at: Option<u64>,
}

impl Memory {
    /// Open a memory. A server need not be there yet; a file must be usable. `wake` is called when `drain` has
    /// something to take in: see [`Mailbox::new`]. Errors: `Options`, `File`.
    pub fn open(options: OpenOptions, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, SyncError> {
        let mailbox = Arc::new(Mailbox::new(wake));
        let port = Port::open(&options.url, &options.tls, &options.base, &options.prefix, Arc::clone(&mailbox))?;
        Self::start(options, port, mailbox)
    }

    /// Open another memory of the same store, as a scope of this one; it outlives this one. `options` has the URL, `tls`
    /// and `base` of this one. Errors: as of `open`.
    pub fn open_beside(
        &self,
        options: OpenOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, SyncError> {
        let mailbox = Arc::new(Mailbox::new(wake));
        let port = self.port.beside(&options.prefix, Arc::clone(&mailbox));
        Self::start(options, port, mailbox)
    }

    fn start(options: OpenOptions, port: Port, mailbox: Arc<Mailbox>) -> Result<Self, SyncError> {
        let [high, low, seed] = [clock::random_u64()?, clock::random_u64()?, clock::random_u64()?];
        let session = Session::new(Config {
            prefix: options.prefix,
            names: options.names,
            writer: WriterId(format!("{high:016x}{low:016x}").into()),
            max_document_bytes: options.max_document_bytes,
            announces: true,
            look_every_ms: Some(LOOK_EVERY_MS),
            ttl_ms: options.ttl_ms,
            seed,
            add,
            absent_kept: ABSENT_KEPT,
        });
        let alarm = Alarm::new(Arc::clone(&mailbox));
        Ok(Self { session, mailbox, port, alarm, tick_at: None })
    }

    /// The replicas, for reading.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What the backend turned out to be able to do.
    pub fn capabilities(&self) -> Capabilities {
        self.port.link().capabilities()
    }

    /// Apply local mutations in order and send what may be sent: see [`Session::submit`]. The first error ends the batch;
    /// what comes before it stays.
    pub fn submit(&mut self, batch: Vec<Entry>) -> Result<(), SyncError> {
        let now = clock::now();
        let mut entries = batch.into_iter();
        let submitted = entries.try_for_each(|entry| {
            self.check_places(&entry)?;
            self.session.submit(entry, now)
        });
        self.send(now);
        self.signal_events();
        submitted
    }

    /// Are the attributes of a group where they can be changed together?
    fn check_places(&self, entry: &Entry) -> Result<(), SyncError> {
        let Entry::Group(group) = entry else { return Ok(()) };
        let names = group.mutations.iter().map(|(name, _)| name).chain(&group.reads);
        let mut keys = names.map(|name| format!("{}{name}", self.port.prefix()));
        let Some(first) = keys.next() else { return Ok(()) };
        match keys.find(|key| !self.port.link().is_together(&first, key)) {
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

    /// Would `submit` take this mutation?
    pub fn check(&self, name: &str, mutation: &Mutation) -> Result<(), SyncError> {
        self.session.check(name, mutation)
    }

    /// About how many bytes the mutations take that are not acknowledged.
    pub fn pending_bytes(&self) -> usize {
        self.session.pending_bytes()
    }

    /// Catch up with the backend as of now: these attributes, or all, and new ones. Gives the ticket that
    /// [`Event::Refreshed`] reports.
    pub fn refresh(&mut self, names: Option<&[String]>) -> u64 {
        let ticket = self.session.refresh(names).0;
        self.send(clock::now());
        self.signal_events();
        ticket
    }

    /// Wait until so many replicas have everything that has been acknowledged, at most for `wait_ms`. Gives the number
    /// that [`Event::Replicated`] reports.
    pub fn replicate(&mut self, wanted: u32, wait_ms: u32) -> u64 {
        let request = self.session.replicate(wanted, wait_ms.into());
        self.send(clock::now());
        request
    }

    /// Let an attribute expire after `ms` milliseconds. Gives the number that [`Event::Lifetime`] reports.
    pub fn expire(&mut self, name: &str, ms: u64) -> Result<u64, SyncError> {
        let request = self.session.expire(name, ms)?;
        self.send(clock::now());
        Ok(request)
    }

    /// Let an attribute stay. Gives the number that [`Event::Lifetime`] reports.
    pub fn persist(&mut self, name: &str) -> Result<u64, SyncError> {
        let request = self.session.persist(name)?;
        self.send(clock::now());
        Ok(request)
    }

    /// Ask how long an attribute stays. Gives the number that [`Event::Lifetime`] reports.
    pub fn ttl(&mut self, name: &str) -> Result<u64, SyncError> {
        let request = self.session.ttl(name)?;
        self.send(clock::now());
        Ok(request)
    }

    /// Take in what has arrived, send what follows from it, and give the events.
    pub fn drain(&mut self) -> Vec<Event> {
        loop {
            let inputs = self.mailbox.take_all();
            if inputs.is_empty() {
                break;
            }
            let now = clock::now();
            for input in inputs {
                if input == Input::Tick {
                    self.tick_at = None;
                }
                self.session.handle(now, input);
            }
            self.send(now);
        }
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Block until `drain` may have something; false where the time ran out first.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.mailbox.wait(timeout)
    }

    /// Drain the session's polls, but for events.
    fn send(&mut self, now: Now) {
        let mut sent = false;
        while let Some((request, command)) = self.session.poll_command(now) {
            self.port.send(request, command);
            sent = true;
        }
        if sent {
            self.port.link().flush();
        }
        if self.session.poll_reset() {
            self.port.link().reset();
        }
        // A tick that comes too early costs less than to move it with every reply.
        if let Some(at) = self.session.poll_timeout()
            && self.tick_at.is_none_or(|tick_at| at < tick_at)
        {
            self.tick_at = Some(at);
            self.alarm.set(at);
        }
    }

    /// Whoever waits for the mailbox also learns of events that came about without an input.
    fn signal_events(&self) {
        if self.session.has_events() {
            self.mailbox.deliver([Input::Tick]);
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("session", &self.session).finish_non_exhaustive()
    }
}
