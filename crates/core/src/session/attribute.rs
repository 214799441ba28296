//! What a session keeps for one attribute beside its replica.

use crate::command::{Command, Commit};
use crate::ids::Sequence;
use crate::replica::Replica;
use crate::session::Now;
use std::sync::Arc;

/// What should be asked of the backend next. Greater asks for more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Want {
    Nothing,
    Probe,
    Load,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) replica: Replica,
    want: Want,
    /// The fetch under way.
    fetching: Want,
    /// Nothing is sent before a retry is due.
    pub(super) waits: bool,
    /// How often in a row the backend was busy.
    pub(super) attempts: u32,
}

impl Attribute {
    pub(super) fn new(replica: Replica) -> Self {
        Self { replica, want: Want::Nothing, fetching: Want::Nothing, waits: false, attempts: 0 }
    }

    /// Fetch, after the fetch under way if there is one.
    pub(super) fn ask(&mut self, want: Want) {
        self.want = self.want.max(want);
    }

    /// The fetch under way is over, or lost.
    pub(super) fn end_fetch(&mut self) -> Want {
        std::mem::replace(&mut self.fetching, Want::Nothing)
    }

    pub(super) fn next_fetch(&mut self) -> Option<Command> {
        if self.want == Want::Nothing || self.fetching != Want::Nothing {
            return None;
        }
        self.fetching = if self.replica.is_loaded() { self.want } else { Want::Load };
        self.want = Want::Nothing;
        let key = self.replica.key().to_owned();
        if self.fetching == Want::Load {
            return Some(Command::Load { key });
        }
        let (at, len) = self.replica.telling_bytes();
        Some(Command::Probe { key, at, len })
    }

    pub(super) fn next_commit(&mut self, now: Now, sequence: Sequence) -> Option<Arc<Commit>> {
        // What is loaded next is what commits will be built on.
        if self.want.max(self.fetching) == Want::Load {
            return None;
        }
        self.replica.next_commit(now, || sequence)
    }
}
