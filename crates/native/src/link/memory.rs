//! The in-process backend: a store that every memory of its name in this process shares.

use super::redis::io_thread;
use super::{Capabilities, Link};
use crate::clock;
use crate::mailbox::Mailbox;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use synced_memory_core::backend::{MemoryStore, Store, announcements, execute};
use synced_memory_core::command::{Changes, Command, Commits, Input, RequestId};

/// Stores by name. Like a server's data, they stay when nobody is connected.
static SERVERS: LazyLock<Mutex<HashMap<String, Arc<Mutex<Server>>>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Server {
    store: MemoryStore,
    watchers: Vec<Weak<Mailbox>>,
    /// When somebody is going to look for documents that have expired, in milliseconds since 1970.
    looked_at: Option<u64>,
}

impl Server {
    /// Tell everybody, but who did it himself.
    fn tell(&mut self, news: &Input, but: Option<&Arc<Mailbox>>) {
        self.watchers.retain(|watcher| watcher.strong_count() > 0);
        for watcher in self.watchers.iter().filter_map(Weak::upgrade) {
            if but.is_none_or(|but| !Arc::ptr_eq(&watcher, but)) {
                watcher.deliver([news.clone()]);
            }
        }
    }

    /// Delete what has expired.
    fn expire(&mut self, now: u64) {
        let Ok(expired) = self.store.take_expired(now);
        if !expired.is_empty() {
            self.tell(&Input::Changed(expired), None);
        }
    }

    /// When something else expires, unless somebody looks then or before.
    fn next_look(&mut self) -> Option<u64> {
        let Ok(next) = self.store.next_expiry();
        let next = next.filter(|next| self.looked_at.is_none_or(|at| *next < at))?;
        self.looked_at = Some(next);
        Some(next)
    }
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
        Self::join(server, mailbox)
    }

    fn join(server: Arc<Mutex<Server>>, mailbox: Arc<Mailbox>) -> Self {
        lock(&server).watchers.push(Arc::downgrade(&mailbox));
        mailbox.deliver([Input::Hears(Commits::WithAnswers, Changes::OfAll), Input::Connected]);
        Self { server, mailbox }
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities { commits: Commits::WithAnswers, ..Capabilities::of("memory") }
    }

    fn send(&self, request: RequestId, command: Command) {
        let mut server = lock(&self.server);
        let now = clock::unix_ms();
        server.expire(now);
        let Ok(answer) = execute(&mut server.store, &command, now);
        let Ok(told) = announcements(&mut server.store, &command, &answer);
        if !told.is_empty() {
            server.tell(&Input::Announced(told), Some(&self.mailbox));
        }
        self.mailbox.deliver([Input::Answer(request, answer)]);
        if let Some(at) = server.next_look() {
            look_at(at, Arc::downgrade(&self.server));
        }
    }

    fn wake_at(&self, monotonic_ms: u64) {
        let Ok(runtime) = io_thread() else { return };
        let mailbox = Arc::downgrade(&self.mailbox);
        runtime.spawn(async move {
            tokio::time::sleep_until(clock::instant(monotonic_ms).into()).await;
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.deliver([Input::Tick]);
            }
        });
    }

    fn beside(&self, mailbox: &Arc<Mailbox>) -> Option<Box<dyn Link>> {
        Some(Box::new(Self::join(Arc::clone(&self.server), Arc::clone(mailbox))))
    }
}

/// Delete what has expired then, for as long as somebody has the server.
fn look_at(mut at: u64, server: Weak<Mutex<Server>>) {
    let Ok(runtime) = io_thread() else { return };
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(at.saturating_sub(clock::unix_ms()))).await;
            let Some(server) = server.upgrade() else { return };
            let mut server = lock(&server);
            // Somebody else was to look before.
            if server.looked_at != Some(at) {
                return;
            }
            server.looked_at = None;
            server.expire(clock::unix_ms());
            match server.next_look() {
                Some(next) => at = next,
                None => return,
            }
        }
    });
}

/// A command that panicked (there is no known one) may have left half an edit; the process decides what that means.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
