//! The mutations that clients make.

use crate::failure::{Check, fail};
use crate::history::TaskRecord;
use crate::model_value::ModelValue;
use crate::random_mutation::{json, list, random_mutation};
use crate::scenario::Action;
use crate::session_record::MutationId;
use crate::simulation::{Simulation, trace};
use synced_memory_core::document::Node;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::GroupId;
use synced_memory_core::mutation::{JsonList, ListEnd, Mutation, Step};
use synced_memory_core::session::GroupMutations;

/// The failure of a mutation that a journal refuses, which is none of the simulation.
const REFUSED: &str = "refused";

const GROUPS: [&str; 2] = ["g0", "g1"];

impl Simulation {
    /// Makes some mutations of one kind. A mutation that is not drained at once joins the next commit.
    pub(crate) fn work(&mut self, i: usize, action: Action) -> Check {
        for _ in 0..*self.random.pick(&[1, 1, 1, 2, 6]) {
            self.make_if_not_refused(i, action)?;
            if !self.random.one_in(3) {
                self.drain(i)?;
            }
        }
        // Hosts drain after a batch, not after each mutation.
        self.drain(i)
    }

    /// Makes mutations of one kind, unless the journal of the client refuses them.
    pub(crate) fn make_if_not_refused(&mut self, i: usize, action: Action) -> Check {
        let made = match action {
            Action::Log => self.log(i),
            Action::Key => self.key(i),
            Action::Register => self.register(i),
            Action::Task => self.task(i),
            Action::Add => self.add(i),
            Action::Queue => self.queue(i),
            Action::Transfer => self.transfer(i),
            Action::Batch => self.batch(i),
            _ => self.change(i),
        };
        made.or_else(|failure| if failure.check == REFUSED { Ok(()) } else { Err(failure) })
    }

    fn change(&mut self, i: usize) -> Check {
        let name = *self.random.pick(&["data0", "data1"]);
        let mutation = random_mutation(self.clients[i].session.value(name), &mut self.random);
        let is_whole = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        // An unreadable attribute can only be replaced.
        if !is_whole && self.clients[i].session.check(name, &mutation).is_err() {
            return self.mutate(i, name, &Mutation::Assign { value: json("[]") }).map(drop);
        }
        self.mutate(i, name, &mutation).map(drop)
    }

    fn log(&mut self, i: usize) -> Check {
        let name = *self.random.pick(&["log0", "log1"]);
        let (empty, path) = if name == "log0" { ("[]", Vec::new()) } else { (r#"{"items":[]}"#, vec![key("items")]) };
        self.create(i, name, empty)?;
        let session_index = self.clients[i].session_index;
        let number = self.history.sessions[session_index].made + 1;
        let items: Vec<_> =
            ["", "b"][..=self.random.below(2)].iter().map(|part| format!("w{session_index}n{number}{part}")).collect();
        let mutation_id = self.mutate(
            i,
            name,
            &Mutation::Append { path, values: list(&items.iter().map(quoted).collect::<Vec<_>>()) },
        )?;
        let log = self.history.logs.entry(name.to_owned()).or_default();
        log.extend(items.into_iter().map(|item| (mutation_id, item)));
        Ok(())
    }

    fn key(&mut self, i: usize) -> Check {
        self.create(i, "keys", r#"{"g0":{},"g1":{}}"#)?;
        let group = *self.random.pick(&GROUPS);
        let path = vec![key(group)];
        let present: Vec<String> = self.clients[i]
            .mirror
            .get("keys")
            .and_then(|keys| keys.get(group))
            .map_or_else(Vec::new, |keys| keys.entries().iter().map(|(key, _)| key.clone()).collect());
        if !present.is_empty() && self.random.one_in(2) {
            let key = self.random.pick(&present).clone();
            let mutation_id = self.mutate(i, "keys", &Mutation::Unset { path, key: key.as_str().into() })?;
            self.history.record_key_unset(&key, mutation_id);
        } else {
            let session_index = self.clients[i].session_index;
            let key = format!("w{session_index}n{}", self.history.sessions[session_index].made + 1);
            let value = json(&self.random.below(100_000).to_string());
            let mutation_id = self.mutate(i, "keys", &Mutation::Set { path, key: key.as_str().into(), value })?;
            self.history.record_key_set(key, mutation_id);
        }
        Ok(())
    }

    fn register(&mut self, i: usize) -> Check {
        self.create(i, "regs", "{}")?;
        let session_index = self.clients[i].session_index;
        // Mutation numbers only grow.
        let count = self.history.sessions[session_index].made + 1;
        let (path, own) = (Vec::new(), format!("w{session_index}"));
        let set = Mutation::Set { path, key: own.as_str().into(), value: json(&count.to_string()) };
        let mutation_id = self.mutate(i, "regs", &set)?;
        self.history.registers.push((mutation_id, count));
        Ok(())
    }

    fn add(&mut self, i: usize) -> Check {
        self.create(i, "counters", "{}")?;
        let increment = Mutation::Increment { path: vec![key("all")], by: json("1") };
        let mutation_id = self.mutate(i, "counters", &increment)?;
        self.history.additions.push(mutation_id);
        Ok(())
    }

    fn queue(&mut self, i: usize) -> Check {
        self.create(i, "queue", "[]")?;
        let is_empty = self.clients[i].mirror.get("queue").is_none_or(|queue| queue.items().is_empty());
        let path = Vec::new();
        if is_empty || self.random.one_in(2) {
            let session_index = self.clients[i].session_index;
            let element = format!("w{session_index}n{}", self.history.sessions[session_index].made + 1);
            let append = Mutation::Append { path, values: list(&[quoted(&element)]) };
            let mutation_id = self.mutate(i, "queue", &append)?;
            self.history.queue.record_added(element, mutation_id);
        } else {
            let end = *self.random.pick(&[ListEnd::First, ListEnd::First, ListEnd::Last]);
            let mutation_id = self.mutate(i, "queue", &Mutation::Take { path, end })?;
            self.history.queue.record_take(mutation_id);
        }
        Ok(())
    }

    /// Assigns the twins. They are never deleted: a batch merges, and where another client has deleted one of them, nothing is left
    /// to do there.
    fn twins(&mut self, i: usize) -> Check {
        let record = &self.history.sessions[self.clients[i].session_index];
        let value = format!("{}.{}", self.clients[i].session_index, record.made);
        let mutation = Mutation::Assign { value: json(&quoted(&value)) };
        let mutations = crate::TWINS.map(|name| (name.to_owned(), mutation.clone()));
        let strict = self.random.one_in(4);
        self.mutate_group(i, mutations.into(), strict, Vec::new())
    }

    fn transfer(&mut self, i: usize) -> Check {
        if self.random.one_in(4) {
            return self.twins(i);
        }
        let mut pair = crate::ACCOUNTS;
        pair.rotate_left(self.random.below(crate::ACCOUNTS.len()));
        let pair = [pair[0], pair[1]];
        for name in pair {
            self.create(i, name, r#"{"n":0}"#)?;
        }
        let strict = self.random.one_in(2);
        let amount = i64::try_from(self.random.below(100)).unwrap_or_default();
        let mut mutations = Vec::new();
        for (name, amount) in pair.into_iter().zip([amount, -amount]) {
            let mutation = if strict {
                // Correct only if the balance is still the one read here.
                let now = self.clients[i].mirror.get(name).and_then(|account| account.get("n")).map(ModelValue::plain);
                let now: i64 = now.and_then(|now| now.parse().ok()).unwrap_or_default();
                Mutation::Set { path: Vec::new(), key: "n".into(), value: json(&(now + amount).to_string()) }
            } else {
                Mutation::Increment { path: vec![key("n")], by: json(&amount.to_string()) }
            };
            mutations.push((name.to_owned(), mutation));
        }
        let reads = if self.random.one_in(4) { vec!["regs".to_owned()] } else { Vec::new() };
        let reads = if strict { reads } else { Vec::new() };
        self.mutate_group(i, mutations, strict, reads)
    }

    /// Makes a group of mutations that fit, of one attribute or two.
    fn batch(&mut self, i: usize) -> Check {
        let mut mutations = Vec::new();
        for name in &["data0", "data1"][self.random.below(2)..] {
            let session = &self.clients[i].session;
            let mutation = match session.value(name) {
                Some(Node::List(_)) if self.random.one_in(2) => {
                    Mutation::Append { path: Vec::new(), values: list(&[self.random.below(1_000).to_string()]) }
                }
                value => random_mutation(value, &mut self.random),
            };
            let fits = session.check(name, &mutation).is_ok();
            let mutation = if fits { mutation } else { Mutation::Assign { value: json("[]") } };
            mutations.push(((*name).to_owned(), mutation));
        }
        let strict = self.random.one_in(2);
        let reads = if strict && self.random.one_in(2) { vec!["log0".to_owned()] } else { Vec::new() };
        self.mutate_group(i, mutations, strict, reads)
    }

    fn mutate_group(
        &mut self,
        i: usize,
        mutations: Vec<(String, Mutation)>,
        strict: bool,
        reads: Vec<String>,
    ) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        let client = &mut self.clients[i];
        let record = &mut self.history.sessions[client.session_index];
        trace!(self, "w{} makes the group {mutations:?}, strict: {strict}, reads: {reads:?}", client.session_index);
        let group = GroupMutations {
            id: GroupId(record.made + 1),
            strict,
            relies_on_names: false,
            reads,
            mutations: mutations.clone(),
        };
        if let Err(error) = client.session.mutate_group(group, now) {
            return fail(check_of(&error), format!("{mutations:?}: {error}"));
        }
        for (name, mutation) in mutations {
            let mut value = client.mirror.remove(&name);
            if let Err(why) = ModelValue::mutate(&mut value, &mutation) {
                return fail("mirror", format!("{mutation:?} of {name}: {why}"));
            }
            client.mirror.extend(value.map(|value| (name.clone(), value)));
            record.record_mutation(&name);
        }
        Ok(())
    }

    fn task(&mut self, i: usize) -> Check {
        let name = crate::INTENT_ATTRIBUTE;
        self.create(i, name, "[]")?;
        let session_index = self.clients[i].session_index;
        let next = self.history.sessions[session_index].made + 1;
        let items = self.clients[i].mirror.get(name).map_or(&[][..], ModelValue::items);
        let prefix = format!("w{session_index}n");
        let own: Vec<(usize, String)> = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((index, item.get("id")?.plain().to_owned())))
            .filter(|(_, id)| id.starts_with(&prefix))
            .collect();
        let len = items.len();
        if own.is_empty() || self.random.one_in(3) {
            let id = format!("w{session_index}n{next}");
            let values = list(&[format!(r#"{{"id":"{id}","log":[]}}"#)]);
            let index = self.random.below(len + 1);
            let mutation = if self.random.one_in(2) {
                Mutation::Append { path: Vec::new(), values }
            } else {
                Mutation::Splice { path: Vec::new(), index, remove: 0, values }
            };
            let made = self.mutate(i, name, &mutation)?;
            self.history.tasks.insert(id, TaskRecord { made, removed: None, fields: Vec::new(), pushes: Vec::new() });
            return Ok(());
        }
        let (index, id) = self.random.pick(&own).clone();
        let text = format!("{id}:{next}");
        let kind = self.random.below(5);
        let mutation = match kind {
            0 => Mutation::Splice { path: Vec::new(), index, remove: 1, values: JsonList::default() },
            1 | 2 => Mutation::Set { path: vec![Step::Index(index)], key: "field".into(), value: json(&quoted(&text)) },
            _ => Mutation::Append { path: vec![Step::Index(index), key("log")], values: list(&[quoted(&text)]) },
        };
        if self.clients[i].session.check(name, &mutation).is_err() {
            // A mutation with a wrong index has changed the item.
            return Ok(());
        }
        let mutation_id = self.mutate(i, name, &mutation)?;
        if let Some(task) = self.history.tasks.get_mut(&id) {
            match kind {
                0 => task.removed = Some(mutation_id),
                1 | 2 => task.fields.push((mutation_id, text)),
                _ => task.pushes.push((mutation_id, text)),
            }
        }
        Ok(())
    }

    /// Creates an attribute if this client does not have it.
    fn create(&mut self, i: usize, name: &'static str, value: &str) -> Check {
        if self.clients[i].session.value(name).is_none() {
            self.mutate(i, name, &Mutation::Create { value: json(value) })?;
        }
        Ok(())
    }

    fn mutate(&mut self, i: usize, name: &str, mutation: &Mutation) -> Check<MutationId> {
        let client = &mut self.clients[i];
        trace!(self, "w{} mutates {name}: {mutation:?}", client.session_index);
        if let Err(error) = client.session.mutate(name, mutation.clone()) {
            return fail(check_of(&error), format!("{mutation:?} of {name}: {error}"));
        }
        let mut value = client.mirror.remove(name);
        if let Err(why) = ModelValue::mutate(&mut value, mutation) {
            return fail("mirror", format!("{mutation:?} of {name}: {why}"));
        }
        client.mirror.extend(value.map(|value| (name.to_owned(), value)));
        let record = &mut self.history.sessions[client.session_index];
        record.record_mutation(name);
        Ok(MutationId { session_index: client.session_index, number: record.made })
    }
}

/// The check that a mutation fails with this error: only journals cannot hold the numbers that are not JSON.
fn check_of(error: &SyncError) -> &'static str {
    match error.code {
        ErrorCode::JournalFull | ErrorCode::NotSerializable => REFUSED,
        _ => "mutate",
    }
}

fn key(name: &str) -> Step {
    Step::Key(name.into())
}

fn quoted(text: impl AsRef<str>) -> String {
    format!("\"{}\"", text.as_ref())
}
