//! What must be true of a client after whatever it did.

use crate::client::Revisions;
use crate::failure::{Check, ensure, fail};
use crate::ledger::Author;
use crate::server::name_of;
use crate::tree::Tree;
use crate::world::{World, note};
use crate::{ATTRIBUTES, INTENT_ATTRIBUTE, is_wild};
use std::collections::BTreeMap;
use synced_memory_core::document::Node;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::ids::Revision;
use synced_memory_core::replica::Change;
use synced_memory_core::session::Event;

/// What a session has told at one time.
#[derive(Default)]
struct Told {
    /// The revisions that have gone back: attribute, from, to.
    regressions: Vec<(String, u64, u64)>,
    /// Each attribute's revision and length, as told last.
    states: BTreeMap<String, (Option<Revision>, usize)>,
}

impl World {
    /// Move commands to the connection, hear all events, and check the client.
    pub(crate) fn drain(&mut self, i: usize) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        let mut told = Told::default();
        while let Some(command) = self.clients[i].session.poll_command(now) {
            let Some(connection) = &mut self.clients[i].connection else {
                return fail("connection", format!("{i} sends {command:?} without a connection"));
            };
            connection.commands.push_back(command);
        }
        while let Some(event) = self.clients[i].session.poll_event() {
            note!(self, "{i} says {event:?}");
            self.hear(i, &event, &mut told)?;
        }
        self.check_client(i, &told)?;
        if self.clients[i].session.poll_reset() {
            note!(self, "{i} gives its connection up");
            return self.cut(i);
        }
        Ok(())
    }

    fn hear(&mut self, i: usize, event: &Event, told: &mut Told) -> Check {
        match event {
            Event::Changed { name, change, revision, bytes } => {
                self.clients[i].told.insert(name.clone(), *revision);
                told.states.insert(name.clone(), (*revision, *bytes));
                self.reflect(i, name, change)
            }
            Event::Acknowledged { name, revision, bytes } => {
                self.clients[i].told.insert(name.clone(), *revision);
                told.states.insert(name.clone(), (*revision, *bytes));
                let was_there = revision.is_none_or(|revision| self.server.had_revision(name, revision.0));
                ensure(was_there, "acknowledged", || format!("{name} never was at {revision:?}"))
            }
            Event::Connected => {
                self.clients[i].is_up = true;
                let revisions = std::mem::take(&mut self.clients[i].catch_up);
                self.check_current(i, &revisions)
            }
            Event::Disconnected(_) => {
                self.clients[i].is_up = false;
                Ok(())
            }
            // The first is the session's own.
            Event::Refreshed(ticket) => match self.clients[i].tickets.remove(&ticket.0) {
                Some(revisions) => self.check_current(i, &revisions),
                None => Ok(()),
            },
            Event::Settled(number) => self.settle(i, *number),
            Event::Regressed { name, from, to } => {
                told.regressions.push((name.clone(), from.0, to.0));
                Ok(())
            }
            Event::Rejected { name, .. } => ensure(is_wild(name), "rejected", || format!("{event:?}")),
            Event::Conflict { name, .. } => {
                let expected = is_wild(name) || (name == INTENT_ATTRIBUTE && !self.promises.intent);
                ensure(expected || !self.promises.kept, "conflict", || format!("{event:?}"))
            }
            Event::Incremented { number, sum: Ok(Some(sum)) } if self.promises.kept => {
                let author = Author { life: self.clients[i].life, number: *number };
                self.ledger.hear_sum(author, sum)
            }
            Event::Failed(error) => ensure(error.code != ErrorCode::Internal, "internal", || error.to_string()),
            _ => Ok(()),
        }
    }

    fn reflect(&mut self, i: usize, name: &str, change: &Change) -> Check {
        let mirror = &mut self.clients[i].mirror;
        match change {
            Change::Loaded(value) => {
                ensure(!mirror.contains_key(name), "mirror", || format!("{name} is loaded where it was there"))?;
                let Ok(value) = Tree::parse(&value.0) else { return fail("mirror", format!("{name} is not JSON")) };
                mirror.insert(name.to_owned(), value);
            }
            Change::Patched(mutations) => {
                let mut value = mirror.remove(name);
                for mutation in mutations {
                    if let Err(why) = Tree::mutate(&mut value, mutation) {
                        return fail("mirror", format!("{mutation:?} does not fit {name}: {why}"));
                    }
                }
                mirror.extend(value.map(|value| (name.to_owned(), value)));
            }
            Change::Gone | Change::Unreadable(_) => {
                mirror.remove(name);
                let may_be = is_wild(name) || !self.promises.kept;
                ensure(may_be, "gone", || format!("{name} is gone, and nobody took it"))?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, i: usize, number: u64) -> Check {
        let life_index = self.clients[i].life;
        let life = &mut self.ledger.lives[life_index];
        let before = std::mem::replace(&mut life.settled, number);
        ensure(number > before && number <= life.made, "settled", || {
            format!("w{life_index} has {number} acknowledged, after {before}, of {}", life.made)
        })?;
        let client = &mut self.clients[i];
        client.sends_again.retain(|key| life.last_of.get(name_of(key)).is_some_and(|last| *last > number));
        if !self.promises.kept {
            return Ok(());
        }
        for (name, item) in self.ledger.acknowledged_items(life_index, before, number) {
            let stored = self.server.text(name).unwrap_or_default();
            let is_there = stored.contains(&format!("\"{item}\""));
            ensure(is_there, "acknowledged", || format!("{item} of {name} is acknowledged, and not in {stored}"))?;
        }
        Ok(())
    }

    fn check_client(&mut self, i: usize, told: &Told) -> Check {
        let life = &self.ledger.lives[self.clients[i].life];
        let settled = self.clients[i].session.first_pending().map_or(life.made, |first| first - 1);
        ensure(settled >= life.settled, "settled", || {
            format!("w{} has {settled} settled, after it said {}", self.clients[i].life, life.settled)
        })?;
        for name in ATTRIBUTES {
            self.check_mirror(i, name)?;
            self.check_revision(i, name, told)?;
            self.check_same(i, name)?;
        }
        for (name, state) in &told.states {
            let session = &self.clients[i].session;
            let now = (session.revision(name), session.value(name).map_or(0, Node::text_len));
            ensure(now == *state, "event", || format!("{name} is told to be {state:?}, and is {now:?}"))?;
        }
        if self.promises.kept { self.check_counts(i) } else { Ok(()) }
    }

    /// Registers only count up, for whoever looks at them.
    fn check_counts(&mut self, i: usize) -> Check {
        let client = &mut self.clients[i];
        for (name, count) in client.mirror.get("regs").map_or(&[][..], Tree::entries) {
            let count = count.plain().parse().unwrap_or(0);
            let before = client.counts.insert(name.clone(), count).unwrap_or(0);
            ensure(count >= before, "register", || format!("{name} fell from {before} to {count}"))?;
        }
        Ok(())
    }

    /// What the server had when a refresh was asked for is here once that is done.
    fn check_current(&self, i: usize, revisions: &Revisions) -> Check {
        for (name, revision) in revisions.iter().filter(|(name, _)| !self.server.is_disturbed(name)) {
            let own = self.clients[i].session.revision(name).map(|own| own.0);
            ensure(own >= Some(*revision), "refreshed", || format!("{name} is at {own:?}, {revision} was asked for"))?;
        }
        Ok(())
    }

    fn check_mirror(&self, i: usize, name: &str) -> Check {
        let client = &self.clients[i];
        let is_same = match (client.session.value(name), client.mirror.get(name)) {
            (Some(value), Some(mirror)) => mirror.is(value),
            (None, None) => true,
            _ => false,
        };
        ensure(is_same, "mirror", || {
            let value = client.session.value(name).map(Node::to_text);
            format!("{name} of w{} is {value:?}, its mirror {:?}", client.life, client.mirror.get(name).map(Tree::text))
        })
    }

    fn check_revision(&mut self, i: usize, name: &str, told: &Told) -> Check {
        let client = &mut self.clients[i];
        let now = client.session.revision(name).map(|revision| revision.0);
        let before = match now {
            Some(now) => client.revisions.insert(name.to_owned(), now),
            None => client.revisions.remove(name),
        };
        let told = told.regressions.iter().find(|(of, _, _)| of == name).map(|(_, from, to)| (*from, *to));
        let is_told = match told {
            // It may have gone on since.
            Some((from, to)) => before == Some(from) && to < from && now.is_none_or(|now| now >= to),
            None => now.is_none() || now >= before,
        };
        ensure(is_told, "regression", || {
            format!("{name} of w{} went from {before:?} to {now:?}, reported was {told:?}", client.life)
        })?;
        let may_go_back = self.server.is_disturbed(name);
        ensure(told.is_none() || may_go_back, "regression", || format!("{name} went back, {told:?}, for no reason"))
    }

    /// Whoever has an attribute at a revision and nothing of his own on top has what was stored then.
    fn check_same(&self, i: usize, name: &str) -> Check {
        let client = &self.clients[i];
        let life = &self.ledger.lives[client.life];
        let has_pending = life.last_of.get(name).is_some_and(|last| *last > life.settled);
        let (Some(value), Some(revision)) = (client.session.value(name), client.session.revision(name)) else {
            return Ok(());
        };
        if has_pending || !client.session.is_in_step(name) {
            return Ok(());
        }
        ensure(self.server.had(name, revision.0, value), "same-revision", || {
            format!("{name} at {revision} is {} for w{}, which it never was", value.to_text(), client.life)
        })
    }
}
