//! The vectors as RESP commands and replies, in `tests/conformance/backend-encoded.json`: for backends that are reached by
//! such commands from other languages. The file also shows every change of what is sent.

use super::exchange;
use super::vectors::{self, Backend};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;
use synced_memory_core::backend::{InProcessServer, Notification};
use synced_memory_core::protocol::{Answer, Command, CommitForm, Delta, RespCommand, RespReply};

/// Setting it to 1 writes the file.
const WRITE: &str = "SYNCED_MEMORY_WRITE_VECTORS";

#[test]
fn the_encoded_vectors_are_those_of_the_encoder() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/backend-encoded.json");
    let encoded = encode_all();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &encoded).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == encoded,
        "commands or replies have changed: run this test with {WRITE}=1, and look at the difference"
    );
}

/// One line for each exchange.
fn encode_all() -> String {
    let mut text = String::from("[\n");
    for vector in vectors::vectors().iter().filter(|vector| vector.other_type.is_empty()) {
        let mut recorder = Recorder::default();
        vector.replay(&mut recorder);
        let separator = if text.len() > 2 { ",\n" } else { "" };
        writeln!(text, "{separator}{{ \"name\": {}, \"exchanges\": [", json!(vector.name)).unwrap();
        text.push_str(&recorder.exchanges.iter().map(Value::to_string).collect::<Vec<_>>().join(",\n"));
        text.push_str("\n] }");
    }
    text.push_str("\n]\n");
    text
}

/// A server that records what is sent to it, what it replies, and what it publishes.
#[derive(Default)]
struct Recorder {
    server: InProcessServer,
    exchanges: Vec<Value>,
}

impl Recorder {
    fn send(&mut self, command: &RespCommand, script: &str) -> RespReply {
        let reply = self.server.execute(command, 0);
        let is_retried = matches!(&reply, RespReply::Error(message) if message.starts_with("NOSCRIPT"));
        if !is_retried {
            self.exchanges.push(json!({ "command": command_json(command, script), "reply": reply_json(&reply) }));
        }
        reply
    }
}

impl Backend for Recorder {
    fn store(&mut self, key: &str, text: &str) {
        self.send(&["SET", key, text].map(|argument| argument.as_bytes().to_vec()).to_vec(), "");
    }

    fn execute(&mut self, command: &Command) -> Answer {
        let script = match command {
            Command::Group(..) => "group.lua",
            Command::Compare { .. } => "compare.lua",
            Command::History { .. } | Command::RecordChange { .. } => "history.lua",
            _ => "commit.lua",
        };
        exchange::execute(command, CommitForm::Standard, |command| self.send(command, script))
    }

    fn take_deltas(&mut self) -> Vec<Delta> {
        let notifications: Vec<_> = std::iter::from_fn(|| self.server.poll_notification()).collect();
        let mut deltas = Vec::new();
        for notification in notifications {
            let Notification::Message { channel, message } = notification else { continue };
            let text = String::from_utf8(message).unwrap();
            deltas.extend(exchange::deltas_of(text.as_bytes()));
            self.exchanges.push(json!({ "channel": channel, "message": text }));
        }
        deltas
    }
}

/// A script is named by its file: its text and its digest change with every word of it.
fn command_json(command: &RespCommand, script: &str) -> Value {
    let mut texts: Vec<&str> = command.iter().map(|argument| std::str::from_utf8(argument).unwrap()).collect();
    if texts[0].starts_with("EVAL") {
        texts[..2].copy_from_slice(&["EVALSHA", script]);
    }
    json!(texts)
}

fn reply_json(reply: &RespReply) -> Value {
    match reply {
        RespReply::Nil => Value::Null,
        RespReply::Int(number) => json!(number),
        RespReply::Text(bytes) => json!(std::str::from_utf8(bytes).unwrap()),
        RespReply::List(replies) => replies.iter().map(reply_json).collect(),
        RespReply::Error(message) => json!({ "message": message }),
    }
}
