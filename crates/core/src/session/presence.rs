//! The list of the writers that have the memory open: keeping this writer's entry, and reading the list for the host.

use super::request_table::Purpose;
use super::timers::Timer;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::config::TransportLifetime;
use crate::error::SyncError;
use crate::ids::WritersRequestId;
use crate::protocol::{Answer, Command, ListedWriter, WritersChange, writers_key};
use crate::time::{Instant, Now};

/// The time between two signs of life, in milliseconds.
const SIGN_OF_LIFE_MS: u64 = 30_000;

/// The attempt whose delay is the one before the list is read again.
const RETRY_ATTEMPT: u32 = 3;

/// The state of this writer's entry, and the reads of the list that were not sent.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// When the first connection began.
    opened: Option<Instant>,
    is_due: bool,
    /// Whether the server has refused the entry: that is reported once.
    is_refused: bool,
    reads: Vec<WritersRequestId>,
    /// The reads that the server was too busy for.
    delayed: Vec<WritersRequestId>,
    last_read: WritersRequestId,
}

impl Session {
    /// Reads who has the memory open. Ends with [`Event::Writers`], after a reconnect if need be.
    pub fn writers(&mut self) -> WritersRequestId {
        self.presence.last_read.0 += 1;
        let id = self.presence.last_read;
        self.presence.reads.push(id);
        id
    }

    /// A connection has begun.
    pub(super) fn begin_presence(&mut self, now: Now) {
        self.presence.opened.get_or_insert(now.monotonic);
        self.end_writers_wait();
        self.request_sign_of_life();
    }

    /// The next sign of life is due.
    pub(super) fn request_sign_of_life(&mut self) {
        self.presence.is_due = self.config.host.is_some() && !self.release.has_begun();
    }

    /// Sends what is due, once all that was asked for is loaded.
    pub(super) fn send_presence(&mut self, now: Now) {
        if self.refreshes.is_catching_up() {
            return;
        }
        let key = writers_key(&self.config.prefix);
        if std::mem::take(&mut self.presence.is_due) {
            let opened = self.presence.opened.unwrap_or(now.monotonic);
            let entry = ListedWriter {
                writer: self.config.writer.clone(),
                host: self.config.host.clone().unwrap_or_default(),
                open_ms: now.monotonic.ms_since(opened),
                age_ms: 0,
            };
            let command = Command::Writers { key: key.clone(), change: Some(WritersChange::Keep(entry)) };
            self.send(Purpose::KeepPresence, command, ByteLen(0), now);
        }
        for id in std::mem::take(&mut self.presence.reads) {
            self.send(Purpose::ReadWriters(id), Command::Writers { key: key.clone(), change: None }, ByteLen(0), now);
        }
    }

    /// The command that removes this writer's entry; None where it has none.
    pub(super) fn leave_command(&self) -> Option<Command> {
        self.config.host.as_ref()?;
        let change = Some(WritersChange::Remove(self.config.writer.clone()));
        Some(Command::Writers { key: writers_key(&self.config.prefix), change })
    }

    /// The entry was kept, or could not be: the next sign of life comes after the usual time. Over a transport that lives for a
    /// request there is one.
    pub(super) fn handle_kept(&mut self, answer: Answer, now: Now) {
        if let Answer::Refused(SyncError { code, message }) = answer
            && !std::mem::replace(&mut self.presence.is_refused, true)
        {
            let message = format!("this writer cannot be listed by $writers(): {message}");
            self.events.push(Event::Failed(SyncError::new(code, message)));
        }
        if self.config.transport_lifetime == TransportLifetime::Process {
            self.timers.add(now.monotonic.plus_ms(SIGN_OF_LIFE_MS), Timer::SignOfLife);
        }
    }

    /// A read of the list has an answer.
    pub(super) fn handle_writers(&mut self, id: WritersRequestId, answer: Answer, now: Now) {
        let writers = match answer {
            Answer::Writers(list) => Ok(list),
            Answer::Busy(_) | Answer::ReplyLost(_) => {
                self.presence.delayed.push(id);
                self.timers.add_retry(Timer::RetryWriters, RETRY_ATTEMPT, now);
                return;
            }
            other => Err(super::answers::answer_error(other)),
        };
        self.events.push(Event::Writers { id, writers });
    }

    /// The wait after reads that the server was too busy for is over.
    pub(super) fn end_writers_wait(&mut self) {
        let delayed = std::mem::take(&mut self.presence.delayed);
        self.presence.reads.extend(delayed);
    }

    /// Reads the list again.
    pub(super) fn queue_writers(&mut self, id: WritersRequestId) {
        self.presence.reads.push(id);
    }
}
