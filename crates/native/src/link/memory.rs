//! The in-process backend: a store that every memory of its name in this process shares.

use super::{Capabilities, Link};
use crate::mailbox::Mailbox;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use synced_memory_core::backend::{MemoryStore, announcements, execute};
use synced_memory_core::command::{Command, Input, RequestId};

/// Stores by name. Like a server's data, they stay when nobody is connected.
static SERVERS: LazyLock<Mutex<HashMap<String, Arc<Mutex<Server>>>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Server {
    store: MemoryStore,
    watchers: Vec<Weak<Mailbox>>,
}

#[derive(Debug)]
pub(crate) struct MemoryLink {
    server: Arc<Mutex<Server>>,
    mailbox: Arc<Mailbox>,
}

impl MemoryLink {
    /// Connect to the store of this name, or to a fresh one.
    pub(crate) fn open(name: Option<String>, mailbox: Arc<Mailbox>) -> Self {
        let server = match name {
            Some(name) => Arc::clone(lock(&SERVERS).entry(name).or_default()),
            None => Arc::default(),
        };
        lock(&server).watchers.push(Arc::downgrade(&mailbox));
        mailbox.deliver([Input::Connected]);
        Self { server, mailbox }
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities { deltas: true, ..Capabilities::of("memory") }
    }

    fn send(&self, request: RequestId, command: Command) {
        let mut server = lock(&self.server);
        let Ok(answer) = execute(&mut server.store, &command);
        let Ok(told) = announcements(&mut server.store, &command, &answer);
        if !told.is_empty() {
            server.watchers.retain(|watcher| watcher.strong_count() > 0);
            for watcher in server.watchers.iter().filter_map(Weak::upgrade) {
                if !Arc::ptr_eq(&watcher, &self.mailbox) {
                    watcher.deliver([Input::Announced(told.clone())]);
                }
            }
        }
        self.mailbox.deliver([Input::Answer(request, answer)]);
    }

    /// Answers come at once: a session here never waits for anything.
    fn wake_at(&self, _monotonic_ms: u64) {}
}

/// A command that panicked (there is no known one) may have left half an edit; the process decides what that means.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
