//! The in-process server beside the contract of all backends: plain commands, notifications and expiry.

use synced_memory_core::backend::{InProcessServer, Notification};
use synced_memory_core::protocol::{CommitForm, RespReply};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn send(server: &mut InProcessServer, command: &[&str], now: u64) -> RespReply {
    let command: Vec<Vec<u8>> = command.iter().map(|argument| argument.as_bytes().to_vec()).collect();
    server.execute(&command, now)
}

fn text(text: &str) -> RespReply {
    RespReply::Text(text.as_bytes().to_vec())
}

fn changed(keys: &[&str]) -> Notification {
    Notification::Changed { keys: keys.iter().map(ToString::to_string).collect() }
}

/// A commit that creates `memory:a`, as the script's text and its arguments.
fn commit() -> Vec<&'static str> {
    let arguments = "4 memory:a sm:{memory:a}:writer sm:{memory:a}:appends sm:{memory:a}:reservations 1 - 86400 absent 0 - \
                     sm:memory: - 0 1 [] set text 9 -";
    let arguments = arguments.split(' ').map(|argument| if argument == "-" { "" } else { argument });
    ["EVAL", CommitForm::Standard.commit_script().text].into_iter().chain(arguments).collect()
}

#[test]
fn commands_that_it_does_not_take_are_errors() {
    let server = &mut InProcessServer::new();
    for command in [
        &["HSET", "k", "f", "v"][..],
        &[],
        &["GET"],
        &["GET", "k", "l"],
        &["GETRANGE", "k", "0", "x"],
        &["SET", "k", "v", "XX"],
        &["SET", "k", "v", "EX", "-1"],
        &["SCAN", "0", "TYPE", "string"],
        &["EVAL", "return 1", "0"],
    ] {
        let RespReply::Error(message) = send(server, command, 0) else { panic!("{command:?}") };
        assert!(message.starts_with("ERR "), "{message}");
    }
    assert_eq!(server.poll_notification(), None);
}

#[test]
fn a_script_is_known_by_its_digest_once_it_was_sent() {
    let server = &mut InProcessServer::new();
    // The digest of any other script, and of none.
    let by_digest = ["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"];
    let no_script = RespReply::Error("NOSCRIPT No matching script.".into());
    assert_eq!(send(server, &by_digest, 0), no_script);
    assert_eq!(send(server, &commit(), 0), RespReply::List(vec![text("applied")]));
    assert_eq!(send(server, &commit(), 0), RespReply::List(vec![text("duplicate")]));
    assert_eq!(send(server, &by_digest, 0), no_script);
}

#[test]
fn side_keys_can_be_read_and_expire_without_a_notification() {
    let server = &mut InProcessServer::new();
    send(server, &commit(), 0);
    assert!(matches!(server.poll_notification(), Some(Notification::Message { .. })));
    assert_eq!(send(server, &["GET", "sm:{memory:a}:writer"], 24 * HOUR_MS - 1), text("1"));
    assert_eq!(server.next_expiry(), None, "no host waits for the end of a side key");
    assert_eq!(send(server, &["GET", "sm:{memory:a}:writer"], 24 * HOUR_MS), RespReply::Nil);
    send(server, &["SET", "sm:any", ""], 24 * HOUR_MS);
    send(server, &["DEL", "sm:any"], 24 * HOUR_MS);
    assert_eq!(server.poll_notification(), None);
}

#[test]
fn a_secret_is_set_once() {
    let server = &mut InProcessServer::new();
    assert_eq!(send(server, &["SET", "sm:{memory:}:secret", "first", "NX"], 0), text("OK"));
    assert_eq!(send(server, &["SET", "sm:{memory:}:secret", "second", "NX"], 0), RespReply::Nil);
    assert_eq!(send(server, &["GET", "sm:{memory:}:secret"], 1_000 * HOUR_MS), text("first"));
    assert_eq!(server.poll_notification(), None);
}

#[test]
fn writes_without_a_message_are_notified() {
    let server = &mut InProcessServer::new();
    send(server, &["SET", "memory:a", "x"], 0);
    assert_eq!(server.poll_notification(), Some(changed(&["memory:a"])));
    assert_eq!(send(server, &["DEL", "memory:a", "memory:b"], 0), RespReply::Int(1));
    assert_eq!(server.poll_notification(), Some(changed(&["memory:a"])));
    assert_eq!(send(server, &["DEL", "memory:a"], 0), RespReply::Int(0));
    assert_eq!(server.poll_notification(), None);
    send(server, &["PUBLISH", "channel", "hello"], 0);
    let message = Notification::Message { channel: "channel".into(), message: b"hello".to_vec() };
    assert_eq!(server.poll_notification(), Some(message));
}

#[test]
fn documents_expire_at_their_time() {
    let server = &mut InProcessServer::new();
    send(server, &["SET", "memory:a", "x", "PX", "300"], 1_000);
    send(server, &["SET", "memory:b", "x"], 1_000);
    send(server, &["PEXPIRE", "memory:b", "100"], 1_000);
    send(server, &["SET", "memory:c", "x", "EX", "2"], 1_000);
    send(server, &["SET", "memory:c", "y", "KEEPTTL"], 1_000);
    while server.poll_notification().is_some() {}
    assert_eq!(server.next_expiry(), Some(1_100));
    server.expire(1_099);
    assert_eq!(server.poll_notification(), None);
    server.expire(1_100);
    assert_eq!(server.poll_notification(), Some(changed(&["memory:b"])));
    assert_eq!(send(server, &["PTTL", "memory:c"], 1_200), RespReply::Int(1_800));
    assert_eq!(send(server, &["PERSIST", "memory:c"], 1_200), RespReply::Int(1));
    // The command itself removes what has expired before it.
    assert_eq!(send(server, &["EXISTS", "memory:a", "memory:b", "memory:c"], 1_300), RespReply::Int(1));
    assert_eq!(server.poll_notification(), Some(changed(&["memory:a"])));
    assert_eq!(server.next_expiry(), None);
    // A lifetime in the past ends at once.
    assert_eq!(send(server, &["PEXPIRE", "memory:c", "-5"], 1_400), RespReply::Int(1));
    assert_eq!(send(server, &["GET", "memory:c"], 1_400), RespReply::Nil);
}

#[test]
fn names_come_in_pages_with_side_keys_among_them() {
    let server = &mut InProcessServer::new();
    let names: Vec<String> = (0..1_200).map(|n| format!("k{n:04}")).chain(["sm:x".to_owned()]).collect();
    for name in &names {
        send(server, &["SET", name, ""], 0);
    }
    let (mut cursor, mut listed) = ("0".to_owned(), Vec::new());
    loop {
        let RespReply::List(page) = send(server, &["SCAN", &cursor], 0) else { panic!("no page") };
        let [RespReply::Text(next), RespReply::List(keys)] = page.as_slice() else { panic!("{page:?}") };
        listed.extend(keys.iter().map(|key| match key {
            RespReply::Text(key) => String::from_utf8(key.clone()).unwrap(),
            other => panic!("{other:?}"),
        }));
        cursor = String::from_utf8(next.clone()).unwrap();
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(listed, names);
}
