//! The check whether the backend records the history of commits: a script ignores that it is refused, because a history is no
//! condition of a commit.

use super::answers::answer_error;
use super::ids::AttributeId;
use super::request_table::Purpose;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::config::{Config, TransportLifetime};
use crate::error::{ErrorCode, SyncError};
use crate::history::HistoryPage;
use crate::ids::{Revision, WriterId};
use crate::protocol::{Answer, Command};
use crate::time::Now;

/// The shortest lifetime of attributes with which the check is made, in milliseconds: the history of one that has expired is gone.
const MIN_TTL_MS: u64 = 60_000;

/// Whether the next acknowledged commit leads to the check: the first one of each connection, until the host is warned.
#[derive(Debug, Default)]
pub(super) struct HistoryCheck {
    is_due: bool,
    has_warned: bool,
}

impl HistoryCheck {
    /// A connection has begun.
    pub(super) fn connect(&mut self, config: &Config) {
        let lives_long =
            config.transport_lifetime == TransportLifetime::Process && config.ttl_ms.is_none_or(|ms| ms >= MIN_TTL_MS);
        self.is_due = lives_long && config.history.is_some() && !self.has_warned;
    }
}

impl Session {
    /// Reads the newest entry of an attribute's history where the check is due. A commit to the attribute was acknowledged.
    pub(super) fn check_history(&mut self, id: AttributeId, now: Now) {
        if !self.history_check.is_due {
            return;
        }
        let replica = &self.attributes[id].replica;
        let Some(revision) = replica.revision().filter(|_| self.config.max_entries(replica.key()).is_some()) else {
            return;
        };
        let command = Command::History { key: replica.key().to_owned(), limit: 1 };
        self.history_check.is_due = false;
        let purpose = Purpose::CheckHistory { name: self.attributes[id].name.clone(), revision };
        self.send(purpose, command, ByteLen(0), now);
    }

    /// Warns the host where the history lacks the commit that made this revision.
    pub(super) fn handle_history_check(&mut self, name: &str, revision: Revision, answer: Answer) {
        let reason = match answer {
            Answer::History(page) if leads_to(&page, revision, &self.config.writer) => return,
            Answer::History(_) => "the server did not add the entry of an acknowledged commit".into(),
            Answer::Busy(_) | Answer::ReplyLost(_) => {
                self.history_check.is_due = true;
                return;
            }
            other => answer_error(other).message,
        };
        self.history_check.has_warned = true;
        let message = format!(
            "the history of {name} is not recorded: {reason}; permit +xadd +xrange +xrevrange +xdel, and see that nothing else \
             is stored under the key of the history"
        );
        self.events.push(Event::Warning(SyncError::new(ErrorCode::Refused, message)));
    }
}

/// Whether the newest entry is that of the commit or a later one. A deletion has no revision, and entries of strangers say nothing.
fn leads_to(page: &HistoryPage, revision: Revision, writer: &WriterId) -> bool {
    page.malformed > 0
        || page.entries.first().is_some_and(|newest| {
            newest.revision == Revision::NONE || newest.revision >= revision || newest.writer.as_ref() == Some(writer)
        })
}
