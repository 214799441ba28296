//! Replies that are lost, late or refusals: every commit is applied at most once.

use crate::pair;
use crate::support::{Client, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::MutationNumber;
use synced_memory_core::protocol::{Answer, CommitOutcome, DEDUP_KEY_SECONDS};
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
