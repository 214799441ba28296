//! The way to one backend: commands go out, answers come into the mailbox.

pub(crate) mod file;
pub(crate) mod memory;
pub(crate) mod redis;

use crate::mailbox::Mailbox;
use std::sync::Arc;
use synced_memory_core::command::{Changes, Command, Commits, RequestId};

/// What was found by trying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// `single`, `cluster`, `sentinel`, `file` or `memory`.
    pub topology: &'static str,
    /// The version of the protocol that is spoken; None without a connection, or where there is none.
    pub resp: Option<u8>,
    /// Which commits of others are heard as they are made.
    pub commits: Commits,
    /// Which changes by whomever are heard.
    pub changes: Changes,
}

impl Capabilities {
    /// Of what is no server: it tells of every change.
    pub(crate) fn of(topology: &'static str) -> Self {
        Self { topology, resp: None, commits: Commits::Unheard, changes: Changes::OfAll }
    }
}

/// A handle to whatever carries out the commands of one session, in the order they are sent. Dropping it
/// closes the connection. A link delivers [`Input`](synced_memory_core::command::Input)s to the mailbox it was made with.
pub(crate) trait Link: Send {
    /// Carry out a command, at the latest after `flush`; its answer comes into the mailbox unless the connection is lost before.
    fn send(&self, request: RequestId, command: Command);

    /// The last command of several has been sent: they may go together.
    fn flush(&self) {}

    /// Deliver a tick when the monotonic clock reads this many milliseconds. The last call counts.
    fn wake_at(&self, monotonic_ms: u64);

    /// What the backend turned out to be able to do.
    fn capabilities(&self) -> Capabilities;

    /// Can two keys be changed by one command?
    fn is_together(&self, _one: &str, _other: &str) -> bool {
        true
    }

    /// A link for another session to the same store, where no URL leads to it; None: open one by the URL.
    fn beside(&self, _mailbox: &Arc<Mailbox>) -> Option<Box<dyn Link>> {
        None
    }

    /// A reply is overdue: give the connection up and make a new one.
    fn reset(&self) {}
}
