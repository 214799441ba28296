//! What the clients have made and what was acknowledged, and whether the end agrees with it.

use crate::failure::{Check, ensure, fail};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};

/// One session from its first to its last moment.
#[derive(Default)]
pub(crate) struct Life {
    /// Mutations made; they are numbered from 1.
    pub(crate) made: u64,
    /// Every mutation up to here is reported to be acknowledged.
    pub(crate) settled: u64,
    /// It ended with a crash.
    pub(crate) crashed: bool,
    /// The last mutation of each attribute.
    pub(crate) last_of: BTreeMap<String, u64>,
}

/// A mutation: whose, and its number.
#[derive(Clone, Copy)]
pub(crate) struct Author {
    pub(crate) life: usize,
    pub(crate) number: u64,
}

pub(crate) struct Key {
    set: Author,
    unset: Vec<Author>,
}

pub(crate) struct Task {
    pub(crate) made: Author,
    pub(crate) removed: Option<Author>,
    /// What was written into its field, and what was pushed to its list.
    pub(crate) fields: Vec<(Author, String)>,
    pub(crate) pushes: Vec<(Author, String)>,
}

/// How much must be true at the end.
#[derive(Clone, Copy)]
pub(crate) struct Promises {
    /// The server kept what it acknowledged.
    pub(crate) kept: bool,
    /// Idempotency keys lived as long as their commits.
    pub(crate) once: bool,
    /// Mutations of lists follow their elements.
    pub(crate) intent: bool,
}

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) lives: Vec<Life>,
    /// The items of each log, in the order in which they were made.
    pub(crate) logs: BTreeMap<String, Vec<(Author, String)>>,
    /// What each life counted up to.
    pub(crate) registers: Vec<(Author, u64)>,
    /// Who has added 1 to the sum,
    pub(crate) additions: Vec<Author>,
    /// and what it was right after.
    pub(crate) sums: BTreeSet<String>,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) tasks: BTreeMap<String, Task>,
}

impl Ledger {
    pub(crate) fn begin_life(&mut self) -> usize {
        self.lives.push(Life::default());
        self.lives.len() - 1
    }

    pub(crate) fn key_set(&mut self, key: String, set: Author) {
        self.keys.insert(key, Key { set, unset: Vec::new() });
    }

    pub(crate) fn key_unset(&mut self, key: &str, author: Author) {
        if let Some(key) = self.keys.get_mut(key) {
            key.unset.push(author);
        }
    }

    /// Items of logs that a life's acknowledgements between two numbers speak of.
    pub(crate) fn acknowledged_items(&self, life: usize, after: u64, up_to: u64) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (name, items) in &self.logs {
            for (author, item) in items {
                if author.life == life && author.number > after && author.number <= up_to {
                    found.push((name.as_str(), item.as_str()));
                }
            }
        }
        found
    }

    /// Must it have happened, now that all is quiet?
    fn is_certain(&self, author: Author) -> bool {
        let life = &self.lives[author.life];
        !life.crashed || author.number <= life.settled
    }

    /// Compare the server's values with what was made.
    pub(crate) fn check(&self, values: &BTreeMap<String, Tree>, promises: Promises) -> Check {
        for (name, items) in &self.logs {
            let stored = values.get(name).map_or(&[][..], Tree::log_items);
            let stored: Vec<&str> = stored.iter().map(Tree::plain).collect();
            self.check_log(name, items, &stored, promises)?;
        }
        if promises.kept {
            self.check_registers(values.get("regs"))?;
            self.check_sum(values.get("sums"))?;
            self.check_keys(values.get("keys"))?;
        }
        if promises.kept && promises.intent {
            self.check_tasks(values.get("tasks"))?;
        }
        Ok(())
    }

    fn check_log(&self, name: &str, items: &[(Author, String)], stored: &[&str], promises: Promises) -> Check {
        let made: BTreeSet<&str> = items.iter().map(|(_, item)| item.as_str()).collect();
        if let Some(unknown) = stored.iter().find(|item| !made.contains(**item)) {
            return fail("log", format!("{name} holds {unknown}, which nobody put there"));
        }
        for life in 0..self.lives.len() {
            let made: Vec<_> = items.iter().filter(|(author, _)| author.life == life).collect();
            let prefix = format!("w{life}n");
            let found: Vec<_> = stored.iter().filter(|item| item.starts_with(&prefix)).copied().collect();
            let told =
                || format!("{name} has {found:?} of {:?}", made.iter().map(|(_, item)| item).collect::<Vec<_>>());
            if promises.kept {
                let certain = made.iter().filter(|(author, _)| self.is_certain(*author)).count();
                ensure(found.len() >= certain, "lost", || format!("{certain} must be there: {}", told()))?;
                let in_order =
                    found.len() <= made.len() && found.iter().zip(&made).all(|(item, (_, made))| item == made);
                ensure(in_order, "exactly-once", told)?;
            } else if promises.once {
                let mut rest = made.iter();
                let in_order = found.iter().all(|item| rest.any(|(_, made)| made == item));
                ensure(in_order, "at-most-once", told)?;
            }
        }
        Ok(())
    }

    fn check_registers(&self, registers: Option<&Tree>) -> Check {
        for life in 0..self.lives.len() {
            let own: Vec<_> = self.registers.iter().filter(|(author, _)| author.life == life).collect();
            let least = own.iter().filter(|(author, _)| self.is_certain(*author)).map(|(_, n)| *n).max().unwrap_or(0);
            let most = own.iter().map(|(_, n)| *n).max().unwrap_or(0);
            let stored = registers.and_then(|value| value.get(&format!("w{life}")));
            let stored = stored.map_or(0, |value| value.plain().parse().unwrap_or(u64::MAX));
            ensure((least..=most).contains(&stored), "register", || {
                format!("w{life} counted to {most}, acknowledged is {least}, stored is {stored}")
            })?;
        }
        Ok(())
    }

    fn check_sum(&self, sums: Option<&Tree>) -> Check {
        let certain = self.additions.iter().filter(|author| self.is_certain(**author)).count();
        let most = self.additions.len();
        let stored = sums.and_then(|sums| sums.get("all")).map_or("0", Tree::plain);
        let holds = stored.parse().is_ok_and(|stored| (certain..=most).contains(&stored));
        ensure(holds, "sum", || format!("{certain} to {most} times 1 was added, stored is {stored}"))
    }

    /// What an increment has made of the sum: something else each time.
    pub(crate) fn hear_sum(&mut self, author: Author, sum: &str) -> Check {
        let is_addition = |other: &&Author| (other.life, other.number) == (author.life, author.number);
        let is_new = self.additions.iter().rev().find(is_addition).is_none() || self.sums.insert(sum.to_owned());
        ensure(is_new, "sum", || format!("it was made {sum} twice"))
    }

    fn check_keys(&self, keys: Option<&Tree>) -> Check {
        let groups = keys.map_or(&[][..], Tree::entries);
        let stored: BTreeSet<&str> =
            groups.iter().flat_map(|(_, group)| group.entries()).map(|(key, _)| key.as_str()).collect();
        for (key, story) in &self.keys {
            let is_there = stored.contains(key.as_str());
            let is_gone = story.unset.iter().any(|author| self.is_certain(*author));
            ensure(!is_there || !is_gone, "deleted-is-back", || format!("{key} was taken out for good"))?;
            let must_be = self.is_certain(story.set) && story.unset.is_empty();
            ensure(is_there || !must_be, "lost", || format!("key {key} was set and never taken out"))?;
        }
        match stored.iter().find(|key| !self.keys.contains_key(**key)) {
            Some(key) => fail("unknown", format!("nobody set key {key}")),
            None => Ok(()),
        }
    }

    fn check_tasks(&self, tasks: Option<&Tree>) -> Check {
        let stored = tasks.map_or(&[][..], Tree::items);
        let id_of = |item: &Tree| item.get("id").map_or("", Tree::plain).to_owned();
        if let Some(item) = stored.iter().find(|item| !self.tasks.contains_key(&id_of(item))) {
            return fail("intent", format!("nobody made the task {}", item.text()));
        }
        for (id, task) in &self.tasks {
            let found: Vec<_> = stored.iter().filter(|item| id_of(item) == *id).collect();
            let told =
                || format!("{id} is there {} times in {}", found.len(), tasks.map_or_else(String::new, Tree::text));
            let is_gone = task.removed.is_some_and(|author| self.is_certain(author));
            let must_be = self.is_certain(task.made) && task.removed.is_none();
            let least = usize::from(must_be);
            let most = usize::from(!is_gone);
            ensure((least..=most).contains(&found.len()), "intent", told)?;
            for item in found {
                self.check_task(id, task, item)?;
            }
        }
        Ok(())
    }

    fn check_task(&self, id: &str, task: &Task, item: &Tree) -> Check {
        let pushed: Vec<_> = item.get("log").map_or(&[][..], Tree::items).iter().map(Tree::plain).collect();
        let certain = task.pushes.iter().filter(|(author, _)| self.is_certain(*author)).count();
        let in_order = pushed.iter().zip(&task.pushes).all(|(item, (_, made))| item == made);
        let holds = (certain..=task.pushes.len()).contains(&pushed.len()) && in_order;
        ensure(holds, "intent", || {
            format!("{id} has {pushed:?} of {:?}", task.pushes.iter().map(|(_, text)| text).collect::<Vec<_>>())
        })?;

        let field = item.get("field").map_or("", Tree::plain);
        let certain = task.fields.iter().rposition(|(author, _)| self.is_certain(*author));
        let stored = task.fields.iter().rposition(|(_, text)| text == field);
        ensure(stored >= certain && (stored.is_some() || field.is_empty()), "intent", || {
            format!("{id} has {field:?} of {:?}", task.fields.iter().map(|(_, text)| text).collect::<Vec<_>>())
        })
    }
}
