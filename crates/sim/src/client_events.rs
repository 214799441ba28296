//! Drains a client's session: moves its commands to the connection, and applies its events to the mirror.

use crate::client::Client;
use crate::failure::{Check, ensure, fail};
use crate::model_value::ModelValue;
use crate::server::name_of;
use crate::session_record::{MutationId, SessionRecord};
use crate::simulation::{Simulation, trace};
use crate::{INTENT_ATTRIBUTE, is_unmodelled};
use std::collections::BTreeMap;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::ids::Revision;
use synced_memory_core::protocol::EvictionPolicy;
use synced_memory_core::replica::{Change, MutationResult, ResultValue};
use synced_memory_core::session::{Event, JournalWrite, Output};

/// The state that a session reported by the events of one drain.
#[derive(Default)]
pub(crate) struct Reported {
    /// Revisions that went backwards.
    pub(crate) regressions: Vec<Regression>,
    /// The last reported state of each attribute.
    pub(crate) states: BTreeMap<String, AttributeState>,
}

/// A revision that went backwards.
pub(crate) struct Regression {
    pub(crate) name: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Revision and length of a document.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct AttributeState {
    pub(crate) revision: Option<Revision>,
    pub(crate) len: usize,
}

impl Simulation {
    /// Moves the commands of a session to its connection, applies its events to the mirror, and checks the client.
    pub(crate) fn drain(&mut self, i: usize) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        let mut reported = Reported::default();
        let mut is_reset = false;
        loop {
            let client = &mut self.clients[i];
            match client.session.poll_output(now) {
                Output::Command(id, command) => {
                    let Some(connection) = &mut client.connection else {
                        return fail("connection", format!("{i} sends {command:?} without a connection"));
                    };
                    connection.commands.push_back((id, command));
                }
                Output::Journal(write) => self.store_write(i, write),
                Output::Event(event) => {
                    trace!(self, "{i} says {event:?}");
                    self.apply_event(i, &event, &mut reported)?;
                }
                Output::Reset => is_reset = true,
                Output::Timeout(timeout) => {
                    client.timeout = timeout;
                    break;
                }
            }
        }
        self.check_client(i, &reported)?;
        if is_reset {
            trace!(self, "{i} gives its connection up");
            return self.cut(i);
        }
        Ok(())
    }

    /// Stores a write of the client's journal.
    pub(crate) fn store_write(&mut self, i: usize, write: JournalWrite) {
        let client = &mut self.clients[i];
        let made = self.history.sessions[client.session_index].made;
        if let Some(journal) = &mut client.journal {
            journal.store(write, &client.numbering, made);
        }
    }

    fn apply_event(&mut self, i: usize, event: &Event, reported: &mut Reported) -> Check {
        match event {
            Event::Changed { name, change, revision, len, .. } => {
                self.clients[i].reported_revisions.insert(name.clone(), *revision);
                reported.states.insert(name.clone(), AttributeState { revision: *revision, len: len.0 });
                self.apply_change(i, name, change)
            }
            Event::Acknowledged { name, revision, len, .. } => {
                self.clients[i].reported_revisions.insert(name.clone(), *revision);
                reported.states.insert(name.clone(), AttributeState { revision: *revision, len: len.0 });
                let was_there = revision.is_none_or(|revision| self.server.had_revision(name, revision.0));
                ensure(was_there, "acknowledged", || format!("{name} never was at {revision:?}"))
            }
            Event::Connected => {
                (self.clients[i].is_connected, self.clients[i].is_restored) = (true, false);
                let revisions = std::mem::take(&mut self.clients[i].catch_up);
                self.check_current(i, &revisions)
            }
            Event::Disconnected(_) => {
                self.clients[i].is_connected = false;
                Ok(())
            }
            // None for the first refresh, which the session starts itself.
            Event::Refreshed(id) => match self.clients[i].refreshes.remove(id) {
                Some(revisions) => self.check_current(i, &revisions),
                None => Ok(()),
            },
            Event::Settled(number) => self.settle(i, number.0),
            Event::Regressed { name, from, to } => {
                reported.regressions.push(Regression { name: name.clone(), from: from.0, to: to.0 });
                Ok(())
            }
            Event::Rejected { name, error, first } if error.code == ErrorCode::OutcomeUnknown => {
                let first = self.clients[i].numbering.of_writer(first.0);
                self.reject_unknown(i, name, first)
            }
            // A transaction that was not sent is not repeated by the next process.
            Event::Rejected { error, .. } if error.code == ErrorCode::Conflict && self.clients[i].is_restored => Ok(()),
            Event::Rejected { name, .. } => ensure(is_unmodelled(name), "rejected", || format!("{event:?}")),
            Event::Conflict { name, .. } if self.record(i).has_unknown(name) => {
                // The conflict may come from a mutation that depended on one whose outcome is unknown.
                let record = &mut self.history.sessions[self.clients[i].session_index];
                let first = record.unknown.first().copied().unwrap_or_default();
                record.record_unknown(name, first, record.made);
                Ok(())
            }
            Event::Conflict { name, .. } => {
                let expected = is_unmodelled(name) || (name == INTENT_ATTRIBUTE && !self.guarantees.intent);
                ensure(expected || !self.guarantees.keeps_data, "conflict", || format!("{event:?}"))
            }
            Event::Completed { number, result } if self.guarantees.keeps_data => {
                let Client { session_index, numbering, .. } = &self.clients[i];
                let mutation_id = MutationId { session_index: *session_index, number: numbering.of_writer(number.0) };
                self.complete(mutation_id, result)
            }
            Event::Failed(error) => ensure(error.code != ErrorCode::Internal, "internal", || error.to_string()),
            _ => Ok(()),
        }
    }

    /// A mutation has the result of an increment or a take.
    fn complete(&mut self, mutation_id: MutationId, result: &MutationResult) -> Check {
        if !self.history.queue.is_take(mutation_id) {
            return if let Ok(ResultValue::Value(sum)) = result {
                self.history.record_sum(mutation_id, &sum.0)
            } else {
                Ok(())
            };
        }
        let element =
            if let Ok(ResultValue::Value(element)) = result { Some(element.0.trim_matches('"')) } else { None };
        let is_uncertain = matches!(result, Ok(ResultValue::Unknown))
            || result.as_ref().is_err_and(|error| error.code == ErrorCode::OutcomeUnknown);
        self.history.queue.record_result(mutation_id, element, is_uncertain)?;
        let stored = self.server.text("queue").unwrap_or_default();
        let is_stored = |element: &str| stored.contains(&format!("\"{element}\""));
        ensure(!element.is_some_and(is_stored), "taken", || {
            format!("{element:?} was given away and is stored: {stored}")
        })
    }

    fn record(&self, i: usize) -> &SessionRecord {
        &self.history.sessions[self.clients[i].session_index]
    }

    /// The outcome of mutations is reported as unknown: that of commits whose replies were lost, where the server may have
    /// lost the dedup key.
    fn reject_unknown(&mut self, i: usize, name: &str, first: u64) -> Check {
        let client = &mut self.clients[i];
        let knows_keys_stay = client.session.eviction_policy() == Some(EvictionPolicy::NoEviction);
        ensure(first <= client.made_before_loss, "unknown", || {
            format!(
                "the outcome of mutation {first} of w{} is unknown, and no reply was lost since",
                client.session_index
            )
        })?;
        ensure(!knows_keys_stay || self.server.has_lost_keys(name), "unknown", || {
            format!("the outcome of mutation {first} of w{} is unknown, and no key was lost", client.session_index)
        })?;
        // A register goes back with the mutation that counted it up.
        client.counts.clear();
        let record = &mut self.history.sessions[client.session_index];
        record.record_unknown(name, first, client.made_before_loss);
        Ok(())
    }

    fn apply_change(&mut self, i: usize, name: &str, change: &Change) -> Check {
        let mirror = &mut self.clients[i].mirror;
        match change {
            Change::Loaded(value) => {
                ensure(!mirror.contains_key(name), "mirror", || {
                    format!("{name} was reported as loaded although it was present")
                })?;
                let Ok(value) = ModelValue::parse(&value.0) else {
                    return fail("mirror", format!("{name} is not JSON"));
                };
                mirror.insert(name.to_owned(), value);
            }
            Change::Patched(mutations) => {
                let mut value = mirror.remove(name);
                for mutation in mutations {
                    if let Err(why) = ModelValue::mutate(&mut value, mutation) {
                        return fail("mirror", format!("{mutation:?} does not fit {name}: {why}"));
                    }
                }
                mirror.extend(value.map(|value| (name.to_owned(), value)));
            }
            Change::Gone | Change::Unreadable(_) => {
                mirror.remove(name);
                // A creation whose outcome is unknown is undone where the server has no such document.
                let is_allowed = is_unmodelled(name) || !self.guarantees.keeps_data || self.record(i).has_unknown(name);
                ensure(is_allowed, "gone", || format!("{name} was reported as gone although no client deleted it"))?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, i: usize, number: u64) -> Check {
        let session_index = self.clients[i].session_index;
        let record = &mut self.history.sessions[session_index];
        let client = &mut self.clients[i];
        let (before, last) = (std::mem::replace(&mut client.settled, number), client.numbering.last(record.made));
        ensure(number > before && number <= last, "settled", || {
            format!("w{session_index} has {number} acknowledged, after {before}, of {last}")
        })?;
        // A process that was restored can settle again what the one before had settled.
        let before = record.settled;
        let number = client.numbering.of_writer(number).max(before);
        record.settled = number;
        client.resending_keys.retain(|key| record.last_of.get(name_of(key)).is_some_and(|last| *last > number));
        if !self.guarantees.keeps_data {
            return Ok(());
        }
        for (name, item) in self.history.acknowledged_items(session_index, before, number) {
            let stored = self.server.text(name).unwrap_or_default();
            let is_there = stored.contains(&format!("\"{item}\""));
            ensure(is_there, "acknowledged", || {
                format!("{item} of {name} is acknowledged and not stored in {stored}")
            })?;
        }
        Ok(())
    }
}
