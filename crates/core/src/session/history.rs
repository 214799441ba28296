//! The histories of attributes: reading them, and recording what foreign writers have changed.

use super::ids::AttributeId;
use super::request_table::Purpose;
use super::{Event, Session, TtlRequest};
use crate::byte_len::ByteLen;
use crate::document::Node;
use crate::error::SyncError;
use crate::history::{HistoryPage, encode_page, value_at};
use crate::ids::{Revision, TtlRequestId};
use crate::mutation::Json;
use crate::protocol::{Command, ForeignChange, HISTORY_LIMIT, history_key};
use crate::time::Now;

impl Session {
    /// Reads at most `limit` of the newest entries of an attribute's history, once the mutations that were made before are
    /// settled. Ends with [`Event::History`]. Errors: `ReservedName`.
    pub fn history(&mut self, name: &str, limit: u32) -> Result<TtlRequestId, SyncError> {
        self.request(name, Command::History { key: self.attributes.key(name), limit }, None)
    }

    /// Finds the value that an attribute had at a revision: see [`history`](Self::history).
    pub fn value_at(&mut self, name: &str, revision: Revision) -> Result<TtlRequestId, SyncError> {
        let command = Command::History { key: self.attributes.key(name), limit: HISTORY_LIMIT };
        self.request(name, command, Some(revision))
    }

    /// Reports the answer to a request.
    pub(super) fn report_history(&mut self, request: &TtlRequest, page: &HistoryPage) {
        let result = match request.wanted {
            None => Ok(encode_page(page)),
            Some(revision) => self.find_value(&request.name, revision, page),
        };
        self.events.push(Event::History { id: request.id, result });
    }

    fn find_value(&self, name: &str, revision: Revision, page: &HistoryPage) -> Result<Json, SyncError> {
        let in_brackets =
            |value: Option<&Node>| Json(format!("[{}]", value.map_or_else(String::new, Node::to_text)).into());
        let current = self.attributes.get(name).map(|attribute| &attribute.replica);
        if let Some(replica) = current
            && replica.revision() == Some(revision)
            && replica.has_known_base()
            && replica.first_pending().is_none()
        {
            return Ok(in_brackets(replica.value()));
        }
        let value = value_at(&page.entries, revision, self.config.max_document_bytes, self.config.add)?;
        Ok(in_brackets(value.as_ref()))
    }

    /// Adds to the history what a comparison of documents has shown. A writer of this library has added it before: then the
    /// backend does not do it again.
    pub(super) fn record_change(&mut self, id: AttributeId, change: ForeignChange, now: Now) {
        let key = self.attributes[id].replica.key().to_owned();
        let Some(max_entries) = self.config.max_entries(&key) else { return };
        let len = ByteLen(change.mutations.len());
        self.send(Purpose::Discarded, Command::RecordChange { key, change, max_entries }, len, now);
    }

    /// A history expires with its document, also where a request of the host has set the time.
    pub(super) fn send_expiry_of_history(&mut self, command: &Command, now: Now) {
        let (Command::Expire { key, .. } | Command::Persist { key }) = command else { return };
        if self.config.max_entries(key).is_none() {
            return;
        }
        let key = history_key(key);
        let of_history = match command {
            Command::Expire { ms, .. } => Command::Expire { key, ms: *ms },
            _ => Command::Persist { key },
        };
        self.send(Purpose::Discarded, of_history, ByteLen(0), now);
    }
}
