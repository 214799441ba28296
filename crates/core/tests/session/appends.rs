//! A list to which several writers append: the commands that they send, and the values that they have.

use crate::support::{Client, put, stored, stored_value};
use synced_memory_core::backend::{Execution, MemoryStore, execute};
use synced_memory_core::byte_len::ByteLen;
use synced_memory_core::document::Stored;
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::protocol::{Answer, Command, Delta, DeltaDelivery, Invalidations};
use synced_memory_core::replica::Change;
use synced_memory_core::session::{Event, Input};

/// Two sessions that both know the list with this text.
fn pair(list: &str) -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::default();
    let mut a = Client::connected("a", &mut server);
    let mut b = Client::connected("b", &mut server);
    a.mutate(&format!(r#"[["assign","log",{list}]]"#));
    a.run(&mut server);
    b.refresh(&mut server);
    (server, a, b)
}

/// The server executes everything; returns the kinds of the commands.
fn run(client: &mut Client, server: &mut MemoryStore) -> String {
    let mut kinds = String::new();
    loop {
        kinds.push_str(match client.outgoing.front() {
            Some((_, Command::Commit(..) | Command::Group(..))) => "commit ",
            Some((_, Command::Tail { .. })) => "tail ",
            Some((_, Command::Probe { .. })) => "probe ",
            // The log of names belongs to the listing, and a group mark to the reads before it.
            Some((_, Command::Load { key, .. })) if key.starts_with("sm:") => "",
            Some((_, Command::Load { .. })) => "load ",
            Some((_, Command::Names { .. })) => "names ",
            Some(_) => "other ",
            None => "",
        });
        if !client.serve_one(server) && !client.take_one() {
            return kinds.trim_end().to_owned();
        }
    }
}

fn append(client: &mut Client, element: &str) {
    client.mutate(&format!(r#"[["append","log",[],[{element}]]]"#));
}

#[test]
fn appends_of_other_writers_are_read_from_the_end_of_the_text() {
    let long = format!("[{}]", vec!["\"über\""; 1000].join(","));
    for list in ["[]", "[1]", "[[]]", "[\"\"]", "[\"ü\",{}]", &long] {
        let (mut server, mut a, mut b) = pair(list);
        append(&mut a, "1");
        a.run(&mut server);
        append(&mut b, "\"ö\"");
        append(&mut b, "3");
        assert_eq!(run(&mut b, &mut server), "commit commit tail", "{list}");
        let expected = format!("{},1,\"ö\",3]", &list[..list.len() - 1]).replace("[,", "[");
        assert_eq!(stored_value(&mut server, "log"), expected);
        assert_eq!(b.text("log"), expected);
        assert_eq!(b.settled(), 2);
        a.session.refresh(None);
        a.drain();
        assert_eq!(run(&mut a, &mut server), "names probe tail", "{list}");
        assert_eq!(a.text("log"), expected);
        assert_eq!(a.session.revision("log"), b.session.revision("log"));
    }
}

#[test]
fn catching_up_is_reported_as_a_patch_of_the_end() {
    let (mut server, mut a, mut b) = pair("[0]");
    append(&mut a, "1");
    a.run(&mut server);
    append(&mut b, "2");
    b.events.clear();
    b.run(&mut server);
    let patches = b.events.iter().filter_map(|event| match event {
        Event::Changed { change: Change::Patched(mutations), .. } => Some(format!("{mutations:?}")),
        Event::Changed { change, .. } => panic!("{change:?}"),
        _ => None,
    });
    let patches: Vec<_> = patches.collect();
    assert_eq!(patches.len(), 1);
    assert!(patches[0].contains("index: 1, remove: 0"), "{patches:?}");
}

#[test]
fn a_writer_that_appends_all_the_time_catches_up_at_intervals() {
    let (mut server, mut a, mut b) = pair("[]");
    append(&mut a, "0");
    a.run(&mut server);
    append(&mut b, "1");
    for n in 2..20 {
        // Always one more pending than the answer is about.
        append(&mut b, &n.to_string());
        b.serve_one(&mut server);
        b.take_one();
        assert!(!b.outgoing.iter().any(|(_, command)| matches!(command, Command::Tail { .. })), "{n}");
    }
    b.monotonic = b.monotonic.plus_ms(1_000);
    append(&mut b, "20");
    b.serve_one(&mut server);
    b.take_one();
    assert!(b.outgoing.iter().any(|(_, command)| matches!(command, Command::Tail { .. })));
    b.run(&mut server);
    let all: Vec<_> = (0..=20).map(|n| n.to_string()).collect();
    assert_eq!(b.text("log"), format!("[{}]", all.join(",")));
    assert_eq!(stored_value(&mut server, "log"), b.text("log"));
}

#[test]
fn other_mutations_wait_until_the_appends_are_placed() {
    let (mut server, mut a, mut b) = pair("[0,0]");
    append(&mut a, "1");
    a.run(&mut server);
    append(&mut b, "2");
    b.serve_one(&mut server);
    b.take_one();
    b.mutate(r#"[["replace","log",[],2,"two"],["replace","log",[],0,"zero"]]"#);
    append(&mut b, "3");
    assert_eq!(run(&mut b, &mut server), "tail commit");
    assert_eq!(stored_value(&mut server, "log"), r#"["zero",0,1,"two",3]"#);
    assert_eq!(b.text("log"), stored_value(&mut server, "log"));
}

#[test]
fn a_change_that_is_not_an_append_is_loaded() {
    for (other, expected) in [
        (r#"["replace","log",[],0,"zero"]"#, r#"["zero",1,2]"#),
        (r#"["splice","log",[],0,1,[]]"#, "[1,2]"),
        (r#"["splice","log",[],0,2,[]]"#, "[2]"),
        (r#"["assign","log",[7,8,9,10]]"#, "[7,8,9,10,2]"),
    ] {
        let (mut server, mut a, mut b) = pair("[0]");
        append(&mut a, "1");
        a.run(&mut server);
        b.refresh(&mut server);
        a.mutate(&format!("[{other}]"));
        a.run(&mut server);
        append(&mut b, "2");
        assert_eq!(run(&mut b, &mut server), "commit tail load", "{other}");
        assert_eq!(stored_value(&mut server, "log"), expected);
        assert_eq!(b.text("log"), expected);
    }
}

#[test]
fn the_first_append_of_a_run_needs_the_list_that_it_is_built_on() {
    let (mut server, mut a, mut b) = pair("[0,1]");
    a.mutate(r#"[["replace","log",[],0,"zero"]]"#);
    a.run(&mut server);
    append(&mut b, "2");
    assert_eq!(run(&mut b, &mut server), "commit commit");
    assert_eq!(stored_value(&mut server, "log"), r#"["zero",1,2]"#);
    assert_eq!(b.text("log"), r#"["zero",1,2]"#);
}

#[test]
fn a_push_never_goes_into_another_list_of_a_text_by_another_program() {
    for starts_run in [false, true] {
        let (mut server, mut a, mut b) = pair("[1,2]");
        if starts_run {
            append(&mut a, "0");
            a.run(&mut server);
            b.refresh(&mut server);
        }
        let foreign = r#"{"value":[1,2],"tags":["t"],"last_modified":1763000000000000009}"#;
        put(&mut server, "log", foreign.as_bytes());
        for pushed in ["3", "4"] {
            append(&mut b, pushed);
            b.run(&mut server);
        }
        assert_eq!(stored_value(&mut server, "log"), "[1,2,3,4]");
        let text = stored(&mut server, "log");
        assert!(!text.contains("tags"), "{text}");
        let mut reader = Client::connected("reader", &mut server);
        append(&mut reader, "5");
        reader.run(&mut server);
        assert_eq!(reader.text("log"), "[1,2,3,4,5]");
    }
}

#[test]
fn appends_to_a_deleted_list_are_a_conflict() {
    let (mut server, mut a, mut b) = pair("[0,0]");
    append(&mut a, "1");
    a.run(&mut server);
    append(&mut b, "2");
    b.serve_one(&mut server);
    b.take_one();
    b.mutate(r#"[["replace","log",[],2,"two"]]"#);
    a.refresh(&mut server);
    a.mutate(r#"[["delete","log"]]"#);
    a.run(&mut server);
    b.run(&mut server);
    assert_eq!((b.session.value("log").is_none(), b.conflicts()), (true, 1));
    assert_eq!(b.session.first_pending(), None);
}

#[test]
fn an_append_to_what_is_not_a_list_any_more_is_a_conflict() {
    let (mut server, mut a, mut b) = pair("[0]");
    a.mutate(r#"[["assign","log",{"a":1}]]"#);
    a.run(&mut server);
    append(&mut b, "1");
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "log"), r#"{"a":1}"#);
    assert_eq!((b.text("log").as_str(), b.conflicts()), (r#"{"a":1}"#, 1));
}

#[test]
fn an_append_merges_with_the_list_of_a_foreign_writer() {
    let (mut server, _, mut b) = pair("[0]");
    put(&mut server, "log", br#"{"value": [0, 5], "last_modified": 1763000000000000500}"#);
    append(&mut b, "1");
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "log"), "[0,5,1]");
    assert_eq!(b.text("log"), "[0,5,1]");
}

#[test]
fn appends_whose_answers_were_lost_are_applied_once() {
    let (mut server, mut a, mut b) = pair("[]");
    append(&mut a, "0");
    a.run(&mut server);
    for element in ["1", "2", "3"] {
        append(&mut b, element);
    }
    b.serve_one(&mut server);
    b.serve_one(&mut server);
    b.disconnect();
    append(&mut a, "4");
    a.run(&mut server);
    b.events.clear();
    b.connect();
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "log"), "[0,1,2,4,3]");
    assert_eq!(b.text("log"), "[0,1,2,4,3]");
    let loaded = |event: &Event| matches!(event, Event::Changed { change: Change::Loaded(_), .. });
    assert!(!b.events.iter().any(loaded), "only its end was read");
}

/// The delta of the last append to `log`, and its revision.
fn delta_of_append(server: &mut MemoryStore, writer: &str, base: Revision, element: &str) -> (Input, Revision) {
    let Ok(Execution { answer, .. }) =
        execute(server, &Command::Load { key: "memory:log".into(), max_len: ByteLen(1000) }, 0);
    let Answer::Loaded(Stored::Text(text)) = answer else { panic!("{answer:?}") };
    let digits = text.split(|byte| *byte == b':').next_back().unwrap();
    let digits: String = digits.iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    let revision = Revision(digits.parse().unwrap());
    let mutations = format!(r#"[["append","",[],[{element}]]]"#);
    let writer = WriterId(writer.into());
    let delta = Delta { key: "memory:log".into(), writer, base, revision, len: ByteLen(text.len()), mutations };
    (Input::Deltas(vec![delta]), revision)
}

fn fetches(client: &Client) -> usize {
    client.outgoing.iter().filter(|(_, command)| !matches!(command, Command::Commit(..))).count()
}

#[test]
fn deltas_say_where_the_server_has_put_appends() {
    let (mut server, mut a, mut b) = pair("[0]");
    b.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::Broadcast));
    let base = b.session.revision("log").unwrap();
    append(&mut a, "1");
    a.run(&mut server);
    let (others, other_revision) = delta_of_append(&mut server, "a", base, "1");
    // The second is in flight while the first finds its place.
    append(&mut b, "\"two\"");
    append(&mut b, "3");
    b.serve_one(&mut server);
    let (own, first_revision) = delta_of_append(&mut server, "b", other_revision, "\"two\"");
    b.serve_one(&mut server);
    let (later, last_revision) = delta_of_append(&mut server, "b", first_revision, "3");
    b.take_one();
    assert_eq!((b.settled(), fetches(&b)), (1, 0), "acknowledged, and nothing is read");
    b.handle(others);
    assert_eq!(b.text("log"), r#"[0,1,"two",3]"#);
    assert_eq!(b.session.revision("log"), Some(other_revision));
    b.handle(own);
    assert_eq!(b.session.revision("log"), Some(first_revision));
    // Its delta arrives before its answer.
    b.handle(later);
    b.take_one();
    assert_eq!(b.session.revision("log"), Some(last_revision));
    assert!(b.session.is_in_step("log"));
    b.mutate(r#"[["splice","log",[],0,1,["zero"]]]"#);
    assert_eq!(run(&mut b, &mut server), "commit");
    assert_eq!(stored_value(&mut server, "log"), r#"["zero",1,"two",3]"#);
}

#[test]
fn appends_without_deltas_are_read_from_the_server() {
    let (mut server, mut a, mut b) = pair("[0]");
    b.handle(Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::Broadcast));
    for n in 1..3 {
        append(&mut a, &format!("\"a{n}\""));
        a.run(&mut server);
        append(&mut b, &format!("\"b{n}\""));
        assert_eq!(run(&mut b, &mut server), "commit");
        if n == 1 {
            // In time,
            b.monotonic = b.monotonic.plus_ms(1_000);
            b.handle(Input::Tick);
        } else {
            // or at once where something waits for it.
            b.mutate(r#"[["replace","log",[],0,"zero"]]"#);
        }
        assert_eq!(run(&mut b, &mut server), ["tail", "tail commit"][n - 1]);
        assert_eq!(stored_value(&mut server, "log"), b.text("log"));
        a.refresh(&mut server);
    }
    assert_eq!(b.text("log"), r#"["zero","a1","b1","a2","b2"]"#);
}
