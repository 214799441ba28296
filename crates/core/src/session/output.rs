//! The drain rule: how a host gets everything out of a session.

use super::{Event, JournalWrite, Session};
use crate::protocol::{Command, RequestId};
use crate::time::{Instant, Now};

/// One output of a session: see [`Session::poll_output`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send this command to the backend and pass the answer in as
    /// [`Input::Answer`](crate::session::Input::Answer) with this id. Commands must reach the backend in the
    /// order in which they are output.
    Command(RequestId, Command),
    /// Store this in the journal, so that it survives whatever the host promises that the journal survives, before anything that
    /// is output later is done. Only of a session that [keeps a journal](Session::keep_journal).
    Journal(JournalWrite),
    /// Something happened.
    Event(Event),
    /// A reply is overdue: drop the connection, report that as
    /// [`Input::Disconnected`](crate::session::Input::Disconnected), and make a new one.
    Reset,
    /// Nothing is left to output. The session wants an [`Input::Tick`](crate::session::Input::Tick) at this
    /// time; None: it waits for other inputs only.
    Timeout(Option<Instant>),
}

impl Session {
    /// The next output.
    ///
    /// **The drain rule, for every host: after every call that changes the session, call this until it returns
    /// [`Output::Timeout`].** Several such calls may share one drain. Outputs come in this order:
    ///
    /// 1. what has to be in the journal before the next outputs, and commands, while the session is connected and
    ///    [may send](Self::set_sending). Making them can cause events, so they come first;
    /// 2. events, in the order in which they happened;
    /// 3. at most one `Reset`;
    /// 4. `Timeout`.
    ///
    /// A host that cannot deliver events at once (the thread that wants them is busy) queues them itself. It calls
    /// [`confirm_events`](Self::confirm_events) when they have been delivered.
    pub fn poll_output(&mut self, now: Now) -> Output {
        self.prepare_commands(now);
        if let Some(write) = self.take_journal_write(now) {
            return Output::Journal(write);
        }
        if let Some((id, command)) = self.next_command() {
            return Output::Command(id, command);
        }
        if let Some(event) = self.events.pop() {
            return Output::Event(event);
        }
        if self.requests.take_reset() {
            return Output::Reset;
        }
        Output::Timeout(self.next_timeout())
    }

    fn next_timeout(&self) -> Option<Instant> {
        let polls = self.connection.polls.next();
        let timeouts = [self.timers.next(), polls, self.requests.overdue_at(), self.ttl_requests.next_retry()];
        timeouts.into_iter().flatten().min()
    }

    /// Sets whether commands may be output; at first they may. While they may not, mutations are gathered and go out
    /// with the next commit, instead of in a commit of their own each. A host that has one request in flight at a
    /// time calls this with false after the last command that fits, and with true when the reply has come.
    pub fn set_sending(&mut self, is_sending: bool) {
        self.connection.is_sending = is_sending;
    }

    /// Confirms that the host's own copies of the values reflect every event so far. Until then, an attribute with a
    /// rejected entry of a batch rejects further ones: the host made those on a value that this session never had.
    pub fn confirm_events(&mut self) {
        self.attributes.clear_diverged();
    }
}
