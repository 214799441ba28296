//! Replies that are lost, late or refusals: every commit is applied at most once.

use crate::pair;
use crate::support::{Client, stored_value};
use synced_memory_core::backend::{MemoryStore, execute};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::MutationNumber;
use synced_memory_core::protocol::{Answer, Command, CommitOutcome, DEDUP_KEY_SECONDS, DeltaDelivery, Invalidations};
use synced_memory_core::session::{Event, Input};

#[test]
fn a_commit_whose_reply_was_lost_is_applied_once() {
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
fn a_commit_whose_reply_was_lost_is_applied_once_beside_another_writer() {
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

/// Both clocks stand still. A commit that `b` built on its own unanswered commit could have the revision that `a` gives to a
/// document of the same length.
#[test]
fn an_unanswered_commit_is_settled_before_the_replica_is_rebased() {
    let (mut server, mut a, mut b) = pair();
    a.mutate(r#"[["assign","tasks",{}]]"#);
    a.run(&mut server);
    b.refresh(&mut server);
    b.mutate(r#"[["set","tasks",[],"b",1]]"#);
    b.serve_one(&mut server);
    b.disconnect();
    b.connect();
    b.answer_commits_as_busy(&mut server);
    b.mutate(r#"[["set","tasks",[],"b",2]]"#);
    b.monotonic = b.timeout.expect("a retry is due some time");
    b.handle(Input::Tick);
    assert_eq!(b.text("tasks"), r#"{"b":2}"#);
    a.refresh(&mut server);
    a.mutate(r#"[["set","tasks",[],"a",7]]"#);
    a.run(&mut server);
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), r#"{"b":2,"a":7}"#);
}

/// Both clocks stand still. The second pipelined commit of one writer expects the revision and length that the other writer's
/// commit gives to the document.
#[test]
fn a_pipelined_commit_is_not_applied_without_its_predecessor() {
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

/// Three writers append at random, and lose connections with everything that is in flight.
#[test]
fn random_appends_over_failing_connections_are_each_applied_once() {
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

/// The server is busy when the commit is sent again, so the replica loads the result of the commit and is rebased on it.
#[test]
fn a_commit_that_was_rebased_on_its_own_result_is_applied_once() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    a.connect();
    a.answer_commits_as_busy(&mut server);
    a.monotonic = a.timeout.expect("a retry is due some time");
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!((a.text("tasks").as_str(), a.settled()), ("[1,2]", 2));
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
    assert!(!a.events.iter().any(|event| matches!(event, Event::Regressed { .. })));
}

/// The server may have dropped the dedup key, and would apply the commit a second time.
#[test]
fn an_unanswered_commit_is_not_sent_again_after_its_dedup_key_may_have_expired() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    a.unix_ns += u64::from(DEDUP_KEY_SECONDS) * 1_000_000_000;
    a.connect();
    a.run(&mut server);
    let unknown = |event: &Event| matches!(event, Event::Rejected { error, first: MutationNumber(2), .. } if error.code == ErrorCode::OutcomeUnknown);
    assert!(a.events.iter().any(unknown));
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3]");
    assert_eq!((a.text("tasks").as_str(), a.settled()), ("[1,2,3]", 3));
}

#[test]
fn a_stale_answer_without_content_is_followed_by_a_load() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.handle(Input::Answer(id, Answer::Committed(CommitOutcome::Stale { stored: None, dedup_key_present: true })));
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2]");
}

#[test]
fn a_busy_server_gets_the_commit_again() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    a.handle(Input::Answer(id, Answer::Busy(SyncError::new(ErrorCode::Unreachable, "LOADING"))));
    assert!(a.outgoing.is_empty());
    a.monotonic = a.timeout.expect("a retry is due some time");
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
}

#[test]
fn an_overdue_reply_resets_the_connection() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.monotonic = a.timeout.unwrap();
    a.handle(Input::Tick);
    assert_eq!(a.resets, 1);
    a.drain();
    assert_eq!(a.resets, 1);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1]");
}

#[test]
fn a_permanent_refusal_rolls_the_mutation_back() {
    let (mut server, mut a, _) = pair();
    a.mutate(r#"[["assign","tasks",[1]]]"#);
    a.run(&mut server);
    a.mutate(r#"[["append","tasks",[],[2]]]"#);
    a.mutate(r#"[["append","tasks",[],[3]]]"#);
    let (id, _) = a.outgoing.pop_front().unwrap();
    let error = SyncError::new(ErrorCode::Refused, "NOPERM");
    a.handle(Input::Answer(id, Answer::Refused(error.clone())));
    a.run(&mut server);
    assert!(a.events.contains(&Event::Rejected { name: "tasks".into(), error, first: MutationNumber(2) }));
    assert_eq!(a.text("tasks"), "[1,3]");
    assert_eq!(stored_value(&mut server, "tasks"), "[1,3]");
}

#[test]
fn a_permanent_refusal_is_remembered_on_the_next_connection() {
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

/// The commits that a client has sent and the server has not got.
fn commits_of(client: &Client) -> Vec<Command> {
    let commands = client.outgoing.iter().map(|(_, command)| command);
    commands.filter(|command| matches!(command, Command::Commit(..))).cloned().collect()
}

/// A server with the list `[0]`, a session that loads these attributes, and its commands that arrive late: they append 1 and
/// remove it again.
fn with_late_append(names: Option<&[&str]>, has_dedup_key: bool) -> (MemoryStore, Client, Client, Vec<Command>) {
    let (mut server, _, mut b) = pair();
    b.mutate(r#"[["assign","tasks",[0]]]"#);
    b.run(&mut server);
    let mut c = Client::with("c", names, 1 << 26);
    c.connect();
    c.run(&mut server);
    if has_dedup_key {
        c.mutate(r#"[["replace","tasks",[],0,0.5]]"#);
        c.run(&mut server);
        b.refresh(&mut server);
    }
    c.mutate(r#"[["append","tasks",[],[1]]]"#);
    c.mutate(r#"[["splice","tasks",[],1,1,[]]]"#);
    let late = commits_of(&c);
    c.disconnect();
    // The answer to the copies that are sent again is that they were not applied.
    b.mutate(r#"[["replace","tasks",[],0,7]]"#);
    b.run(&mut server);
    c.connect();
    (server, b, c, late)
}

/// Another append makes that of the late commands need no guard, and they arrive before the session reads the list.
fn check_late_append(server: &mut MemoryStore, b: &mut Client, c: &mut Client, late: &[Command]) {
    assert_eq!(c.text("tasks"), "[7]");
    assert_eq!(commits_of(c), [], "it waits before it commits");
    b.mutate(r#"[["append","tasks",[],[2]]]"#);
    b.run(server);
    for command in late {
        let Ok(_) = execute(server, command, 0);
    }
    assert_eq!(stored_value(server, "tasks"), "[7,2,1]");
    c.refresh(server);
    assert_eq!(c.text("tasks"), "[7,2]");
    if let Some(due) = c.timeout {
        c.monotonic = due;
        c.handle(Input::Tick);
    }
    c.run(server);
    assert_eq!((c.moots(), c.session.first_pending()), (vec![], None));
    assert_eq!((c.text("tasks"), stored_value(server, "tasks")), ("[7,2]".into(), "[7,2]".into()));
}

#[test]
fn a_first_append_that_arrives_late_is_removed_by_its_writer() {
    let (mut server, mut b, mut c, late) = with_late_append(None, false);
    while c.text("tasks") != "[7]" && (c.serve_one(&mut server) || c.take_one()) {}
    check_late_append(&mut server, &mut b, &mut c, &late);
}

#[test]
fn an_append_that_arrives_late_while_its_writer_waits_is_removed_by_it() {
    for names in [None, Some(&["tasks"][..])] {
        let (mut server, mut b, mut c, late) = with_late_append(names, true);
        while c.serve_one(&mut server) {
            // The longer a round trip takes, the longer is the wait after a lost race.
            c.monotonic = c.monotonic.plus_ms(50);
            c.take_one();
        }
        check_late_append(&mut server, &mut b, &mut c, &late);
    }
}

/// The delta of a copy that has arrived late overtakes the answer that the commit was not applied before.
#[test]
fn the_delta_of_an_own_append_is_not_taken_for_one_of_another_writer() {
    let (mut server, mut b, mut c) =
        (MemoryStore::default(), Client::announcing("b"), Client::announcing_with("c", Some(&["tasks"])));
    for client in [&mut b, &mut c] {
        client.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::None));
        client.connect();
        client.run(&mut server);
        if client.text("tasks") == "-" {
            client.mutate(r#"[["assign","tasks",[0]]]"#);
            client.run(&mut server);
        }
    }
    c.mutate(r#"[["append","tasks",[],[1]]]"#);
    let (id, late) = c.outgoing.pop_front().unwrap();
    c.handle(Input::Answer(id, Answer::ReplyLost(SyncError::new(ErrorCode::Unreachable, "test"))));
    c.monotonic = c.timeout.expect("a retry is due some time");
    c.handle(Input::Tick);
    b.mutate(r#"[["replace","tasks",[],0,7]]"#);
    b.mutate(r#"[["append","tasks",[],[2]]]"#);
    let [replaced, appended] = commits_of(&b).try_into().unwrap();

    let deltas_of = |server: &mut MemoryStore, command: &Command| {
        let Ok(execution) = execute(server, command, 0);
        Input::Deltas(execution.deltas)
    };
    let mut inputs = vec![deltas_of(&mut server, &replaced)];
    while c.serve_one(&mut server) {}
    inputs.extend([&appended, &late].map(|command| deltas_of(&mut server, command)));
    assert_eq!(stored_value(&mut server, "tasks"), "[7,2,1]");
    for input in inputs {
        c.handle(input);
    }
    while c.take_one() {
        assert_ne!(c.text("tasks"), "[7,2,1,1]");
    }
    c.run(&mut server);
    assert_eq!((c.text("tasks").as_str(), c.settled()), ("[7,2,1]", 1));
}
