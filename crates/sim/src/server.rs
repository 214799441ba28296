//! The server: the in-process store of the core, with faults, checks and the history of its documents.

use crate::PREFIX;
use crate::client::{Revisions, commits};
use crate::failure::{Check, ensure, fail};
use crate::model_value::ModelValue;
use std::collections::{BTreeMap, BTreeSet};
use synced_memory_core::backend::{self, Execution, MemoryStore, Store};
use synced_memory_core::document::{self, Content, Layout, Node, Stored};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::protocol::{Answer, Command, Commit, CommitOutcome, EvictionPolicy, GroupOutcome};
use synced_memory_core::splice::Plan;

#[derive(Clone, Default)]
struct Data {
    store: MemoryStore,
    /// The last applied sequence by key and writer: the dedup keys of `store`, in a form that can be iterated.
    sequences: BTreeMap<(String, String), Sequence>,
}

#[derive(Default)]
pub(crate) struct Server {
    data: Data,
    snapshot: Option<Data>,
    /// True if no data is lost in this run.
    keeps_data: bool,
    /// Attributes of which a dedup key is gone before a session expects that.
    without_keys: BTreeSet<String>,
    /// The policy that it reports.
    eviction_policy: Option<EvictionPolicy>,
    /// Number of commands that will be answered as busy.
    pub(crate) busy: usize,
    /// True if the next commit to an attribute without a model is refused.
    pub(crate) refuses: bool,
    /// Attributes whose revisions may have restarted: deleted, lost, or written by a foreign writer.
    disturbed: BTreeSet<String>,
    /// Every document that was ever stored, by attribute and revision. If a clock is behind, a revision may occur again
    /// after a deletion or a loss.
    versions: BTreeMap<(String, u64), Vec<ModelValue>>,
    /// Attributes that a foreign writer wrote last.
    foreign: BTreeSet<String>,
}

impl Server {
    pub(crate) fn new(keeps_data: bool, eviction_policy: Option<EvictionPolicy>) -> Self {
        Self { keeps_data, eviction_policy, ..Self::default() }
    }

    /// Executes a command at a time in milliseconds, and checks what it stored.
    pub(crate) fn execute(&mut self, command: &Command, now_ms: u64) -> Check<Execution> {
        if self.busy > 0 {
            self.busy -= 1;
            return Ok(without_deltas(Answer::Busy(SyncError::new(ErrorCode::Unreachable, "LOADING"))));
        }
        if let Command::Secret { candidate, .. } = command {
            return Ok(without_deltas(Answer::Secret(Some(candidate.clone()))));
        }
        if let Command::Commit(commit, _) = command
            && self.refuses
            && name_of(&commit.key).starts_with("data")
        {
            self.refuses = false;
            return Ok(without_deltas(Answer::Refused(SyncError::new(ErrorCode::Refused, "NOPERM"))));
        }
        if let Command::EvictionPolicy { .. } = command {
            return Ok(without_deltas(Answer::EvictionPolicy(self.eviction_policy)));
        }
        let before: Vec<Content> = commits(command).map(|commit| self.content(name_of(&commit.key))).collect();
        let Ok(execution) = backend::execute(&mut self.data.store, command, now_ms);
        for (commit, before) in commits(command).zip(before) {
            let revision = match execution.answer {
                Answer::Committed(CommitOutcome::Applied) | Answer::Grouped(GroupOutcome::Applied) => commit.revision,
                Answer::Committed(CommitOutcome::Appended { revision }) => revision,
                _ => break,
            };
            let name = name_of(&commit.key).to_owned();
            let writer = (commit.key.clone(), commit.writer.0.to_string());
            self.data.sequences.insert(writer, commit.sequence);
            self.record_version(&name);
            self.check_applied(&name, &before, commit, revision)?;
        }
        if self.keeps_data && matches!(execution.answer, Answer::Grouped(GroupOutcome::Applied)) {
            self.check_accounts()?;
        }
        Ok(execution)
    }

    /// Checks that the balances of all accounts add up to zero.
    pub(crate) fn check_accounts(&mut self) -> Check {
        let held = crate::ACCOUNTS.map(|name| match self.content(name) {
            Content::Document { value, .. } => {
                ModelValue::of(&value).get("n").and_then(|n| n.plain().parse::<i64>().ok()).unwrap_or_default()
            }
            _ => 0,
        });
        ensure(held.iter().sum::<i64>() == 0, "transfer", || format!("the accounts hold {held:?}"))
    }

    /// Checks that the stored text is a full print of the value, at a higher revision than before.
    fn check_applied(&mut self, name: &str, before: &Content, commit: &Commit, expected: Revision) -> Check {
        self.foreign.remove(name);
        if commit.plan == Plan::Delete {
            self.disturbed.insert(name.to_owned());
            return ensure(self.text(name).is_none(), "stored", || format!("{name} was deleted and is still stored"));
        }
        let Content::Document { value, revision, layout } = self.content(name) else {
            return fail("stored", format!("{commit:?} left {:?} in {name}", self.text(name)));
        };
        let text = self.text(name).unwrap_or_default();
        let print = format!("{{\"value\":{},\"last_modified\":{revision}}}", value.to_text());
        let slack = text.strip_prefix(&print);
        let is_canonical =
            matches!(layout, Layout::Canonical { .. }) && slack.is_some_and(|s| s.bytes().all(|b| b == b' '));
        ensure(is_canonical, "stored", || format!("{name} is {text:?}, printed {print:?}"))?;
        ensure(revision == expected, "revision", || format!("{name} has {revision} after {commit:?}"))?;
        let Content::Document { value: old, revision: before, .. } = before else { return Ok(()) };
        ensure(revision > *before, "revision", || format!("{name} went from {before} to {revision}"))?;
        if !self.keeps_data || !name.starts_with("log") {
            return Ok(());
        }
        let (old, new) = (ModelValue::of(old), ModelValue::of(&value));
        ensure(new.log_items().starts_with(old.log_items()), "grows", || {
            format!("{name} was {}, and is {}", old.text(), new.text())
        })
    }

    pub(crate) fn content(&mut self, name: &str) -> Content {
        document::read(&self.text(name).map_or(Stored::Absent, |text| Stored::Text(text.into_bytes())))
    }

    /// The text stored under an attribute's key.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let key = format!("{PREFIX}{name}");
        let Ok(len) = self.data.store.len(&key);
        let Ok(bytes) = self.data.store.read(&key, 0..len?);
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The revisions of all documents.
    pub(crate) fn revisions(&mut self) -> Revisions {
        let mut revisions = Revisions::new();
        for name in crate::ATTRIBUTES {
            if let Content::Document { revision, .. } = self.content(name) {
                revisions.insert(name, revision.0);
            }
        }
        revisions
    }

    /// True if a document was ever stored at this revision.
    pub(crate) fn had_revision(&self, name: &str, revision: u64) -> bool {
        self.versions.contains_key(&(name.to_owned(), revision))
    }

    /// True if the revision may have gone backwards.
    pub(crate) fn is_disturbed(&self, name: &str) -> bool {
        self.disturbed.contains(name)
    }

    /// True if a session may find that its dedup key is gone.
    pub(crate) fn has_lost_keys(&self, name: &str) -> bool {
        self.without_keys.contains(name) || self.is_disturbed(name)
    }

    /// True if this value was ever stored at this revision.
    pub(crate) fn had(&self, name: &str, revision: u64, value: &Node) -> bool {
        let stored = self.versions.get(&(name.to_owned(), revision));
        stored.is_some_and(|values| values.iter().any(|stored| stored.is(value)))
    }

    fn record_version(&mut self, name: &str) {
        if let Content::Document { value, revision, .. } = self.content(name) {
            self.versions.entry((name.to_owned(), revision.0)).or_default().push(ModelValue::of(&value));
        }
    }

    pub(crate) fn last_sequence(&mut self, key: &str, writer: &str) -> Option<Sequence> {
        let Ok(last) = self.data.store.last_sequence(key, &WriterId(writer.into()));
        last
    }

    /// Stores a text as a foreign writer does; None deletes the key.
    pub(crate) fn put(&mut self, name: &str, text: Option<&str>) {
        let key = format!("{PREFIX}{name}");
        self.disturbed.insert(name.to_owned());
        self.foreign.insert(name.to_owned());
        let Ok(()) = match text {
            Some(text) => self.data.store.replace(&key, text.as_bytes()),
            None => self.data.store.remove(&key),
        };
        self.record_version(name);
    }

    /// The keys and writers of all dedup keys.
    pub(crate) fn writers(&self) -> Vec<(String, String)> {
        self.data.sequences.keys().cloned().collect()
    }

    /// Deletes the dedup keys that `which` selects.
    pub(crate) fn expire(&mut self, which: impl Fn(&str, &str) -> bool) {
        let gone = self.data.sequences.keys().filter(|(key, writer)| which(key, writer));
        self.without_keys.extend(gone.map(|(key, _)| name_of(key).to_owned()));
        self.data.sequences.retain(|(key, writer), _| !which(key, writer));
        self.data.store.retain_sequences(|key, writer| !which(key, &writer.0));
    }

    pub(crate) fn save(&mut self) {
        self.snapshot = Some(self.data.clone());
    }

    /// Restores the last snapshot. Returns false if there is none.
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
        // A snapshot may contain the text of a foreign writer.
        self.foreign.extend(crate::ATTRIBUTES.map(str::to_owned));
    }
}

fn without_deltas(answer: Answer) -> Execution {
    Execution { answer, deltas: Vec::new() }
}

/// The attribute name of a key.
pub(crate) fn name_of(key: &str) -> &str {
    key.strip_prefix(PREFIX).unwrap_or(key)
}
