//! A memory that a test drives from one thread.

use std::time::{Duration, Instant};
use synced_memory_core::document::Node;
use synced_memory_core::error::SyncError;
use synced_memory_core::mutation::{Json, JsonList, Mutation};
use synced_memory_core::session::{BatchEntry, Event};
use synced_memory_native::{Memory, OpenOptions};

/// Far longer than any wait takes, unless a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Peer {
    pub(crate) memory: Memory,
    /// The number of mutations submitted.
    pub(crate) submitted: u64,
    /// All events so far.
    pub(crate) events: Vec<Event>,
}

pub(crate) fn open(url: &str) -> Result<Memory, SyncError> {
    Memory::open(OpenOptions::new(url), || ())
}

impl Peer {
    /// Open a memory and wait until everything is loaded.
    pub(crate) fn open(url: &str) -> Self {
        let mut peer = Self::start(OpenOptions::new(url)).unwrap();
        peer.until("ready", |peer| peer.events.contains(&Event::Ready));
        peer
    }

    /// Open a memory of a backend that cannot be used, and wait until that is reported. Gives the error, too.
    pub(crate) fn open_unusable(url: &str) -> (Self, SyncError) {
        let mut peer = Self::start(OpenOptions::new(url)).unwrap();
        let error = |peer: &Self| match peer.events.first() {
            Some(Event::Disconnected(error)) => Some(error.clone()),
            _ => None,
        };
        peer.until("disconnected", |peer| error(peer).is_some());
        let error = error(&peer).unwrap();
        (peer, error)
    }

    /// Open a memory without waiting for anything.
    pub(crate) fn start(options: OpenOptions) -> Result<Self, SyncError> {
        let memory = Memory::open(options, || ())?;
        let submitted = memory.restored().mutations.0;
        Ok(Self { memory, submitted, events: Vec::new() })
    }

    pub(crate) fn submit(&mut self, name: &str, mutation: Mutation) {
        self.memory.submit(vec![BatchEntry::Mutation(name.to_owned(), mutation)]).unwrap();
        self.submitted += 1;
    }

    pub(crate) fn assign(&mut self, name: &str, value: &str) {
        self.submit(name, Mutation::Assign { value: Json(value.into()) });
    }

    pub(crate) fn push(&mut self, name: &str, value: u64) {
        let values = JsonList { text: value.to_string().into(), count: 1 };
        self.submit(name, Mutation::Append { path: vec![], values });
    }

    /// Wait until every mutation is acknowledged or given up.
    pub(crate) fn flush(&mut self) {
        self.until("settled", Self::is_settled);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.submitted == self.settled()
    }

    pub(crate) fn settled(&self) -> u64 {
        let mut numbers = self.events.iter().filter_map(|event| match event {
            Event::Settled(number) => Some(number.0),
            _ => None,
        });
        numbers.next_back().unwrap_or_default()
    }

    /// Catch up with the backend as of now.
    pub(crate) fn sync(&mut self) {
        let id = self.memory.refresh(None);
        self.until("refreshed", |peer| {
            peer.events.iter().any(|event| matches!(event, Event::Refreshed(done) if *done == id))
        });
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.memory.session().value(name).map(Node::to_text)
    }

    pub(crate) fn has_event(&self, matches: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(matches)
    }

    pub(crate) fn take_in(&mut self) {
        self.events.extend(self.memory.drain().unwrap());
    }

    /// Wait until a condition holds. `what` names it, for the message of a failure.
    pub(crate) fn until(&mut self, what: &str, mut is_done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            self.take_in();
            if is_done(self) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(self.memory.wait(left), "not {what} in time; events: {:?}", self.events);
        }
    }
}

/// The elements of a list of numbers.
pub(crate) fn numbers(text: &str) -> Vec<u64> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).expect("a list");
    inside.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().unwrap()).collect()
}
