//! The in-process backend: a store that every memory of its name in this process shares.

use super::switchboard::Switchboard;
use super::{Capabilities, Delivery, Link, Origin};
use crate::clock;
use crate::io::io_thread;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use synced_memory_core::backend::{MemoryStore, Store, announcements, execute};
use synced_memory_core::command::{Changes, Command, Commits, Input};

/// Stores by name. Like a server's data, they stay when nobody is connected.
static SERVERS: LazyLock<Mutex<HashMap<String, Arc<Mutex<Server>>>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Server {
    store: MemoryStore,
    /// Those of the sessions that are on it.
    boards: Vec<Weak<Switchboard>>,
    /// When somebody is going to look for documents that have expired, in milliseconds since 1970.
    looked_at: Option<u64>,
}

impl Server {
    fn tell(&mut self, news: &Input) {
        self.boards.retain(|board| board.strong_count() > 0);
        for board in self.boards.iter().filter_map(Weak::upgrade) {
            board.deliver([Delivery::News(news.clone())]);
        }
    }

    /// Delete what has expired.
    fn expire(&mut self, now: u64) {
        let Ok(expired) = self.store.take_expired(now);
        if !expired.is_empty() {
            self.tell(&Input::Changed(expired));
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
    board: Arc<Switchboard>,
}

impl MemoryLink {
    /// Connect to the store of this name, or to a fresh one.
    pub(crate) fn open(name: Option<String>, board: Arc<Switchboard>) -> Self {
        let server = match name {
            Some(name) => Arc::clone(lock(&SERVERS).entry(name).or_default()),
            None => Arc::default(),
        };
        lock(&server).boards.push(Arc::downgrade(&board));
        let hears = Input::Hears(Commits::WithAnswers, Changes::OfAll);
        board.deliver([hears, Input::Connected].map(Delivery::News));
        Self { server, board }
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of("memory")
    }

    fn send(&self, origin: Origin, command: Command) {
        let mut server = lock(&self.server);
        let now = clock::unix_ms();
        server.expire(now);
        let Ok(answer) = execute(&mut server.store, &command, now);
        let Ok(told) = announcements(&mut server.store, &command, &answer);
        if !told.is_empty() {
            server.tell(&Input::Announced(told));
        }
        self.board.deliver([Delivery::Answer(origin, answer)]);
        if let Some(at) = server.next_look() {
            look_at(at, Arc::downgrade(&self.server));
        }
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
