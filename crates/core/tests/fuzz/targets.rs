//! The fuzz targets, which run on arbitrary bytes. `crates/core/fuzz` finds inputs; the tests here replay those that
//! failed.

use crate::support::oracle::{Choice, Oracle};
use crate::support::{Client, named_mutations, put, stored};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::document::{self, Content, Layout, Node, Stored};
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::protocol::{
    self, Answer, Command, CommitForm, Delta, PendingCommand, ReplyOutcome, RespReply, Secret,
};
use synced_memory_core::session::Input;

type Target = (&'static str, fn(&[u8]));

/// All targets, by name.
pub(crate) const TARGETS: [Target; 5] = [
    ("documents", documents),
    ("replies", replies),
    ("messages", messages),
    ("batches", batches),
    ("replicas", replicas),
];

/// Stored text. If it can be read, its printed form is canonical, and reads as the same document.
pub(crate) fn documents(bytes: &[u8]) {
    let Content::Document { value, revision, layout } = document::read(&Stored::Text(bytes.to_vec())) else { return };
    let text = value.to_text();
    assert_eq!(ByteLen::of(&text), value.text_len());
    let Layout::Canonical { value_len, .. } = layout else {
        let canonical = format!("{{\"value\":{text},\"last_modified\":{revision}}}");
        return documents(canonical.as_bytes());
    };
    assert_eq!(value_len, ByteLen::of(&text));
    assert!(bytes.starts_with(format!("{{\"value\":{text}").as_bytes()));
    assert_eq!(Node::parse(&text).unwrap(), value);
}

/// Replies of a server and deltas of other processes. The session ignores those that it cannot read, and goes on.
pub(crate) fn replies(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut server = MemoryStore::default();
    let mut client = Client::connected("a", &mut server);
    client.mutate(r#"[["assign","x",[1,{"k":2}]]]"#);
    client.run(&mut server);
    while !bytes.0.is_empty() {
        match bytes.next() % 4 {
            0 => client.mutate(r#"[["assign","y",3]]"#),
            1 => {
                client.session.refresh(None);
                client.drain();
            }
            2 => client.handle(random_delta(&client, &mut bytes)),
            _ => {}
        }
        if client.outgoing.is_empty() {
            client.mutate(r#"[["assign","x",[1,{"k":2}]]]"#);
        }
        let Some((id, command)) = client.outgoing.pop_front() else { continue };
        client.handle(Input::Answer(id, answer(command, &mut bytes)));
    }
    client.disconnect();
    client.connect();
    client.run(&mut server);
}

/// Messages of a hostile publisher. Whatever they are, they show nothing and do not change what is stored.
pub(crate) fn messages(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut server = MemoryStore::default();
    let mut client = Client::verifying("a");
    client.connect();
    client.run(&mut server);
    client.mutate(r#"[["assign","x",[1,{"k":2}]]]"#);
    client.run(&mut server);
    while !bytes.0.is_empty() {
        let delta = if let Input::Deltas(deltas) = random_delta(&client, &mut bytes) { deltas } else { Vec::new() };
        let message = match bytes.next() % 4 {
            0 => bytes.some().to_vec(),
            1 => protocol::encode_delta_message(&delta, Some(&Secret::new("a guess"))).into_bytes(),
            _ => protocol::encode_delta_message(&delta, None).into_bytes(),
        };
        client.handle(Input::Message { channel: "sm:memory:".into(), message: message.into() });
        assert_eq!(client.text("x"), r#"[1,{"k":2}]"#);
        if bytes.next().is_multiple_of(4) {
            client.monotonic = client.monotonic.plus_ms(bytes.next().into());
            client.handle(Input::Tick);
            client.run(&mut server);
        }
    }
    client.mutate(r#"[["append","x",[],[3]]]"#);
    client.run(&mut server);
    assert_eq!(client.text("x"), r#"[1,{"k":2},3]"#);
    assert!(stored(&mut server, "x").starts_with(r#"{"value":[1,{"k":2},3],"last_modified":"#));
}

/// A delta: an arbitrary message, or one that nearly fits the document.
fn random_delta(client: &Client, bytes: &mut Bytes<'_>) -> Input {
    const MUTATIONS: [&str; 5] = [
        r#"[["append","",[],[7]]]"#,
        r#"[["set","",[1],"k",null]]"#,
        r#"[["splice","",[],0,9,[]]]"#,
        r#"[["delete",""]]"#,
        r#"[["assign","",{"a":[]}]]"#,
    ];
    let message = bytes.some();
    if protocol::decode_unsigned_message(message).is_some() {
        return Input::Message { channel: "sm:memory:".into(), message: message.into() };
    }
    let base = client.session.revision("x").unwrap_or(Revision(0));
    let mutations = match bytes.next() {
        choice @ 0..=200 => MUTATIONS[usize::from(choice) % MUTATIONS.len()].to_owned(),
        _ => String::from_utf8_lossy(bytes.some()).into_owned(),
    };
    let delta = Delta {
        key: "memory:x".into(),
        writer: WriterId("b".into()),
        base: Revision(base.0.saturating_sub(u64::from(bytes.next() % 2))),
        revision: Revision((base.0 + u64::from(bytes.next())) * u64::from(!bytes.next().is_multiple_of(8))),
        len: ByteLen(bytes.next().into()),
        mutations,
    };
    Input::Deltas(vec![delta])
}

fn answer(command: Command, bytes: &mut Bytes<'_>) -> Answer {
    let (mut pending, mut commands) = PendingCommand::new(command, CommitForm::Standard);
    loop {
        let replies = commands.iter().map(|_| reply(bytes, 3)).collect();
        match pending.take_replies(replies, &mut false) {
            ReplyOutcome::Answered(answer) => return answer,
            ReplyOutcome::Resend(again, in_full) => (pending, commands) = (again, in_full),
        }
    }
}

fn reply(bytes: &mut Bytes<'_>, depth: usize) -> RespReply {
    const WORDS: [&str; 10] =
        ["applied", "duplicate", "appended", "stale", "text", "absent", "other", "1", "0", "1763000000000000001"];
    match bytes.next() % 8 {
        0 => RespReply::Nil,
        1 => RespReply::Int(i64::from(bytes.next()) - 100),
        2 => RespReply::Error(String::from_utf8_lossy(bytes.some()).into_owned()),
        3 => RespReply::Error("NOSCRIPT no matching script".into()),
        4 if depth > 0 => RespReply::List((0..bytes.next() % 5).map(|_| reply(bytes, depth - 1)).collect()),
        5 => RespReply::Text(br#"{"value":[1,2],"last_modified":1763000000000000005}  "#.to_vec()),
        6 => RespReply::Text(bytes.some().to_vec()),
        _ => RespReply::Text(WORDS[usize::from(bytes.next()) % WORDS.len()].into()),
    }
}

/// Batches from JavaScript. A batch is refused, or it is applied and the stored text is that of the document.
pub(crate) fn batches(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(batch) = named_mutations(text) else { return };
    let mut server = MemoryStore::default();
    let mut client = Client::connected("a", &mut server);
    client.mutate(r#"[["assign","x",[1,{"k":[2]},"é"]],["assign","y",{"a":{"b":[]},"c":null}]]"#);
    // The mutations before the first one that is refused are applied.
    let _ = client.try_mutate(text);
    client.run(&mut server);
    for (name, _) in batch {
        let Some(value) = client.session.value(&name) else { continue };
        assert_eq!(ByteLen::of(&value.to_text()), value.text_len());
        assert_eq!(Node::parse(&value.to_text()).unwrap(), *value, "{name}");
        let canonical = format!("{{\"value\":{},\"last_modified\":", value.to_text());
        assert!(stored(&mut server, &name).starts_with(&canonical), "{name}");
    }
}

/// Mutations in several replicas, with lost connections and foreign writes in between. In the end all replicas agree.
pub(crate) fn replicas(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut server = MemoryStore::default();
    let mut clients: Vec<_> = ["a", "b", "c"].map(|writer| Client::connected(writer, &mut server)).into();
    clients[0].mutate(r#"[["assign","x",{"list":[1,[2,3],{"id":4}],"dict":{}}],["assign","log",[]]]"#);
    clients[0].run(&mut server);
    while !bytes.0.is_empty() {
        let which = usize::from(bytes.next()) % clients.len();
        let client = &mut clients[which];
        match bytes.next() % 16 {
            0..=5 => mutate(client, "x", &mut bytes),
            6..=7 => mutate(client, "log", &mut bytes),
            8..=9 => drop(client.serve_one(&mut server)),
            10..=11 => drop(client.take_one()),
            12 => {
                client.session.refresh(None);
                client.drain();
            }
            13 => client.unix_ns = client.unix_ns.wrapping_add_signed(i64::from(bytes.next()) - 100),
            14 => {
                client.disconnect();
                client.connect();
            }
            _ => put(&mut server, "x", br#"{"value": {"list": [[3, 2], {"id": 4}, 5]}, "last_modified": 7}"#),
        }
    }
    for _ in 0..2 {
        for client in &mut clients {
            client.run(&mut server);
            client.refresh(&mut server);
        }
    }
    for client in &clients {
        assert_eq!(client.session.first_pending(), None);
        for name in ["x", "log"] {
            assert_eq!(client.text(name), clients[0].text(name), "{name}");
        }
    }
}

fn mutate(client: &mut Client, name: &str, bytes: &mut Bytes<'_>) {
    let oracle = Oracle { value: client.session.value(name).cloned() };
    let [container, kind, a, b, key, value] = [(); 6].map(|()| bytes.next());
    let values = (0..value % 3).map(|n| format!("{}", u16::from(value) * 3 + u16::from(n)));
    let choice = Choice::of(container.into(), kind, a.into(), b.into(), &format!("k{}", key % 4), values);
    match oracle.next_wire(&choice, name) {
        Some((wire, text)) => {
            client.mutate(&format!("[{wire}]"));
            assert_eq!(client.text(name), text);
        }
        None => client.mutate(&format!(r#"[["assign","{name}",[{value}]]]"#)),
    }
}

/// The bytes of an input, as a source of choices. Zeros follow their end.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn some(&mut self) -> &'a [u8] {
        let len = usize::from(self.next()).min(self.0.len());
        let (some, rest) = self.0.split_at(len);
        self.0 = rest;
        some
    }
}
