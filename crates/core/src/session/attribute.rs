//! What a session keeps for one attribute beside its replica.

use super::ask::Ask;
use super::refresh::Ticket;
use crate::command::{Announcement, Command, Commit};
use crate::ids::{Revision, Sequence, WriterId};
use crate::replica::Replica;
use crate::session::Now;
use std::sync::Arc;

/// What should be asked of the backend next. Greater asks for more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Want {
    Nothing,
    Probe,
    /// The end of a list.
    Tail,
    Load,
}

/// How long a replica that appends all the time may not know what its appends landed on, in milliseconds.
const BEHIND_MS: u64 = 500;

/// What is stored by now.
#[derive(Debug)]
pub(super) struct Expected {
    /// 0: nothing.
    pub(super) revision: Revision,
    /// The newest refresh that having it serves.
    pub(super) ticket: Ticket,
    /// Where it was not told by then (monotonic ms), it is read.
    pub(super) until_ms: u64,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) replica: Replica,
    /// Whether it is among those that are: see `Attributes`.
    pub(super) is_active: bool,
    pub(super) is_pending: bool,
    /// The newest refresh that has been served by fetching it.
    pub(super) current_as_of: Ticket,
    want: Want,
    /// The fetch under way.
    fetching: Want,
    /// Where the end that is being read begins.
    pub(super) tail_at: usize,
    /// What is stored was known on the present connection: the server is the same, with the same past.
    pub(super) known_here: bool,
    /// What others committed, and could not be taken in yet; each with the number of those that it is to be taken in
    /// with (see `Session::told_together`).
    pub(super) told: Vec<(Announcement, u64)>,
    /// Commits have been told of since it was last said to have changed.
    pub(super) announced: bool,
    /// It was said to have changed, and not what did it.
    pub(super) changed: bool,
    /// A glance found this, which is most likely about to be told.
    pub(super) expected: Option<Expected>,
    /// Nothing is sent before a retry is due.
    pub(super) waits: bool,
    /// How often in a row the backend was busy.
    pub(super) attempts: u32,
    /// How many of its commits have been sent whose answers are to come, and count.
    pub(super) answers_due: usize,
    /// What is asked about it once mutations that are pending are settled.
    pub(super) asks: Vec<Ask>,
    /// The pending groups that change it or rely on it, in the order in which they were made.
    pub(super) groups: Vec<u64>,
}

impl Attribute {
    pub(super) fn new(name: String, replica: Replica) -> Self {
        Self {
            name,
            replica,
            is_active: false,
            is_pending: false,
            current_as_of: Ticket::default(),
            want: Want::Nothing,
            fetching: Want::Nothing,
            tail_at: 0,
            known_here: false,
            told: Vec::new(),
            announced: false,
            changed: false,
            expected: None,
            waits: false,
            attempts: 0,
            answers_due: 0,
            asks: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// It is as current as it was when `ticket` was the newest refresh.
    pub(super) fn fetched(&mut self, ticket: Ticket) {
        self.current_as_of = self.current_as_of.max(ticket);
    }

    /// Fetch, after the fetch under way if there is one.
    pub(super) fn ask(&mut self, want: Want) {
        self.want = self.want.max(want);
    }

    /// Is it known what is stored, and nothing under way that could change it?
    pub(super) fn is_at_rest(&self) -> bool {
        self.fetching == Want::Nothing
            && self.want < Want::Tail
            && self.replica.is_in_step()
            && !self.replica.has_unanswered()
    }

    /// Is nothing there, nor under way, so that it can as well come anew?
    pub(super) fn is_forgettable(&self, now: Now) -> bool {
        !self.name.is_empty()
            && self.is_at_rest()
            && self.want == Want::Nothing
            && !self.is_pending
            && !self.waits
            && self.groups.is_empty()
            && self.answers_due == 0
            && self.told.is_empty()
            && self.expected.is_none()
            && self.replica.is_forgettable(now)
    }

    /// The same but for its own appends, which have landed on something that is told now.
    pub(super) fn may_follow_behind(&self, told: &Announcement, own: &WriterId) -> bool {
        self.fetching == Want::Nothing
            && self.want < Want::Tail
            && self.replica.can_follow_behind()
            && (told.writer != *own || self.replica.has_landed(told.revision))
    }

    /// The fetch under way is over, or lost.
    pub(super) fn end_fetch(&mut self) -> Want {
        std::mem::replace(&mut self.fetching, Want::Nothing)
    }

    pub(super) fn next_fetch(&mut self, now: Now) -> Option<Command> {
        if self.replica.behind_since().is_some() && self.expected.is_some() && !self.replica.can_follow_behind() {
            // What is told could be taken in only by who has nothing but appends to put behind it.
            self.expected = None;
            self.ask(Want::Tail);
        }
        if self.want == Want::Nothing || self.fetching != Want::Nothing || self.may_stay_behind(now) {
            return None;
        }
        // What came of those is known first: nothing can be put under a commit that may be in it.
        if self.replica.must_send_again() {
            return None;
        }
        let key = self.replica.key().to_owned();
        let tail_at = self.replica.tail_at();
        self.fetching = match std::mem::replace(&mut self.want, Want::Nothing) {
            _ if !self.replica.is_loaded() => Want::Load,
            // What it has cannot be stored any more.
            Want::Probe if self.replica.behind_since().is_some() && self.known_here => Want::Tail,
            Want::Probe if self.replica.behind_since().is_some() => Want::Load,
            Want::Tail if !self.known_here => Want::Load,
            want => want,
        };
        match (self.fetching, tail_at) {
            (Want::Probe, _) => {
                let (before_end, len) = self.replica.telling_bytes();
                Some(Command::Probe { key, before_end, len })
            }
            (Want::Tail, Some(at)) => {
                self.tail_at = at;
                Some(Command::Tail { key, at })
            }
            _ => {
                self.fetching = Want::Load;
                Some(Command::Load { key })
            }
        }
    }

    /// While this replica's own appends go out, it need not know at once what they landed on.
    fn may_stay_behind(&self, now: Now) -> bool {
        self.want == Want::Tail
            && self.replica.tail_at().is_some()
            && self.replica.first_pending().is_some()
            && self.replica.can_follow_behind()
            && self.replica.behind_since().is_some_and(|since| now.monotonic_ms < since.monotonic_ms + BEHIND_MS)
    }

    /// Is what is stored known, or about to be found out by what has to be sent again?
    pub(super) fn may_commit(&self) -> bool {
        (self.want != Want::Load && self.fetching < Want::Tail) || self.replica.must_send_again()
    }

    pub(super) fn next_commit(&mut self, now: Now, sequence: Sequence) -> Option<Arc<Commit>> {
        // What is loaded next is what commits will be built on, but for those that may have been applied.
        if self.may_commit() { self.replica.next_commit(now, || sequence) } else { None }
    }
}
