//! Work of the core for `npm run bench -- --quick`, which counts its instructions: `instructions WORK ELEMENTS CALLS` performs a
//! piece of work so many times on a document of so many elements. The counts of two numbers of calls differ by the calls alone.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use synced_memory_core::backend::{Execution, MemoryStore, Store, execute};
use synced_memory_core::boundary::{EventWriter, decode_batch};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::config::{Config, MAX_ABSENT_ATTRIBUTES, MAX_COMMIT_SIZE, TransportLifetime};
use synced_memory_core::document::add;
use synced_memory_core::ids::WriterId;
use synced_memory_core::protocol::{Answer, Command, CommitForm, CommitOutcome, DEDUP_KEY_SECONDS, PendingCommand};
use synced_memory_core::session::{Event, Input, Output, Session};
use synced_memory_core::time::{Instant, Now};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, elements, calls] = arguments.as_slice() else { return usage() };
    let (Ok(elements), Ok(calls)) = (elements.parse(), calls.parse()) else { return usage() };
    match work.as_str() {
        "push" => change(elements, calls, |call| format!(r#"[["append","doc",[],[{call}]]]"#)),
        "set" => change(elements, calls, |call| format!(r#"[["replace","doc",[],{},{}]]"#, elements / 2, call % 10)),
        "insert" => change(elements, calls, |call| format!(r#"[["splice","doc",[],{},0,[{call}]]]"#, elements / 2)),
        "load" => (0..calls).for_each(|_| load(elements)),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("instructions push|set|insert|load ELEMENTS CALLS");
    ExitCode::from(2)
}

/// Changes a list of numbers, one acknowledged mutation after another. The server is left out: every commit is applied.
fn change(elements: usize, calls: usize, batch: impl Fn(usize) -> String) {
    let numbers: Vec<String> = (0..elements).map(|number| (number % 10).to_string()).collect();
    let mut server = MemoryStore::default();
    store(&mut server, "memory:doc", &format!("[{}]", numbers.join(",")));
    let mut client = Client::new();
    client.open(&mut server);
    for call in 0..calls {
        client.submit(&batch(call));
        client.drain(|command| match command {
            Command::Commit(..) => Answer::Committed(CommitOutcome::Applied),
            command => answer(&mut server, command),
        });
    }
}

/// Opens a memory of so many attributes of 1 KB.
fn load(attributes: usize) {
    let mut server = MemoryStore::default();
    let text = "x".repeat(1_000);
    for index in 0..attributes {
        store(&mut server, &format!("memory:a{index}"), &format!(r#"{{"text":"{text}"}}"#));
    }
    Client::new().open(&mut server);
}

fn store(server: &mut MemoryStore, key: &str, value: &str) {
    let Ok(()) = server.replace(key, format!(r#"{{"value":{value},"last_modified":1}}"#).as_bytes());
}

fn answer(server: &mut MemoryStore, command: &Command) -> Answer {
    let Ok(Execution { answer, .. }) = execute(server, command, 0);
    answer
}

/// A session with what a host does for it, but without sockets.
struct Client {
    session: Session,
    now: Now,
}

impl Client {
    fn new() -> Self {
        let session = Session::new(Config {
            prefix: "memory:".into(),
            secret: None,
            names: None,
            writer: WriterId("w".into()),
            host: None,
            max_document_bytes: ByteLen(1 << 29),
            max_commit_size: MAX_COMMIT_SIZE,
            publishes_deltas: true,
            notes_names: true,
            poll_interval_ms: None,
            history: None,
            max_absent_attributes: MAX_ABSENT_ATTRIBUTES,
            dedup_key_seconds: DEDUP_KEY_SECONDS,
            transport_lifetime: TransportLifetime::Process,
            ttl_ms: None,
            seed: 7,
            add,
        });
        Self { session, now: Now { unix_ns: 1_763_000_000_000_000_000, monotonic: Instant(0) } }
    }

    fn open(&mut self, server: &mut MemoryStore) {
        self.session.handle(self.now, Input::Connected);
        self.drain(|command| answer(server, command));
    }

    fn submit(&mut self, batch: &str) {
        self.now.unix_ns += 1_000;
        for entry in decode_batch(batch).expect("a batch") {
            self.session.submit(entry, self.now).expect("no reserved name");
        }
    }

    /// Passes commands to the server and events to the boundary until there are none.
    fn drain(&mut self, mut answer: impl FnMut(&Command) -> Answer) {
        let mut events = EventWriter::new();
        loop {
            match self.session.poll_output(self.now) {
                Output::Command(id, command) => {
                    let answer = answer(&command);
                    std::hint::black_box(PendingCommand::new(command, CommitForm::Standard));
                    self.session.handle(self.now, Input::Answer(id, answer));
                }
                Output::Event(event) => {
                    assert!(!matches!(event, Event::Rejected { .. } | Event::Failed(_)), "{event:?}");
                    events.write(&event);
                }
                Output::Timeout(_) => break,
                Output::Journal(_) | Output::Reset => {}
            }
        }
        self.session.confirm_events();
        std::hint::black_box(events.finish());
    }
}
