//! Links to stores in this process: one for each name, or a private one.

use super::dispatcher::Dispatcher;
use super::{Delivery, Link, Origin};
use crate::backend_capabilities::{Capabilities, Topology};
use crate::clock;
use crate::io_thread::io_thread;
use crate::lock::lock;
use crate::panics::catch_panic_of;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::Duration;
use synced_memory_core::backend::{Execution, MemoryStore, Store, execute};
use synced_memory_core::protocol::{Command, DeltaDelivery, Invalidations};
use synced_memory_core::session::Input;

/// Stores by name. Their documents stay when no link is open, like those of a Redis server.
static STORES: LazyLock<Mutex<HashMap<String, Arc<Mutex<SharedStore>>>>> = LazyLock::new(Mutex::default);

/// A link to a store in this process. Every command is executed before `send` returns.
#[derive(Debug)]
pub(crate) struct InProcessLink {
    shared: Arc<Mutex<SharedStore>>,
    dispatcher: Arc<Dispatcher>,
}

impl InProcessLink {
    /// A link to the store of this name, or to a new private one.
    pub(crate) fn open(name: Option<String>, dispatcher: Arc<Dispatcher>) -> Self {
        let shared = match name {
            Some(name) => Arc::clone(lock(&STORES).entry(name).or_default()),
            None => Arc::default(),
        };
        lock(&shared).dispatchers.push(Arc::downgrade(&dispatcher));
        let notifications = Input::Notifications(DeltaDelivery::InOrder, Invalidations::Broadcast);
        dispatcher.deliver([notifications, Input::Connected].map(Delivery::Notice));
        Self { shared, dispatcher }
    }
}

impl Link for InProcessLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of_local(Topology::Memory)
    }

    fn send(&self, origin: Origin, command: Command) {
        let mut shared = lock(&self.shared);
        let now = clock::unix_ms();
        shared.expire_documents(now);
        let Ok(Execution { answer, deltas }) = execute(&mut shared.store, &command, now);
        if !deltas.is_empty() {
            shared.notify(&Input::Deltas(deltas));
        }
        self.dispatcher.deliver([Delivery::Answer(origin, answer)]);
        if let Some(at) = shared.schedule_expiry() {
            expire_documents_from(at, Arc::downgrade(&self.shared));
        }
    }
}

/// A store and the links to it.
#[derive(Debug, Default)]
struct SharedStore {
    store: MemoryStore,
    dispatchers: Vec<Weak<Dispatcher>>,
    /// When a task will delete expired documents, in milliseconds since 1970.
    expiry_task_at: Option<u64>,
}

impl SharedStore {
    fn notify(&mut self, notice: &Input) {
        self.dispatchers.retain(|dispatcher| dispatcher.strong_count() > 0);
        for dispatcher in self.dispatchers.iter().filter_map(Weak::upgrade) {
            dispatcher.deliver([Delivery::Notice(notice.clone())]);
        }
    }

    fn expire_documents(&mut self, now: u64) {
        let Ok(expired) = self.store.take_expired(now);
        if !expired.is_empty() {
            self.notify(&Input::Changed(expired));
        }
    }

    /// When to start a task for the next document that expires. None if no document will, or if a task will run by
    /// then.
    fn schedule_expiry(&mut self) -> Option<u64> {
        let Ok(next) = self.store.next_expiry();
        let next = next.filter(|next| self.expiry_task_at.is_none_or(|at| *next < at))?;
        self.expiry_task_at = Some(next);
        Some(next)
    }
}

/// Start a task that deletes expired documents at this time and at later ones, for as long as the store is in use.
fn expire_documents_from(at: u64, shared: Weak<Mutex<SharedStore>>) {
    let Ok(runtime) = io_thread() else { return };
    runtime.spawn(async move {
        let expiring = catch_panic_of(keep_expiring(at, Weak::clone(&shared)));
        let (Err(panic), Some(shared)) = (expiring.await, shared.upgrade()) else { return };
        for dispatcher in lock(&shared).dispatchers.iter().filter_map(Weak::upgrade) {
            dispatcher.fail(&panic);
        }
    });
}

async fn keep_expiring(mut at: u64, shared: Weak<Mutex<SharedStore>>) {
    loop {
        tokio::time::sleep(Duration::from_millis(at.saturating_sub(clock::unix_ms()))).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut shared = lock(&shared);
        // A task with an earlier time has replaced this one.
        if shared.expiry_task_at != Some(at) {
            return;
        }
        shared.expiry_task_at = None;
        shared.expire_documents(clock::unix_ms());
        match shared.schedule_expiry() {
            Some(next) => at = next,
            None => return,
        }
    }
}
