//! Sessions over the in-process backend: what happens to mutations when the wire misbehaves.

mod support;

use support::{Client, put, stored, stored_value};
use synced_memory_core::backend::{MemoryStore, Store};
use synced_memory_core::command::{Answer, Input, Lifetime, Outcome, REMEMBER_SECONDS};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::session::{ABSENT_KEPT, Event};
use synced_memory_core::wire;

fn pair() -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::default();
    let a = Client::connected("a", &mut server);
    let b = Client::connected("b", &mut server);
    (server, a, b)
}

#[test]
fn a_mutation_reaches_another_session() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",[1]],["append","tasks",[],[2]]]"#);
    assert_eq!(a.text("tasks"), "[1,2]", "it shows at once");
    a.run(&mut server);
    assert_eq!(a.settled(), 2);
    b.refresh(&mut server);
    assert_eq!(b.text("tasks"), "[1,2]");
    assert_eq!(a.session.revision("tasks"), b.session.revision("tasks"));
}

#[test]
fn an_append_moves_a_few_bytes() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    let numbers = (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    a.mutate(&format!(r#"[["assign","tasks",[{numbers}]]]"#));
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[7]]]"#);
    let (_, command) = &a.outgoing[0];
    let (_, sent) = synced_memory_core::resp::Exchange::new(command.clone());
    let bytes: usize = sent.iter().flatten().map(Vec::len).sum();
    assert!(bytes < 300, "{bytes} bytes");
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), format!("[{numbers},7]"));
}

#[test]
fn concurrent_appends_are_both_kept() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",[]]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    a.mutate(r#"[["append","tasks",[],["a"]]]"#);
    b.mutate(r#"[["append","tasks",[],["b"]]]"#);
    a.run(&mut server);
    b.run(&mut server);
    a.refresh(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"["a","b"]"#);
    assert_eq!(a.text("tasks"), b.text("tasks"));
    assert_eq!(b.settled(), 1);
}

#[test]
fn a_lost_reply_does_not_apply_twice() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[1]]]"#);
    assert!(a.serve_one(&mut server));
    a.disconnect();
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
    assert_eq!(a.text("tasks"), "[1,2]");
    assert_eq!(a.settled(), 3);
}

#[test]
fn a_lost_reply_and_a_writer_in_between() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",[]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[1]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    b.refresh(&mut server);
    b.mutate(r#"[["append","tasks",[],[2]]]"#);
    b.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3]");
    assert_eq!(a.text("tasks"), "[1,2,3]");
}

/// Both clocks stand still, so what `b` would make of its commit on top of itself could have the revision
/// that `a` gives to a document of the same length.
#[test]
fn a_commit_without_an_answer_is_settled_before_anything_is_put_under_it() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",{}]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    b.mutate(r#"[["set","tasks",[],"b",1]]"#);
    b.serve_one(&mut server);
    b.disconnect();
    b.connect();
    b.busy_for_commits(&mut server);
    b.mutate(r#"[["set","tasks",[],"b",2]]"#);
    b.monotonic_ms = b.session.poll_timeout().expect("a retry is due some time");
    b.handle(Input::Tick);
    assert_eq!(b.text("tasks"), r#"{"b":2}"#);
    a.refresh(&mut server);
    a.mutate(r#"[["set","tasks",[],"a",7]]"#);
    a.run(&mut server);
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"{"b":2,"a":7}"#);
}

/// Both clocks stand still, so the second pipelined commit of one writer expects the very revision
/// and length that the other writer's commit gives the document.
#[test]
fn a_standing_clock_does_not_let_a_commit_slip_in_without_its_predecessor() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",[]]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    a.mutate(r#"[["append","tasks",[],[1]]]"#);
    b.mutate(r#"[["append","tasks",[],[2]]]"#);
    b.mutate(r#"[["append","tasks",[],[3]]]"#);
    assert_eq!(b.outgoing.len(), 2, "the second is sent without waiting for the first");
    a.run(&mut server);
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3]");
    assert_eq!(b.text("tasks"), "[1,2,3]");
}

#[test]
fn what_is_made_while_commits_are_in_flight_coalesces() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[]]]"#);
    a.run(&mut server);
    for n in 0..1000 {
        a.mutate(&format!(r#"[["append","tasks",[],[{n}]]]"#));
    }
    assert_eq!(a.outgoing.len(), 4);
    a.serve_one(&mut server);
    a.take_one();
    assert_eq!(a.outgoing.len(), 4, "the other 996 went out as one");
    a.run(&mut server);
    assert!(stored_value(&mut server, "tasks").ends_with(",998,999]"));
    assert_eq!(a.settled(), 1001);
}

#[test]
fn the_key_is_deleted_under_pending_mutations() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    b.mutate(r#"[["delete","tasks"]]"#);
    b.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.run(&mut server);
    assert_eq!(stored(&mut server, "tasks"), "-");
    assert_eq!((a.conflicts(), a.text("tasks")), (1, "-".to_owned()));
    assert_eq!(a.settled(), 2, "a dropped mutation is settled");
}

#[test]
fn an_assignment_wins_over_what_it_replaces() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","x",{"k":1}]]"#);
    a.run(&mut server);
    b.mutate(r#"[["assign","x",[2]]]"#);
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "x"), "[2]");
    assert_eq!(b.conflicts(), 0);
}

#[test]
fn what_is_created_if_absent_is_decided_by_the_server() {
    let mut server = MemoryStore::default();
    let (mut a, mut b) = (Client::new("a"), Client::new("b"));
    a.mutate(r#"[["create","tasks",["a"]],["append","tasks",[],[1]]]"#);
    b.mutate(r#"[["create","tasks",["b"]],["append","tasks",[],[2]]]"#);
    for client in [&mut a, &mut b] {
        client.connect();
        client.run(&mut server);
    }
    assert_eq!(stored_value(&mut server, "tasks"), r#"["a",1,2]"#);
    assert_eq!((b.text("tasks"), b.conflicts(), b.settled()), (r#"["a",1,2]"#.to_owned(), 0, 2));
}

#[test]
fn two_that_take_out_the_same_key_do_not_conflict() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","x",{"k":1,"l":2}]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    a.mutate(r#"[["unset","x",[],"k"]]"#);
    b.mutate(r#"[["unset","x",[],"k"]]"#);
    a.run(&mut server);
    b.run(&mut server);
    assert_eq!((stored_value(&mut server, "x"), b.conflicts(), b.settled()), (r#"{"l":2}"#.to_owned(), 0, 1));
}

#[test]
fn a_revision_that_goes_back_is_reported_and_followed() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","x",[1]]]"#);
    a.run(&mut server);
    let backup = stored(&mut server, "x");
    a.mutate(r#"[["append","x",[],[2]]]"#);
    a.run(&mut server);
    let from = a.session.revision("x").unwrap();
    put(&mut server, "x", backup.as_bytes());
    a.refresh(&mut server);
    let to = a.session.revision("x").unwrap();
    assert!(to < from);
    assert!(a.events.contains(&Event::Regressed { name: "x".into(), from, to }));
    assert_eq!(a.text("x"), "[1]");
    a.mutate(r#"[["append","x",[],[3]]]"#);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "x"), "[1,3]");
    assert!(a.session.revision("x").unwrap() > from, "a revision is never given out twice");
}

#[test]
fn mutations_made_before_the_first_connection_land() {
    let mut server = MemoryStore::default();
    let mut a = Client::new("a");
    a.mutate(r#"[["assign","tasks",[]],["append","tasks",[],[1]]]"#);
    a.disconnect();
    assert!(a.events.contains(&Event::Ready), "open does not wait for a server that is not there");
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
    assert!(a.events.contains(&Event::Connected));
}

#[test]
fn a_refusal_for_good_rolls_back() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    let error = SyncError::new(ErrorCode::Refused, "NOPERM");
    a.handle(Input::Answer(id, Answer::Refused(error.clone())));
    a.run(&mut server);
    assert!(a.events.contains(&Event::Rejected { name: "tasks".into(), error, first: 2 }));
    assert_eq!(a.text("tasks"), "[1,3]");
    assert_eq!(stored_value(&mut server, "tasks"), "[1,3]");
}

#[test]
fn a_busy_server_is_asked_again() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.handle(Input::Answer(id, Answer::Busy(SyncError::new(ErrorCode::Unavailable, "LOADING"))));
    assert!(a.outgoing.is_empty());
    a.monotonic_ms = a.session.poll_timeout().expect("a retry is due some time");
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
}

#[test]
fn an_overdue_reply_resets_the_connection() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.monotonic_ms = a.session.poll_timeout().unwrap();
    a.handle(Input::Tick);
    assert!(a.session.poll_reset());
    assert!(!a.session.poll_reset());
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
}

#[test]
fn stored_bytes_that_are_no_document() {
    let mut server = MemoryStore::default();
    for (name, text) in [("old", "[1,2]"), ("cut", "{\"value\":[1"), ("empty", "")] {
        put(&mut server, name, text.as_bytes());
    }
    put(&mut server, "latin", b"{\"value\":\"\xe9\",\"last_modified\":1}");
    put(&mut server, "good", br#"{"value": [1.0, "\u00e9"], "last_modified": 5}"#);
    let mut a = Client::connected("a", &mut server);
    let mut names: Vec<_> = a.unreadable().into_iter().map(|(name, code)| (name, code.as_str())).collect();
    names.sort();
    assert_eq!(names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["cut", "empty", "latin", "old"]);
    assert!(names.iter().all(|(_, code)| *code == "ERR_MALFORMED"));
    assert_eq!(a.text("good"), "[1.0,\"é\"]");

    assert_eq!(a.try_mutate(r#"[["append","old",[],[3]]]"#).unwrap_err().code, ErrorCode::Malformed);
    a.mutate(r#"[["assign","old",[3]],["delete","cut"],["append","good",[],[2]]]"#);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "old"), "[3]");
    assert_eq!(stored(&mut server, "cut"), "-");
    assert_eq!(stored(&mut server, "empty"), "");
    assert_eq!(stored_value(&mut server, "good"), "[1.0,\"é\",2]");
}

#[test]
fn a_document_over_the_limit_is_refused_before_anything_changes() {
    let mut a = Client::with("a", None, 20);
    a.mutate(r#"[["assign","x",["0123456789"]]]"#);
    let error = a.try_mutate(r#"[["append","x",[],["0123456789"]]]"#).unwrap_err();
    assert_eq!(error.code, ErrorCode::TooLarge);
    assert_eq!(a.text("x"), r#"["0123456789"]"#);
    a.mutate(r#"[["assign","x",[1]]]"#);
}

#[test]
fn reserved_names_are_refused() {
    let mut a = Client::new("a");
    for name in ["", "$x", "_x", "a:b"] {
        let error = a.try_mutate(&format!(r#"[["assign","{name}",1]]"#)).unwrap_err();
        assert_eq!(error.code, ErrorCode::ReservedName);
    }
}

#[test]
fn a_stale_answer_without_content_is_followed_by_a_load() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.handle(Input::Answer(id, Answer::Committed(Outcome::Stale { stored: None, remembers: true })));
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
}

/// Random appends by several writers over wires that lose everything now and then.
#[test]
fn every_append_is_there_exactly_once() {
    for seed in 1..=300_u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut server = MemoryStore::default();
        let mut clients: Vec<_> = ["a", "b", "c"].into_iter().map(|w| Client::connected(w, &mut server)).collect();
        clients[0].mutate(r#"[["assign","log",[]]]"#);
        clients[0].run(&mut server);
        for client in &mut clients {
            client.refresh(&mut server);
        }
        let mut made = 0;
        for _ in 0..120 {
            let client = &mut clients[usize::try_from(next(3)).unwrap()];
            match next(10) {
                0..=3 => {
                    client.mutate(&format!(r#"[["append","log",[],[{made}]]]"#));
                    made += 1;
                }
                4..=5 => drop(client.serve_one(&mut server)),
                6..=7 => drop(client.take_one()),
                8 => client.unix_ns += next(3),
                _ => {
                    client.disconnect();
                    client.connect();
                }
            }
        }
        for client in &mut clients {
            client.run(&mut server);
        }
        for client in &mut clients {
            client.refresh(&mut server);
        }
        let text = stored_value(&mut server, "log");
        for client in &clients {
            assert_eq!(client.text("log"), text, "seed {seed}");
        }
        let mut items: Vec<u32> = serde_json::from_str(&text).unwrap();
        items.sort_unstable();
        assert_eq!(items, (0..made).collect::<Vec<_>>(), "seed {seed}");
    }
}

/// The server is busy when the commit comes again, so the replica loads what the commit has made and
/// puts it on top of itself.
#[test]
fn a_commit_that_was_rebased_on_its_own_result_does_not_say_what_is_stored() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    a.connect();
    a.busy_for_commits(&mut server);
    a.monotonic_ms = a.session.poll_timeout().expect("a retry is due some time");
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!((a.text("tasks").as_str(), a.settled()), ("[1,2]", 2));
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
    assert!(!a.events.iter().any(|event| matches!(event, Event::Regressed { .. })));
}

#[test]
fn a_refusal_for_good_rolls_back_on_the_next_connection_too() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.handle(Input::Answer(id, Answer::Refused(SyncError::new(ErrorCode::Refused, "NOPERM"))));
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!(a.text("tasks"), "[1]");
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,3]");
}

#[test]
fn a_server_that_lost_its_memory_gets_the_document_again() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",["a1"]]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    b.mutate(r#"[["append","tasks",[],["b1"]]]"#);
    b.run(&mut server);
    a.refresh(&mut server);
    for client in [&mut a, &mut b] {
        client.disconnect();
    }
    a.mutate(r#"[["append","tasks",[],["a2"]]]"#);
    b.mutate(r#"[["append","tasks",[],["b2"]]]"#);
    server = MemoryStore::default();
    for client in [&mut a, &mut b] {
        client.connect();
        client.run(&mut server);
    }
    a.refresh(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"["a1","b1","a2","b2"]"#);
    assert_eq!(a.text("tasks"), b.text("tasks"));
    assert_eq!(a.conflicts() + b.conflicts(), 0);
    assert!(a.events.iter().any(|event| matches!(event, Event::Regressed { to, .. } if to.0 == 0)));
}

#[test]
fn a_document_that_somebody_deleted_is_not_given_back() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",["a1"]]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    a.disconnect();
    a.mutate(r#"[["append","tasks",[],["a2"]]]"#);
    b.mutate(r#"[["delete","tasks"]]"#);
    b.run(&mut server);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored(&mut server, "tasks"), "-");
    assert_eq!((a.text("tasks").as_str(), a.conflicts(), a.settled()), ("-", 1, 2));
}

/// After so long the server may have forgotten the sequence, and would apply the commit again.
#[test]
fn a_commit_without_an_answer_is_not_sent_again_after_the_server_may_have_forgotten() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    a.unix_ns += u64::from(REMEMBER_SECONDS) * 1_000_000_000;
    a.connect();
    a.run(&mut server);
    let unknown = |event: &Event| matches!(event, Event::Rejected { error, first: 2, .. } if error.code == ErrorCode::OutcomeUnknown);
    assert!(a.events.iter().any(unknown));
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3]");
    assert_eq!((a.text("tasks").as_str(), a.settled()), ("[1,2,3]", 3));
}

#[test]
fn values_given_again_while_offline_take_the_place_of_those_before() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","state",{"count":0,"list":[0,0]}]]"#);
    a.run(&mut server);
    a.disconnect();
    a.mutate(r#"[["set","state",[],"count",0],["set","state",[],"seen","x0"],["replace","state",["list"],1,0]]"#);
    let bytes = a.session.pending_bytes();
    for n in 1..50 {
        a.mutate(&format!(r#"[["set","state",[],"seen","x{n}"],["set","state",[],"count",{n}]]"#));
    }
    for n in 1..50 {
        a.mutate(&format!(r#"[["replace","state",["list"],0,{n}],["replace","state",["list"],1,{n}]]"#));
    }
    assert!(a.session.pending_bytes() < bytes * 3, "{bytes} became {}", a.session.pending_bytes());
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "state"), r#"{"count":49,"list":[49,49],"seen":"x49"}"#);
    assert_eq!(a.settled(), 199 + 1);
}

#[test]
fn an_expired_document_is_a_deleted_one() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","x",{"v":1}],["assign","y",1]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    let asked = [a.session.expire("x", 50).unwrap(), a.session.ttl("y").unwrap()];
    a.drain();
    a.run(&mut server);
    let told: Vec<_> = a.events.iter().filter(|event| matches!(event, Event::Lifetime { .. })).cloned().collect();
    let lifetimes = [Lifetime::Left(50), Lifetime::Endless];
    assert_eq!(told, [0, 1].map(|n| Event::Lifetime { request: asked[n], lifetime: Ok(lifetimes[n]) }));

    a.mutate(r#"[["set","x",[],"v",2]]"#);
    let Ok(expired) = server.take_expired(50);
    assert_eq!(expired, ["memory:x"]);
    a.run(&mut server);
    assert_eq!((a.conflicts(), a.text("x"), stored(&mut server, "x")), (1, "-".into(), "-".into()));
    b.handle(Input::Changed(expired));
    b.run(&mut server);
    assert_eq!(b.text("x"), "-");
    // The writer's sequences are still known: a commit that comes late is a duplicate, not applied again.
    b.mutate(r#"[["assign","x",3]]"#);
    b.run(&mut server);
    a.refresh(&mut server);
    assert_eq!((a.text("x"), stored_value(&mut server, "y")), ("3".into(), "1".into()));
}

#[test]
fn how_long_it_stays_is_asked_behind_what_was_mutated_before() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","x",1]]"#);
    a.run(&mut server);
    a.mutate(r#"[["assign","x",2]]"#);
    let request = a.session.expire("x", 50).unwrap();
    a.drain();
    let answer = |client: &Client| {
        client.events.iter().find_map(|event| match event {
            Event::Lifetime { request: of, lifetime } if *of == request => Some(lifetime.clone()),
            _ => None,
        })
    };
    a.busy_for_commits(&mut server);
    assert_eq!((answer(&a), a.settled()), (None, 1));
    // It goes out once more where the answer is lost.
    a.monotonic_ms = a.session.poll_timeout().expect("a retry is due some time");
    a.handle(Input::Tick);
    while a.settled() == 1 {
        assert!(a.serve_one(&mut server) || a.take_one());
    }
    assert!(a.serve_one(&mut server), "the question");
    a.disconnect();
    assert_eq!(answer(&a), None);
    a.connect();
    a.run(&mut server);
    assert_eq!(answer(&a), Some(Ok(Lifetime::Left(50))));
    assert_eq!(a.session.expire("$x", 1).unwrap_err().code, ErrorCode::ReservedName);
}

#[test]
fn a_mutation_that_cannot_be_is_refused_with_all_that_the_host_made_on_top() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1,2]]]"#);
    a.run(&mut server);
    let now = a.now();
    let batch = r#"[["append","tasks",[],[3]],["splice","tasks",[],9,1,[]],["replace","tasks",[],0,7]]"#;
    for entry in wire::decode_entries(batch).unwrap() {
        a.session.submit(entry, now).unwrap();
    }
    let late =
        wire::decode_entries(r#"[["append","tasks",[],[4]],["group",1,false,[],[["delete","tasks"]]]]"#).unwrap();
    let results: Vec<bool> = late.into_iter().map(|entry| a.session.submit(entry, now).is_ok()).collect();
    assert_eq!(results, [true, false], "groups throw");
    a.drain();
    let rejected = |event: &&Event| matches!(event, Event::Rejected { name, first: 3, .. } if name == "tasks");
    assert_eq!(a.events.iter().filter(rejected).count(), 1);

    a.mutate(r#"[["append","tasks",[],[5]]]"#);
    a.run(&mut server);
    assert_eq!(a.text("tasks"), "[1,2,3,5]", "what came before stays, and it goes on");
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3,5]");
    assert_eq!(a.settled(), 6);
}

#[test]
fn attributes_that_are_gone_are_forgotten_and_come_anew_with_a_higher_revision() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","visitor",1]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    let first = a.session.revision("visitor");
    a.mutate(r#"[["delete","visitor"]]"#);
    for n in 0..4 * ABSENT_KEPT {
        a.mutate(&format!(r#"[["assign","visitor{n}",[]],["delete","visitor{n}"]]"#));
        a.unix_ns += 10_000_000;
        a.run(&mut server);
    }
    a.session.refresh(None);
    a.drain();
    assert!(a.outgoing.len() < 2 * ABSENT_KEPT, "{} are looked at", a.outgoing.len());
    a.run(&mut server);

    a.unix_ns = 0;
    a.mutate(r#"[["assign","visitor",2]]"#);
    a.run(&mut server);
    assert!(a.session.revision("visitor") > first);
    b.refresh(&mut server);
    assert_eq!(b.text("visitor"), "2");
}
