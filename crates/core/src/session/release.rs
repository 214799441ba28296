//! The dedup keys of a session, and their release before it is closed.

use super::request_table::Purpose;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::config::TransportLifetime;
use crate::protocol::{Command, RELEASED_DEDUP_KEY_MS, dedup_key, dedup_key_pattern};
use crate::time::Now;

/// The state of the release.
#[derive(Debug, Default)]
pub(super) struct DedupKeyRelease {
    has_begun: bool,
    /// The number of commands without an answer.
    unanswered: usize,
}

/// The dedup keys of a session that its backend has, as far as the session knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DedupKeys {
    /// A glob pattern that the names of these keys match, and those of no other session.
    pub pattern: String,
    /// The number of keys: one for each attribute that the session has changed within `seconds`.
    pub count: usize,
    /// The length of their names and values.
    pub bytes: ByteLen,
    /// The lifetime of a key after the last commit to its attribute, in seconds.
    pub seconds: u32,
    /// The lifetime of the keys after their release, in seconds.
    pub seconds_after_release: u32,
}

impl DedupKeyRelease {
    /// Whether the writer is being released: it does nothing any more.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }
}

impl Session {
    /// The dedup keys. Costs the number of attributes.
    pub fn dedup_keys(&self, now: Now) -> DedupKeys {
        let writer = &self.config.writer;
        let (mut count, mut bytes) = (0, ByteLen(0));
        for id in self.attributes.ids() {
            let replica = &self.attributes[id].replica;
            if let Some(sequence) = replica.acknowledged_sequence(now) {
                count += 1;
                bytes += ByteLen(dedup_key(replica.key(), writer).len() + sequence.0.to_string().len());
            }
        }
        let seconds = self.config.dedup_key_seconds;
        let released = u32::try_from(RELEASED_DEDUP_KEY_MS / 1000).unwrap_or(u32::MAX);
        let is_released = self.config.transport_lifetime == TransportLifetime::Process && self.journal.is_none();
        let seconds_after_release = if is_released { seconds.min(released) } else { seconds };
        DedupKeys { pattern: dedup_key_pattern(writer), count, bytes, seconds, seconds_after_release }
    }

    /// Shortens the life of this writer's dedup keys to two minutes, because it sends nothing again. Returns whether it sends
    /// commands for that, the first time: when they are answered, or the connection is lost, [`Event::Released`] follows.
    /// Sends nothing without a connection, while mutations are pending, and over a transport that lives for a request; and where
    /// the session keeps a journal, which it completes: the writer goes on with the next session that opens it. The
    /// caller makes no mutations after this call.
    pub fn release(&mut self, now: Now) -> bool {
        if self.journal.is_some() {
            self.journal_changes();
            return false;
        }
        let is_request_lived = self.config.transport_lifetime == TransportLifetime::Request;
        let may_send_again = self.first_pending().is_some();
        if self.release.has_begun || is_request_lived || may_send_again || !self.connection.is_connected() {
            return false;
        }
        self.release.has_begun = true;
        for id in self.attributes.ids() {
            let replica = &self.attributes[id].replica;
            if replica.acknowledged_sequence(now).is_some() {
                let (key, writer) = (replica.key().to_owned(), self.config.writer.clone());
                let command = Command::ExpireDedupKey { key, writer, ms: RELEASED_DEDUP_KEY_MS };
                self.release.unanswered += 1;
                self.send(Purpose::ReleaseDedupKey, command, ByteLen(0), now);
            }
        }
        if let Some(command) = self.leave_command() {
            self.release.unanswered += 1;
            self.send(Purpose::ReleaseDedupKey, command, ByteLen(0), now);
        }
        self.release.unanswered > 0
    }

    /// A command of the release has an answer. A key that the server does not let expire lives as long as it would have.
    pub(super) fn end_release(&mut self) {
        self.release.unanswered -= 1;
        if self.release.unanswered == 0 {
            self.events.push(Event::Released);
        }
    }
}
