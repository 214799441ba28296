//! The one thread that all connections of this process share: it moves bytes and keeps time.

use crate::clock;
use crate::mailbox::Mailbox;
use std::future::pending;
use std::sync::{Arc, OnceLock};
use synced_memory_core::command::Input;
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

/// The thread's runtime; it is started on first use.
pub(crate) fn io_thread() -> Result<&'static Handle, SyncError> {
    static IO: OnceLock<std::io::Result<Handle>> = OnceLock::new();
    IO.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name("synced-memory-io".into()).spawn(move || runtime.block_on(pending::<()>()))?;
        Ok(handle)
    })
    .as_ref()
    .map_err(|error| SyncError::new(ErrorCode::Internal, format!("cannot start the I/O thread: {error}")))
}

/// Delivers a tick to one mailbox at a time that can be moved.
#[derive(Debug)]
pub(crate) struct Alarm {
    mailbox: Arc<Mailbox>,
    set: Option<AbortHandle>,
}

impl Alarm {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, set: None }
    }

    /// Tick when the monotonic clock reads this many milliseconds, and not when it was set to before. Without a
    /// thread nothing ticks; but then nothing was sent, either.
    pub(crate) fn set(&mut self, monotonic_ms: u64) {
        self.cancel();
        let Ok(runtime) = io_thread() else { return };
        let mailbox = Arc::clone(&self.mailbox);
        let task = runtime.spawn(async move {
            tokio::time::sleep_until(clock::instant(monotonic_ms).into()).await;
            mailbox.deliver([Input::Tick]);
        });
        self.set = Some(task.abort_handle());
    }

    fn cancel(&mut self) {
        if let Some(task) = self.set.take() {
            task.abort();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.cancel();
    }
}
