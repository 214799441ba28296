//! The environment of the clients: time, expiring dedup keys, and foreign writers.

use crate::PREFIX;
use crate::failure::{Check, fail};
use crate::model_value::ModelValue;
use crate::random_mutation::random_mutation;
use crate::scenario::Action;
use crate::simulation::{Simulation, trace};
use synced_memory_core::document::{Content, Node};
use synced_memory_core::session::Input;
use synced_memory_core::time::Instant;

impl Simulation {
    /// Lets a random time pass.
    pub(crate) fn wait(&mut self) -> Check {
        let ms = *self.random.pick(&[15, 50, 500, 3_000, 25_000]);
        self.passed_ns += ms * 1_000_000;
        self.tick()
    }

    /// Delivers a tick to each session whose timeout has passed.
    pub(crate) fn tick(&mut self) -> Check {
        for i in 0..self.clients.len() {
            let now = Instant(self.passed_ns / 1_000_000);
            if self.clients[i].timeout.is_some_and(|due| due <= now) {
                self.handle(i, Input::Tick)?;
            }
        }
        Ok(())
    }

    /// Lets a random dedup key expire, unless a copy of its commit may still arrive.
    pub(crate) fn expire(&mut self) -> Check {
        let writers = self.server.writers();
        if writers.is_empty() {
            return Ok(());
        }
        let (key, writer) = self.random.pick(&writers).clone();
        let Some(last) = self.server.last_sequence(&key, &writer) else {
            return fail("server", format!("{writer} at {key} has a dedup key that the store does not have"));
        };
        if !self.clients.iter().any(|client| client.may_send(&key, &writer, last)) {
            trace!(self, "the dedup key of {writer} at {key} expires");
            self.server.expire(|k, w| (k, w) == (&key, &writer));
        }
        Ok(())
    }

    /// Evicts all dedup keys, or those of one document or writer.
    pub(crate) fn evict(&mut self) {
        let writers = self.server.writers();
        if writers.is_empty() {
            return;
        }
        let (key, writer) = self.random.pick(&writers).clone();
        let kind = self.random.below(3);
        trace!(self, "dedup keys are evicted: kind {kind} of {writer} at {key}");
        self.server.expire(|k, w| match kind {
            0 => true,
            1 => k == key,
            _ => w == writer,
        });
    }

    /// Runs a step of a foreign writer.
    pub(crate) fn foreign(&mut self, action: Action) {
        let name = *self.random.pick(&["data0", "data1"]);
        let content = self.server.content(name);
        let stored = if let Content::Document { value, .. } = content { Some(ModelValue::of(&value)) } else { None };
        let text = match action {
            Action::ForeignRead => {
                self.foreign_reads.extend(stored.map(|value| (name.to_owned(), value)));
                return;
            }
            Action::ForeignDelete => None,
            Action::ForeignGarbage => {
                Some((*self.random.pick(&["", "[1,2]", "{\"value\":[1", "{\"value\": 1}"])).to_owned())
            }
            _ => {
                let mut value = self.foreign_reads.remove(name).or(stored);
                let node = value.as_ref().map(ModelValue::text).map(|text| Node::parse(&text));
                let mutation = random_mutation(node.and_then(Result::ok).as_ref(), &mut self.random);
                let fits = ModelValue::mutate(&mut value, &mutation);
                debug_assert_eq!(fits, Ok(()), "{mutation:?}");
                let revision = self.foreign_clock.read(self.passed_ns);
                value.map(|value| format!("{{\"value\": {}, \"last_modified\": {revision}}}", value.python_text()))
            }
        };
        trace!(self, "foreign: {name} {text:?}");
        self.server.put(name, text.as_deref());
        self.invalidate(&format!("{PREFIX}{name}"));
    }
}
