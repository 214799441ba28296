//! A timer for one session.

use crate::clock;
use crate::io_thread::io_thread;
use crate::mailbox::Mailbox;
use std::sync::Arc;
use synced_memory_core::session::Input;
use synced_memory_core::time::Instant;
use tokio::task::AbortHandle;

/// Delivers [`Input::Tick`] to a mailbox at a time that can be moved.
#[derive(Debug)]
pub(crate) struct Alarm {
    mailbox: Arc<Mailbox>,
    task: Option<AbortHandle>,
}

impl Alarm {
    /// An alarm that is not set.
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, task: None }
    }

    /// Set the alarm to a time on the monotonic clock, in milliseconds, instead of any earlier setting. Without an I/O
    /// thread the alarm never goes off; but then nothing was sent either.
    pub(crate) fn set(&mut self, at: Instant) {
        self.cancel();
        let Ok(runtime) = io_thread() else { return };
        let mailbox = Arc::clone(&self.mailbox);
        let task = runtime.spawn(async move {
            tokio::time::sleep_until(clock::to_std(at).into()).await;
            mailbox.deliver([Input::Tick]);
        });
        self.task = Some(task.abort_handle());
    }

    fn cancel(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.cancel();
    }
}
