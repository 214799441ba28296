//! Commits that other writers are ahead of.

use crate::support::Client;
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::protocol::{
    Answer, Command, CommitOutcome, Delta, DeltaDelivery, GroupOutcome, Invalidations, ReservationRequest, Turn,
};
use synced_memory_core::session::Input;
use synced_memory_core::time::Instant;

/// A server with a document that is longer than the text that a stale commit brings, and two clients that have loaded it.
fn pair() -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::default();
    let mut clients = ["a", "b"].map(|writer| {
        let mut client = Client::announcing(writer);
        client.handle(Input::Notifications(DeltaDelivery::InOrder, Invalidations::None));
        client.connect();
        client.run(&mut server);
        client
    });
    clients[0].mutate(&format!(r#"[["assign","x",{{"start":"{}"}}]]"#, "x".repeat(5_000)));
    clients[0].run(&mut server);
    clients[1].refresh(&mut server);
    let [a, b] = clients;
    (server, a, b)
}

/// The server executes the next command. Returns it, the answer, which the client has not received yet, and the deltas.
fn serve(client: &mut Client, server: &mut MemoryStore) -> (Command, Answer, Vec<Delta>) {
    let (id, command) = client.outgoing.pop_front().expect("there is a command");
    let Ok(Execution { answer, deltas }) = execute(server, &command, client.monotonic.0);
    client.incoming.push_back((id, answer.clone()));
    (command, answer, deltas)
}

/// A client makes a commit of one key, and has its answer.
fn commit(client: &mut Client, key: &str, server: &mut MemoryStore) -> Vec<Delta> {
    client.mutate(&format!(r#"[["set","x",[],"{key}",1]]"#));
    let (_, answer, deltas) = serve(client, server);
    assert_eq!(answer, Answer::Committed(CommitOutcome::Applied));
    client.take_one();
    deltas
}

fn keys(client: &Client) -> String {
    let text = client.text("x");
    text[text.find("\",\"").map_or(text.len(), |at| at + 2)..].to_owned()
}

#[test]
fn a_stale_commit_to_a_long_document_follows_the_deltas() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["set","x",[],"own",1]]"#);
    let deltas = commit(&mut a, "foreign", &mut server);
    b.handle(Input::Deltas(deltas));
    let (_, answer, _) = serve(&mut b, &mut server);
    assert!(matches!(answer, Answer::Committed(CommitOutcome::StaleTail { .. })), "{answer:?}");
    b.take_one();
    let (command, answer, deltas) = serve(&mut b, &mut server);
    assert!(matches!(command, Command::Commit(..)), "nothing is read: {command:?}");
    assert_eq!(answer, Answer::Committed(CommitOutcome::Applied));
    b.take_one();
    a.handle(Input::Deltas(deltas));
    assert_eq!((keys(&a), keys(&b)), (r#""foreign":1,"own":1}"#.to_owned(), r#""foreign":1,"own":1}"#.to_owned()));
}

#[test]
fn a_stale_commit_waits_for_a_delta_and_then_loads_the_document() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["set","x",[],"own",1]]"#);
    commit(&mut a, "foreign", &mut server);
    serve(&mut b, &mut server);
    b.take_one();
    assert!(b.outgoing.is_empty(), "the delta may be on its way");
    b.monotonic = b.timeout.expect("the wait has an end");
    b.handle(Input::Tick);
    let (command, ..) = serve(&mut b, &mut server);
    assert!(matches!(command, Command::Load { .. }), "{command:?}");
    b.run(&mut server);
    assert_eq!(keys(&b), r#""foreign":1,"own":1}"#);
}

#[test]
fn a_writer_that_loses_again_and_again_reserves_the_next_commit() {
    let (mut server, mut a, mut b) = pair();
    b.mutate(r#"[["set","x",[],"own",1]]"#);
    for race in 0..=3 {
        let deltas = commit(&mut a, "foreign", &mut server);
        b.handle(Input::Deltas(deltas));
        let (command, answer, _) = serve(&mut b, &mut server);
        assert!(matches!(answer, Answer::Committed(CommitOutcome::StaleTail { .. })), "{answer:?}");
        let Command::Commit(commit, _) = command else { panic!("{command:?}") };
        let is_reserving = matches!(commit.terms.reservation, ReservationRequest::IfStale(_));
        assert_eq!(is_reserving, race == 3, "race {race}");
        assert!(commit.terms.text_limit < ByteLen(5_000));
        b.take_one();
        while b.outgoing.is_empty() {
            b.monotonic = b.timeout.expect("a random wait has an end");
            b.handle(Input::Tick);
        }
        a.monotonic = b.monotonic;
    }
    // The other writer has to wait, and knows for what.
    a.mutate(r#"[["set","x",[],"late",1]]"#);
    let (_, answer, _) = serve(&mut a, &mut server);
    assert!(matches!(answer, Answer::Committed(CommitOutcome::Reserved(Turn { writers_ahead: 1, .. }))), "{answer:?}");
    a.take_one();
    assert!(a.outgoing.is_empty());
    let (_, answer, deltas) = serve(&mut b, &mut server);
    assert_eq!(answer, Answer::Committed(CommitOutcome::Applied));
    a.handle(Input::Deltas(deltas));
    let (_, answer, _) = serve(&mut a, &mut server);
    assert_eq!(answer, Answer::Committed(CommitOutcome::Applied), "it commits as soon as the other one has");
}

#[test]
fn a_refused_commit_is_tried_again_when_the_reservation_ends() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["set","x",[],"own",1]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.incoming
        .push_back((id, Answer::Committed(CommitOutcome::Reserved(Turn { remaining_ms: 100, writers_ahead: 1 }))));
    a.take_one();
    assert!(a.outgoing.is_empty());
    assert!((Instant(100)..=Instant(120)).contains(&a.timeout.unwrap()), "{:?}", a.timeout);
    a.monotonic = a.timeout.unwrap();
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!(a.session.first_pending(), None);
    b.refresh(&mut server);
    assert_eq!(keys(&b), r#""own":1}"#);
}

/// A writer makes a commit stale until the transaction of the other one reserves its documents. Returns the number of the last
/// transaction, which has failed.
fn lose_races(a: &mut Client, b: &mut Client, server: &mut MemoryStore) -> u64 {
    for race in 0..=3 {
        b.mutate_group(race, true, &["x"], "[]").unwrap();
        commit(a, "foreign", server);
        let (command, answer, _) = serve(b, server);
        assert!(matches!(answer, Answer::Grouped(GroupOutcome::Stale(_))), "{answer:?}");
        let Command::Group(group, _) = command else { panic!("{command:?}") };
        assert_eq!(matches!(group.reservation, ReservationRequest::IfStale(_)), race == 3, "race {race}");
        // No delta has arrived: the document is read.
        while b.groups().len() <= usize::try_from(race).unwrap() {
            if !b.outgoing.is_empty() {
                serve(b, server);
            } else if !b.incoming.is_empty() {
                b.take_one();
            } else {
                b.monotonic = b.timeout.expect("a wait has an end");
                b.handle(Input::Tick);
            }
        }
        assert_eq!(b.groups().last(), Some(&(race, "ERR_CONFLICT")));
        a.monotonic = b.monotonic;
    }
    3
}

#[test]
fn a_transaction_that_loses_again_and_again_reserves_what_it_reads() {
    let (mut server, mut a, mut b) = pair();
    let last = lose_races(&mut a, &mut b, &mut server);
    a.mutate(r#"[["set","x",[],"late",1]]"#);
    let (_, answer, _) = serve(&mut a, &mut server);
    assert!(matches!(answer, Answer::Committed(CommitOutcome::Reserved(Turn { writers_ahead: 1, .. }))), "{answer:?}");
    a.take_one();
    b.mutate_group(last + 1, true, &["x"], "[]").unwrap();
    while b.outgoing.is_empty() {
        b.monotonic = b.timeout.expect("a random wait has an end");
        b.handle(Input::Tick);
    }
    let (_, answer, deltas) = serve(&mut b, &mut server);
    assert_eq!(answer, Answer::Grouped(GroupOutcome::Applied));
    assert!(a.outgoing.is_empty());
    assert!(deltas.iter().all(Delta::is_end_of_turn) && deltas.len() == 1, "{deltas:?}");
    a.handle(Input::Deltas(deltas));
    let (_, answer, _) = serve(&mut a, &mut server);
    assert_eq!(answer, Answer::Committed(CommitOutcome::Applied), "it commits as soon as the turn is over");
}

#[test]
fn a_transaction_whose_turn_has_not_come_fails_when_it_may_have() {
    let (mut server, mut a, mut b) = pair();
    a.mutate_group(1, true, &["x"], "[]").unwrap();
    let (id, _) = a.outgoing.pop_front().unwrap();
    let turn = Turn { remaining_ms: 100, writers_ahead: 2 };
    a.incoming.push_back((id, Answer::Grouped(GroupOutcome::Reserved(vec![turn]))));
    a.take_one();
    for (key, groups) in [("one", &[][..]), ("two", &[(1, "ERR_CONFLICT")][..])] {
        let deltas = commit(&mut b, key, &mut server);
        a.handle(Input::Deltas(deltas));
        assert_eq!(a.groups(), groups, "it would have to wait again");
    }
    a.mutate_group(2, true, &["x"], "[]").unwrap();
    a.run(&mut server);
    assert_eq!(a.groups()[1..], [(2, "committed")]);
}
