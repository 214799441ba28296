//! Delta messages of a stranger, who hears all messages and may publish: no forged value shows, nothing wrong is stored, and
//! the requests that they lead to are few.

use crate::support::{Client, stored, stored_value};
use proptest::prelude::*;
use std::sync::Arc;
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::document::Node;
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::protocol::{
    Answer, Command, Delta, DeltaDelivery, Invalidations, MAX_MESSAGE_BYTES, Secret, encode_delta_message,
};
use synced_memory_core::session::Input;

const FORGED: &str = r#"[["assign","","forged"]]"#;

/// A client that receives changes by delta messages, a writer, and the messages that the writer has sent.
struct Channel {
    server: MemoryStore,
    reader: Client,
    writer: Client,
    heard: Vec<Vec<u8>>,
}

impl Channel {
    fn new() -> Self {
        let mut channel = Self {
            server: MemoryStore::default(),
            reader: Client::verifying("reader"),
            writer: Client::verifying("writer"),
            heard: Vec::new(),
        };
        for client in [&mut channel.reader, &mut channel.writer] {
            client.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::None));
            client.connect();
            client.run(&mut channel.server);
        }
        channel.write(r#"[["assign","x",{"a":[1,2,3],"b":"é"}],["assign","log",[0]],["assign","gone",[1]]]"#);
        channel.write(r#"[["append","log",[],[1]]]"#);
        channel.write(r#"[["delete","gone"]]"#);
        channel
    }

    /// The writer mutates, and the reader receives the message of each commit.
    fn write(&mut self, batch: &str) {
        self.writer.mutate(batch);
        while let Some((id, command)) = self.writer.outgoing.pop_front() {
            let Ok(Execution { answer, deltas }) = execute(&mut self.server, &command, 0);
            self.writer.incoming.push_back((id, answer));
            if !deltas.is_empty() {
                let (Command::Commit(_, secret) | Command::Group(_, secret)) = command else { panic!() };
                let message = encode_delta_message(&deltas, secret.as_ref()).into_bytes();
                self.publish(&message);
                self.heard.push(message);
            }
            while self.writer.take_one() {}
        }
    }

    fn publish(&mut self, message: &[u8]) {
        let message: Arc<[u8]> = message.into();
        self.reader.handle(Input::Message { channel: "sm:memory:".into(), message });
    }

    /// The deltas of a commit that fits what is stored under a name, but never happened.
    fn delta(&mut self, name: &str) -> Delta {
        let base = self.reader.session.revision(name).unwrap_or(Revision(0));
        let revision = Revision(base.0 + 1);
        Delta {
            key: format!("memory:{name}"),
            writer: WriterId("stranger".into()),
            base,
            revision,
            len: ByteLen(format!("{{\"value\":\"forged\",\"last_modified\":{revision}}}").len()),
            mutations: FORGED.into(),
        }
    }

    /// The reader's values are those that are stored, and its next edits are stored as they were meant.
    fn check(&mut self, about: &str) {
        for name in ["x", "log"] {
            assert_eq!(self.reader.text(name), stored_value(&mut self.server, name), "{about}: {name}");
        }
        assert_eq!(self.reader.text("gone"), "-", "{about}");
    }

    /// Lets the reader's requests be answered, and counts them.
    fn settle(&mut self) -> usize {
        let mut requests = 0;
        while self.reader.serve_one(&mut self.server) || self.reader.take_one() {
            requests += 1;
        }
        requests / 2
    }

    fn wait(&mut self, ms: u64) {
        self.reader.monotonic = self.reader.monotonic.plus_ms(ms);
        self.reader.handle(Input::Tick);
    }
}

type Forge = fn(&mut Channel, usize) -> Vec<u8>;

const KINDS: [(&str, Forge); 10] = [
    ("an unsigned delta", |channel, _| encode_delta_message(&[channel.delta("x")], None).into_bytes()),
    ("a delta signed with a guess", |channel, n| {
        encode_delta_message(&[channel.delta("x")], Some(&Secret::new(&n.to_string()))).into_bytes()
    }),
    ("the revision and length of another layout", |channel, _| {
        // The same revision and length as the stored text, but `a` and `b` have other lengths.
        let delta = Delta { mutations: r#"[["assign","",{"a":[1,2],"b":"ééé"}]]"#.into(), ..channel.delta("x") };
        encode_delta_message(&[delta], None).into_bytes()
    }),
    ("a revision far ahead", |channel, _| {
        let delta = Delta { revision: Revision(u64::MAX - 1), ..channel.delta("x") };
        encode_delta_message(&[delta], None).into_bytes()
    }),
    ("a changed byte", |channel, n| {
        let mut message = channel.heard[n % channel.heard.len()].clone();
        let at = n * 7 % message.len();
        message[at] ^= 1 << (n % 7);
        message
    }),
    ("an old message", |channel, n| channel.heard[n % channel.heard.len()].clone()),
    ("another delta behind an old digest", |channel, n| {
        let old = channel.heard[n % channel.heard.len()].clone();
        let mut message = encode_delta_message(&[channel.delta("log")], None).into_bytes();
        message[4..44].copy_from_slice(&old[4..44]);
        message
    }),
    ("names that nobody has", |_, n| {
        let keys: Vec<String> = (0..1024).map(|k| format!("memory:forged{}", n * 1024 + k)).collect();
        let lengths: Vec<String> = keys.iter().map(|key| key.len().to_string()).collect();
        format!("sm1 {:040} 1024 {} {}", 0, lengths.join(" "), keys.concat()).into_bytes()
    }),
    ("a count beyond every limit", |_, n| format!("sm1 {:040} {} 8 memory:x", 0, u64::MAX - n as u64).into_bytes()),
    ("a message of more than a megabyte", |channel, _| {
        let mut message = encode_delta_message(&[channel.delta("x")], None).into_bytes();
        message.resize(MAX_MESSAGE_BYTES, b' ');
        message
    }),
];

#[test]
fn forged_messages_change_nothing_and_lead_to_few_requests() {
    for (about, forge) in KINDS {
        let count = if about.contains("megabyte") { 50 } else { 1_000 };
        let mut channel = Channel::new();
        channel.settle();
        let revision = channel.reader.session.revision("x");
        assert_ne!(revision, None);
        let mut requests = 0;
        for n in 0..count {
            let message = forge(&mut channel, n);
            channel.publish(&message);
            channel.check(about);
            channel.wait(1);
            requests += channel.settle();
        }
        assert!(requests <= 40, "{about}: {requests} requests in a second");
        assert_eq!(channel.reader.session.revision("x"), revision, "{about}");

        // Edits of the reader are stored as they were meant, and deltas of the writer are followed.
        channel.reader.mutate(r#"[["replace","x",["a"],1,"edit"],["append","log",[],["own"]]]"#);
        channel.settle();
        channel.writer.refresh(&mut channel.server);
        channel.write(r#"[["set","x",[],"c",null]]"#);
        channel.check(about);
        assert_eq!(stored_value(&mut channel.server, "x"), r#"{"a":[1,"edit",3],"b":"é","c":null}"#, "{about}");
        assert_eq!(stored_value(&mut channel.server, "log"), r#"[0,1,"own"]"#, "{about}");
        for name in ["x", "log"] {
            let text = stored(&mut channel.server, name);
            let canonical = format!("{{\"value\":{},\"last_modified\":", stored_value(&mut channel.server, name));
            assert!(text.starts_with(&canonical), "{about}: {text}");
            Node::parse(&text).unwrap();
        }
    }
}

#[test]
fn a_creation_that_was_deleted_before_the_session_began_is_not_replayed() {
    let mut channel = Channel::new();
    let creation =
        channel.heard.iter().find(|message| String::from_utf8_lossy(message).contains("memory:gone")).cloned();
    channel.reader = Client::verifying("later");
    channel.reader.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::None));
    channel.reader.unix_ns += 1_000_000_000;
    channel.reader.connect();
    channel.settle();
    for _ in 0..3 {
        channel.publish(creation.as_ref().unwrap());
        channel.check("a replay");
        channel.settle();
    }
    channel.check("a replay");
}

#[test]
fn messages_of_a_writer_without_the_secret_lead_to_reads() {
    let mut channel = Channel::new();
    let refused = |channel: &mut Channel| {
        let (id, command) = channel.writer.outgoing.pop_front().unwrap();
        assert!(matches!(command, Command::Secret { .. }), "{command:?}");
        channel.writer.handle(Input::Answer(id, Answer::Secret(None)));
    };
    channel.writer.disconnect();
    channel.writer.connect();
    refused(&mut channel);
    channel.writer.run(&mut channel.server);
    for n in 0..3 {
        channel.write(&format!(r#"[["append","log",[],["unsigned {n}"]],["assign","new{n}",{n}]]"#));
        // The reader finds the change, waits for a delta that it can verify, and reads; new names are listed.
        for _ in 0..10 {
            channel.settle();
            channel.wait(400);
        }
        channel.check("unsigned");
        assert_eq!(channel.reader.text(&format!("new{n}")), n.to_string());
    }
}

#[test]
fn a_secret_that_has_changed_is_read_again() {
    let mut channel = Channel::new();
    let other = Secret::new("the secret of a server that lost its data");
    let read_secret = |client: &mut Client| {
        let at = client.outgoing.iter().position(|(_, command)| matches!(command, Command::Secret { .. }));
        let (id, _) = client.outgoing.remove(at.expect("the secret is read"))?;
        client.handle(Input::Answer(id, Answer::Secret(Some(other.clone()))));
        Some(())
    };
    channel.writer.disconnect();
    channel.writer.connect();
    read_secret(&mut channel.writer);
    channel.writer.run(&mut channel.server);
    channel.wait(2_000);
    channel.settle();
    channel.write(r#"[["set","x",[],"c",1]]"#);
    read_secret(&mut channel.reader);
    for _ in 0..3 {
        channel.settle();
        channel.wait(400);
    }
    channel.check("after the first message");
    channel.settle();
    channel.write(r#"[["set","x",[],"c",2]]"#);
    assert_eq!(channel.reader.outgoing.len(), 0, "the delta is verified and applied");
    channel.check("after the second message");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_show_or_store_anything_wrong(
        messages in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), prop::collection::vec(any::<u8>(), 0..40)), 1..20),
    ) {
        let mut channel = Channel::new();
        channel.settle();
        for (which, changes, rest) in messages {
            let mut message = which.get(&channel.heard).clone();
            for (at, byte) in changes {
                let at = at.index(message.len());
                message[at] = byte;
            }
            message.extend(rest);
            channel.publish(&message);
            channel.check("arbitrary");
            channel.wait(5);
            channel.settle();
        }
        channel.reader.mutate(r#"[["append","log",[],["own"]]]"#);
        channel.settle();
        prop_assert_eq!(stored_value(&mut channel.server, "log"), r#"[0,1,"own"]"#);
    }
}
