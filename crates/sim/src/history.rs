//! The history of a run: the mutations that clients made and had acknowledged, and the check of the final state against it.

use crate::failure::{Check, ensure, fail};
use crate::model_value::ModelValue;
use crate::queue_record::QueueRecord;
use crate::session_record::{MutationId, SessionRecord};
use std::collections::{BTreeMap, BTreeSet};

/// A key of the dict `keys`, which is set once and removed for good.
pub(crate) struct KeyRecord {
    set: MutationId,
    unset: Vec<MutationId>,
}

/// An item of the list `tasks`, which only its owner edits and removes.
pub(crate) struct TaskRecord {
    pub(crate) made: MutationId,
    pub(crate) removed: Option<MutationId>,
    /// Texts written into the item's field, in order.
    pub(crate) fields: Vec<(MutationId, String)>,
    /// Texts pushed to the item's list, in order.
    pub(crate) pushes: Vec<(MutationId, String)>,
}

/// The guarantees that hold for a run, given its faults.
#[derive(Clone, Copy)]
pub(crate) struct Guarantees {
    /// The server loses no acknowledged data.
    pub(crate) keeps_data: bool,
    /// Dedup keys live at least as long as any copy of their commits.
    pub(crate) keeps_dedup_keys: bool,
    /// Mutations of lists follow their elements, so the model of tasks is checked.
    pub(crate) intent: bool,
}

#[derive(Default)]
pub(crate) struct History {
    pub(crate) sessions: Vec<SessionRecord>,
    /// Items appended to each log, in the order in which they were made.
    pub(crate) logs: BTreeMap<String, Vec<(MutationId, String)>>,
    /// Counts written to registers.
    pub(crate) registers: Vec<(MutationId, u64)>,
    /// Increments by 1 of the shared counter.
    pub(crate) additions: Vec<MutationId>,
    /// Results of these increments; each must be different.
    pub(crate) counters: BTreeSet<String>,
    pub(crate) keys: BTreeMap<String, KeyRecord>,
    pub(crate) tasks: BTreeMap<String, TaskRecord>,
    pub(crate) queue: QueueRecord,
}

impl History {
    pub(crate) fn begin_session(&mut self) -> usize {
        self.sessions.push(SessionRecord::default());
        self.sessions.len() - 1
    }

    pub(crate) fn record_key_set(&mut self, key: String, set: MutationId) {
        self.keys.insert(key, KeyRecord { set, unset: Vec::new() });
    }

    pub(crate) fn record_key_unset(&mut self, key: &str, mutation_id: MutationId) {
        if let Some(key) = self.keys.get_mut(key) {
            key.unset.push(mutation_id);
        }
    }

    /// Log items of a session whose mutation numbers are above `after` and at most `up_to`, with their attributes.
    pub(crate) fn acknowledged_items(&self, session_index: usize, after: u64, up_to: u64) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (name, items) in &self.logs {
            for (mutation_id, item) in items {
                if mutation_id.session_index == session_index
                    && mutation_id.number > after
                    && mutation_id.number <= up_to
                    && !self.is_unknown(*mutation_id)
                    && !self.is_lost(*mutation_id)
                {
                    found.push((name.as_str(), item.as_str()));
                }
            }
        }
        found
    }

    /// True if the mutation must be in the final state: acknowledged, or made by a session that did not crash.
    fn must_be_stored(&self, mutation_id: MutationId) -> bool {
        let record = &self.sessions[mutation_id.session_index];
        let must_be_sent = !record.crashed || mutation_id.number <= record.settled;
        must_be_sent && !self.is_unknown(mutation_id) && !self.is_lost(mutation_id)
    }

    /// True if the mutation must not be in the final state: it was never in the journal of its writer, and so was not sent.
    fn is_lost(&self, mutation_id: MutationId) -> bool {
        self.sessions[mutation_id.session_index].lost.contains(&mutation_id.number)
    }

    fn is_unknown(&self, mutation_id: MutationId) -> bool {
        self.sessions[mutation_id.session_index].unknown.contains(&mutation_id.number)
    }

    /// Checks the server's final values against the history.
    pub(crate) fn check(&self, values: &BTreeMap<String, ModelValue>, guarantees: Guarantees) -> Check {
        for (name, items) in &self.logs {
            let stored = values.get(name).map_or(&[][..], ModelValue::log_items);
            let stored: Vec<&str> = stored.iter().map(ModelValue::plain).collect();
            self.check_log(name, items, &stored, guarantees)?;
        }
        if guarantees.keeps_data {
            self.check_registers(values.get("regs"))?;
            self.check_sum(values.get("counters"))?;
            self.check_keys(values.get("keys"))?;
            self.queue.check(values.get("queue"), |mutation_id| self.must_be_stored(mutation_id))?;
        }
        if guarantees.keeps_data && guarantees.intent {
            self.check_tasks(values.get("tasks"))?;
        }
        Ok(())
    }

    fn check_log(&self, name: &str, items: &[(MutationId, String)], stored: &[&str], guarantees: Guarantees) -> Check {
        let made: BTreeSet<&str> = items.iter().map(|(_, item)| item.as_str()).collect();
        if let Some(unknown) = stored.iter().find(|item| !made.contains(**item)) {
            return fail("log", format!("{name} holds {unknown}, which no client appended"));
        }
        for session_index in 0..self.sessions.len() {
            let prefix = format!("w{session_index}n");
            let found: Vec<_> = stored.iter().filter(|item| item.starts_with(&prefix)).copied().collect();
            let is_made = |mutation_id: MutationId, item: &str| {
                mutation_id.session_index == session_index
                    && !self.is_lost(mutation_id)
                    && (!self.is_unknown(mutation_id) || found.contains(&item))
            };
            let made: Vec<_> = items.iter().filter(|(mutation_id, item)| is_made(*mutation_id, item)).collect();
            let describe =
                || format!("{name} has {found:?} of {:?}", made.iter().map(|(_, item)| item).collect::<Vec<_>>());
            if guarantees.keeps_data {
                let certain = made.iter().filter(|(mutation_id, _)| self.must_be_stored(*mutation_id)).count();
                ensure(found.len() >= certain, "lost", || format!("{certain} must be there: {}", describe()))?;
                let in_order =
                    found.len() <= made.len() && found.iter().zip(&made).all(|(item, (_, made))| item == made);
                ensure(in_order, "exactly-once", describe)?;
            } else if guarantees.keeps_dedup_keys {
                let mut rest = made.iter();
                let in_order = found.iter().all(|item| rest.any(|(_, made)| made == item));
                ensure(in_order, "at-most-once", describe)?;
            }
        }
        Ok(())
    }

    fn check_registers(&self, registers: Option<&ModelValue>) -> Check {
        for session_index in 0..self.sessions.len() {
            let own: Vec<_> = self
                .registers
                .iter()
                .filter(|(id, _)| id.session_index == session_index && !self.is_lost(*id))
                .collect();
            let least = own
                .iter()
                .filter(|(mutation_id, _)| self.must_be_stored(*mutation_id))
                .map(|(_, n)| *n)
                .max()
                .unwrap_or(0);
            let most = own.iter().map(|(_, n)| *n).max().unwrap_or(0);
            let stored = registers.and_then(|value| value.get(&format!("w{session_index}")));
            let stored = stored.map_or(0, |value| value.plain().parse().unwrap_or(u64::MAX));
            ensure((least..=most).contains(&stored), "register", || {
                format!("w{session_index} counted to {most}, acknowledged is {least}, stored is {stored}")
            })?;
        }
        Ok(())
    }

    fn check_sum(&self, counters: Option<&ModelValue>) -> Check {
        let certain = self.additions.iter().filter(|mutation_id| self.must_be_stored(**mutation_id)).count();
        let most = self.additions.iter().filter(|mutation_id| !self.is_lost(**mutation_id)).count();
        let stored = counters.and_then(|counters| counters.get("all")).map_or("0", ModelValue::plain);
        let holds = stored.parse().is_ok_and(|stored| (certain..=most).contains(&stored));
        ensure(holds, "sum", || format!("{certain} to {most} times 1 was added, stored is {stored}"))
    }

    /// Records the result of an increment, which must differ from all earlier ones.
    pub(crate) fn record_sum(&mut self, mutation_id: MutationId, sum: &str) -> Check {
        let is_addition = |other: &&MutationId| {
            (other.session_index, other.number) == (mutation_id.session_index, mutation_id.number)
        };
        let is_new = self.additions.iter().rev().find(is_addition).is_none() || self.counters.insert(sum.to_owned());
        ensure(is_new, "sum", || format!("two increments resulted in {sum}"))
    }

    fn check_keys(&self, keys: Option<&ModelValue>) -> Check {
        let groups = keys.map_or(&[][..], ModelValue::entries);
        let stored: BTreeSet<&str> =
            groups.iter().flat_map(|(_, group)| group.entries()).map(|(key, _)| key.as_str()).collect();
        for (key, record) in &self.keys {
            let is_stored = stored.contains(key.as_str());
            let is_removed = record.unset.iter().any(|mutation_id| self.must_be_stored(*mutation_id));
            ensure(!is_stored || !is_removed, "deleted-is-back", || {
                format!("{key} is stored although its removal was acknowledged")
            })?;
            ensure(!is_stored || !self.is_lost(record.set), "lost", || {
                format!("{key} is stored, and was never in the journal of its writer")
            })?;
            let must_be = self.must_be_stored(record.set) && record.unset.is_empty();
            ensure(is_stored || !must_be, "lost", || format!("key {key} was set, never removed, and is not stored"))?;
        }
        match stored.iter().find(|key| !self.keys.contains_key(**key)) {
            Some(key) => fail("unknown", format!("key {key} is stored and was never set")),
            None => Ok(()),
        }
    }

    fn check_tasks(&self, tasks: Option<&ModelValue>) -> Check {
        let stored = tasks.map_or(&[][..], ModelValue::items);
        let id_of = |item: &ModelValue| item.get("id").map_or("", ModelValue::plain).to_owned();
        if let Some(item) = stored.iter().find(|item| !self.tasks.contains_key(&id_of(item))) {
            return fail("intent", format!("task {} is stored and was never made", item.text()));
        }
        for (id, task) in &self.tasks {
            let found: Vec<_> = stored.iter().filter(|item| id_of(item) == *id).collect();
            let describe = || {
                format!("{id} is stored {} times in {}", found.len(), tasks.map_or_else(String::new, ModelValue::text))
            };
            let is_removed = task.removed.is_some_and(|mutation_id| self.must_be_stored(mutation_id));
            let must_be = self.must_be_stored(task.made) && task.removed.is_none();
            let least = usize::from(must_be);
            let most = usize::from(!is_removed && !self.is_lost(task.made));
            ensure((least..=most).contains(&found.len()), "intent", describe)?;
            for item in found {
                self.check_task(id, task, item)?;
            }
        }
        Ok(())
    }

    fn check_task(&self, id: &str, task: &TaskRecord, item: &ModelValue) -> Check {
        let pushed: Vec<_> = item.get("log").map_or(&[][..], ModelValue::items).iter().map(ModelValue::plain).collect();
        let certain = task.pushes.iter().filter(|(mutation_id, _)| self.must_be_stored(*mutation_id)).count();
        let is_made = |(mutation_id, text): &&(MutationId, String)| {
            !self.is_lost(*mutation_id) && (!self.is_unknown(*mutation_id) || pushed.contains(&text.as_str()))
        };
        let made: Vec<_> = task.pushes.iter().filter(is_made).collect();
        let in_order = pushed.iter().zip(&made).all(|(item, (_, made))| item == made);
        let holds = (certain..=made.len()).contains(&pushed.len()) && in_order;
        ensure(holds, "intent", || {
            format!("{id} has {pushed:?} of {:?}", task.pushes.iter().map(|(_, text)| text).collect::<Vec<_>>())
        })?;

        let field = item.get("field").map_or("", ModelValue::plain);
        let certain = task.fields.iter().rposition(|(mutation_id, _)| self.must_be_stored(*mutation_id));
        let stored = task.fields.iter().rposition(|(_, text)| text == field);
        ensure(stored >= certain && (stored.is_some() || field.is_empty()), "intent", || {
            format!("{id} has {field:?} of {:?}", task.fields.iter().map(|(_, text)| text).collect::<Vec<_>>())
        })
    }
}
