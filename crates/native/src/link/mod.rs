//! The way to one backend: commands of sessions go out, answers and news come back.

pub(crate) mod file;
pub(crate) mod hub;
pub(crate) mod memory;
pub(crate) mod redis;
mod switchboard;

use synced_memory_core::command::{Answer, Changes, Command, Commits, Input, RequestId};

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
    /// Of what is no server: it tells of everything.
    pub(crate) fn of(topology: &'static str) -> Self {
        Self { topology, resp: None, commits: Commits::WithAnswers, changes: Changes::OfAll }
    }
}

/// Names one of the sessions that share a link. Never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SessionId(pub(crate) u64);

/// Whose command it is, and which: its answer finds its way back by this.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Origin {
    pub(crate) session: SessionId,
    pub(crate) request: RequestId,
}

/// What a backend has to say.
#[derive(PartialEq, Debug)]
pub(crate) enum Delivery {
    /// To one session.
    Answer(Origin, Answer),
    /// To all whom it concerns, who did it among them.
    News(Input),
}

impl Delivery {
    pub(crate) fn answers(answers: Vec<(Origin, Answer)>) -> impl Iterator<Item = Self> {
        answers.into_iter().map(|(origin, answer)| Self::Answer(origin, answer))
    }
}

/// A handle to whatever carries out commands: those of one session in the order they are sent. Dropping it closes the
/// connection. What comes of them goes to the [`switchboard::Switchboard`] that it was made with.
pub(crate) trait Link: Send + Sync {
    /// Carry out a command, at the latest after `flush`; it is answered unless the connection is lost before.
    fn send(&self, origin: Origin, command: Command);

    /// The last command of several has been sent: they may go together.
    fn flush(&self) {}

    /// From now on tell of commits in this place: see [`switchboard::place`].
    fn follow(&self, _place: &str) {}

    /// That is not wanted any more.
    fn unfollow(&self, _place: &str) {}

    /// What the backend turned out to be able to do.
    fn capabilities(&self) -> Capabilities;

    /// Can two keys be changed by one command?
    fn is_together(&self, _one: &str, _other: &str) -> bool {
        true
    }

    /// A reply is overdue: give the connection up and make a new one.
    fn reset(&self) {}
}
