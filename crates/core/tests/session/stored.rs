//! Stored state that this library did not write, or that was lost, deleted or expired.

use crate::pair;
use crate::support::{Client, put, stored, stored_value};
use synced_memory_core::backend::{MemoryStore, Store};
use synced_memory_core::config::MAX_ABSENT_ATTRIBUTES;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::protocol::{Command, Lifetime};
use synced_memory_core::session::{Event, Input};

#[test]
fn stored_bytes_that_are_not_a_document_make_the_attribute_unreadable() {
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
fn a_text_above_the_limit_is_not_read_and_makes_its_attribute_unreadable() {
    let document = |len: usize| format!("{{\"value\":\"{}\",\"last_modified\":5}}", "x".repeat(len - 2));
    let mut server = MemoryStore::default();
    put(&mut server, "long", document(200).as_bytes());
    put(&mut server, "good", document(100).as_bytes());
    let mut a = Client::with("a", None, 100);
    a.connect();
    a.run(&mut server);
    assert_eq!(a.unreadable(), [("long".to_owned(), ErrorCode::TooLarge)]);
    assert_eq!(a.text("good").len(), 100);

    put(&mut server, "long", document(300).as_bytes());
    a.session.refresh(None);
    a.drain();
    loop {
        assert!(
            !a.outgoing.iter().any(|(_, command)| matches!(command, Command::Load { key, .. } if key == "memory:long")),
            "a probe is enough"
        );
        if !a.serve_one(&mut server) && !a.take_one() {
            break;
        }
    }
    assert_eq!(a.unreadable().len(), 2);
    put(&mut server, "long", document(50).as_bytes());
    a.refresh(&mut server);
    assert_eq!(a.text("long").len(), 50);

    // A text that the answer to a commit brings is bounded, too.
    put(&mut server, "good", document(400).as_bytes());
    a.mutate(r#"[["assign","good","new"]]"#);
    a.run(&mut server);
    assert_eq!((stored_value(&mut server, "good").as_str(), a.text("good").as_str()), ("\"new\"", "\"new\""));
    put(&mut server, "long", document(300).as_bytes());
    a.mutate(r#"[["assign","other",1],["assign","long","mine"]]"#);
    a.session.refresh(None);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "long"), "\"mine\"");
    assert_eq!(a.conflicts(), 0);
}

#[test]
fn a_number_of_absurd_length_makes_its_attribute_unreadable() {
    let document = |digits: usize| format!("{{\"value\":[{}],\"last_modified\":5}}", "7".repeat(digits));
    let mut server = MemoryStore::default();
    for (name, digits) in [("long", 4301), ("short", 4300)] {
        put(&mut server, name, document(digits).as_bytes());
    }
    let mut a = Client::connected("a", &mut server);
    assert_eq!(a.unreadable(), [("long".to_owned(), ErrorCode::TooLarge)]);
    assert_eq!(a.text("short").len(), 4302);
    let long = format!(r#"[["append","short",[],[-{}]]]"#, "7".repeat(4300));
    assert_eq!(a.try_mutate(&long).unwrap_err().code, ErrorCode::TooLarge);
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
fn an_emptied_server_gets_the_document_from_its_replicas() {
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
fn a_deleted_document_is_not_created_again() {
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

#[test]
fn absent_attributes_are_forgotten_and_created_again_with_a_higher_revision() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","visitor",1]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    let first = a.session.revision("visitor");
    a.mutate(r#"[["delete","visitor"]]"#);
    for n in 0..4 * MAX_ABSENT_ATTRIBUTES {
        a.mutate(&format!(r#"[["assign","visitor{n}",[]],["delete","visitor{n}"]]"#));
        a.unix_ns += 10_000_000;
        a.run(&mut server);
    }
    a.session.refresh(None);
    a.drain();
    assert!(a.outgoing.len() < 2 * MAX_ABSENT_ATTRIBUTES, "{} are looked at", a.outgoing.len());
    a.run(&mut server);

    a.unix_ns = 0;
    a.mutate(r#"[["assign","visitor",2]]"#);
    a.run(&mut server);
    assert!(a.session.revision("visitor") > first);
    b.refresh(&mut server);
    assert_eq!(b.text("visitor"), "2");
}

#[test]
fn an_expired_document_is_treated_as_deleted() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","x",{"v":1}],["assign","y",1]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    let asked = [a.session.expire("x", 50).unwrap(), a.session.ttl("y").unwrap()];
    a.drain();
    a.run(&mut server);
    let lifetimes_reported: Vec<_> =
        a.events.iter().filter(|event| matches!(event, Event::Lifetime { .. })).cloned().collect();
    let lifetimes = [Lifetime::Remaining(50), Lifetime::Endless];
    assert_eq!(lifetimes_reported, [0, 1].map(|n| Event::Lifetime { id: asked[n], lifetime: Ok(lifetimes[n]) }));

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
fn a_ttl_request_follows_the_earlier_mutations_of_its_attribute() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","x",1]]"#);
    a.run(&mut server);
    a.mutate(r#"[["assign","x",2]]"#);
    let request = a.session.expire("x", 50).unwrap();
    a.drain();
    let answer = |client: &Client| {
        client.events.iter().find_map(|event| match event {
            Event::Lifetime { id: of, lifetime } if *of == request => Some(lifetime.clone()),
            _ => None,
        })
    };
    a.answer_commits_as_busy(&mut server);
    assert_eq!((answer(&a), a.settled()), (None, 1));
    // It goes out once more where the answer is lost.
    a.monotonic = a.timeout.expect("a retry is due some time");
    a.handle(Input::Tick);
    while a.settled() == 1 {
        assert!(a.serve_one(&mut server) || a.take_one());
    }
    assert!(a.serve_one(&mut server), "the question");
    a.disconnect();
    assert_eq!(answer(&a), None);
    a.connect();
    a.run(&mut server);
    assert_eq!(answer(&a), Some(Ok(Lifetime::Remaining(50))));
    assert_eq!(a.session.expire("$x", 1).unwrap_err().code, ErrorCode::ReservedName);
}
