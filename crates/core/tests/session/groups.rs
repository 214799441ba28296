//! Mutations of several attributes that are committed together or not at all.

use crate::support::Client;
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::{Answer, Command};
use synced_memory_core::session::Input;

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
fn a_group_is_one_command_in_order_with_other_mutations() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["append","x",[],["before"]]]"#);
    a.mutate_group(1, false, &[], BOTH).unwrap();
    a.mutate(r#"[["append","y",[],["after"]]]"#);
    let mut kinds = String::new();
    while !a.outgoing.is_empty() {
        kinds.push_str(match a.outgoing.front() {
            Some((_, Command::Group(group, _))) if group.commits.len() == 2 => "group ",
            Some((_, Command::Commit(..))) => "commit ",
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
fn a_group_whose_answer_was_lost_is_applied_once() {
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

/// A transaction is sent again after a document that it read has changed and its replica has followed.
#[test]
fn a_strict_group_whose_request_was_lost_still_relies_on_what_it_read() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &["n"], BOTH).unwrap();
    b.mutate(r#"[["assign","n",8]]"#);
    let (_, command) = b.outgoing.pop_front().unwrap();
    let Ok(Execution { mut deltas, .. }) = execute(&mut server, &command, 0);
    // The delta as another session would publish it.
    deltas[0].base = a.session.revision("n").unwrap();
    deltas[0].mutations = r#"[["assign","",8]]"#.to_owned();
    a.handle(Input::Deltas(deltas));
    assert_eq!(texts(&a), ["[1,2]", "[1,2]", "8"]);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "ERR_CONFLICT")]);
    assert_eq!(texts(&a), ["[1]", "[1]", "8"]);
}

#[test]
fn a_group_merges_with_concurrent_mutations() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["append","x",[],[3]]]"#);
    b.run(&mut server);
    a.mutate_group(1, false, &[], BOTH).unwrap();
    a.run(&mut server);
    assert_eq!((a.groups(), texts(&a)), (vec![(1, "committed")], ["[1,3,2]", "[1,2]", "7"].map(str::to_owned)));
}

#[test]
fn a_group_is_dropped_as_a_whole_where_one_mutation_conflicts() {
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
fn a_strict_group_aborts_where_what_it_read_has_changed() {
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
fn a_strict_group_aborts_with_the_group_that_it_was_built_on() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &[], BOTH).unwrap();
    a.mutate_group(2, true, &[], r#"[["append","y",[],[3]],["assign","n",8]]"#).unwrap();
    b.mutate(r#"[["append","x",[],["theirs"]]]"#);
    b.run(&mut server);
    a.run(&mut server);
    a.refresh(&mut server);
    let mut groups = a.groups();
    groups.sort_unstable();
    assert_eq!(groups, [(1, "ERR_CONFLICT"), (2, "ERR_CONFLICT")]);
    assert_eq!(texts(&a), [r#"[1,"theirs"]"#, "[1]", "7"]);
}

#[test]
fn a_strict_group_survives_changes_of_what_it_did_not_read() {
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
fn an_invalid_group_changes_nothing() {
    let (mut server, mut a, _) = pair();
    let before = texts(&a);
    let error = a.mutate_group(1, false, &[], r#"[["append","x",[],[2]],["append","n",[],[2]]]"#).unwrap_err();
    assert_eq!((error.code, texts(&a)), (ErrorCode::NotFound, before));
    a.mutate(r#"[["append","x",[],[3]]]"#);
    a.run(&mut server);
    assert_eq!((texts(&a)[0].as_str(), a.settled()), ("[1,3]", 4));
}

#[test]
fn other_replicas_apply_a_group_as_a_whole() {
    let (mut server, mut a, mut b) = pair();
    let announced = |client: &mut Client, server: &mut MemoryStore| {
        let (id, command) = client.outgoing.pop_front().unwrap();
        let Ok(Execution { answer, deltas }) = execute(server, &command, 0);
        client.incoming.push_back((id, answer));
        client.take_one();
        deltas
    };
    a.mutate_group(1, false, &[], BOTH).unwrap();
    let mut deltas = announced(&mut a, &mut server);
    for delta in &mut deltas {
        // The delta as another session would publish it.
        delta.base = b.session.revision(delta.key.strip_prefix("memory:").unwrap()).unwrap();
        delta.mutations = r#"[["append","",[],[2]]]"#.to_owned();
    }
    // The commit in flight holds back one of the two, and so the other.
    b.mutate(r#"[["append","y",[],["b"]]]"#);
    b.handle(Input::Deltas(deltas));
    assert_eq!(texts(&b), ["[1]", r#"[1,"b"]"#, "7"]);
    b.run(&mut server);
    assert_eq!(texts(&b), ["[1,2]", r#"[1,2,"b"]"#, "7"]);
}

#[test]
fn one_that_only_reads_sees_everything_that_was_acknowledged_before() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["append","x",[],[3]]]"#);
    b.run(&mut server);
    assert_eq!(b.settled(), 1);
    a.mutate_group(1, true, &["x", "n"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "ERR_CONFLICT")]);
    assert_eq!(texts(&a)[0], "[1,3]", "the values are fresh for the next attempt");
    a.mutate_group(2, true, &["x", "n"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups().last(), Some(&(2, "committed")));
    assert_eq!(a.settled(), 3, "nothing was made");
}

#[test]
fn one_that_only_reads_relies_on_absences_of_attributes_that_were_not_loaded() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &["z"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "committed")]);
    b.mutate(r#"[["assign","z",1]]"#);
    b.run(&mut server);
    a.mutate_group(2, true, &["z", "x"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups().last(), Some(&(2, "ERR_CONFLICT")));
}

#[test]
fn one_that_only_reads_is_sent_once_and_again_on_the_next_connection_as_it_was() {
    let (mut server, mut a, _) = pair();
    let groups_in =
        |client: &Client| client.outgoing.iter().filter(|(_, command)| matches!(command, Command::Group(..))).count();
    a.mutate_group(1, true, &["x", "y"], "[]").unwrap();
    a.mutate(r#"[["append","x",[],[2]]]"#);
    assert_eq!(groups_in(&a), 1);
    a.serve_one(&mut server);
    a.disconnect();
    assert_eq!(a.groups(), []);
    a.connect();
    a.run(&mut server);
    // A later mutation of this session was committed first.
    assert_eq!((a.groups(), texts(&a)[0].as_str()), (vec![(1, "ERR_CONFLICT")], "[1,2]"));
    a.mutate_group(2, true, &[], "[]").unwrap();
    a.drain();
    assert_eq!(a.groups().last(), Some(&(2, "committed")), "nothing to rely on");
}

/// Two clients that each book the only seat where nobody has.
#[test]
fn one_that_enumerated_ends_with_a_name_that_it_did_not_see() {
    let (mut server, mut a, mut b) = pair();
    a.refresh(&mut server);
    let names = ["x", "y", "n"];
    a.transact_on_all(1, &names, r#"[["assign","seat-a",1]]"#).unwrap();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "committed")]);
    b.transact_on_all(1, &names, r#"[["assign","seat-b",1]]"#).unwrap();
    assert_eq!(b.text("seat-b"), "1");
    b.run(&mut server);
    assert_eq!(b.groups(), [(1, "ERR_CONFLICT")]);
    assert_eq!((b.session.value("seat-b"), b.text("seat-a")), (None, "1".to_owned()), "it sees what it had missed");
    let all = ["x", "y", "n", "seat-a"];
    b.transact_on_all(2, &all, r#"[["assign","seat-b",1]]"#).unwrap();
    b.run(&mut server);
    assert_eq!(b.groups().last(), Some(&(2, "committed")));
    // Its own creation is no reason to start over, in the next one.
    b.transact_on_all(3, &all, r#"[["delete","seat-b"]]"#).unwrap();
    b.run(&mut server);
    assert_eq!(b.groups().last(), Some(&(3, "committed")));
}

#[test]
fn one_that_only_enumerated_is_validated() {
    let mut server = MemoryStore::new();
    let mut a = Client::connected("a", &mut server);
    let mut b = Client::connected("b", &mut server);
    a.transact_on_all(1, &[], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups(), [(1, "committed")]);
    b.mutate(r#"[["assign","x",1]]"#);
    b.run(&mut server);
    a.transact_on_all(2, &[], "[]").unwrap();
    a.run(&mut server);
    assert_eq!((a.groups().last(), a.text("x")), (Some(&(2, "ERR_CONFLICT")), "1".to_owned()));
    a.transact_on_all(3, &["x"], "[]").unwrap();
    a.serve_one(&mut server);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!(a.groups().last(), Some(&(3, "committed")));
    b.mutate(r#"[["delete","x"]]"#);
    b.run(&mut server);
    a.transact_on_all(4, &["x"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups().last(), Some(&(4, "ERR_CONFLICT")));
}

#[test]
fn one_that_enumerated_lists_the_names_where_the_log_does_not_reach_back() {
    let (mut server, mut a, mut b) = pair();
    for n in 0..300 {
        b.mutate(&format!(r#"[["assign","name-{n}",1]]"#));
    }
    b.run(&mut server);
    a.transact_on_all(1, &["x", "y", "n"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!((a.groups(), a.text("name-0")), (vec![(1, "ERR_CONFLICT")], "1".to_owned()));
    let names: Vec<String> = (0..300).map(|n| format!("name-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["x", "y", "n"]).collect();
    a.transact_on_all(2, &names, "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups().last(), Some(&(2, "committed")));
}

/// The transaction waits for an earlier commit of its writer, and a later one overtakes that: no order of the three explains what
/// others see.
#[test]
fn a_transaction_conflicts_with_a_later_mutation_that_is_committed_before_what_it_read() {
    for batch in [r#"[["append","y",[],[2]]]"#, "[]"] {
        let (mut server, mut a, mut b) = pair();
        a.mutate(r#"[["assign","n",8]]"#);
        a.mutate_group(1, true, &["x", "n"], batch).unwrap();
        a.mutate(r#"[["replace","x",[],0,"later"]]"#);
        let (id, _) = a.outgoing.pop_front().unwrap();
        a.incoming.push_back((id, Answer::Busy(SyncError::new(ErrorCode::Unreachable, "LOADING"))));
        a.serve_one(&mut server);
        a.take_one();
        a.take_one();
        b.refresh(&mut server);
        assert_eq!(texts(&b), [r#"["later"]"#, "[1]", "7"]);
        a.monotonic = a.timeout.unwrap();
        a.handle(Input::Tick);
        a.run(&mut server);
        assert_eq!(a.groups(), [(1, "ERR_CONFLICT")], "it read the number of later, and the list of before");
        assert_eq!(texts(&a), [r#"["later"]"#, "[1]", "8"]);
    }
}
