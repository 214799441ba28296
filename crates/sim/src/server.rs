//! The server: the in-process store of the core, and what can happen to it.

use crate::PREFIX;
use crate::client::{Revisions, commits};
use crate::failure::{Check, ensure, fail};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use synced_memory_core::backend::{self, MemoryStore, Store};
use synced_memory_core::command::{Announcement, Answer, Command, Commit, GroupOutcome, Outcome};
use synced_memory_core::document::{self, Base, Content, Node, Stored};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::splice::Plan;

#[derive(Clone, Default)]
struct Data {
    store: MemoryStore,
    /// By key and writer, the last sequence that was applied: what `store` remembers, to go through.
    sequences: BTreeMap<(String, String), Sequence>,
}

#[derive(Default)]
pub(crate) struct Server {
    data: Data,
    snapshot: Option<Data>,
    /// No data is lost in this run.
    keeps_data: bool,
    /// So many commands are answered with "not now".
    pub(crate) busy: usize,
    /// The next commit of wild data is refused for good.
    pub(crate) refuses: bool,
    /// Attributes whose revisions may have begun anew: deleted, written by others, lost.
    disturbed: BTreeSet<String>,
    /// Every document that was ever stored, by attribute and revision. With a clock that is behind, a
    /// revision may come again after a deletion or a loss.
    history: BTreeMap<(String, u64), Vec<Tree>>,
    /// Attributes that a foreign writer wrote last.
    foreign: BTreeSet<String>,
}

impl Server {
    pub(crate) fn new(keeps_data: bool) -> Self {
        Self { keeps_data, ..Self::default() }
    }

    /// Gives the answer, and what others are told of it.
    pub(crate) fn execute(&mut self, command: &Command) -> Check<(Answer, Option<Vec<Announcement>>)> {
        if self.busy > 0 {
            self.busy -= 1;
            return Ok((Answer::Busy(SyncError::new(ErrorCode::Unavailable, "LOADING")), None));
        }
        if let Command::Commit(commit) = command
            && self.refuses
            && name_of(&commit.key).starts_with("data")
        {
            self.refuses = false;
            return Ok((Answer::Refused(SyncError::new(ErrorCode::Refused, "NOPERM")), None));
        }
        let before: Vec<Content> = commits(command).map(|commit| self.content(name_of(&commit.key))).collect();
        let Ok(answer) = backend::execute(&mut self.data.store, command, 0);
        let mut told = Vec::new();
        for (commit, before) in commits(command).zip(before) {
            let revision = match answer {
                Answer::Committed(Outcome::Applied) | Answer::Grouped(GroupOutcome::Applied) => commit.revision,
                Answer::Committed(Outcome::Appended { revision }) => revision,
                _ => break,
            };
            let name = name_of(&commit.key).to_owned();
            let writer = (commit.key.clone(), commit.writer.0.to_string());
            self.data.sequences.insert(writer, commit.sequence);
            self.remember(&name);
            self.check_applied(&name, &before, commit, revision)?;
            told.extend(self.announcement(&name, &before, commit, revision));
        }
        if self.keeps_data && matches!(answer, Answer::Grouped(GroupOutcome::Applied)) {
            self.check_accounts()?;
        }
        Ok((answer, Some(told).filter(|told| !told.is_empty())))
    }

    /// What one account has, the others lack.
    pub(crate) fn check_accounts(&mut self) -> Check {
        let held = crate::ACCOUNTS.map(|name| match self.content(name) {
            Content::Document { value, .. } => {
                Tree::of(&value).get("n").and_then(|n| n.plain().parse::<i64>().ok()).unwrap_or_default()
            }
            _ => 0,
        });
        ensure(held.iter().sum::<i64>() == 0, "transfer", || format!("the accounts hold {held:?}"))
    }

    fn announcement(
        &mut self,
        name: &str,
        before: &Content,
        commit: &Commit,
        revision: Revision,
    ) -> Option<Announcement> {
        let delta = commit.delta.as_ref()?;
        let base = match before {
            // What it was built on does not count where the server found it another place.
            Content::Document { revision: before, .. } if revision != commit.revision => *before,
            _ => delta.base,
        };
        Some(Announcement {
            key: commit.key.clone(),
            writer: commit.writer.clone(),
            base,
            revision: if commit.plan == Plan::Delete { Revision(0) } else { revision },
            len: self.text(name).map_or(0, |text| text.len()),
            mutations: delta.mutations.clone(),
        })
    }

    /// What a commit leaves must be what would be printed, at a higher revision.
    fn check_applied(&mut self, name: &str, before: &Content, commit: &Commit, expected: Revision) -> Check {
        self.foreign.remove(name);
        if commit.plan == Plan::Delete {
            self.disturbed.insert(name.to_owned());
            return ensure(self.text(name).is_none(), "stored", || format!("{name} is deleted and there"));
        }
        let Content::Document { value, revision, base } = self.content(name) else {
            return fail("stored", format!("{commit:?} left {:?} in {name}", self.text(name)));
        };
        let text = self.text(name).unwrap_or_default();
        let print = format!("{{\"value\":{},\"last_modified\":{revision}}}", value.to_text());
        let slack = text.strip_prefix(&print);
        let is_canonical =
            matches!(base, Base::Canonical { .. }) && slack.is_some_and(|s| s.bytes().all(|b| b == b' '));
        ensure(is_canonical, "stored", || format!("{name} is {text:?}, printed {print:?}"))?;
        ensure(revision == expected, "revision", || format!("{name} has {revision} after {commit:?}"))?;
        let Content::Document { value: old, revision: before, .. } = before else { return Ok(()) };
        ensure(revision > *before, "revision", || format!("{name} went from {before} to {revision}"))?;
        if !self.keeps_data || !name.starts_with("log") {
            return Ok(());
        }
        let (old, new) = (Tree::of(old), Tree::of(&value));
        ensure(new.log_items().starts_with(old.log_items()), "grows", || {
            format!("{name} was {}, and is {}", old.text(), new.text())
        })
    }

    pub(crate) fn content(&mut self, name: &str) -> Content {
        document::read(&self.text(name).map_or(Stored::Absent, |text| Stored::Text(text.into_bytes())))
    }

    /// What is stored under an attribute's key.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let key = format!("{PREFIX}{name}");
        let Ok(len) = self.data.store.len(&key);
        let Ok(bytes) = self.data.store.read(&key, 0..len?);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What is stored now.
    pub(crate) fn revisions(&mut self) -> Revisions {
        let mut revisions = Revisions::new();
        for name in crate::ATTRIBUTES {
            if let Content::Document { revision, .. } = self.content(name) {
                revisions.insert(name, revision.0);
            }
        }
        revisions
    }

    /// Was there ever something at this revision?
    pub(crate) fn had_revision(&self, name: &str, revision: u64) -> bool {
        self.history.contains_key(&(name.to_owned(), revision))
    }

    /// May the revision have gone back?
    pub(crate) fn is_disturbed(&self, name: &str) -> bool {
        self.disturbed.contains(name)
    }

    /// Was this ever stored at this revision?
    pub(crate) fn had(&self, name: &str, revision: u64, value: &Node) -> bool {
        let stored = self.history.get(&(name.to_owned(), revision));
        stored.is_some_and(|values| values.iter().any(|stored| stored.is(value)))
    }

    fn remember(&mut self, name: &str) {
        if let Content::Document { value, revision, .. } = self.content(name) {
            self.history.entry((name.to_owned(), revision.0)).or_default().push(Tree::of(&value));
        }
    }

    pub(crate) fn last_sequence(&mut self, key: &str, writer: &str) -> Option<Sequence> {
        let Ok(last) = self.data.store.last_sequence(key, &WriterId(writer.into()));
        last
    }

    /// What a foreign writer does; None deletes.
    pub(crate) fn put(&mut self, name: &str, text: Option<&str>) {
        let key = format!("{PREFIX}{name}");
        self.disturbed.insert(name.to_owned());
        self.foreign.insert(name.to_owned());
        let Ok(()) = match text {
            Some(text) => self.data.store.replace(&key, text.as_bytes()),
            None => self.data.store.remove(&key),
        };
        self.remember(name);
    }

    /// All keys and writers that have idempotency keys.
    pub(crate) fn writers(&self) -> Vec<(String, String)> {
        self.data.sequences.keys().cloned().collect()
    }

    /// Forget the idempotency keys that `which` names: the store without them.
    pub(crate) fn expire(&mut self, which: impl Fn(&str, &str) -> bool) {
        let mut store = MemoryStore::new();
        let Ok(keys) = self.data.store.keys("", "", usize::MAX);
        for key in keys {
            let Ok(len) = self.data.store.len(&key);
            let Ok(bytes) = self.data.store.read(&key, 0..len.unwrap_or(0));
            let Ok(()) = store.replace(&key, &bytes);
        }
        self.data.sequences.retain(|(key, writer), _| !which(key, writer));
        for ((key, writer), sequence) in &self.data.sequences {
            let Ok(()) = store.set_last_sequence(key, &WriterId(writer.as_str().into()), *sequence);
        }
        self.data.store = store;
    }

    pub(crate) fn save(&mut self) {
        self.snapshot = Some(self.data.clone());
    }

    /// Go back to the last snapshot. False where there is none.
    pub(crate) fn restore(&mut self) -> bool {
        let Some(data) = self.snapshot.clone() else { return false };
        self.data = data;
        self.disturb_all();
        true
    }

    pub(crate) fn lose_all(&mut self) {
        self.data = Data::default();
        self.disturb_all();
    }

    fn disturb_all(&mut self) {
        self.disturbed.extend(crate::ATTRIBUTES.map(str::to_owned));
        // A snapshot may be of a foreign writer's text.
        self.foreign.extend(crate::ATTRIBUTES.map(str::to_owned));
    }
}

/// The attribute of a key.
pub(crate) fn name_of(key: &str) -> &str {
    key.strip_prefix(PREFIX).unwrap_or(key)
}
