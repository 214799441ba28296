//! Links carry the commands of sessions to a backend, and bring answers and notices back.

pub(crate) mod dispatcher;
mod file;
mod in_process_link;
mod redis;
pub(crate) mod session_link;
mod shared_link;

use crate::backend_capabilities::Capabilities;
use synced_memory_core::protocol::{Answer, Command, RequestId};
use synced_memory_core::session::Input;

/// Carries out commands, those of one session in the order in which they are sent. Answers and notices go to the
/// [`dispatcher::Dispatcher`] that the link was made with. Dropping a link closes its connection.
pub(crate) trait Link: Send + Sync {
    /// Carry out a command, at the latest at the next `flush`. An answer follows, unless the connection is lost first.
    fn send(&self, origin: Origin, command: Command);

    /// Carry out everything that was sent. Commands that are flushed together may share a round trip.
    fn flush(&self) {}

    /// Deliver the deltas of this namespace from now on. Calls are counted: see `unsubscribe`.
    fn subscribe(&self, _namespace: &str) {}

    /// Undo one call of `subscribe`.
    fn unsubscribe(&self, _namespace: &str) {}

    /// The properties of the backend, as far as they are known now.
    fn capabilities(&self) -> Capabilities;

    /// True if one group may change both keys.
    fn may_share_group(&self, _one: &str, _other: &str) -> bool {
        true
    }

    /// A session has ended.
    fn forget_session(&self, _session: SessionId) {}

    /// Replace the connection by a new one, because an answer is overdue.
    fn reset(&self) {}
}

/// Identifies one of the sessions that share a link. No number is used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SessionId(pub(crate) u64);

/// The session that sent a command, and its number there. The answer returns to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Origin {
    pub(crate) session: SessionId,
    pub(crate) request: RequestId,
}

/// Something that a link delivers to sessions.
#[derive(PartialEq, Debug)]
pub(crate) enum Delivery {
    /// The answer to one command, for the session that sent it.
    Answer(Origin, Answer),
    /// A change of data or of the connection, for every session that it concerns, the one that caused it included.
    Notice(Input),
}

impl Delivery {
    /// Answers as deliveries, in the same order.
    pub(crate) fn answers(answers: Vec<(Origin, Answer)>) -> impl Iterator<Item = Self> {
        answers.into_iter().map(|(origin, answer)| Self::Answer(origin, answer))
    }
}
