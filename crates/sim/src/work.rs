//! What clients do to attributes.

use crate::failure::{Check, fail};
use crate::ledger::{Author, Task};
use crate::scenario::Action;
use crate::tree::Tree;
use crate::workload::{any, json, list};
use crate::world::{World, note};
use synced_memory_core::document::Node;
use synced_memory_core::mutation::{JsonList, Mutation, Step};
use synced_memory_core::session::GroupOf;

const GROUPS: [&str; 2] = ["g0", "g1"];

impl World {
    /// Some mutations of one kind; what is not sent at once goes with what comes next.
    pub(crate) fn work(&mut self, i: usize, action: Action) -> Check {
        for _ in 0..*self.random.pick(&[1, 1, 1, 2, 6]) {
            match action {
                Action::Log => self.log(i)?,
                Action::Key => self.key(i)?,
                Action::Register => self.register(i)?,
                Action::Task => self.task(i)?,
                Action::Add => self.add(i)?,
                Action::Transfer => self.transfer(i)?,
                Action::Batch => self.batch(i)?,
                _ => self.change(i)?,
            }
            if !self.random.one_in(3) {
                self.drain(i)?;
            }
        }
        // Hosts drain in the end, but not after each mutation.
        self.drain(i)
    }

    fn change(&mut self, i: usize) -> Check {
        let name = *self.random.pick(&["data0", "data1"]);
        let mutation = any(self.clients[i].session.value(name), &mut self.random);
        let is_whole = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        // What cannot be read can only be replaced.
        if !is_whole && self.clients[i].session.check(name, &mutation).is_err() {
            return self.mutate(i, name, &Mutation::Assign { value: json("[]") }).map(drop);
        }
        self.mutate(i, name, &mutation).map(drop)
    }

    fn log(&mut self, i: usize) -> Check {
        let name = *self.random.pick(&["log0", "log1"]);
        let (empty, path) = if name == "log0" { ("[]", Vec::new()) } else { (r#"{"items":[]}"#, vec![key("items")]) };
        self.create(i, name, empty)?;
        let life = self.clients[i].life;
        let number = self.ledger.lives[life].made + 1;
        let items: Vec<_> =
            ["", "b"][..=self.random.below(2)].iter().map(|part| format!("w{life}n{number}{part}")).collect();
        let author = self.mutate(
            i,
            name,
            &Mutation::Append { path, values: list(&items.iter().map(quoted).collect::<Vec<_>>()) },
        )?;
        let log = self.ledger.logs.entry(name.to_owned()).or_default();
        log.extend(items.into_iter().map(|item| (author, item)));
        Ok(())
    }

    fn key(&mut self, i: usize) -> Check {
        self.create(i, "keys", r#"{"g0":{},"g1":{}}"#)?;
        let group = *self.random.pick(&GROUPS);
        let path = vec![key(group)];
        let there: Vec<String> = self.clients[i]
            .mirror
            .get("keys")
            .and_then(|keys| keys.get(group))
            .map_or_else(Vec::new, |keys| keys.entries().iter().map(|(key, _)| key.clone()).collect());
        if !there.is_empty() && self.random.one_in(2) {
            let key = self.random.pick(&there).clone();
            let author = self.mutate(i, "keys", &Mutation::Unset { path, key: key.as_str().into() })?;
            self.ledger.key_unset(&key, author);
        } else {
            let life = self.clients[i].life;
            let key = format!("w{life}n{}", self.ledger.lives[life].made + 1);
            let value = json(&self.random.below(100_000).to_string());
            let author = self.mutate(i, "keys", &Mutation::Set { path, key: key.as_str().into(), value })?;
            self.ledger.key_set(key, author);
        }
        Ok(())
    }

    fn register(&mut self, i: usize) -> Check {
        self.create(i, "regs", "{}")?;
        let life = self.clients[i].life;
        // Numbers of mutations count up.
        let count = self.ledger.lives[life].made + 1;
        let (path, own) = (Vec::new(), format!("w{life}"));
        let set = Mutation::Set { path, key: own.as_str().into(), value: json(&count.to_string()) };
        let author = self.mutate(i, "regs", &set)?;
        self.ledger.registers.push((author, count));
        Ok(())
    }

    fn add(&mut self, i: usize) -> Check {
        self.create(i, "sums", "{}")?;
        let increment = Mutation::Increment { path: vec![key("all")], by: json("1") };
        let author = self.mutate(i, "sums", &increment)?;
        self.ledger.additions.push(author);
        Ok(())
    }

    fn transfer(&mut self, i: usize) -> Check {
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
                // Right only on what it sees.
                let now = self.clients[i].mirror.get(name).and_then(|account| account.get("n")).map(Tree::plain);
                let now: i64 = now.and_then(|now| now.parse().ok()).unwrap_or_default();
                Mutation::Set { path: Vec::new(), key: "n".into(), value: json(&(now + amount).to_string()) }
            } else {
                Mutation::Increment { path: vec![key("n")], by: json(&amount.to_string()) }
            };
            mutations.push((name.to_owned(), mutation));
        }
        let reads = if self.random.one_in(4) { vec!["regs".to_owned()] } else { Vec::new() };
        let reads = if strict { reads } else { Vec::new() };
        self.together(i, mutations, strict, reads)
    }

    /// Whatever fits, of one attribute or two.
    fn batch(&mut self, i: usize) -> Check {
        let mut mutations = Vec::new();
        for name in &["data0", "data1"][self.random.below(2)..] {
            let session = &self.clients[i].session;
            let mutation = match session.value(name) {
                Some(Node::List(_)) if self.random.one_in(2) => {
                    Mutation::Append { path: Vec::new(), values: list(&[self.random.below(1_000).to_string()]) }
                }
                value => any(value, &mut self.random),
            };
            let fits = session.check(name, &mutation).is_ok();
            let mutation = if fits { mutation } else { Mutation::Assign { value: json("[]") } };
            mutations.push(((*name).to_owned(), mutation));
        }
        let strict = self.random.one_in(2);
        let reads = if strict && self.random.one_in(2) { vec!["log0".to_owned()] } else { Vec::new() };
        self.together(i, mutations, strict, reads)
    }

    fn together(&mut self, i: usize, mutations: Vec<(String, Mutation)>, strict: bool, reads: Vec<String>) -> Check {
        let now = self.clients[i].now(self.passed_ns);
        let client = &mut self.clients[i];
        let life = &mut self.ledger.lives[client.life];
        note!(self, "w{} does {mutations:?} together, strict: {strict}, relying on {reads:?}", client.life);
        let group = GroupOf { id: life.made + 1, strict, reads, mutations: mutations.clone() };
        if let Err(error) = client.session.mutate_group(group, now) {
            return fail("mutate", format!("{mutations:?}: {error}"));
        }
        for (name, mutation) in mutations {
            let mut value = client.mirror.remove(&name);
            if let Err(why) = Tree::mutate(&mut value, &mutation) {
                return fail("mirror", format!("{mutation:?} of {name}: {why}"));
            }
            client.mirror.extend(value.map(|value| (name.clone(), value)));
            life.made += 1;
            life.last_of.insert(name, life.made);
        }
        Ok(())
    }

    fn task(&mut self, i: usize) -> Check {
        let name = crate::INTENT_ATTRIBUTE;
        self.create(i, name, "[]")?;
        let life = self.clients[i].life;
        let next = self.ledger.lives[life].made + 1;
        let items = self.clients[i].mirror.get(name).map_or(&[][..], Tree::items);
        let prefix = format!("w{life}n");
        let own: Vec<(usize, String)> = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| Some((index, item.get("id")?.plain().to_owned())))
            .filter(|(_, id)| id.starts_with(&prefix))
            .collect();
        let len = items.len();
        if own.is_empty() || self.random.one_in(3) {
            let id = format!("w{life}n{next}");
            let values = list(&[format!(r#"{{"id":"{id}","log":[]}}"#)]);
            let index = self.random.below(len + 1);
            let mutation = if self.random.one_in(2) {
                Mutation::Append { path: Vec::new(), values }
            } else {
                Mutation::Splice { path: Vec::new(), index, remove: 0, values }
            };
            let made = self.mutate(i, name, &mutation)?;
            self.ledger.tasks.insert(id, Task { made, removed: None, fields: Vec::new(), pushes: Vec::new() });
            return Ok(());
        }
        let (index, id) = self.random.pick(&own).clone();
        let text = format!("{id}:{next}");
        let what = self.random.below(5);
        let mutation = match what {
            0 => Mutation::Splice { path: Vec::new(), index, remove: 1, values: JsonList::default() },
            1 | 2 => Mutation::Set { path: vec![Step::Index(index)], key: "field".into(), value: json(&quoted(&text)) },
            _ => Mutation::Append { path: vec![Step::Index(index), key("log")], values: list(&[quoted(&text)]) },
        };
        if self.clients[i].session.check(name, &mutation).is_err() {
            // An item that a mutation with a wrong index has spoilt.
            return Ok(());
        }
        let author = self.mutate(i, name, &mutation)?;
        if let Some(task) = self.ledger.tasks.get_mut(&id) {
            match what {
                0 => task.removed = Some(author),
                1 | 2 => task.fields.push((author, text)),
                _ => task.pushes.push((author, text)),
            }
        }
        Ok(())
    }

    /// Give an attribute a first value if this client knows of none.
    fn create(&mut self, i: usize, name: &'static str, value: &str) -> Check {
        if self.clients[i].session.value(name).is_none() {
            self.mutate(i, name, &Mutation::Create { value: json(value) })?;
        }
        Ok(())
    }

    fn mutate(&mut self, i: usize, name: &str, mutation: &Mutation) -> Check<Author> {
        let client = &mut self.clients[i];
        note!(self, "w{} does {name} {mutation:?}", client.life);
        if let Err(error) = client.session.mutate(name, mutation.clone()) {
            return fail("mutate", format!("{mutation:?} of {name}: {error}"));
        }
        let mut value = client.mirror.remove(name);
        if let Err(why) = Tree::mutate(&mut value, mutation) {
            return fail("mirror", format!("{mutation:?} of {name}: {why}"));
        }
        client.mirror.extend(value.map(|value| (name.to_owned(), value)));
        let life = &mut self.ledger.lives[client.life];
        life.made += 1;
        life.last_of.insert(name.to_owned(), life.made);
        Ok(Author { life: client.life, number: life.made })
    }
}

fn key(name: &str) -> Step {
    Step::Key(name.into())
}

fn quoted(text: impl AsRef<str>) -> String {
    format!("\"{}\"", text.as_ref())
}
