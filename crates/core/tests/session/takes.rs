//! Takes: the elements that are removed, and the one that each caller gets. Removals that meet what is gone already.

use crate::support::{Client, put, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::{Answer, Command};
use synced_memory_core::session::Input;

/// A server that has a list of the numbers below `count`, and clients that have it, too.
fn with_queue(count: usize, clients: usize) -> (MemoryStore, Vec<Client>) {
    let mut server = MemoryStore::default();
    let mut producer = Client::connected("producer", &mut server);
    let items: Vec<_> = (0..count).map(|item| item.to_string()).collect();
    producer.mutate(&format!(r#"[["assign","q",[{}]]]"#, items.join(",")));
    producer.run(&mut server);
    let mut clients: Vec<_> = (0..clients).map(|n| Client::connected(&format!("w{n}"), &mut server)).collect();
    for client in &mut clients {
        client.refresh(&mut server);
    }
    (server, clients)
}

fn results(client: &Client) -> Vec<String> {
    client.results().into_iter().map(|(_, result)| result).collect()
}

#[test]
fn each_element_is_given_to_one_writer() {
    let (mut server, mut clients) = with_queue(64, 8);
    for round in 0..5 {
        for client in &mut clients {
            client.mutate(r#"[["shift","q",[]]]"#);
            if round % 2 == 0 {
                client.mutate(r#"[["pop","q",[]]]"#);
            }
        }
        for client in &mut clients {
            client.run(&mut server);
        }
    }
    assert_eq!(stored_value(&mut server, "q"), "[]");
    let mut taken: Vec<u64> = clients.iter().flat_map(results).map(|item| item.parse().expect("a number")).collect();
    taken.sort_unstable();
    assert_eq!(taken, (0..64).collect::<Vec<_>>());
    assert!(clients.iter().all(|client| client.moots().is_empty() && client.conflicts() == 0));
}

#[test]
fn a_take_without_contention_is_one_commit() {
    let (mut server, mut clients) = with_queue(3, 1);
    let [client] = clients.as_mut_slice() else { unreachable!() };
    client.mutate(r#"[["shift","q",[]]]"#);
    assert_eq!(client.text("q"), "[1,2]", "it shows at once");
    assert!(matches!(client.outgoing.front(), Some((_, Command::Commit(..)))));
    client.serve_one(&mut server);
    client.take_one();
    assert_eq!((results(client), client.outgoing.len()), (vec!["0".to_owned()], 0));
}

#[test]
fn a_take_whose_reply_was_lost_has_the_element_that_it_removed() {
    let (mut server, mut clients) = with_queue(3, 2);
    let [a, b] = clients.as_mut_slice() else { unreachable!() };
    a.mutate(r#"[["shift","q",[]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    b.refresh(&mut server);
    b.mutate(r#"[["shift","q",[]]]"#);
    b.run(&mut server);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "q"), "[2]");
    assert_eq!((results(a), results(b)), (vec!["0".to_owned()], vec!["1".to_owned()]));
}

#[test]
fn takes_of_a_list_that_was_emptied_or_deleted_have_nothing() {
    for theirs in [r#"[["splice","q",[],0,2,[]]]"#, r#"[["delete","q"]]"#, r#"[["assign","q",7]]"#] {
        let (mut server, mut clients) = with_queue(2, 2);
        let [a, b] = clients.as_mut_slice() else { unreachable!() };
        b.mutate(theirs);
        b.run(&mut server);
        a.mutate(r#"[["shift","q",[]],["pop","q",[]]]"#);
        a.run(&mut server);
        assert_eq!(results(a), ["-", "-"], "{theirs}");
        assert_eq!((a.session.first_pending(), a.conflicts()), (None, 0), "{theirs}");
    }
}

#[test]
fn a_refused_take_reports_an_error_and_brings_the_element_back() {
    let (_, mut clients) = with_queue(2, 1);
    let [a] = clients.as_mut_slice() else { unreachable!() };
    a.mutate(r#"[["shift","q",[]]]"#);
    let (id, _) = a.outgoing.pop_front().expect("the commit");
    a.handle(Input::Answer(id, Answer::Refused(SyncError::new(ErrorCode::Refused, "no"))));
    assert_eq!((a.text("q"), results(a)), ("[0,1]".to_owned(), vec!["ERR_REFUSED".to_owned()]));
}

#[test]
fn a_take_of_a_group_that_cannot_be_made_leaves_no_result() {
    let (mut server, mut clients) = with_queue(2, 1);
    let [a] = clients.as_mut_slice() else { unreachable!() };
    let error = a.mutate_group(1, true, &[], r#"[["shift","q",[]],["set","q",["none"],"k",1]]"#).unwrap_err();
    assert_eq!((error.code, a.text("q")), (ErrorCode::NotFound, "[0,1]".to_owned()));
    a.mutate(r#"[["shift","q",[]]]"#);
    a.run(&mut server);
    assert_eq!((results(a), a.text("q")), (vec!["0".to_owned()], "[1]".to_owned()), "the number was used again");
}

/// The events of a client that makes one mutation while a foreign writer has stored another document.
fn moots_of(ours: &str, document: &str, theirs: Option<&str>) -> Vec<String> {
    let mut server = MemoryStore::default();
    let mut client = Client::connected("a", &mut server);
    client.mutate(&format!(r#"[["assign","x",{document}]]"#));
    client.run(&mut server);
    if let Some(theirs) = theirs {
        put(&mut server, "x", format!(r#"{{"value": {theirs}, "last_modified": 9}}"#).as_bytes());
    }
    client.mutate(ours);
    client.run(&mut server);
    assert_eq!((client.conflicts(), client.session.first_pending()), (0, None), "{ours}");
    client.moots()
}

#[test]
fn a_removal_that_meets_what_is_gone_raises_an_event() {
    let element = "another writer has removed or replaced the element already";
    for (ours, document, theirs, expected) in [
        (r#"[["splice","x",[],0,1,[]]]"#, "[1,2,3]", "[2,3]", vec![format!("splice []: {element}")]),
        (r#"[["splice","x",[],0,1,[]]]"#, "[1,2,3]", "[7,2,3]", vec![format!("splice []: {element}")]),
        (
            r#"[["splice","x",["l"],0,3,[9]]]"#,
            r#"{"l":[1,2,3]}"#,
            r#"{"l":[3]}"#,
            vec![r#"splice ["l"]: another writer has removed or replaced 2 of the 3 elements already"#.to_owned()],
        ),
        (
            r#"[["unset","x",["d"],"k"]]"#,
            r#"{"d":{"k":1}}"#,
            r#"{"d":{}}"#,
            vec![r#"unset ["d"]: another writer has removed the key already"#.to_owned()],
        ),
        (
            r#"[["clear","x",["d"]]]"#,
            r#"{"d":{"k":1}}"#,
            r#"{"d":{}}"#,
            vec![r#"clear ["d"]: another writer has removed all keys already"#.to_owned()],
        ),
        (r#"[["clear","x",["d"]]]"#, r#"{"d":{"k":1,"l":2}}"#, r#"{"d":{"l":2}}"#, vec![]),
        (r#"[["splice","x",[],0,1,[]]]"#, "[1,2,3]", "[0,1,2,3]", vec![]),
        (r#"[["shift","x",[]]]"#, "[1,2,3]", "[2,3]", vec![]),
    ] {
        assert_eq!(moots_of(ours, document, Some(theirs)), expected, "{ours} after {theirs}");
    }
    assert!(moots_of(r#"[["splice","x",[],0,1,[]]]"#, "[1]", None).is_empty());
}

#[test]
fn a_deletion_of_what_was_deleted_raises_an_event_unless_nothing_was_known() {
    let (mut server, mut clients) = with_queue(2, 2);
    let [a, b] = clients.as_mut_slice() else { unreachable!() };
    b.mutate(r#"[["delete","q"]]"#);
    b.run(&mut server);
    a.mutate(r#"[["delete","q"],["delete","other"]]"#);
    a.run(&mut server);
    assert_eq!(a.moots(), ["delete []: another writer has deleted the attribute already"]);
}
