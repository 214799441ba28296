//! Events as JSON text.

use super::tagged;
use crate::command::Lifetime;
use crate::document::quoted;
use crate::error::SyncError;
use crate::ids::Revision;
use crate::mutation::{JsonList, Mutation, Step};
use crate::replica::Change;
use crate::session::Event;

/// Writes events into one text: `=` or, where numbers are tagged, `~`; then a JSON array of
/// `["load",name,revision,bytes,value]` `["patch",name,revision,bytes,[mutations]]` `["gone",name]`
/// `["unreadable",name,code,message]` `["ack",name,revision,bytes]` `["settled",n]`
/// `["rejected",name,code,message,n]` `["conflict",name,kind,path,message]` `["regression",name,from,to]` `["connect"]`
/// `["disconnect",code,message]` `["ready"]` `["refreshed",ticket]` `["replicated",n,count]` or
/// `["replicated",n,0,code,message]` `["lifetime",n,left]` (milliseconds, true for ever, false where there is no such
/// attribute) or `["lifetime",n,false,code,message]` `["incremented",n,value]` (null where nobody knows what it was added to) or
/// `["incremented",n,null,code,message]` `["error",null,code,message]`.
/// Revisions are strings of decimal digits, null where there is no document.
#[derive(Debug, Default)]
pub struct EventWriter {
    text: String,
    tagged: bool,
    /// For readers that need no tags.
    plain: bool,
}

/// Mutations of one attribute as a batch that leaves out its name.
pub fn encode_batch<'a>(mutations: impl Iterator<Item = &'a Mutation>) -> String {
    let mut writer = EventWriter { plain: true, ..EventWriter::default() };
    for mutation in mutations {
        writer.text.push_str(if writer.text.is_empty() { "[" } else { "," });
        writer.mutation("", mutation);
    }
    writer.text.push(']');
    writer.text
}

impl EventWriter {
    /// A writer without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text; empty where there were no events.
    pub fn finish(self) -> String {
        if self.text.is_empty() {
            return self.text;
        }
        [if self.tagged { "~" } else { "=" }, &self.text, "]"].concat()
    }

    /// Add an event.
    pub fn write(&mut self, event: &Event) {
        self.text.push_str(if self.text.is_empty() { "[" } else { "," });
        match event {
            Event::Changed { name, change, revision, bytes } => self.change(name, change, *revision, *bytes),
            Event::Acknowledged { name, revision, bytes } => {
                self.open("ack", name);
                self.revision(*revision);
                self.number(*bytes as u64);
            }
            Event::Settled(number) => self.about("settled", *number),
            Event::Rejected { name, error, first } => {
                self.open("rejected", name);
                self.error(error);
                self.number(*first);
            }
            Event::Conflict { name, mutation, error } => {
                self.open("conflict", name);
                self.text.push_str(",\"");
                self.text.push_str(kind(mutation));
                self.text.push_str("\",");
                self.path(mutation.path());
                self.text.push(',');
                self.string(&error.message);
            }
            Event::Regressed { name, from, to } => {
                self.open("regression", name);
                self.revision(Some(*from));
                self.revision(Some(*to));
            }
            Event::Connected => self.begin("connect"),
            Event::Disconnected(error) => {
                self.begin("disconnect");
                self.error(error);
            }
            Event::Ready => self.begin("ready"),
            Event::Refreshed(ticket) => self.about("refreshed", ticket.0),
            Event::Replicated { request, count } => {
                self.about("replicated", *request);
                match count {
                    Ok(count) => self.number(u64::from(*count)),
                    Err(error) => {
                        self.text.push_str(",0");
                        self.error(error);
                    }
                }
            }
            Event::GroupCommitted(id) => self.about("committed", *id),
            Event::GroupAborted { id, error } => {
                self.about("aborted", *id);
                self.error(error);
            }
            Event::Lifetime { request, lifetime } => {
                self.about("lifetime", *request);
                match lifetime {
                    Ok(Lifetime::Absent) => self.text.push_str(",false"),
                    Ok(Lifetime::Endless) => self.text.push_str(",true"),
                    Ok(Lifetime::Left(ms)) => self.number(*ms),
                    Err(error) => {
                        self.text.push_str(",false");
                        self.error(error);
                    }
                }
            }
            Event::Incremented { number, sum } => {
                self.about("incremented", *number);
                self.text.push(',');
                match sum {
                    Ok(sum) => self.json(sum.as_deref().unwrap_or("null")),
                    Err(error) => {
                        self.text.push_str("null");
                        self.error(error);
                    }
                }
            }
            Event::Failed(error) => {
                self.text.push_str("[\"error\",null");
                self.error(error);
            }
        }
        self.text.push(']');
    }

    fn change(&mut self, name: &str, change: &Change, revision: Option<Revision>, bytes: usize) {
        match change {
            Change::Loaded(value) => {
                self.open("load", name);
                self.revision(revision);
                self.number(bytes as u64);
                self.text.push(',');
                self.json(&value.0);
            }
            Change::Patched(mutations) => {
                self.open("patch", name);
                self.revision(revision);
                self.number(bytes as u64);
                self.text.push_str(",[");
                for (i, mutation) in mutations.iter().enumerate() {
                    self.text.push_str(if i == 0 { "" } else { "," });
                    self.mutation(name, mutation);
                }
                self.text.push(']');
            }
            Change::Gone => self.open("gone", name),
            Change::Unreadable(error) => {
                self.open("unreadable", name);
                self.error(error);
            }
        }
    }

    fn mutation(&mut self, name: &str, mutation: &Mutation) {
        self.open(kind(mutation), name);
        if !matches!(mutation, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete) {
            self.text.push(',');
            self.path(mutation.path());
        }
        match mutation {
            Mutation::Delete | Mutation::Clear { .. } => {}
            Mutation::Assign { value } | Mutation::Create { value } => {
                self.text.push(',');
                self.json(&value.0);
            }
            Mutation::Set { key, value, .. } => {
                self.text.push(',');
                self.key(key);
                self.text.push(',');
                self.json(&value.0);
            }
            Mutation::Unset { key, .. } => {
                self.text.push(',');
                self.key(key);
            }
            Mutation::Replace { index, value, .. } => {
                self.number(*index as u64);
                self.text.push(',');
                self.json(&value.0);
            }
            Mutation::Append { values, .. } => self.list(values),
            Mutation::Splice { index, remove, values, .. } => {
                self.number(*index as u64);
                self.number(*remove as u64);
                self.list(values);
            }
            Mutation::Permute { order, .. } => {
                self.text.push_str(",[");
                for (i, index) in order.iter().enumerate() {
                    self.text.push_str(if i == 0 { "" } else { "," });
                    self.text.push_str(&index.to_string());
                }
                self.text.push(']');
            }
            Mutation::Increment { by, .. } => {
                self.text.push(',');
                self.json(&by.0);
            }
        }
        self.text.push(']');
    }

    fn open(&mut self, kind: &str, name: &str) {
        self.begin(kind);
        self.text.push(',');
        self.string(name);
    }

    fn about(&mut self, kind: &str, number: u64) {
        self.begin(kind);
        self.number(number);
    }

    fn begin(&mut self, kind: &str) {
        self.text.push_str("[\"");
        self.text.push_str(kind);
        self.text.push('"');
    }

    fn number(&mut self, number: u64) {
        self.text.push(',');
        self.text.push_str(&number.to_string());
    }

    fn revision(&mut self, revision: Option<Revision>) {
        let revision =
            revision.map_or_else(|| "null".into(), |revision| ["\"", &revision.0.to_string(), "\""].concat());
        self.text.push(',');
        self.text.push_str(&revision);
    }

    fn error(&mut self, error: &SyncError) {
        self.text.push_str(",\"");
        self.text.push_str(error.code.as_str());
        self.text.push_str("\",");
        self.string(&error.message);
    }

    fn list(&mut self, values: &JsonList) {
        self.text.push_str(",[");
        self.json(&values.text);
        self.text.push(']');
    }

    fn path(&mut self, path: &[Step]) {
        self.text.push('[');
        for (i, step) in path.iter().enumerate() {
            self.text.push_str(if i == 0 { "" } else { "," });
            match step {
                Step::Key(key) => self.key(key),
                Step::Index(index) => self.text.push_str(&index.to_string()),
            }
        }
        self.text.push(']');
    }

    fn key(&mut self, key: &str) {
        self.json(&["\"", key, "\""].concat());
    }

    fn json(&mut self, text: &str) {
        if self.plain {
            self.text.push_str(text);
        } else {
            self.tagged |= tagged::push(text, &mut self.text);
        }
    }

    fn string(&mut self, text: &str) {
        self.json(&quoted(text));
    }
}

fn kind(mutation: &Mutation) -> &'static str {
    match mutation {
        Mutation::Assign { .. } => "assign",
        Mutation::Create { .. } => "create",
        Mutation::Delete => "delete",
        Mutation::Set { .. } => "set",
        Mutation::Unset { .. } => "unset",
        Mutation::Clear { .. } => "clear",
        Mutation::Replace { .. } => "replace",
        Mutation::Append { .. } => "append",
        Mutation::Splice { .. } => "splice",
        Mutation::Permute { .. } => "permute",
        Mutation::Increment { .. } => "increment",
    }
}
