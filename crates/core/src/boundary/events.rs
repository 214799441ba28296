//! The encoder of events.

use super::unsafe_numbers::mark_from;
use crate::byte_len::ByteLen;
use crate::codec::{encode_mutation, encode_path, mutation_kind};
use crate::document::quoted;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{Revision, TtlRequestId, WriterId};
use crate::mutation::{Json, Mutation};
use crate::protocol::{Lifetime, WritersList};
use crate::replica::{Change, ResultValue};
use crate::session::Event;
use crate::writer_label::WriterName;

/// The length of a text that takes up no further event. Events that belong together may need several texts, since the strings
/// of JavaScript have a greatest length.
const FULL_LEN: usize = 16 << 20;

/// The greatest length of a string in V8, in UTF-16 code units; a text has at most that many as it has bytes.
const MAX_STRING_LEN: usize = 0x1fff_ffe8;

/// Encodes events as texts, nearly always one: `=`, or `~` where numbers are [marked](super#marks), and then a JSON array
/// with one element for each event:
///
/// | element | event |
/// | --- | --- |
/// | `["load",name,revision,bytes,value,…writer]` | the attribute has this value |
/// | `["patch",name,revision,bytes,[mutation,…],…writer]` | the attribute's value changed by these [mutations](crate::codec) |
/// | `["gone",name,…writer]` | the attribute is absent |
/// | `["unreadable",name,code,message]` | the attribute's stored bytes are not a document |
/// | `["ack",name,revision,bytes,n,attempts]` | a commit, which ends with mutation `n`, was acknowledged |
/// | `["settled",n]` | every mutation up to number `n` is settled |
/// | `["rejected",name,code,message,n]` | the attribute's mutations from number `n` on are rolled back |
/// | `["conflict",name,kind,path,message]` | a mutation of this kind was dropped |
/// | `["moot",name,kind,path,message]` | a removal of this kind met what was gone already |
/// | `["resync",name,bytes]` | the document, which was known, was read again |
/// | `["regression",name,revision,revision]` | the revision went back from the first to the second |
/// | `["connect"]` | the backend can be reached, and all is up to date |
/// | `["disconnect",code,message]` | the backend cannot be reached |
/// | `["ready"]` | the initial load is complete |
/// | `["refreshed",id]` | a refresh is complete |
/// | `["replicated",id,count]` | this number of replicas has what was committed |
/// | `["replicated",id,0,code,message]` | the number of replicas is unknown |
/// | `["lifetime",id,ms]` | the attribute expires in `ms` milliseconds; `true`: it does not; `false`: it is absent |
/// | `["lifetime",id,false,code,message]` | the time to live is unknown |
/// | `["writers",id,[[id,label,host,open,age],…]]` | the writers that have the memory open, with milliseconds; `label` may be null |
/// | `["writers",id,null,code,message]` | they are unknown |
/// | `["history",id,json]` | the entries of a history, or an array of an earlier value |
/// | `["history",id,null,code,message]` | they are unknown |
/// | `["result",n,[value]]` | the result of mutation `n`: the sum of an increment, the element that was taken |
/// | `["result",n,[]]` | mutation `n` found no element to take |
/// | `["result",n,null]` | mutation `n` was applied, and its result is unknown |
/// | `["result",n,null,code,message]` | mutation `n`, which has a result, was not applied |
/// | `["committed",id]` | a group was acknowledged |
/// | `["aborted",id,code,message]` | a group was given up |
/// | `["released"]` | the backend has answered the release of the dedup keys, or will not answer it |
/// | `["warning",code,message]` | the server is set up in a way that weakens what is promised |
/// | `["error",null,code,message]` | something else failed |
///
/// A revision is a string of decimal digits, `null` where there is no document; `bytes` is the length of the optimistic
/// document. `…writer` is the id of the writer that made the change and its label, or only the id, or nothing. See [`Event`] for
/// the rest.
#[derive(Debug)]
pub struct EventWriter {
    /// The complete texts before `text`.
    full: Vec<String>,
    /// The length at which a text takes up no further event.
    full_len: usize,
    /// The length above which an event with a value is replaced.
    max_event_len: usize,
    /// `=` and the array without its closing bracket; empty where there are no events.
    text: String,
    has_marks: bool,
}

/// The longest time in a list of writers, in milliseconds: about a century.
const MAX_LISTED_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// The room for the text of one or two short events, so that the text need not grow in steps.
const INITIAL_CAPACITY: usize = 256;

impl Default for EventWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl EventWriter {
    /// A writer without events.
    pub fn new() -> Self {
        Self::with_limits(FULL_LEN, MAX_STRING_LEN - FULL_LEN - INITIAL_CAPACITY)
    }

    fn with_limits(full_len: usize, max_event_len: usize) -> Self {
        Self { full: Vec::new(), full_len, max_event_len, text: String::new(), has_marks: false }
    }

    /// The texts of the events in order; none where there are no events.
    pub fn finish(mut self) -> Vec<String> {
        self.complete_text();
        self.full
    }

    fn complete_text(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.has_marks) {
            text.replace_range(..1, "~");
        }
        text.push(']');
        self.full.push(text);
    }

    /// Add an event. One that is too long for a string says that its attribute is unreadable.
    pub fn write(&mut self, event: &Event) {
        if let Event::Changed { name, change: Change::Loaded(value), .. } = event
            && value.0.len() > self.max_event_len
        {
            return self.write_too_long(name, value.0.len());
        }
        let start = self.text.len();
        self.write_any(event);
        if let Event::Changed { name, .. } = event
            && self.text.len() - start > self.max_event_len
        {
            let len = self.text.len() - start;
            self.text.truncate(start);
            self.write_too_long(name, len);
        }
        if self.text.len() >= self.full_len {
            self.complete_text();
        }
    }

    fn write_too_long(&mut self, name: &str, len: usize) {
        let message = format!(
            "its change has {len} bytes of text, more than a string of JavaScript can have; assign the attribute, or split it \
             over several"
        );
        let change = Change::Unreadable(SyncError::new(ErrorCode::TooLarge, message));
        let name = name.to_owned();
        self.write_any(&Event::Changed { name, change, revision: None, len: ByteLen(0), writer: None });
    }

    fn write_any(&mut self, event: &Event) {
        if self.text.is_empty() {
            self.text.reserve(INITIAL_CAPACITY);
            self.text.push_str("=[");
        } else {
            self.text.push(',');
        }
        match event {
            Event::Changed { name, change, revision, len, writer } => {
                self.write_change(name, change, *revision, *len);
                self.push_writer(writer.as_ref());
            }
            Event::Acknowledged { name, revision, len, last, attempts } => {
                self.start_named("ack", name);
                self.push_revision(*revision);
                self.push_number(len.0 as u64);
                self.push_number(last.0);
                self.push_number(u64::from(*attempts));
            }
            Event::Settled(number) => self.start_numbered("settled", number.0),
            Event::Rejected { name, error, first } => {
                self.start_named("rejected", name);
                self.push_error(error);
                self.push_number(first.0);
            }
            Event::Conflict { name, mutation, error } => {
                self.write_dropped("conflict", name, mutation, &error.message);
            }
            Event::Moot { name, removal, message } => self.write_dropped("moot", name, removal, message),
            Event::Regressed { name, from, to } => {
                self.start_named("regression", name);
                self.push_revision(Some(*from));
                self.push_revision(Some(*to));
            }
            Event::Resynced { name, len } => {
                self.start_named("resync", name);
                self.push_number(len.0 as u64);
            }
            Event::Connected => self.start("connect"),
            Event::Disconnected(error) => {
                self.start("disconnect");
                self.push_error(error);
            }
            Event::Ready => self.start("ready"),
            Event::Released => self.start("released"),
            Event::Refreshed(id) => self.start_numbered("refreshed", id.0),
            Event::Replicated { id, count } => {
                self.start_numbered("replicated", id.0);
                match count {
                    Ok(count) => self.push_number(u64::from(*count)),
                    Err(error) => {
                        self.push_number(0);
                        self.push_error(error);
                    }
                }
            }
            Event::GroupCommitted(id) => self.start_numbered("committed", id.0),
            Event::GroupAborted { id, error } => {
                self.start_numbered("aborted", id.0);
                self.push_error(error);
            }
            Event::Lifetime { id, lifetime } => {
                self.start_numbered("lifetime", id.0);
                self.push_lifetime(lifetime.as_ref());
            }
            Event::Writers { id, writers } => {
                self.start_numbered("writers", id.0);
                self.push_writers(writers.as_ref());
            }
            Event::History { id, result } => self.write_history(*id, result),
            Event::Completed { number, result } => {
                self.start_numbered("result", number.0);
                match result {
                    Ok(ResultValue::Value(value)) => self.push_value(&format!("[{}]", value.0)),
                    Ok(ResultValue::Nothing) => self.push_json("[]"),
                    Ok(ResultValue::Unknown) => self.push_json("null"),
                    Err(error) => {
                        self.push_json("null");
                        self.push_error(error);
                    }
                }
            }
            Event::Warning(error) => {
                self.start("warning");
                self.push_error(error);
            }
            Event::Failed(error) => {
                self.start("error");
                self.push_json("null");
                self.push_error(error);
            }
        }
        self.text.push(']');
    }

    fn write_dropped(&mut self, tag: &str, name: &str, mutation: &Mutation, message: &str) {
        self.start_named(tag, name);
        self.push_string(mutation_kind(mutation));
        self.text.push(',');
        let start = self.text.len();
        encode_path(mutation.path(), &mut self.text);
        self.mark_from(start);
        self.push_string(message);
    }

    fn write_change(&mut self, name: &str, change: &Change, revision: Option<Revision>, len: ByteLen) {
        match change {
            Change::Loaded(value) => {
                self.start_named("load", name);
                self.push_revision(revision);
                self.push_number(len.0 as u64);
                self.push_value(&value.0);
            }
            Change::Patched(mutations) => {
                self.start_named("patch", name);
                self.push_revision(revision);
                self.push_number(len.0 as u64);
                self.text.push_str(",[");
                let start = self.text.len();
                for (i, mutation) in mutations.iter().enumerate() {
                    if i > 0 {
                        self.text.push(',');
                    }
                    encode_mutation(name, mutation, &mut self.text);
                }
                self.mark_from(start);
                self.text.push(']');
            }
            Change::Gone => self.start_named("gone", name),
            Change::Unreadable(error) => {
                self.start_named("unreadable", name);
                self.push_error(error);
            }
        }
    }

    /// Start the array of an event with its first element.
    fn start(&mut self, tag: &str) {
        self.text.push_str("[\"");
        self.text.push_str(tag);
        self.text.push('"');
    }

    fn start_named(&mut self, tag: &str, name: &str) {
        self.start(tag);
        self.push_string(name);
    }

    fn start_numbered(&mut self, tag: &str, number: u64) {
        self.start(tag);
        self.push_number(number);
    }

    fn push_number(&mut self, number: u64) {
        self.push_json(&number.to_string());
    }

    fn write_history(&mut self, id: TtlRequestId, result: &Result<Json, SyncError>) {
        self.start_numbered("history", id.0);
        match result {
            Ok(json) => self.push_value(&json.0),
            Err(error) => {
                self.push_json("null");
                self.push_error(error);
            }
        }
    }

    /// Add the id of a writer, and its label if it has one.
    fn push_writer(&mut self, writer: Option<&WriterId>) {
        let Some(name) = writer.and_then(WriterName::read) else { return };
        self.push_string(name.id);
        if let Some(label) = name.label {
            self.push_string(&label);
        }
    }

    fn push_lifetime(&mut self, lifetime: Result<&Lifetime, &SyncError>) {
        match lifetime {
            Ok(Lifetime::Absent) => self.push_json("false"),
            Ok(Lifetime::Endless) => self.push_json("true"),
            Ok(Lifetime::Remaining(ms)) => self.push_number(*ms),
            Err(error) => {
                self.push_json("false");
                self.push_error(error);
            }
        }
    }

    fn push_writers(&mut self, writers: Result<&WritersList, &SyncError>) {
        let list = match writers {
            Ok(list) => &list.0,
            Err(error) => {
                self.push_json("null");
                return self.push_error(error);
            }
        };
        let entries = list.iter().filter_map(|entry| {
            let WriterName { id, label } = WriterName::read(&entry.writer)?;
            let label = label.map_or_else(|| "null".to_owned(), |label| quoted(&label));
            let [open_ms, age_ms] = [entry.open_ms, entry.age_ms].map(|ms| ms.min(MAX_LISTED_MS));
            Some(format!("[{},{label},{},{open_ms},{age_ms}]", quoted(id), quoted(&entry.host)))
        });
        let json = format!("[{}]", entries.collect::<Vec<_>>().join(","));
        self.push_value(&json);
    }

    fn push_revision(&mut self, revision: Option<Revision>) {
        match revision {
            Some(revision) => self.push_json(&format!("\"{revision}\"")),
            None => self.push_json("null"),
        }
    }

    fn push_error(&mut self, error: &SyncError) {
        self.push_string(error.code.as_str());
        self.push_string(&error.message);
    }

    fn push_string(&mut self, text: &str) {
        self.push_value(&quoted(text));
    }

    /// Add an element behind another, with marks where it needs them.
    fn push_value(&mut self, json: &str) {
        self.push_json(json);
        self.mark_from(self.text.len() - json.len());
    }

    /// Add an element behind another that needs no marks.
    fn push_json(&mut self, json: &str) {
        self.text.push(',');
        self.text.push_str(json);
    }

    /// Mark the unsafe numbers from an offset of the text on.
    fn mark_from(&mut self, start: usize) {
        self.has_marks |= mark_from(&mut self.text, start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{GroupId, MutationNumber, ReplicationId, TtlRequestId, WritersRequestId};
    use crate::mutation::{Json, Step};
    use crate::protocol::ListedWriter;
    use crate::writer_label::labelled_writer;

    fn encode(events: &[Event]) -> String {
        let mut writer = EventWriter::new();
        for event in events {
            writer.write(event);
        }
        writer.finish().concat()
    }

    #[test]
    fn events_are_elements_of_one_array() {
        let error = || SyncError::new(ErrorCode::Refused, "no \"permission\"");
        let changed = |change| Event::Changed {
            name: "a".into(),
            change,
            revision: Some(Revision(7)),
            len: ByteLen(3),
            writer: Some(labelled_writer("ab-_1", Some("billing 3"))),
        };
        let path = vec![Step::Key("k\\n".into()), Step::Index(0)];
        let unset = Mutation::Unset { path, key: "é".into() };
        let events = [
            changed(Change::Loaded(Json("[1]".into()))),
            changed(Change::Patched(vec![unset.clone(), Mutation::Delete])),
            changed(Change::Gone),
            Event::Acknowledged {
                name: "a".into(),
                revision: None,
                len: ByteLen(0),
                last: MutationNumber(9),
                attempts: 2,
            },
            Event::Settled(MutationNumber(5)),
            Event::Rejected { name: "a".into(), error: error(), first: MutationNumber(4) },
            Event::Conflict { name: "a".into(), mutation: unset.clone(), error: error() },
            Event::Moot { name: "a".into(), removal: unset, message: "gone".into() },
            Event::Resynced { name: "a".into(), len: ByteLen(30) },
            Event::Connected,
            Event::Replicated { id: ReplicationId(1), count: Ok(2) },
            Event::Replicated { id: ReplicationId(1), count: Err(error()) },
            Event::GroupCommitted(GroupId(3)),
            Event::Lifetime { id: TtlRequestId(8), lifetime: Ok(Lifetime::Remaining(50)) },
            Event::Lifetime { id: TtlRequestId(8), lifetime: Ok(Lifetime::Endless) },
            Event::Completed { number: MutationNumber(6), result: Ok(ResultValue::Value(Json("\"é\"".into()))) },
            Event::Completed { number: MutationNumber(6), result: Ok(ResultValue::Nothing) },
            Event::Completed { number: MutationNumber(6), result: Ok(ResultValue::Unknown) },
            Event::Completed { number: MutationNumber(6), result: Err(error()) },
            Event::Writers {
                id: WritersRequestId(2),
                writers: Ok(WritersList(vec![ListedWriter {
                    writer: labelled_writer("ab", Some("c")),
                    host: "h".into(),
                    open_ms: u64::MAX,
                    age_ms: 7,
                }])),
            },
            Event::Writers { id: WritersRequestId(2), writers: Err(error()) },
            Event::Failed(error()),
        ];
        let expected = [
            r#"["load","a","7",3,[1],"ab-_1","billing 3"]"#,
            r#"["patch","a","7",3,[["unset","a",["k\n",0],"é"],["delete","a"]],"ab-_1","billing 3"]"#,
            r#"["gone","a","ab-_1","billing 3"]"#,
            r#"["ack","a",null,0,9,2]"#,
            r#"["settled",5]"#,
            r#"["rejected","a","ERR_REFUSED","no \"permission\"",4]"#,
            r#"["conflict","a","unset",["k\n",0],"no \"permission\""]"#,
            r#"["moot","a","unset",["k\n",0],"gone"]"#,
            r#"["resync","a",30]"#,
            r#"["connect"]"#,
            r#"["replicated",1,2]"#,
            r#"["replicated",1,0,"ERR_REFUSED","no \"permission\""]"#,
            r#"["committed",3]"#,
            r#"["lifetime",8,50]"#,
            r#"["lifetime",8,true]"#,
            r#"["result",6,["é"]]"#,
            r#"["result",6,[]]"#,
            r#"["result",6,null]"#,
            r#"["result",6,null,"ERR_REFUSED","no \"permission\""]"#,
            r#"["writers",2,[["ab","c","h",3162240000000,7]]]"#,
            r#"["writers",2,null,"ERR_REFUSED","no \"permission\""]"#,
            r#"["error",null,"ERR_REFUSED","no \"permission\""]"#,
        ];
        assert_eq!(encode(&events), format!("=[{}]", expected.join(",")));
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn events_that_are_too_long_for_one_string_are_several_texts() {
        let loaded = |text: String| Event::Changed {
            name: "a".into(),
            change: Change::Loaded(Json(text.into())),
            revision: Some(Revision(7)),
            len: ByteLen(3),
            writer: None,
        };
        let mut writer = EventWriter::with_limits(100, 200);
        for event in
            [Event::Connected, loaded("1".repeat(90)), loaded("2".repeat(250)), Event::Settled(MutationNumber(1))]
        {
            writer.write(&event);
        }
        let [first, second] = writer.finish().try_into().unwrap();
        assert!(
            first.starts_with(r#"~[["connect"],["load","a","7",3,"\u0000n111"#) && first.ends_with("]]"),
            "{first}"
        );
        let expected = r#"=[["unreadable","a","ERR_TOO_LARGE","its change has 250 bytes"#;
        assert!(second.starts_with(expected) && second.ends_with(r#"],["settled",1]]"#), "{second}");
    }

    #[test]
    fn a_text_with_marks_says_so() {
        let loaded = Event::Changed {
            name: "a".into(),
            change: Change::Loaded(Json("[NaN]".into())),
            revision: Some(Revision(u64::MAX)),
            len: ByteLen(5),
            writer: None,
        };
        assert_eq!(encode(&[loaded]), r#"~[["load","a","18446744073709551615",5,["\u0000nNaN"]]]"#);
    }
}
