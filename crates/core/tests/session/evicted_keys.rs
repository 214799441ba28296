//! Dedup keys that are gone before their time: no commit is applied a second time on a guess, and a loss is reported.

use crate::support::{Client, stored_value};
use synced_memory_core::backend::MemoryStore;
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::protocol::{Answer, Command, EvictionPolicy};
use synced_memory_core::session::{Event, Input};

/// A server that may evict side keys, with the list `[0]`, and two sessions that know its policy. The first has a dedup key.
fn evicting() -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::default();
    let mut clients = ["a", "b"].map(|writer| {
        let mut client = Client::new(writer);
        client.eviction_policy = Some(EvictionPolicy::ExpiringKeys);
        client.connect();
        client.run(&mut server);
        client
    });
    clients[0].mutate(r#"[["assign","tasks",[0]]]"#);
    clients[0].run(&mut server);
    clients[1].refresh(&mut server);
    let [a, b] = clients;
    (server, a, b)
}

fn append(client: &mut Client, element: u32) {
    client.mutate(&format!(r#"[["append","tasks",[],[{element}]]]"#));
}

fn evict(server: &mut MemoryStore) {
    server.retain_sequences(|_, _| false);
}

/// The codes of rejected commits.
fn rejected(client: &Client) -> Vec<ErrorCode> {
    let code = |event: &Event| if let Event::Rejected { error, .. } = event { Some(error.code) } else { None };
    client.events.iter().filter_map(code).collect()
}

fn regressions(client: &Client) -> Vec<(u64, u64)> {
    let revisions =
        |event: &Event| if let Event::Regressed { from, to, .. } = event { Some((from.0, to.0)) } else { None };
    client.events.iter().filter_map(revisions).collect()
}

#[test]
fn an_append_of_a_forgotten_writer_is_not_applied_again_beside_another_writer() {
    let (mut server, mut a, mut b) = evicting();
    append(&mut a, 1);
    a.serve_one(&mut server);
    a.disconnect();
    append(&mut b, 2);
    b.run(&mut server);
    evict(&mut server);
    append(&mut a, 3);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[0,1,2,3]");
    assert_eq!((a.text("tasks").as_str(), a.settled()), ("[0,1,2,3]", 3));
    assert_eq!(rejected(&a), [ErrorCode::OutcomeUnknown]);
}

#[test]
fn an_edit_of_a_forgotten_writer_is_not_applied_again_beside_another_writer() {
    let (mut server, mut a, mut b) = evicting();
    a.mutate(r#"[["splice","tasks",[],0,0,[1]]]"#);
    a.serve_one(&mut server);
    a.disconnect();
    append(&mut b, 2);
    b.run(&mut server);
    evict(&mut server);
    a.connect();
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,0,2]");
    assert_eq!(a.text("tasks"), "[1,0,2]");
    assert_eq!(rejected(&a), [ErrorCode::OutcomeUnknown]);
}

#[test]
fn the_stored_revision_shows_which_commits_of_a_forgotten_writer_were_applied() {
    for served in 0..=3 {
        let (mut server, mut a, _) = evicting();
        for element in 1..=3 {
            append(&mut a, element);
        }
        for _ in 0..served {
            a.serve_one(&mut server);
        }
        a.disconnect();
        evict(&mut server);
        append(&mut a, 4);
        a.connect();
        a.run(&mut server);
        assert_eq!(stored_value(&mut server, "tasks"), "[0,1,2,3,4]", "{served} were applied");
        assert_eq!((a.text("tasks").as_str(), a.settled()), ("[0,1,2,3,4]", 5));
        assert_eq!(rejected(&a), []);
    }
}

#[test]
fn a_commit_that_was_never_sent_before_is_applied_without_a_dedup_key() {
    let (mut server, mut a, mut b) = evicting();
    append(&mut b, 1);
    b.run(&mut server);
    evict(&mut server);
    for element in 2..=4 {
        append(&mut a, element);
    }
    a.mutate(r#"[["splice","tasks",[],0,1,[]]]"#);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[1,2,3,4]");
    assert_eq!((a.text("tasks").as_str(), rejected(&a)), ("[1,2,3,4]", vec![]));
}

#[test]
fn a_dedup_key_that_goes_between_two_answers_decides_nothing() {
    for applied in [false, true] {
        let (mut server, mut a, mut b) = evicting();
        append(&mut a, 1);
        append(&mut a, 2);
        a.serve_one(&mut server);
        if applied {
            a.serve_one(&mut server);
        }
        a.disconnect();
        append(&mut b, 3);
        b.run(&mut server);
        a.connect();
        while matches!(a.outgoing.front(), Some((_, command)) if !matches!(command, Command::Commit(..))) {
            a.serve_one(&mut server);
        }
        a.serve_one(&mut server);
        evict(&mut server);
        a.run(&mut server);
        let expected = if applied { "[0,1,2,3]" } else { "[0,1,3]" };
        assert_eq!(stored_value(&mut server, "tasks"), expected);
        assert_eq!((a.text("tasks").as_str(), rejected(&a)), (expected, vec![ErrorCode::OutcomeUnknown]));
    }
}

#[test]
fn the_first_commit_of_a_writer_is_sent_again_where_nothing_is_evicted() {
    for (policy, expected) in
        [(Some(EvictionPolicy::NoEviction), "[0,2,1]"), (Some(EvictionPolicy::ExpiringKeys), "[0,2]"), (None, "[0,2]")]
    {
        let (mut server, mut a, _) = evicting();
        let mut c = Client::new("c");
        c.eviction_policy = policy;
        c.connect();
        c.run(&mut server);
        append(&mut c, 1);
        c.disconnect();
        append(&mut a, 2);
        a.run(&mut server);
        c.connect();
        c.run(&mut server);
        assert_eq!(stored_value(&mut server, "tasks"), expected, "{policy:?}");
        let is_unknown = policy != Some(EvictionPolicy::NoEviction);
        assert_eq!((c.text("tasks").as_str(), rejected(&c).len()), (expected, usize::from(is_unknown)));
    }
}

#[test]
fn a_default_that_was_created_meanwhile_is_no_unknown_outcome() {
    let (mut server, mut a, _) = evicting();
    let mut c = Client::new("c");
    c.connect();
    c.run(&mut server);
    c.mutate(r#"[["create","defaults",[]]]"#);
    c.disconnect();
    a.mutate(r#"[["create","defaults",[]],["append","defaults",[],[1]]]"#);
    a.run(&mut server);
    c.connect();
    c.run(&mut server);
    assert_eq!((c.text("defaults").as_str(), rejected(&c)), ("[1]", vec![]));
}

#[test]
fn a_busy_server_leaves_no_outcome_unknown() {
    let (mut server, mut a, _) = evicting();
    let mut c = Client::new("c");
    c.connect();
    c.run(&mut server);
    append(&mut c, 1);
    c.answer_commits_as_busy(&mut server);
    append(&mut a, 2);
    a.run(&mut server);
    c.monotonic = c.timeout.expect("a retry is due some time");
    c.handle(Input::Tick);
    c.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[0,2,1]");
    assert_eq!(rejected(&c), []);
}

#[test]
fn a_group_of_a_forgotten_writer_is_not_applied_again_beside_another_writer() {
    for is_beside in [false, true] {
        let (mut server, mut a, mut b) = evicting();
        a.mutate(r#"[["assign","sum",0]]"#);
        a.run(&mut server);
        b.refresh(&mut server);
        a.mutate_group(1, false, &[], r#"[["append","tasks",[],[1]],["increment","sum",[],1]]"#).unwrap();
        a.serve_one(&mut server);
        a.disconnect();
        if is_beside {
            b.mutate(r#"[["append","tasks",[],[2]],["increment","sum",[],10]]"#);
            b.run(&mut server);
        }
        evict(&mut server);
        a.connect();
        a.run(&mut server);
        let expected = if is_beside { ("[0,1,2]", "11", "ERR_OUTCOME_UNKNOWN") } else { ("[0,1]", "1", "committed") };
        assert_eq!((a.text("tasks").as_str(), a.text("sum").as_str(), a.groups()[0].1), expected);
        assert_eq!(stored_value(&mut server, "sum"), expected.1);
    }
}

#[test]
fn a_loss_is_reported_where_others_have_gone_on() {
    let (mut server, mut a, mut b) = evicting();
    a.eviction_policy = None;
    let mut backup = server.clone();
    append(&mut a, 1);
    a.run(&mut server);
    a.disconnect();
    b.disconnect();
    b.unix_ns += 1_000_000_000;
    b.connect();
    append(&mut b, 2);
    b.run(&mut backup);
    let before = a.session.revision("tasks").unwrap();
    a.connect();
    a.run(&mut backup);
    let after = a.session.revision("tasks").unwrap();
    assert!(after > before);
    assert_eq!((a.text("tasks").as_str(), regressions(&a)), ("[0,2]", vec![(before.0, after.0)]));
    a.disconnect();
    a.connect();
    a.run(&mut backup);
    assert_eq!(regressions(&a).len(), 1, "once");
}

#[test]
fn a_loss_is_reported_before_pending_mutations_are_applied() {
    let (mut server, mut a, mut b) = evicting();
    a.eviction_policy = None;
    let mut backup = server.clone();
    append(&mut a, 1);
    a.run(&mut server);
    a.disconnect();
    b.disconnect();
    b.unix_ns += 1_000_000_000;
    b.connect();
    append(&mut b, 2);
    b.run(&mut backup);
    append(&mut a, 3);
    a.connect();
    a.run(&mut backup);
    assert_eq!((a.text("tasks").as_str(), regressions(&a).len()), ("[0,2,3]", 1));
    assert_eq!(stored_value(&mut backup, "tasks"), "[0,2,3]");
}

#[test]
fn an_evicted_dedup_key_of_an_unchanged_document_is_no_loss() {
    let (mut server, mut a, mut b) = evicting();
    a.eviction_policy = None;
    evict(&mut server);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    append(&mut a, 1);
    a.run(&mut server);
    // Where keys are evicted, a key that is gone tells nothing about documents either.
    a.eviction_policy = Some(EvictionPolicy::ExpiringKeys);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    append(&mut b, 2);
    b.run(&mut server);
    evict(&mut server);
    a.disconnect();
    a.connect();
    a.run(&mut server);
    assert_eq!((a.text("tasks").as_str(), regressions(&a)), ("[0,1,2]", vec![]));
}

#[test]
fn an_emptied_server_is_a_loss_without_pending_mutations_too() {
    let (_, mut a, _) = evicting();
    a.eviction_policy = None;
    let before = a.session.revision("tasks").unwrap();
    a.disconnect();
    a.connect();
    a.run(&mut MemoryStore::default());
    assert_eq!((a.text("tasks").as_str(), regressions(&a)), ("-", vec![(before.0, 0)]));
}

#[test]
fn the_policy_is_read_once_the_session_is_ready_and_warned_of() {
    let mut server = MemoryStore::default();
    let mut client = Client::new("a");
    client.eviction_policy = Some(EvictionPolicy::AllKeys);
    client.connect();
    client.run(&mut server);
    let position = |wanted: fn(&Event) -> bool| client.events.iter().position(wanted);
    let warning = position(|event| matches!(event, Event::Warning(error) if error.code == ErrorCode::Eviction));
    assert!(warning > position(|event| *event == Event::Ready));
    client.disconnect();
    client.connect();
    let policy = |(_, command): &(_, Command)| matches!(command, Command::EvictionPolicy { .. });
    assert!(policy(client.outgoing.front().unwrap()), "on later connections before everything else");
    client.run(&mut server);
    assert_eq!(client.events.iter().filter(|event| matches!(event, Event::Warning(_))).count(), 1);
}

#[test]
fn a_reply_that_is_lost_without_the_connection_leaves_the_outcome_in_doubt() {
    let (mut server, mut a, mut b) = evicting();
    append(&mut a, 1);
    let id = a.outgoing.front().unwrap().0;
    a.serve_one(&mut server);
    a.incoming.clear();
    append(&mut b, 2);
    b.run(&mut server);
    evict(&mut server);
    let lost = SyncError::new(ErrorCode::Unreachable, "test");
    a.handle(Input::Answer(id, Answer::ReplyLost(lost)));
    a.monotonic = a.timeout.expect("a retry is due some time");
    a.handle(Input::Tick);
    a.run(&mut server);
    assert_eq!(stored_value(&mut server, "tasks"), "[0,1,2]");
    assert_eq!(rejected(&a), [ErrorCode::OutcomeUnknown]);
}

#[test]
fn later_mutations_stay_where_the_unknown_commit_turns_out_to_be_applied() {
    for is_applied in [true, false] {
        let (mut server, mut a, mut b) = evicting();
        a.mutate(r#"[["append","tasks",[],[{"id":1}]]]"#);
        if is_applied {
            a.serve_one(&mut server);
        }
        a.disconnect();
        a.mutate(r#"[["set","tasks",[1],"done",true]]"#);
        append(&mut b, 2);
        b.run(&mut server);
        evict(&mut server);
        a.connect();
        a.run(&mut server);
        let expected = if is_applied { r#"[0,{"id":1,"done":true},2]"# } else { "[0,2]" };
        assert_eq!(stored_value(&mut server, "tasks"), expected);
        assert_eq!((a.text("tasks").as_str(), rejected(&a)), (expected, vec![ErrorCode::OutcomeUnknown]));
        assert_eq!(a.conflicts(), usize::from(!is_applied));
    }
}

#[test]
fn a_writer_that_closes_leaves_its_dedup_keys_for_two_minutes() {
    let (mut server, mut a, mut b) = evicting();
    let keys = a.session.dedup_keys(a.now());
    assert_eq!((keys.pattern.as_str(), keys.count, keys.bytes), ("sm:*:a", 1, ByteLen("sm:{memory:tasks}:a1".len())));
    assert_eq!((keys.seconds, keys.seconds_after_release), (24 * 60 * 60, 2 * 60));
    assert_eq!(b.session.dedup_keys(b.now()).count, 0);
    let is_released = |client: &Client| client.events.contains(&Event::Released);
    assert!(a.session.release(a.now()));
    a.drain();
    let commands: Vec<Command> = a.outgoing.iter().map(|(_, command)| command.clone()).collect();
    let released = Command::ExpireDedupKey { key: "memory:tasks".into(), writer: WriterId("a".into()), ms: 120_000 };
    assert_eq!(commands, [released]);
    assert!(!is_released(&a));
    assert!(!a.session.release(a.now()), "once");
    a.run(&mut server);
    assert!(is_released(&a));

    assert!(!b.session.release(b.now()), "it has committed nothing");
    append(&mut b, 1);
    b.serve_one(&mut server);
    assert!(!b.session.release(b.now()), "its commit may have to be sent again");
    b.drain();
    assert!(b.outgoing.is_empty() && !is_released(&b));
}

#[test]
fn a_release_that_is_not_answered_ends_with_the_connection() {
    let (_, mut a, _) = evicting();
    assert!(a.session.release(a.now()));
    a.drain();
    a.disconnect();
    assert!(a.events.contains(&Event::Released));
}

#[test]
fn a_commit_whose_predecessor_is_acknowledged_stays_in_doubt_until_the_document_is_known() {
    for policy in [None, Some(EvictionPolicy::ExpiringKeys)] {
        let (mut server, mut a, _) = evicting();
        a.eviction_policy = policy;
        append(&mut a, 1);
        append(&mut a, 2);
        a.serve_one(&mut server);
        a.serve_one(&mut server);
        a.take_one();
        a.disconnect();
        evict(&mut server);
        a.connect();
        a.run(&mut server);
        assert_eq!(stored_value(&mut server, "tasks"), "[0,1,2]");
        assert_eq!((a.text("tasks").as_str(), rejected(&a)), ("[0,1,2]", vec![]));
    }
}
