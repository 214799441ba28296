//! Groups of other writers that are followed by reading: no moment shows half of one.

use crate::support::{Client, put};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::protocol::{Answer, Command, Delta, DeltaDelivery, Invalidations};
use synced_memory_core::session::{Event, Input};

const MARK: &str = "sm:{memory:}:group";

/// A server with two numbers that only groups change, and a client that makes those.
fn writer() -> (MemoryStore, Client) {
    let mut server = MemoryStore::new();
    let mut a = Client::connected("a", &mut server);
    commit(&mut a, &mut server, 0);
    (server, a)
}

/// Commits a group that gives both attributes this value. No delta announces it.
fn commit(a: &mut Client, server: &mut MemoryStore, n: u64) {
    a.mutate_group(n + 1, false, &[], &format!(r#"[["assign","x",{n}],["assign","y",{n}]]"#)).unwrap();
    a.run(server);
}

fn follower(server: &mut MemoryStore) -> Client {
    let mut b = Client::connected("b", server);
    b.handle(Input::Notifications(DeltaDelivery::None, Invalidations::Broadcast));
    b
}

fn invalidate(b: &mut Client, names: &[&str]) {
    b.handle(Input::Changed(names.iter().map(|name| format!("memory:{name}")).collect()));
}

/// The kinds of the commands that are on their way.
fn outgoing(b: &Client) -> String {
    let kind = |command: &Command| match command {
        Command::Load { key, .. } if key == MARK => "mark",
        Command::Load { .. } => "load",
        Command::Probe { .. } => "probe",
        Command::Tail { .. } => "tail",
        Command::Compare { .. } => "joint",
        _ => "other",
    };
    b.outgoing.iter().map(|(_, command)| kind(command)).collect::<Vec<_>>().join(" ")
}

/// Serves the commands of a client one by one. After each of the first `count` another group is committed. Checks that the
/// client shows both attributes whole all the time, and returns the values that it showed.
fn follow(b: &mut Client, a: &mut Client, server: &mut MemoryStore, count: u64) -> Vec<String> {
    let mut shown = vec![b.text("x")];
    for step in 0.. {
        if !b.serve_one(server) && !b.take_one() {
            return shown;
        }
        assert!(b.text("y") == b.text("x") || b.text("x") == "-" || b.text("y") == "-");
        if b.session.is_in_step("x") && b.session.is_in_step("y") {
            assert_eq!(b.text("x"), b.text("y"), "after {step} steps");
        }
        if shown.last() != Some(&b.text("x")) {
            shown.push(b.text("x"));
        }
        if step < count {
            commit(a, server, 100 + step);
        }
    }
    unreachable!()
}

#[test]
fn a_group_that_is_read_is_shown_whole() {
    for count in 0..12 {
        let (mut server, mut a) = writer();
        let mut b = follower(&mut server);
        commit(&mut a, &mut server, 1);
        invalidate(&mut b, &["x"]);
        follow(&mut b, &mut a, &mut server, count);
        invalidate(&mut b, &["x", "y"]);
        follow(&mut b, &mut a, &mut server, 0);
        assert_eq!([b.text("x"), b.text("y")], [a.text("x"), a.text("y")]);
    }
}

#[test]
fn a_memory_that_catches_up_shows_groups_whole() {
    for count in 0..16 {
        let (mut server, mut a) = writer();
        let mut b = follower(&mut server);
        b.disconnect();
        commit(&mut a, &mut server, 1);
        commit(&mut a, &mut server, 2);
        b.connect();
        let shown = follow(&mut b, &mut a, &mut server, count);
        assert_eq!(shown[0], "0");
        assert!(!shown.contains(&"1".to_owned()));
    }
}

#[test]
fn a_memory_that_opens_shows_groups_whole() {
    for count in 0..16 {
        let (mut server, mut a) = writer();
        for names in [None, Some(&["x", "y"][..])] {
            let mut b = Client::with("b", names, 1 << 26);
            b.connect();
            follow(&mut b, &mut a, &mut server, count);
            assert!(b.events.contains(&Event::Ready));
            assert_eq!(b.text("x"), b.text("y"));
        }
    }
}

#[test]
fn a_memory_opens_listed_attributes_in_one_round_trip() {
    let (mut server, _) = writer();
    let mut b = Client::with("b", Some(&["x", "y"]), 1 << 26);
    b.connect();
    assert_eq!(outgoing(&b), "mark load load mark");
    while b.serve_one(&mut server) {}
    while b.take_one() {}
    assert!(b.events.contains(&Event::Ready));
    assert!(!outgoing(&b).contains("mark"));

    let mut alone = Client::with("c", Some(&["x"]), 1 << 26);
    alone.connect();
    assert_eq!(outgoing(&alone), "load", "no other attribute can show the other half of a group");
}

#[test]
fn a_single_change_is_read_without_the_other_attributes() {
    let (mut server, mut a) = writer();
    let mut b = follower(&mut server);
    for value in ["1", "2"] {
        put(&mut server, "x", format!(r#"{{"value":{value},"last_modified":{value}}}"#).as_bytes());
        invalidate(&mut b, &["x"]);
        let mut commands = Vec::new();
        while !b.outgoing.is_empty() {
            commands.push(outgoing(&b));
            b.serve_one(&mut server);
            b.take_one();
        }
        assert!(!commands.iter().any(|command| command.contains("joint")), "{commands:?}");
        assert_eq!(b.text("x"), value);
    }
    a.refresh(&mut server);
    assert_eq!(a.text("x"), "2");
}

#[test]
fn a_refresh_ends_where_a_joint_read_finds_the_document_unchanged() {
    let (mut server, mut a) = writer();
    a.mutate(r#"[["assign","list",[1]]]"#);
    a.run(&mut server);
    let mut b = follower(&mut server);
    commit(&mut a, &mut server, 1);
    let refresh = b.session.refresh(Some(&["list".to_owned()]));
    // A delta that leads nowhere makes the session read the end of the list instead of probing it.
    let revision = b.session.revision("list").unwrap();
    let delta = Delta {
        key: "memory:list".into(),
        writer: WriterId("a".into()),
        base: revision,
        revision,
        len: ByteLen(1),
        mutations: "[]".into(),
    };
    b.handle(Input::Deltas(vec![delta]));
    assert_eq!(outgoing(&b), "tail mark");
    b.serve_one(&mut server);
    b.serve_one(&mut server);
    while b.take_one() {}
    assert_eq!(outgoing(&b), "joint", "another group was committed");
    b.run(&mut server);
    assert!(b.events.contains(&Event::Refreshed(refresh)));
}

#[test]
fn an_attribute_that_a_group_creates_is_shown_with_the_rest() {
    for count in 0..8 {
        let (mut server, mut a) = writer();
        let mut b = follower(&mut server);
        a.mutate_group(7, false, &[], r#"[["assign","x",1],["assign","y",1],["assign","z",1]]"#).unwrap();
        a.run(&mut server);
        invalidate(&mut b, &["x"]);
        for step in 0.. {
            if !b.serve_one(&mut server) && !b.take_one() {
                break;
            }
            assert_eq!(b.text("z") == "-", b.text("x") == "0", "after {step} steps");
            if step < count {
                let batch = r#"[["increment","x",[],1],["increment","y",[],1],["increment","z",[],1]]"#;
                a.mutate_group(8 + step, false, &[], batch).unwrap();
                a.run(&mut server);
            }
        }
        assert_eq!(b.text("x"), b.text("z"));
    }
}

#[test]
fn a_document_that_is_too_long_for_a_joint_read_is_loaded() {
    let (mut server, mut a) = writer();
    let mut b = follower(&mut server);
    let long = "z".repeat(2 << 20);
    a.mutate_group(7, false, &[], &format!(r#"[["assign","x","{long}"],["assign","y",1]]"#)).unwrap();
    a.run(&mut server);
    invalidate(&mut b, &["y"]);
    while b.serve_one(&mut server) || b.take_one() {
        assert_eq!(b.text("y") == "1", b.text("x").len() > 1 << 20);
    }
    assert_eq!(b.text("y"), "1");
}

#[test]
fn without_permission_for_scripts_documents_are_shown_one_by_one() {
    let (mut server, mut a) = writer();
    let mut b = follower(&mut server);
    commit(&mut a, &mut server, 1);
    invalidate(&mut b, &["x", "y"]);
    while !b.outgoing.is_empty() || !b.incoming.is_empty() {
        if let Some((id, Command::Compare { .. })) = b.outgoing.front() {
            let refused = SyncError::new(ErrorCode::Refused, "NOPERM");
            b.handle(Input::Answer(*id, Answer::Refused(refused)));
            b.outgoing.pop_front();
        } else if !b.serve_one(&mut server) {
            b.take_one();
        }
    }
    assert_eq!([b.text("x"), b.text("y")], ["1", "1"]);
}
