//! Crashes of clients that keep a journal, and their recovery.

use crate::failure::{Check, ensure};
use crate::scenario::Action;
use crate::simulation::{Simulation, trace};
use crate::stored_journal::{Numbering, OpenedJournal};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::session::{Input, Output};

/// The most outputs of a session before its process ends.
const MAX_LAST_OUTPUTS: usize = 6;

/// The mutations that a client may be in the middle of when its process ends.
const LAST_WORK: [Action; 7] =
    [Action::Log, Action::Key, Action::Register, Action::Task, Action::Add, Action::Queue, Action::Transfer];

impl Simulation {
    /// The process of a client ends between any two of its outputs, and another one goes on from its journal. Nothing happens to
    /// a client without one.
    pub(crate) fn recover(&mut self, i: usize) -> Check {
        if self.clients[i].journal.is_none() {
            return Ok(());
        }
        match self.random.below(3) {
            0 => {
                for _ in 0..=self.random.below(3) {
                    let action = *self.random.pick(&LAST_WORK);
                    self.make_if_not_refused(i, action)?;
                }
            }
            1 => self.handle_last_reply(i),
            _ => {}
        }
        self.output_last(i);
        let session_index = self.clients[i].session_index;
        let made = self.history.sessions[session_index].made;
        let client = &mut self.clients[i];
        client.drop_connection(&mut self.random);
        let Some(journal) = &mut client.journal else { return Ok(()) };
        let OpenedJournal { content, last_sequence, pending, last_stored } = journal.open();
        trace!(self, "{i} goes on from its journal: {pending:?} are pending, {last_stored} of {made} were stored");
        ensure(pending.last() <= Some(&last_stored), "journal", || {
            format!("{pending:?} are pending, and only {last_stored} were stored")
        })?;
        let record = &mut self.history.sessions[session_index];
        record.lost.extend(last_stored + 1..=made);
        client.continue_process(&mut self.random);
        client.made_before_loss = made;
        client.numbering = Numbering::new(pending, made);
        let (max_len, now) = (client.max_journal_len(), client.now(self.passed_ns));
        let count = client.session.keep_journal(content, last_sequence, max_len, now);
        let expected = client.numbering.last(made);
        ensure(count.0 == expected, "journal", || format!("{} mutations were restored of {expected}", count.0))?;
        // Some hosts report at once that there is no connection yet.
        if self.random.one_in(2) {
            return self.handle(i, Input::Disconnected(SyncError::new(ErrorCode::Unreachable, "not yet connected")));
        }
        self.drain(i)
    }

    /// Hands an answer to the session, and does nothing with what the session makes of it.
    fn handle_last_reply(&mut self, i: usize) {
        let now = self.clients[i].now(self.passed_ns);
        let client = &mut self.clients[i];
        let reply = client.connection.as_mut().and_then(|connection| connection.replies.pop_front());
        if let Some(reply) = reply {
            client.session.handle(now, Input::Answer(reply.id, reply.answer));
        }
    }

    /// Carries out the last outputs of a session. The process may end during the last one, if that is a write.
    fn output_last(&mut self, i: usize) {
        let now = self.clients[i].now(self.passed_ns);
        let count = self.random.below(MAX_LAST_OUTPUTS);
        for left in (0..count).rev() {
            let is_torn = left == 0 && self.random.one_in(2);
            match self.clients[i].session.poll_output(now) {
                Output::Journal(_) if is_torn => trace!(self, "{i} does not complete a write"),
                Output::Journal(write) => self.store_write(i, write),
                Output::Command(id, command) => {
                    if let Some(connection) = &mut self.clients[i].connection {
                        connection.commands.push_back((id, command));
                    }
                }
                _ => return,
            }
        }
    }
}
