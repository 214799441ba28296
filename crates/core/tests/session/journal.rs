//! Sessions that go on from the journal of one that has crashed: every journalled mutation is applied exactly once.

use crate::support::{Client, Journal, put, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::mutation::{Json, Mutation};
use synced_memory_core::protocol::{Command, EvictionPolicy};
use synced_memory_core::session::{Event, Input};

/// The session crashes, and another process opens its journal. The time goes on.
fn crash(client: &mut Client) -> Client {
    let mut next = Client::announcing("w");
    (next.unix_ns, next.monotonic) = (client.unix_ns + 1_000_000_000, client.monotonic);
    next.open_journal(std::mem::take(&mut client.journal), ByteLen(1 << 26));
    next
}

fn connected(server: &mut MemoryStore) -> Client {
    let mut client = Client::journalled("w", Journal::default());
    client.connect();
    client.run(server);
    client
}

#[test]
fn mutations_that_were_never_sent_are_sent_by_the_next_process() {
    let mut server = MemoryStore::default();
    put(&mut server, "tasks", br#"{"value":["a"],"last_modified":5}"#);
    let mut client = connected(&mut server);
    client.disconnect();
    client.mutate(r#"[["append","tasks",[],["b"]],["assign","config",{"n":1}]]"#);
    client.mutate(r#"[["set","config",[],"k",2]]"#);
    let mut next = crash(&mut client);
    assert_eq!(next.text("tasks"), r#"["a","b"]"#, "it can be read without a server");
    assert_eq!(next.text("config"), r#"{"n":1,"k":2}"#);
    next.connect();
    next.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"["a","b"]"#);
    assert_eq!(stored_value(&mut server, "config"), r#"{"n":1,"k":2}"#);
    assert_eq!(next.session.first_pending(), None);
}

/// The crash comes after every number of steps of a commit: it is recorded, sent, executed, answered.
#[test]
fn a_commit_is_applied_once_whenever_the_process_crashes() {
    for is_sent in [false, true] {
        for is_answered in [false, true] {
            let mut server = MemoryStore::default();
            let mut client = connected(&mut server);
            client.mutate(r#"[["assign","tasks",[]]]"#);
            client.run(&mut server);
            client.mutate(r#"[["append","tasks",[],[1]]]"#);
            client.mutate(r#"[["append","tasks",[],[2]]]"#);
            client.mutate(r#"[["increment","count",[],1]]"#);
            if is_sent {
                while client.serve_one(&mut server) {}
            }
            if is_answered {
                client.run(&mut server);
            }
            for _ in 0..2 {
                client = crash(&mut client);
                client.connect();
                client.mutate(r#"[["increment","count",[],10]]"#);
            }
            client.run(&mut server);
            assert_eq!(stored_value(&mut server, "tasks"), "[1,2]", "{is_sent} {is_answered}");
            assert_eq!(stored_value(&mut server, "count"), "21", "{is_sent} {is_answered}");
        }
    }
}

#[test]
fn restored_mutations_merge_with_what_others_did_meanwhile() {
    let mut server = MemoryStore::default();
    put(&mut server, "tasks", br#"{"value":["a","b","c"],"last_modified":5}"#);
    let mut client = connected(&mut server);
    client.disconnect();
    client.mutate(r#"[["replace","tasks",[],2,"C"]]"#);
    put(&mut server, "tasks", br#"{"value":["x","a","b","c"],"last_modified":9}"#);
    let mut next = crash(&mut client);
    next.connect();
    next.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"["x","a","b","C"]"#);
}

/// The second mutation is made on what another writer changed after the first one.
#[test]
fn mutations_before_and_after_a_foreign_change_keep_their_places() {
    let mut server = MemoryStore::default();
    put(&mut server, "tasks", br#"{"value":["a","b","c"],"last_modified":5}"#);
    let mut client = connected(&mut server);
    client.mutate(r#"[["replace","tasks",[],0,"A"]]"#);
    client.outgoing.clear();
    put(&mut server, "tasks", br#"{"value":["x","a","b","c"],"last_modified":9}"#);
    client.disconnect();
    client.connect();
    client.answer_commits_as_busy(&mut server);
    client.monotonic = client.timeout.expect("a retry is due some time");
    client.handle(Input::Tick);
    client.run(&mut server);
    client.disconnect();
    client.mutate(r#"[["replace","tasks",[],3,"C"]]"#);
    let mut next = crash(&mut client);
    next.connect();
    next.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"["x","A","b","C"]"#);
}

#[test]
fn a_rejected_mutation_is_not_made_by_the_next_process() {
    let mut server = MemoryStore::default();
    put(&mut server, "tasks", br#"{"value":["a"],"last_modified":5}"#);
    let mut client = connected(&mut server);
    client.disconnect();
    client.mutate(r#"[["replace","tasks",[],0,"A"]]"#);
    put(&mut server, "tasks", br#"{"value":[],"last_modified":9}"#);
    client.connect();
    client.run(&mut server);
    assert_eq!(client.conflicts(), 1);
    let mut next = crash(&mut client);
    next.connect();
    next.run(&mut server);
    assert_eq!((next.conflicts(), stored_value(&mut server, "tasks").as_str()), (0, "[]"));
}

#[test]
fn a_batch_stays_whole() {
    for is_sent in [false, true] {
        let mut server = MemoryStore::default();
        let mut client = connected(&mut server);
        client.mutate(r#"[["assign","a",1],["assign","b",1]]"#);
        client.run(&mut server);
        client.mutate_group(1, false, &[], r#"[["increment","a",[],1],["increment","b",[],-1]]"#).unwrap();
        if is_sent {
            while client.serve_one(&mut server) {}
        }
        let mut client = crash(&mut client);
        let mut next = crash(&mut client);
        next.connect();
        next.mutate_group(1, false, &[], r#"[["increment","a",[],10],["increment","b",[],-10]]"#).unwrap();
        next.run(&mut server);
        assert_eq!((stored_value(&mut server, "a"), stored_value(&mut server, "b")), ("12".into(), "-10".into()));
    }
}

/// A transaction is not repeated, because what it relied on may have changed. What was mutated after it stays.
#[test]
fn a_transaction_is_applied_as_a_whole_or_not_at_all() {
    for is_sent in [false, true] {
        let mut server = MemoryStore::default();
        let mut client = connected(&mut server);
        client.mutate(r#"[["assign","a",[1]],["assign","b",[1]]]"#);
        client.run(&mut server);
        if !is_sent {
            client.disconnect();
        }
        client.mutate_group(1, true, &[], r#"[["append","a",[],[2]],["append","b",[],[2]]]"#).unwrap();
        client.mutate(r#"[["append","a",[],[3]]]"#);
        while client.serve_one(&mut server) {}
        let mut next = crash(&mut client);
        next.connect();
        next.run(&mut server);
        let expected = if is_sent { ("[1,2,3]", "[1,2]") } else { ("[1,3]", "[1]") };
        assert_eq!(
            (stored_value(&mut server, "a").as_str(), stored_value(&mut server, "b").as_str()),
            expected,
            "{is_sent}"
        );
        assert_eq!(next.text("b"), expected.1);
    }
}

#[test]
fn a_late_copy_of_a_commit_is_not_applied_again() {
    let mut server = MemoryStore::default();
    let mut client = connected(&mut server);
    client.mutate(r#"[["assign","tasks",[]]]"#);
    client.run(&mut server);
    client.mutate(r#"[["append","tasks",[],[1]]]"#);
    let mut next = crash(&mut client);
    next.connect();
    next.run(&mut server);
    client.run(&mut server);
    next.mutate(r#"[["append","tasks",[],[2]]]"#);
    next.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
}

/// The journal has that the commit was built on an absent document. Where there still is none, the commit was not applied.
#[test]
fn a_creation_without_a_dedup_key_is_applied_once() {
    for is_applied in [false, true] {
        let mut server = MemoryStore::default();
        let mut client = connected(&mut server);
        client.mutate(r#"[["assign","tasks",[1]]]"#);
        if is_applied {
            client.serve_one(&mut server);
            server.retain_sequences(|_, _| false);
        }
        let mut next = crash(&mut client);
        next.eviction_policy = Some(EvictionPolicy::ExpiringKeys);
        next.mutate(r#"[["append","tasks",[],[2]]]"#);
        next.connect();
        next.run(&mut server);
        assert!(!next.events.iter().any(|event| matches!(event, Event::Rejected { .. })), "{is_applied}");
        assert_eq!(stored_value(&mut server, "tasks"), "[1,2]", "{is_applied}");
    }
}

/// The second process replaces the log by states while it knows no outcome. The third one recognises the commit of the first by its
/// revision.
#[test]
fn a_commit_without_a_dedup_key_is_recognised_after_two_crashes() {
    for is_applied in [false, true] {
        let mut server = MemoryStore::default();
        put(&mut server, "tasks", br#"{"value":{"n":1},"last_modified":5}"#);
        let mut client = connected(&mut server);
        client.mutate(r#"[["set","tasks",[],"n",2]]"#);
        if is_applied {
            client.serve_one(&mut server);
            assert_eq!(stored_value(&mut server, "tasks"), r#"{"n":2}"#);
            server.retain_sequences(|_, _| false);
        }
        let mut second = crash(&mut client);
        let text = "x".repeat(100_000);
        for _ in 0..8 {
            second.mutate(&format!(r#"[["assign","other","{text}"]]"#));
        }
        assert!(second.journal.log.iter().map(String::len).sum::<usize>() < 300_000, "the log was replaced");
        let mut third = crash(&mut second);
        third.eviction_policy = Some(EvictionPolicy::ExpiringKeys);
        third.connect();
        third.run(&mut server);
        assert!(!third.events.iter().any(|event| matches!(event, Event::Rejected { .. })), "{is_applied}");
        assert_eq!(stored_value(&mut server, "tasks"), r#"{"n":2}"#, "{is_applied}");
    }
}

/// The third process plans the first commit anew, and has the revision that the second one gave to the second commit.
#[test]
fn the_commits_of_several_processes_have_ascending_revisions() {
    let mut server = MemoryStore::default();
    put(&mut server, "tasks", br#"{"value":[],"last_modified":5}"#);
    let mut client = connected(&mut server);
    client.mutate(r#"[["append","tasks",[],[1]]]"#);
    client = crash(&mut client);
    client.mutate(r#"[["append","tasks",[],[2]]]"#);
    client.connect();
    let is_commit = |(_, command): &(_, Command)| matches!(command, Command::Commit(..));
    while !client.outgoing.iter().any(is_commit) {
        client.serve_one(&mut server);
        client.take_one();
    }
    client = crash(&mut client);
    client.connect();
    let mut revisions = Vec::new();
    while let Some((_, command)) = client.outgoing.front() {
        if let Command::Commit(commit, _) = command {
            revisions.push(commit.revision);
        }
        client.serve_one(&mut server);
        client.take_one();
    }
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
    assert!(revisions.len() == 2 && revisions.is_sorted(), "{revisions:?}");
}

#[test]
fn the_log_is_replaced_by_states() {
    let mut server = MemoryStore::default();
    let mut client = connected(&mut server);
    client.mutate(r#"[["assign","log",[]]]"#);
    let text = "x".repeat(1000);
    for _ in 0..2000 {
        client.mutate(&format!(r#"[["append","log",[],["{text}"]],["assign","last","{text}"]]"#));
        client.run(&mut server);
        client.mutate(r#"[["append","log",[],[1]],["splice","log",[],0,2,[]]]"#);
        client.run(&mut server);
    }
    let len: usize = client.journal.log.iter().map(String::len).sum();
    assert!(len < 1 << 19, "{len}");
    let next = crash(&mut client);
    assert_eq!((next.text("log"), next.text("last")), (client.text("log"), client.text("last")));
}

#[test]
fn a_full_journal_forgets_documents_first_and_refuses_mutations_then() {
    let mut server = MemoryStore::default();
    let mut client = Client::announcing("w");
    client.open_journal(Journal::default(), ByteLen(20_000));
    client.connect();
    client.run(&mut server);
    for name in ["a", "b", "c", "d"] {
        client.mutate(&format!(r#"[["assign","{name}","{}"]]"#, "x".repeat(4000)));
        client.run(&mut server);
    }
    client.disconnect();
    client.mutate(r#"[["assign","e",[]]]"#);
    let refused =
        (0..10).find_map(|_| client.try_mutate(&format!(r#"[["append","e",[],["{}"]]]"#, "x".repeat(4000))).err());
    assert_eq!(refused.map(|error| error.code), Some(ErrorCode::JournalFull));
    client.connect();
    client.run(&mut server);
    client.mutate(r#"[["assign","f",1]]"#);
    client.run(&mut server);
    client.mutate(r#"[["assign","e",1]]"#);
    client.run(&mut server);
    let mut next = crash(&mut client);
    assert_eq!(next.text("e"), "1");
    next.connect();
    next.run(&mut server);
    assert!(!next.events.iter().any(|event| matches!(event, Event::Rejected { .. })));
}

/// Nobody waits for the element any more: it is reported, once or after each crash until it is known to be removed.
#[test]
fn an_element_that_was_taken_before_the_crash_is_reported() {
    for is_sent in [false, true] {
        for is_behind_another in [false, true] {
            let mut server = MemoryStore::default();
            put(&mut server, "tasks", br#"{"value":["a","b"],"last_modified":5}"#);
            let mut client = connected(&mut server);
            if is_behind_another {
                client.mutate(r#"[["append","tasks",[],["c"]]]"#);
            }
            client.mutate(r#"[["shift","tasks",[]],["increment","count",[],1]]"#);
            while is_sent && client.serve_one(&mut server) {}
            let mut next = crash(&mut client);
            next.connect();
            next.run(&mut server);
            let rest = if is_behind_another { r#"["b","c"]"# } else { r#"["b"]"# };
            assert_eq!(stored_value(&mut server, "tasks"), rest, "{is_sent}");
            let warnings: Vec<&str> = next
                .events
                .iter()
                .filter_map(|event| match event {
                    Event::Warning(error) if error.code == ErrorCode::Journal => Some(error.message.as_ref()),
                    _ => None,
                })
                .collect();
            let [warning] = warnings.as_slice() else { panic!("{is_sent}: {warnings:?}") };
            assert!(warning.starts_with("tasks: ") && warning.contains(r#": "a"; "#), "{is_sent}: {warning}");
            assert_eq!(next.results(), [], "nobody waits for them");
        }
    }
}

/// The second batch changes an attribute whose name comes before those of the first one.
#[test]
fn batches_are_sent_in_the_order_in_which_they_were_made() {
    let mut server = MemoryStore::default();
    let mut client = Client::journalled("w", Journal::default());
    client.mutate_group(1, false, &[], r#"[["assign","b",1],["assign","c",1]]"#).unwrap();
    client.mutate_group(2, false, &[], r#"[["assign","a",2],["assign","b",2]]"#).unwrap();
    let mut next = crash(&mut client);
    next.connect();
    next.run(&mut server);
    assert_eq!(["a", "b", "c"].map(|name| stored_value(&mut server, name)), ["2", "2", "1"]);
    assert_eq!(next.session.first_pending(), None);
}

#[test]
fn a_number_that_a_journal_cannot_keep_is_refused() {
    let mut server = MemoryStore::default();
    let mut client = connected(&mut server);
    client.mutate(r#"[["assign","n",["NaN","I"]]]"#);
    let value = |text: &str| Mutation::Assign { value: Json(text.into()) };
    for text in ["NaN", "[1,-Infinity]"] {
        let refused = client.session.mutate("n", value(text)).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::NotSerializable), "{text}");
    }
    client.drain();
    let next = crash(&mut client);
    assert_eq!(next.text("n"), r#"["NaN","I"]"#);
}

/// Random numbers, for the test below.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A journalled writer crashes at any moment, beside a writer that is not journalled, while commands and replies are lost.
/// Every item is appended once, in the order of its writer, every increment counts once, and batches stay whole.
#[test]
fn whatever_happens_every_mutation_is_applied_exactly_once() {
    for seed in 0..150 {
        let mut random = Random(seed * 7919 + 1);
        let mut server = MemoryStore::default();
        let mut writer = connected(&mut server);
        let mut other = Client::connected("other", &mut server);
        other.mutate(r#"[["assign","log",[]],["assign","doc",{"l":[],"k":{}}],["assign","a",0],["assign","b",0]]"#);
        other.run(&mut server);
        let (mut made, mut added, mut others, mut groups) = (0, 0, 0, 0);
        let mut is_connected = true;
        for _ in 0..random.below(120) + 20 {
            match random.below(14) {
                0 => {
                    writer = crash(&mut writer);
                    is_connected = false;
                    groups = 0;
                }
                1 if is_connected => {
                    writer.disconnect();
                    is_connected = false;
                }
                2 | 3 if !is_connected => {
                    writer.connect();
                    is_connected = true;
                }
                4 => {
                    other.mutate(&format!(
                        r#"[["append","log",[],["o{others}"]],["splice","doc",["l"],0,0,["o{others}"]]]"#
                    ));
                    others += 1;
                    other.run(&mut server);
                }
                5 => other.refresh(&mut server),
                6..=8 => drop(writer.serve_one(&mut server)),
                9 | 10 => drop(writer.take_one()),
                11 if writer.session.value("doc").is_some() && writer.session.value("log").is_some() => {
                    made += 1;
                    writer.mutate(&format!(
                        r#"[["append","log",[],["w{made}"]],["append","doc",["l"],["w{made}"]],["set","doc",["k"],"w{made}",{made}]]"#
                    ));
                }
                12 => {
                    added += 1;
                    writer.mutate(r#"[["increment","n",[],1]]"#);
                }
                _ if writer.session.value("a").is_some() && writer.session.value("b").is_some() => {
                    groups += 1;
                    let id = groups;
                    writer.mutate_group(id, false, &[], r#"[["increment","a",[],1],["increment","b",[],-1]]"#).unwrap();
                    added += 1_000;
                }
                _ => {}
            }
        }
        writer = crash(&mut writer);
        writer.connect();
        for _ in 0..50 {
            writer.run(&mut server);
            if let Some(timeout) = writer.timeout {
                writer.monotonic = writer.monotonic.max(timeout);
                writer.handle(Input::Tick);
            }
        }
        writer.refresh(&mut server);
        let expected_own: Vec<String> = (1..=made).map(|n| format!("\"w{n}\"")).collect();
        for name in ["log", "doc"] {
            let text = stored_value(&mut server, name);
            let list = if name == "doc" { text.split("],").next().unwrap().to_owned() } else { text.clone() };
            let own: Vec<String> =
                list.split(['[', ']', ',']).filter(|item| item.starts_with("\"w")).map(str::to_owned).collect();
            assert_eq!(own, expected_own, "seed {seed}: {name} {text}");
            assert_eq!(list.matches("\"o").count(), others, "seed {seed}: {text}");
            assert_eq!(writer.text(name), text, "seed {seed}");
        }
        let number = |server: &mut MemoryStore, name| stored_value(server, name).parse::<i64>().unwrap_or(0);
        let (increments, batches) = (added % 1_000, added / 1_000);
        assert_eq!(number(&mut server, "n"), increments, "seed {seed}");
        assert_eq!((number(&mut server, "a"), number(&mut server, "b")), (batches, -batches), "seed {seed}");
        assert_eq!(writer.session.first_pending(), None, "seed {seed}");
    }
}
