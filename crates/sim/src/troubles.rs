//! Time that passes, idempotency keys that expire, and foreign writers.

use crate::PREFIX;
use crate::failure::{Check, fail};
use crate::scenario::Action;
use crate::tree::Tree;
use crate::workload;
use crate::world::{World, note};
use synced_memory_core::command::Input;
use synced_memory_core::document::{Content, Node};

impl World {
    pub(crate) fn wait(&mut self) -> Check {
        let ms = *self.random.pick(&[15, 50, 500, 3_000, 25_000]);
        self.passed_ns += ms * 1_000_000;
        self.tick()
    }

    /// Sessions hear that a time that they wait for has come.
    pub(crate) fn tick(&mut self) -> Check {
        for i in 0..self.clients.len() {
            let passed_ms = self.passed_ns / 1_000_000;
            if self.clients[i].session.poll_timeout().is_some_and(|due| due <= passed_ms) {
                self.handle(i, Input::Tick)?;
            }
        }
        Ok(())
    }

    /// One idempotency key expires, if all that it could still be needed for is over.
    pub(crate) fn expire(&mut self) -> Check {
        let writers = self.server.writers();
        if writers.is_empty() {
            return Ok(());
        }
        let (key, writer) = self.random.pick(&writers).clone();
        let Some(last) = self.server.last_sequence(&key, &writer) else {
            return fail("server", format!("{writer} at {key} is remembered and not remembered"));
        };
        if !self.clients.iter().any(|client| client.may_send(&key, &writer, last)) {
            note!(self, "{writer} at {key} is forgotten");
            self.server.expire(|k, w| (k, w) == (&key, &writer));
        }
        Ok(())
    }

    pub(crate) fn foreign(&mut self, action: Action) {
        let name = *self.random.pick(&["data0", "data1"]);
        let content = self.server.content(name);
        let stored = if let Content::Document { value, .. } = content { Some(Tree::of(&value)) } else { None };
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
                let node = value.as_ref().map(Tree::text).map(|text| Node::parse(&text));
                let mutation = workload::any(node.and_then(Result::ok).as_ref(), &mut self.random);
                let fits = Tree::mutate(&mut value, &mutation);
                debug_assert_eq!(fits, Ok(()), "{mutation:?}");
                let revision = self.foreign_clock.read(self.passed_ns);
                value.map(|value| format!("{{\"value\": {}, \"last_modified\": {revision}}}", value.python_text()))
            }
        };
        note!(self, "foreign: {name} {text:?}");
        self.server.put(name, text.as_deref());
        self.announce(&format!("{PREFIX}{name}"));
    }
}
