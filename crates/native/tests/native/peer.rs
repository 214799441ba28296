//! A memory that tests drive from one thread.

use std::time::{Duration, Instant};
use synced_memory_core::document::Node;
use synced_memory_core::error::SyncError;
use synced_memory_core::mutation::{Json, JsonList, Mutation};
use synced_memory_core::session::Event;
use synced_memory_core::wire::Entry;
use synced_memory_native::{Memory, OpenOptions, Tls};

/// Far longer than anything takes; reached only where a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Peer {
    pub(crate) memory: Memory,
    /// Mutations submitted.
    pub(crate) submitted: u64,
    /// Everything that `drain` gave.
    pub(crate) events: Vec<Event>,
}

pub(crate) fn options(url: &str) -> OpenOptions {
    OpenOptions {
        url: url.to_owned(),
        base: "memory:".into(),
        prefix: "memory:".into(),
        names: None,
        max_document_bytes: 64 << 20,
        ttl_ms: None,
        tls: Tls::default(),
    }
}

pub(crate) fn open(url: &str) -> Result<Memory, SyncError> {
    Memory::open(options(url), || ())
}

impl Peer {
    /// Open, and wait until it is ready (connected or not).
    pub(crate) fn open(url: &str) -> Self {
        let mut peer = Self { memory: open(url).unwrap(), submitted: 0, events: Vec::new() };
        peer.until("ready", |peer| peer.events.contains(&Event::Ready));
        peer
    }

    pub(crate) fn submit(&mut self, name: &str, mutation: Mutation) {
        self.memory.submit(vec![Entry::Mutation(name.to_owned(), mutation)]).unwrap();
        self.submitted += 1;
    }

    pub(crate) fn assign(&mut self, name: &str, value: &str) {
        self.submit(name, Mutation::Assign { value: Json(value.into()) });
    }

    pub(crate) fn push(&mut self, name: &str, value: u64) {
        let values = JsonList { text: value.to_string().into(), count: 1 };
        self.submit(name, Mutation::Append { path: vec![], values });
    }

    /// Wait until everything submitted is acknowledged.
    pub(crate) fn flush(&mut self) {
        self.until("settled", Self::is_settled);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.submitted == self.settled()
    }

    pub(crate) fn settled(&self) -> u64 {
        let mut numbers = self.events.iter().filter_map(|event| match event {
            Event::Settled(number) => Some(*number),
            _ => None,
        });
        numbers.next_back().unwrap_or_default()
    }

    /// Catch up with the backend as of now.
    pub(crate) fn sync(&mut self) {
        let ticket = self.memory.refresh(None);
        self.until("refreshed", |peer| {
            peer.events.iter().any(|event| matches!(event, Event::Refreshed(done) if done.0 == ticket))
        });
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.memory.session().value(name).map(Node::to_text)
    }

    pub(crate) fn has(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(is_it)
    }

    pub(crate) fn take_in(&mut self) {
        self.events.extend(self.memory.drain());
    }

    pub(crate) fn until(&mut self, what: &str, mut is_done: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
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
