//! The invariants of a client, checked after each drain of its session.

use crate::client::Revisions;
use crate::client_events::{AttributeState, Regression, Reported};
use crate::failure::{Check, ensure};
use crate::model_value::ModelValue;
use crate::simulation::Simulation;
use crate::{ACCOUNTS, ATTRIBUTES, TWINS};
use synced_memory_core::document::Node;

impl Simulation {
    /// Checks the client, whose session has reported this since the last check.
    pub(crate) fn check_client(&mut self, i: usize, reported: &Reported) -> Check {
        let client = &self.clients[i];
        let last = client.numbering.last(self.history.sessions[client.session_index].made);
        let settled = client.session.first_pending().map_or(last, |first| first.previous().0);
        ensure(settled >= client.settled, "settled", || {
            format!("w{} has {settled} settled, after it reported {}", client.session_index, client.settled)
        })?;
        for name in ATTRIBUTES {
            self.check_mirror(i, name)?;
            self.check_revision(i, name, reported)?;
            self.check_same(i, name)?;
        }
        for (name, state) in &reported.states {
            let session = &self.clients[i].session;
            let now = AttributeState {
                revision: session.revision(name),
                len: session.value(name).map_or(0, |value| value.text_len().0),
            };
            ensure(now == *state, "event", || format!("{name} was reported as {state:?} and is {now:?}"))?;
        }
        if self.guarantees.keeps_data && !self.clients[i].is_restored {
            self.check_whole(i)?;
            self.check_counts(i)?;
        }
        Ok(())
    }

    /// Checks that the client shows every group whole: once it has loaded all accounts, their balances add up to zero, and once it
    /// has loaded both twins, they are the same.
    fn check_whole(&self, i: usize) -> Check {
        let client = &self.clients[i];
        if TWINS.iter().all(|name| client.session.is_in_step(name)) {
            let twins = TWINS.map(|name| client.mirror.get(name).map(ModelValue::text));
            ensure(twins[0] == twins[1], "whole", || {
                format!("w{} shows the twins as {twins:?}", client.session_index)
            })?;
        }
        // An account that the client has created and not heard of yet is unknown: another client may have created it, too.
        let is_loaded = |name: &str| client.session.is_in_step(name) && client.session.revision(name).is_some();
        if !ACCOUNTS.iter().all(|name| is_loaded(name)) {
            return Ok(());
        }
        let held = |name| client.mirror.get(name)?.get("n")?.plain().parse::<i64>().ok();
        let held = ACCOUNTS.map(|name| held(name).unwrap_or_default());
        ensure(held.iter().sum::<i64>() == 0, "whole", || {
            format!("w{} shows the accounts with {held:?}", client.session_index)
        })
    }

    /// Checks that each register only counts up, as seen by this client.
    fn check_counts(&mut self, i: usize) -> Check {
        let client = &mut self.clients[i];
        for (name, count) in client.mirror.get("regs").map_or(&[][..], ModelValue::entries) {
            let count = count.plain().parse().unwrap_or(0);
            let before = client.counts.insert(name.clone(), count).unwrap_or(0);
            ensure(count >= before, "register", || format!("{name} fell from {before} to {count}"))?;
        }
        Ok(())
    }

    /// Checks that a completed refresh brought at least the revisions that the server had when it was requested.
    pub(crate) fn check_current(&self, i: usize, revisions: &Revisions) -> Check {
        for (name, revision) in revisions.iter().filter(|(name, _)| !self.server.is_disturbed(name)) {
            let own = self.clients[i].session.revision(name).map(|own| own.0);
            ensure(own >= Some(*revision), "refreshed", || {
                format!("{name} is at {own:?}, although the refresh began at {revision}")
            })?;
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
            format!(
                "{name} of w{} is {value:?}, its mirror {:?}",
                client.session_index,
                client.mirror.get(name).map(ModelValue::text)
            )
        })
    }

    fn check_revision(&mut self, i: usize, name: &str, reported: &Reported) -> Check {
        let client = &mut self.clients[i];
        let now = client.session.revision(name).map(|revision| revision.0);
        let before = match now {
            Some(now) => client.revisions.insert(name.to_owned(), now),
            None => client.revisions.remove(name),
        };
        let regression = reported.regressions.iter().find(|regression| regression.name == name);
        let is_explained = match regression {
            // Later commits may have raised the revision again.
            // A loss is reported, too, where others have gone on to a higher revision.
            Some(Regression { from, to, .. }) => before.unwrap_or(0) == *from && now.is_none_or(|now| now >= *to),
            None => now.is_none() || now >= before,
        };
        ensure(is_explained, "regression", || {
            format!(
                "{name} of w{} went from {before:?} to {now:?}, with a regression event: {}",
                client.session_index,
                regression.is_some()
            )
        })?;
        let may_go_back = self.server.has_lost_keys(name);
        // A dedup key that is gone looks like a loss, unless the policy explains it.
        ensure(regression.is_none() || may_go_back, "regression", || {
            format!("the revision of {name} went backwards without a cause")
        })
    }

    /// Checks that a client without pending mutations has the value that the server stored at the client's revision.
    fn check_same(&self, i: usize, name: &str) -> Check {
        let client = &self.clients[i];
        let record = &self.history.sessions[client.session_index];
        let restored = client.numbering.restored_after(client.settled);
        let has_pending = record.last_of.get(name).is_some_and(|last| *last > record.settled)
            || restored.iter().any(|number| record.name_of(*number) == name);
        let (Some(value), Some(revision)) = (client.session.value(name), client.session.revision(name)) else {
            return Ok(());
        };
        if has_pending || client.is_restored || !client.session.is_in_step(name) {
            return Ok(());
        }
        ensure(self.server.had(name, revision.0, value), "same-revision", || {
            format!("{name} at {revision} is {} for w{}, which was never stored", value.to_text(), client.session_index)
        })
    }
}
