//! Commits: how many are sent, in which order, and how they merge.

use crate::pair;
use crate::support::{Client, stored, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::boundary::decode_batch;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::ids::MutationNumber;
use synced_memory_core::protocol::{Command, CommitForm, PendingCommand};
use synced_memory_core::session::Event;

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
fn an_append_sends_a_few_bytes() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    let numbers = (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    a.mutate(&format!(r#"[["assign","tasks",[{numbers}]]]"#));
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[7]]]"#);
    let (_, command) = &a.outgoing[0];
    let (_, sent) = PendingCommand::new(command.clone(), CommitForm::Standard);
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
fn mutations_made_while_commits_are_in_flight_are_sent_as_one() {
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
fn mutations_made_before_the_first_connection_are_committed() {
    let mut server = MemoryStore::default();
    let mut a = Client::new("a");
    a.mutate(r#"[["assign","tasks",[]],["append","tasks",[],[1]]]"#);
    a.disconnect();
    assert!(!a.events.contains(&Event::Ready), "nothing is known of a server that is not there");
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
    assert!(a.events.contains(&Event::Connected) && a.events.contains(&Event::Ready));
}

#[test]
fn values_assigned_while_offline_replace_earlier_ones() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","state",{"count":0,"list":[0,0]}]]"#);
    a.run(&mut server);
    a.disconnect();
    a.mutate(r#"[["set","state",[],"count",0],["set","state",[],"seen","x0"],["replace","state",["list"],1,0]]"#);
    let before = a.session.pending_size();
    for n in 1..50 {
        a.mutate(&format!(r#"[["set","state",[],"seen","x{n}"],["set","state",[],"count",{n}]]"#));
    }
    for n in 1..50 {
        a.mutate(&format!(r#"[["replace","state",["list"],0,{n}],["replace","state",["list"],1,{n}]]"#));
    }
    let after = a.session.pending_size();
    assert!(after.0 < before.0 * 3, "{before} became {after}");
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "state"), r#"{"count":49,"list":[49,49],"seen":"x49"}"#);
    assert_eq!(a.settled(), 199 + 1);
}

#[test]
fn an_assignment_replaces_a_value_that_another_writer_has_stored() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","x",{"k":1}]]"#);
    a.run(&mut server);
    b.mutate(r#"[["assign","x",[2]]]"#);
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "x"), "[2]");
    assert_eq!(b.conflicts(), 0);
}

#[test]
fn the_server_decides_whether_a_default_is_created() {
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
fn two_removals_of_one_key_do_not_conflict() {
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
fn a_deletion_by_another_writer_drops_pending_mutations() {
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
fn an_invalid_mutation_is_rejected_with_those_that_the_host_made_after_it() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1,2]]]"#);
    a.run(&mut server);
    let now = a.now();
    let batch = r#"[["append","tasks",[],[3]],["splice","tasks",[],9,1,[]],["replace","tasks",[],0,7]]"#;
    for entry in decode_batch(batch).unwrap() {
        a.session.submit(entry, now).unwrap();
    }
    let late = decode_batch(r#"[["append","tasks",[],[4]],["group",1,false,false,[],[["delete","tasks"]]]]"#).unwrap();
    let results: Vec<bool> = late.into_iter().map(|entry| a.session.submit(entry, now).is_ok()).collect();
    assert_eq!(results, [true, false], "groups throw");
    a.drain();
    let rejected =
        |event: &&Event| matches!(event, Event::Rejected { name, first: MutationNumber(3), .. } if name == "tasks");
    assert_eq!(a.events.iter().filter(rejected).count(), 1);

    a.mutate(r#"[["append","tasks",[],[5]]]"#);
    a.run(&mut server);
    assert_eq!(a.text("tasks"), "[1,2,3,5]", "what came before stays, and it goes on");
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3,5]");
    assert_eq!(a.settled(), 6);
}

/// The longest plan of a commit that was sent, while everything is answered.
fn longest_plan(a: &mut Client, server: &mut MemoryStore) -> usize {
    let mut longest = 0;
    loop {
        for (_, command) in &a.outgoing {
            if let Command::Commit(commit, _) = command {
                longest = longest.max(commit.plan.command_len().0);
            }
        }
        if !a.serve_one(server) && !a.take_one() {
            return longest;
        }
    }
}

#[test]
fn many_pending_mutations_are_sent_in_commits_of_bounded_length() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    a.mutate(r#"[["assign","list",[0]],["assign","dict",{"first":[]}]]"#);
    a.run(&mut server);
    a.disconnect();
    let text = "x".repeat(20_000);
    for n in 0..200 {
        a.mutate(&format!(r#"[["append","list",[],["{n}{text}"]],["set","dict",[],"{n}","{text}"]]"#));
        // Not at the end, and of another length than before.
        a.mutate(&format!(r#"[["append","dict",["first"],[{n}]]]"#));
    }
    assert!(a.session.pending_size().0 > 2 * 200 * 2 * 20_000, "{}", a.session.pending_size());
    let expected = [a.text("list"), a.text("dict")];
    a.connect();
    let longest = longest_plan(&mut a, &mut server);
    assert!((100_000..1_500_000).contains(&longest), "{longest}");
    assert_eq!([stored_value(&mut server, "list"), stored_value(&mut server, "dict")], expected);
    assert_eq!((a.session.pending_size(), a.session.first_pending()), (ByteLen(0), None));
}

#[test]
fn commits_that_were_split_merge_with_those_of_another_writer() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","list",[0]],["assign","dict",{}]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    let text = "x".repeat(100_000);
    for client in [&mut a, &mut b] {
        client.disconnect();
        for n in 0..12 {
            client.mutate(&format!(r#"[["append","list",[],[{n}]],["splice","list",[],0,0,["{text}"]]]"#));
            client.mutate(&format!(r#"[["set","dict",[],"{n}","{text}"]]"#));
        }
        client.connect();
        client.run(&mut server);
    }
    a.refresh(&mut server);
    let list = stored_value(&mut server, "list");
    assert_eq!((list.matches(&text).count(), list.matches(",11").count()), (24, 2));
    assert_eq!((a.text("list"), b.text("list")), (list.clone(), list));
    assert_eq!(a.text("dict"), stored_value(&mut server, "dict"));
    assert_eq!(a.conflicts() + b.conflicts(), 0);
}

#[test]
fn what_is_kept_to_undo_a_mutation_counts_as_pending() {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    let text = "x".repeat(50_000);
    a.mutate(&format!(r#"[["assign","list",["{text}","{text}"]],["assign","dict",{{"k":"{text}"}}]]"#));
    a.run(&mut server);
    a.disconnect();
    a.mutate(r#"[["splice","list",[],0,1,[]],["unset","dict",[],"k"]]"#);
    assert!((100_000..110_000).contains(&a.session.pending_size().0), "{}", a.session.pending_size());
}
