//! The embedded file: documents in an `SQLite` database that several processes of one machine may share.

mod change_log;
mod database;
mod documents;
mod file_errors;
mod file_identity;
mod file_worker;
mod history;
mod purge;
mod schema;
mod write_ahead_log;

use super::dispatcher::Dispatcher;
use super::{Link, Origin};
use crate::backend_capabilities::{Capabilities, Topology};
use file_worker::FileWorker;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::Command;

/// A link to a file, which a thread of its own has open.
#[derive(Debug)]
pub(super) struct FileLink {
    /// None only while the link is being dropped.
    commands: Option<Sender<(Origin, Command)>>,
    thread: Option<JoinHandle<()>>,
}

impl FileLink {
    /// Start opening a file, which is created with its folder where they are absent. Why it cannot be used is the reason
    /// of a notice.
    pub(super) fn open(path: PathBuf, dispatcher: Arc<Dispatcher>) -> Result<Self, SyncError> {
        let (commands, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("synced-memory-file".into())
            .spawn(move || FileWorker::run(&path, inbox, &dispatcher))
            .map_err(|error| SyncError::new(ErrorCode::Internal, format!("cannot start a thread: {error}")))?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }
}

impl Link for FileLink {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of_local(Topology::File)
    }

    fn send(&self, origin: Origin, command: Command) {
        // The thread outlives this link. If it were gone, sessions would miss their answers and ask for a reset.
        let _ = self.commands.as_ref().map(|commands| commands.send((origin, command)));
    }
}

impl Drop for FileLink {
    /// Returns once the file is closed.
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
