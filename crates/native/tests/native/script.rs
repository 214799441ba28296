//! The scripts on a server keep the contract of every backend, and announce commits like it.

#[path = "../../../core/tests/backend/exchange.rs"]
mod exchange;
#[path = "../../../core/tests/backend/vectors.rs"]
mod vectors;

use crate::server::RedisServer;
use redis::{Connection, PubSub, Value};
use std::sync::Arc;
use synced_memory_core::backend::{self, MemoryStore};
use synced_memory_core::byte_len::{ByteLen, ByteOffset};
use synced_memory_core::document::{Guard, Stored};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::protocol::{
    Announcement, Answer, Command, Commit, CommitForm, CommitOutcome, ContentionTerms, DEDUP_KEY_SECONDS, Delta, Group,
    MAX_STALE_TEXT, ReservationRequest, RespCommand, RespReply, Secret, channel, encode_delta_message,
};
use synced_memory_core::splice::{Piece, Plan, Write};

#[test]
fn the_scripts_keep_the_contract_in_both_forms() {
    let server = RedisServer::start();
    let client = redis::Client::open(server.url()).unwrap();
    let mut subscriber = client.get_connection().unwrap();
    let mut messages = subscriber.as_pubsub();
    messages.subscribe(channel("memory:")).unwrap();
    let mut backend =
        ServerBackend { connection: client.get_connection().unwrap(), messages, form: CommitForm::Standard };
    for form in CommitForm::ALL {
        backend.form = form;
        for vector in vectors::vectors() {
            redis::cmd("FLUSHALL").exec(&mut backend.connection).unwrap();
            vector.replay(&mut backend);
        }
    }
}

struct ServerBackend<'a> {
    connection: Connection,
    messages: PubSub<'a>,
    form: CommitForm,
}

impl vectors::Backend for ServerBackend<'_> {
    fn store(&mut self, key: &str, text: &str) {
        redis::cmd("SET").arg(key).arg(text).exec(&mut self.connection).unwrap();
    }

    fn store_other_type(&mut self, key: &str) {
        redis::cmd("HSET").arg(key).arg("field").arg("value").exec(&mut self.connection).unwrap();
    }

    fn execute(&mut self, command: &Command) -> Answer {
        execute(&mut self.connection, command, self.form)
    }

    fn take_deltas(&mut self) -> Vec<Delta> {
        const LAST: &str = "everything before has been delivered";
        redis::cmd("PUBLISH").arg(channel("memory:")).arg(LAST).exec(&mut self.connection).unwrap();
        let mut deltas = Vec::new();
        loop {
            let message: String = self.messages.get_message().unwrap().get_payload().unwrap();
            if message == LAST {
                return deltas;
            }
            deltas.extend(exchange::deltas_of(message.as_bytes()));
        }
    }
}

#[test]
fn the_scripts_publish_the_messages_of_the_encoder() {
    let server = RedisServer::start();
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let mut subscriber = client.get_connection().unwrap();
    let mut subscription = subscriber.as_pubsub();
    subscription.subscribe(channel("memory:")).unwrap();
    let mut store = MemoryStore::new();
    for command in announced_commands() {
        let Ok(execution) = backend::execute(&mut store, &command, 0);
        assert_eq!(execute(&mut connection, &command, CommitForm::Standard), execution.answer);
        assert!(!execution.deltas.is_empty(), "{command:?}");
        let message: String = subscription.get_message().unwrap().get_payload().unwrap();
        assert_eq!(message, encode_delta_message(&execution.deltas, Some(&secret())));
    }
}

#[test]
fn the_answer_to_a_stale_commit_says_the_length_and_the_end_of_a_long_text() {
    let server = RedisServer::start();
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut store = MemoryStore::new();
    let commit = |sequence, guard, text: String| Commit {
        key: "memory:a".into(),
        writer: WriterId("writer".into()),
        sequence: Sequence(sequence),
        after: None,
        needs_dedup_key: false,
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        guard,
        plan: Plan::Set(text),
        revision: Revision(sequence),
        ttl_ms: None,
        names_key: None,
        max_entries: None,
        terms: ContentionTerms::default(),
        announcement: None,
    };
    let long = "x".repeat(MAX_STALE_TEXT.0);
    let stale = |sequence| commit(sequence, Guard::Absent, String::new());
    let stale_group = |sequence| Group {
        commits: vec![Arc::new(stale(sequence))],
        checks: vec![("memory:a".to_owned(), Guard::Absent)],
        names: None,
        is_announced: false,
        writer: stale(sequence).writer,
        reservation: ReservationRequest::None,
        mark_key: None,
    };
    let guard = Guard::Text { len: MAX_STALE_TEXT, at: ByteOffset(0), tail: b"x".to_vec() };
    let commands = [
        Command::Commit(commit(1, Guard::Absent, long.clone()).into(), None),
        Command::Commit(stale(2).into(), None),
        Command::Commit(commit(3, guard, long + "y").into(), None),
        Command::Commit(stale(4).into(), None),
        Command::Group(stale_group(5).into(), None),
    ];
    let answers = commands.map(|command| {
        let Ok(execution) = backend::execute(&mut store, &command, 0);
        assert_eq!(execute(&mut connection, &command, CommitForm::Standard), execution.answer);
        execution.answer
    });
    let text_of = |answer: &Answer| match answer {
        Answer::Committed(CommitOutcome::Stale { stored: Some(stored), .. }) => Some(stored.clone()),
        _ => None,
    };
    assert!(matches!(text_of(&answers[1]), Some(Stored::Text(text)) if text.len() == MAX_STALE_TEXT.0));
    assert!(matches!(text_of(&answers[3]), Some(Stored::TooLong { len, .. }) if len > MAX_STALE_TEXT));
}

fn secret() -> Secret {
    Secret::new("the secret of memory:")
}

/// A commit of one writer, which makes a revision that ends with its sequence.
pub(crate) fn commit(key: &str, sequence: u64, guard: Guard, plan: Plan) -> Commit {
    Commit {
        key: key.into(),
        writer: WriterId("writer".into()),
        sequence: Sequence(sequence),
        after: None,
        needs_dedup_key: false,
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        guard,
        plan,
        revision: Revision(1_763_000_000_000_000_000 + sequence),
        ttl_ms: None,
        names_key: None,
        max_entries: None,
        terms: ContentionTerms::default(),
        announcement: Some(Announcement { base: Revision(sequence), mutations: r#"[["x","",["ü"],"🙂"]]"#.into() }),
    }
}

/// The guard for a stored text whose value is a list.
pub(crate) fn guard_of(text: &str) -> Guard {
    let tail = text.split_once(']').map_or("", |(_, tail)| tail);
    Guard::Text { len: ByteLen::of(text), at: ByteOffset(text.len() - tail.len()), tail: tail.into() }
}

/// Commits of every plan, among them an append to a list that is not the expected one, and a group.
fn announced_commands() -> Vec<Command> {
    let text = r#"{"value":[1],"last_modified":1763000000000000001}"#;
    let write = Write { at: ByteOffset(10), pieces: vec![Piece::Text("7".into())] };
    let appended = text.replace("[1]", "[7,2]");
    let both = [("memory:ünï", Plan::Set("ü".into())), ("memory:{b} c", Plan::Delete)];
    let both = both.map(|(key, plan)| Arc::new(commit(key, 5, Guard::Absent, plan)));
    let commits = [
        commit("memory:a", 1, Guard::Absent, Plan::Set(text.into())),
        commit("memory:a", 2, guard_of(text), Plan::Edit(vec![write])),
        commit("memory:a", 3, guard_of(text), Plan::Append("2".into())),
        commit("memory:a", 4, guard_of(&appended), Plan::Append("3".into())),
    ];
    let mut commands: Vec<_> =
        commits.into_iter().map(|commit| Command::Commit(commit.into(), Some(secret()))).collect();
    let group = Group {
        writer: both[0].writer.clone(),
        commits: both.into(),
        checks: Vec::new(),
        names: None,
        is_announced: true,
        reservation: ReservationRequest::None,
        mark_key: None,
    };
    commands.push(Command::Group(group.into(), Some(secret())));
    commands
}

fn execute(connection: &mut Connection, command: &Command, form: CommitForm) -> Answer {
    execute_by(command, form, |command| send(connection, command))
}

/// Executes a command by RESP commands, which `send` takes to the server one by one.
pub(crate) fn execute_by(command: &Command, form: CommitForm, send: impl FnMut(&RespCommand) -> RespReply) -> Answer {
    exchange::execute(command, form, send)
}

pub(crate) fn send(connection: &mut Connection, args: &RespCommand) -> RespReply {
    match redis::Cmd::new().arg(args).query(connection) {
        Ok(value) => reply(value),
        Err(error) => RespReply::Error(format!("{} {}", error.code().unwrap_or("ERR"), error.detail().unwrap_or(""))),
    }
}

fn reply(value: Value) -> RespReply {
    match value {
        Value::Int(number) => RespReply::Int(number),
        Value::BulkString(bytes) => RespReply::Text(bytes),
        Value::SimpleString(text) => RespReply::Text(text.into_bytes()),
        Value::Array(items) => RespReply::List(items.into_iter().map(reply).collect()),
        Value::Nil => RespReply::Nil,
        other => panic!("a reply of an unexpected kind: {other:?}"),
    }
}
