//! Mutations of several attributes that are committed together or not at all.

mod support;

use support::Client;
use synced_memory_core::backend::{MemoryStore, announcements, execute};
use synced_memory_core::command::{Command, Input};
use synced_memory_core::error::ErrorCode;

/// A server with two lists and a number, and two clients that have them.
fn pair() -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::new();
    let mut a = Client::connected("a", &mut server);
    a.mutate(r#"[["assign","x",[1]],["assign","y",[1]],["assign","n",7]]"#);
    a.run(&mut server);
    let b = Client::connected("b", &mut server);
    (server, a, b)
}

fn texts(client: &Client) -> [String; 3] {
    ["x", "y", "n"].map(|name| client.text(name))
}

const BOTH: &str = r#"[["append","x",[],[2]],["append","y",[],[2]]]"#;

#[test]
fn they_go_out_in_one_command_between_what_was_before_and_after() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["append","x",[],["before"]]]"#);
    a.mutate_group(1, false, &[], BOTH).unwrap();
    a.mutate(r#"[["append","y",[],["after"]]]"#);
    let mut kinds = String::new();
    while !a.outgoing.is_empty() {
        kinds.push_str(match a.outgoing.front() {
            Some((_, Command::Group(group))) if group.commits.len() == 2 => "group ",
            Some((_, Command::Commit(_))) => "commit ",
            other => panic!("{other:?}"),
        });
        a.serve_one(&mut server);
        a.take_one();
    }
    assert_eq!(kinds, "commit group commit ");
    assert_eq!((a.groups(), a.settled()), (vec![(1, "committed")], 7));
    b.refresh(&mut server);
    assert_eq!(texts(&b), [r#"[1,"before",2]"#, r#"[1,2,"after"]"#, "7"]);
}

#[test]
fn an_answer_that_is_lost_makes_no_difference() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &["n"], BOTH).unwrap();
    a.serve_one(&mut server);
    a.disconnect();
    // Others go on meanwhile, also with what it only relied on.
    b.refresh(&mut server);
    b.mutate(r#"[["append","x",[],[3]],["assign","n",8]]"#);
    b.run(&mut server);
    a.connect();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "committed")]);
    assert_eq!(texts(&a), ["[1,2,3]", "[1,2]", "8"]);
}

#[test]
fn they_merge_with_what_others_do() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["append","x",[],[3]]]"#);
    b.run(&mut server);
    a.mutate_group(1, false, &[], BOTH).unwrap();
    a.run(&mut server);
    assert_eq!((a.groups(), texts(&a)), (vec![(1, "committed")], ["[1,3,2]", "[1,2]", "7"].map(str::to_owned)));
}

#[test]
fn where_one_cannot_be_kept_none_is() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["assign","x",0]]"#);
    b.run(&mut server);
    a.mutate_group(1, false, &[], BOTH).unwrap();
    a.mutate(r#"[["append","y",[],["kept"]]]"#);
    a.run(&mut server);
    assert_eq!((a.groups(), a.conflicts()), (vec![(1, "ERR_CONFLICT")], 2));
    assert_eq!(texts(&a), ["0", r#"[1,"kept"]"#, "7"]);
    assert_eq!(a.settled(), 6);
}

#[test]
fn a_strict_one_ends_with_whatever_changes_what_it_saw() {
    for (change, reads) in [(r#"[["append","x",[],[3]]]"#, &[][..]), (r#"[["assign","n",8]]"#, &["n"])] {
        let (mut server, mut a, mut b) = pair();
        b.mutate(change);
        b.run(&mut server);
        a.mutate_group(1, true, reads, BOTH).unwrap();
        a.run(&mut server);
        assert_eq!((a.groups(), a.conflicts(), a.settled()), (vec![(1, "ERR_CONFLICT")], 0, 5), "{change}");
        assert_eq!(texts(&a), texts(&b), "{change}");
        a.mutate_group(2, true, reads, BOTH).unwrap();
        a.run(&mut server);
        assert_eq!(a.groups().last(), Some(&(2, "committed")), "{change}");
    }
}

#[test]
fn a_strict_one_ends_with_what_it_was_made_upon() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &[], BOTH).unwrap();
    a.mutate_group(2, true, &[], r#"[["append","y",[],[3]],["assign","n",8]]"#).unwrap();
    b.mutate(r#"[["append","x",[],["theirs"]]]"#);
    b.run(&mut server);
    a.run(&mut server);
    a.refresh(&mut server);
    assert_eq!(a.groups(), [(1, "ERR_CONFLICT"), (2, "ERR_CONFLICT")]);
    assert_eq!(texts(&a), [r#"[1,"theirs"]"#, "[1]", "7"]);
}

#[test]
fn a_strict_one_does_not_end_with_what_it_does_not_depend_on() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["append","x",[],["mine"]]]"#);
    a.mutate_group(1, true, &[], BOTH).unwrap();
    b.mutate(r#"[["assign","n",8]]"#);
    b.run(&mut server);
    a.run(&mut server);
    a.refresh(&mut server);
    assert_eq!((a.groups(), texts(&a)[0].as_str()), (vec![(1, "committed")], r#"[1,"mine",2]"#));
}

#[test]
fn one_that_cannot_be_made_leaves_everything_as_it_was() {
    let (mut server, mut a, _) = pair();
    let before = texts(&a);
    let error = a.mutate_group(1, false, &[], r#"[["append","x",[],[2]],["append","n",[],[2]]]"#).unwrap_err();
    assert_eq!((error.code, texts(&a)), (ErrorCode::NotFound, before));
    a.mutate(r#"[["append","x",[],[3]]]"#);
    a.run(&mut server);
    assert_eq!((texts(&a)[0].as_str(), a.settled()), ("[1,3]", 4));
}

#[test]
fn others_take_it_in_as_a_whole() {
    let (mut server, mut a, mut b) = pair();
    let announced = |client: &mut Client, server: &mut MemoryStore| {
        let (id, command) = client.outgoing.pop_front().unwrap();
        let Ok(answer) = execute(server, &command, 0);
        let Ok(told) = announcements(server, &command, &answer);
        client.incoming.push_back((id, answer));
        client.take_one();
        told
    };
    a.mutate_group(1, false, &[], BOTH).unwrap();
    let mut told = announced(&mut a, &mut server);
    for told in &mut told {
        // As a session that announces would have it.
        told.base = b.session.revision(told.key.strip_prefix("memory:").unwrap()).unwrap();
        told.mutations = r#"[["append","",[],[2]]]"#.to_owned();
    }
    // What is on its way here holds the one back, and so the other.
    b.mutate(r#"[["append","y",[],["b"]]]"#);
    b.handle(Input::Announced(told));
    assert_eq!(texts(&b), ["[1]", r#"[1,"b"]"#, "7"]);
    b.run(&mut server);
    assert_eq!(texts(&b), ["[1,2]", r#"[1,2,"b"]"#, "7"]);
}
