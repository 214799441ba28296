//! The way to one backend: commands go out, answers come into the mailbox.

pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod redis;

use synced_memory_core::command::{Command, RequestId};

/// A handle to whatever carries out the commands of one session, in the order they are sent. Dropping it
/// closes the connection. A link delivers [`Input`](synced_memory_core::command::Input)s to the mailbox it was made with.
pub(crate) trait Link: Send {
    /// Carry out a command, at the latest after `flush`; its answer comes into the mailbox unless the connection is lost before.
    fn send(&self, request: RequestId, command: Command);

    /// The last command of several has been sent: they may go together.
    fn flush(&self) {}

    /// Deliver a tick when the monotonic clock reads this many milliseconds. The last call counts.
    fn wake_at(&self, monotonic_ms: u64);

    /// A reply is overdue: give the connection up and make a new one.
    fn reset(&self) {}
}
