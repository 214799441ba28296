//! A list that several append to: what they send, and what they see.

mod support;

use support::{Client, put, stored_value};
use synced_memory_core::backend::{self, MemoryStore};
use synced_memory_core::command::{Announcement, Answer, Changes, Command, Commits, Input};
use synced_memory_core::document::Stored;
use synced_memory_core::ids::{Revision, WriterId};
use synced_memory_core::replica::Change;
use synced_memory_core::session::Event;

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

/// The server takes everything, and the commands are told by their kinds.
fn run(client: &mut Client, server: &mut MemoryStore) -> String {
    let mut kinds = String::new();
    loop {
        kinds.push_str(match client.outgoing.front() {
            Some((_, Command::Commit(_) | Command::Group(_))) => "commit ",
            Some((_, Command::Tail { .. })) => "tail ",
            Some((_, Command::Probe { .. })) => "probe ",
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
fn what_others_appended_is_caught_up_with_from_the_end() {
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
fn catching_up_is_told_as_a_patch_of_the_end() {
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
fn who_appends_all_the_time_catches_up_now_and_then() {
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
    b.monotonic_ms += 1000;
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
fn other_mutations_wait_until_it_is_known_what_they_change() {
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
fn what_came_meanwhile_is_loaded_where_it_is_no_append() {
    for (other, expected) in [
        (r#"["replace","log",[],0,"zero"]"#, r#"["zero",1,2]"#),
        (r#"["splice","log",[],0,1,[]]"#, "[1,2]"),
        (r#"["splice","log",[],0,2,[]]"#, "[2]"),
        (r#"["assign","log",[7,8,9,10]]"#, "[7,8,9,10,2]"),
    ] {
        let (mut server, mut a, mut b) = pair("[0,1]");
        a.mutate(&format!("[{other}]"));
        a.run(&mut server);
        append(&mut b, "2");
        assert_eq!(run(&mut b, &mut server), "commit tail load", "{other}");
        assert_eq!(stored_value(&mut server, "log"), expected);
        assert_eq!(b.text("log"), expected);
    }
}

#[test]
fn what_was_deleted_while_behind_is_given_up() {
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
fn what_is_no_list_any_more_takes_no_append() {
    let (mut server, mut a, mut b) = pair("[0]");
    a.mutate(r#"[["assign","log",{"a":1}]]"#);
    a.run(&mut server);
    append(&mut b, "1");
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "log"), r#"{"a":1}"#);
    assert_eq!((b.text("log").as_str(), b.conflicts()), (r#"{"a":1}"#, 1));
}

#[test]
fn a_foreign_writer_s_list_is_merged_as_ever() {
    let (mut server, _, mut b) = pair("[0]");
    put(&mut server, "log", br#"{"value": [0, 5], "last_modified": 1763000000000000500}"#);
    append(&mut b, "1");
    b.run(&mut server);
    assert_eq!(stored_value(&mut server, "log"), "[0,5,1]");
    assert_eq!(b.text("log"), "[0,5,1]");
}

#[test]
fn appends_whose_answers_were_lost_are_there_once() {
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

/// What the server tells of the append that it has just made to `log`, and the revision that it made.
fn told(server: &mut MemoryStore, writer: &str, base: Revision, element: &str) -> (Input, Revision) {
    let Ok(answer) = backend::execute(server, &Command::Load { key: "memory:log".into() }, 0);
    let Answer::Loaded(Stored::Text(text)) = answer else { panic!("{answer:?}") };
    let digits = text.split(|byte| *byte == b':').next_back().unwrap();
    let digits: String = digits.iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
    let revision = Revision(digits.parse().unwrap());
    let mutations = format!(r#"[["append","",[],[{element}]]]"#);
    let writer = WriterId(writer.into());
    let told = Announcement { key: "memory:log".into(), writer, base, revision, len: text.len(), mutations };
    (Input::Announced(vec![told]), revision)
}

fn fetches(client: &Client) -> usize {
    client.outgoing.iter().filter(|(_, command)| !matches!(command, Command::Commit(_))).count()
}

#[test]
fn what_is_told_says_where_appends_have_landed() {
    let (mut server, mut a, mut b) = pair("[0]");
    b.handle(Input::Hears(Commits::Beside, Changes::OfAll));
    let base = b.session.revision("log").unwrap();
    append(&mut a, "1");
    a.run(&mut server);
    let (others, other_revision) = told(&mut server, "a", base, "1");
    // The second is in flight while the first finds its place.
    append(&mut b, "\"two\"");
    append(&mut b, "3");
    b.serve_one(&mut server);
    let (own, first_revision) = told(&mut server, "b", other_revision, "\"two\"");
    b.serve_one(&mut server);
    let (later, last_revision) = told(&mut server, "b", first_revision, "3");
    b.take_one();
    assert_eq!((b.settled(), fetches(&b)), (1, 0), "acknowledged, and nothing is read");
    b.handle(others);
    assert_eq!(b.text("log"), r#"[0,1,"two",3]"#);
    assert_eq!(b.session.revision("log"), Some(other_revision));
    b.handle(own);
    assert_eq!(b.session.revision("log"), Some(first_revision));
    // Told before it is answered.
    b.handle(later);
    b.take_one();
    assert_eq!(b.session.revision("log"), Some(last_revision));
    assert!(b.session.is_in_step("log"));
    b.mutate(r#"[["splice","log",[],0,1,["zero"]]]"#);
    assert_eq!(run(&mut b, &mut server), "commit");
    assert_eq!(stored_value(&mut server, "log"), r#"["zero",1,"two",3]"#);
}

#[test]
fn what_is_not_told_is_read() {
    let (mut server, mut a, mut b) = pair("[0]");
    b.handle(Input::Hears(Commits::Beside, Changes::OfAll));
    for n in 1..3 {
        append(&mut a, &format!("\"a{n}\""));
        a.run(&mut server);
        append(&mut b, &format!("\"b{n}\""));
        assert_eq!(run(&mut b, &mut server), "commit");
        if n == 1 {
            // In time,
            b.monotonic_ms += 1_000;
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
