//! The check on a new connection that the server still has what it acknowledged on an earlier one.

use super::Session;
use super::fetch_state::FetchKind;
use super::ids::AttributeId;
use super::request_table::Purpose;
use crate::byte_len::ByteLen;
use crate::protocol::{Answer, Command, EvictionPolicy};
use crate::time::Now;

impl Session {
    /// A connection has begun: the server may have lost what it acknowledged on an earlier one.
    pub(super) fn check_acknowledged(&mut self, now: Now) {
        for id in self.attributes.ids() {
            let attribute = &mut self.attributes[id];
            attribute.must_check_sequence = attribute.replica.acknowledged_sequence(now).is_some();
        }
    }

    /// Asks for the sequence that the server has, before commits that are sent again change it.
    pub(super) fn send_sequence_check(&mut self, id: AttributeId, now: Now) {
        if std::mem::take(&mut self.attributes[id].must_check_sequence) {
            let (key, writer) = (self.attributes[id].replica.key().to_owned(), self.config.writer.clone());
            self.send(Purpose::CheckSequence(id), Command::LastSequence { key, writer }, ByteLen(0), now);
        }
    }

    /// The server has this sequence of the writer, or none. Less than was acknowledged is a loss, unless the key was evicted.
    pub(super) fn handle_sequence(&mut self, id: AttributeId, answer: Answer, now: Now) {
        let last = match answer {
            Answer::LastSequence(last) => last,
            Answer::Busy(error) | Answer::ReplyLost(error) => {
                self.attributes[id].must_check_sequence = true;
                self.back_off(id, error, now);
                return;
            }
            // The user may not read it.
            _ => return,
        };
        let may_be_evicted = !matches!(self.eviction_policy(), Some(EvictionPolicy::NoEviction) | None);
        let is_evicted = last.is_none() && may_be_evicted;
        let replica = &mut self.attributes[id].replica;
        if last < replica.acknowledged_sequence(now) && !is_evicted {
            replica.suspect_loss();
            self.request_fetch(id, FetchKind::Load);
        }
    }
}
