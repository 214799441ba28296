//! The thread behind a link to a file.

use super::database::Database;
use super::file_errors::removed;
use super::file_identity::{FileIdentity, FileState};
use crate::backoff::Backoff;
use crate::link::dispatcher::Dispatcher;
use crate::link::{Delivery, Origin};
use crate::panics::catch_panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;
use synced_memory_core::protocol::{Command, DeltaDelivery, Invalidations};
use synced_memory_core::session::Input;

/// The time between two checks for changes by other processes.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);
/// The longest delay between two attempts to open a file that cannot be used.
const LONGEST_OPEN_DELAY: Duration = Duration::from_secs(2);
/// The maximum number of commands in one transaction.
const MAX_BATCH: usize = 1024;

/// Carries out commands on a file, and watches for changes by other processes.
pub(super) struct FileWorker {
    database: Database,
    identity: FileIdentity,
    /// False while the file is not at its path.
    is_connected: bool,
    inbox: Receiver<(Origin, Command)>,
    dispatcher: Arc<Dispatcher>,
}

impl FileWorker {
    /// Open a file and work until the link is dropped. A panic ends its sessions.
    pub(super) fn run(path: &Path, inbox: Receiver<(Origin, Command)>, dispatcher: &Arc<Dispatcher>) {
        let worked = catch_panic(move || {
            if let Some(mut worker) = Self::open(path, inbox, Arc::clone(dispatcher)) {
                worker.work();
            }
            Ok(())
        });
        if let Err(panic) = worked {
            dispatcher.fail(&panic);
        }
    }

    /// Open a file, again and again until it can be used. None if the link is dropped first.
    fn open(path: &Path, inbox: Receiver<(Origin, Command)>, dispatcher: Arc<Dispatcher>) -> Option<Self> {
        let mut backoff = Backoff::new(WATCH_INTERVAL, LONGEST_OPEN_DELAY);
        let mut reported = None;
        loop {
            match Database::open(path, &|| is_link_in_use(&inbox)) {
                Ok(database) => {
                    let notifications = Input::Notifications(DeltaDelivery::InOrder, Invalidations::Broadcast);
                    dispatcher.deliver([notifications, Input::Connected].map(Delivery::Notice));
                    let identity = FileIdentity::of(path);
                    return Some(Self { database, identity, is_connected: true, inbox, dispatcher });
                }
                // One notice is enough for a failure that repeats itself.
                Err(error) if reported.as_ref() != Some(&error) => {
                    reported = Some(error.clone());
                    dispatcher.deliver([Delivery::Notice(Input::Disconnected(error))]);
                }
                Err(_) => {}
            }
            if inbox.recv_timeout(backoff.next_delay()) == Err(RecvTimeoutError::Disconnected) {
                return None;
            }
        }
    }

    fn work(&mut self) {
        loop {
            let first = match self.inbox.recv_timeout(WATCH_INTERVAL) {
                Err(RecvTimeoutError::Disconnected) => return,
                first => first.ok(),
            };
            // Commands that have queued up share one transaction, and so one wait for the disk.
            let batch: Vec<_> = first.into_iter().chain(self.inbox.try_iter()).take(MAX_BATCH).collect();
            let deliveries = if self.is_connected { self.database.execute(&batch) } else { Vec::new() };
            // Checked after the commit, so that no commit to a removed file is acknowledged. Sessions send again what
            // has no answer.
            let deliveries = match self.check_file() {
                Some(notice) => vec![Delivery::Notice(notice)],
                None => deliveries,
            };
            self.dispatcher.deliver(deliveries);
        }
    }

    /// Look whether the file is still at its path, and open one that has come back. Gives a notice if that changed.
    fn check_file(&mut self) -> Option<Input> {
        match (self.is_connected, self.identity.check()) {
            (true, FileState::Same) | (false, FileState::Remnants) => None,
            (true, _) => {
                self.is_connected = false;
                Some(Input::Disconnected(removed(self.database.name())))
            }
            (false, FileState::Same) => {
                self.is_connected = true;
                Some(Input::Connected)
            }
            (false, FileState::Replaced) => {
                self.database = Database::open(self.identity.path(), &|| is_link_in_use(&self.inbox)).ok()?;
                self.identity = FileIdentity::of(self.identity.path());
                self.is_connected = true;
                Some(Input::Connected)
            }
        }
    }
}

/// False once the link is dropped. Only for a worker without a connection: it drops a command that has come, because
/// sessions send their commands again once they are connected.
fn is_link_in_use(inbox: &Receiver<(Origin, Command)>) -> bool {
    inbox.try_recv() != Err(TryRecvError::Disconnected)
}
