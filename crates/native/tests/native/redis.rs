//! Memories on a Redis server.

use crate::peer::{Peer, numbers, open};
use crate::server::RedisServer;
use std::sync::Barrier;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::session::Event;

#[test]
fn two_memories_share_a_list() {
    let server = RedisServer::start();
    let (mut ann, mut bob) = (Peer::open(&server.url()), Peer::open(&server.url()));
    ann.assign("tasks", "[1]");
    ann.push("tasks", 2);
    ann.flush();
    assert_eq!(bob.text("tasks"), None);
    bob.sync();
    assert_eq!(bob.text("tasks").unwrap(), "[1,2]");
    // Both commits are built on the same document: one of them is stale, and its mutation is rebased.
    ann.push("tasks", 3);
    bob.push("tasks", 4);
    ann.flush();
    bob.flush();
    ann.sync();
    bob.sync();
    assert_eq!(ann.text("tasks"), bob.text("tasks"));
    let mut all = numbers(&ann.text("tasks").unwrap());
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
    let stored = server.cli(&["GET", "memory:tasks"]);
    assert!(stored.starts_with(r#"{"value":[1,2,"#), "{stored}");
}

#[test]
fn eight_threads_append_each_element_once() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 300;
    let server = RedisServer::start();
    let mut first = Peer::open(&server.url());
    first.assign("log", "[]");
    first.flush();
    let start = Barrier::new(usize::try_from(WRITERS).unwrap());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (start, url) = (&start, server.url());
            scope.spawn(move || {
                let mut peer = Peer::open(&url);
                start.wait();
                for i in 0..EACH {
                    peer.push("log", writer * EACH + i);
                    peer.take_in();
                }
                peer.flush();
            });
        }
    });
    first.sync();
    let log = numbers(&first.text("log").unwrap());
    for writer in 0..WRITERS {
        let own: Vec<u64> = log.iter().copied().filter(|n| n / EACH == writer).collect();
        assert_eq!(
            own,
            (writer * EACH..(writer + 1) * EACH).collect::<Vec<_>>(),
            "the elements of writer {writer}, in its order"
        );
    }
    assert_eq!(log.len() as u64, WRITERS * EACH);
}

#[test]
fn every_push_survives_kills_of_the_server() {
    const PUSHES: u64 = 10_000;
    let mut server = RedisServer::durable();
    let mut peer = Peer::open(&server.url());
    peer.assign("log", "[]");
    for i in 0..PUSHES {
        peer.push("log", i);
        peer.take_in();
        match i % 3000 {
            1400 => peer.until("connected", |peer| peer.has_event(|event| *event == Event::Connected)),
            // Commits are in flight.
            1500 => {
                server.kill();
                peer.until("disconnected", |peer| peer.has_event(|event| matches!(event, Event::Disconnected(_))));
                peer.events.retain(|event| !matches!(event, Event::Connected | Event::Disconnected(_)));
                server.restart();
            }
            _ => {}
        }
    }
    peer.flush();
    let mut reader = Peer::open(&server.url());
    reader.sync();
    assert!(numbers(&reader.text("log").unwrap()).into_iter().eq(0..PUSHES), "each element exactly once, in order");
}

#[test]
fn mutations_wait_for_a_server_that_is_not_there_yet() {
    let mut server = RedisServer::absent(&["--save", ""]);
    let (mut peer, error) = Peer::open_unusable(&server.url());
    assert_eq!(error.code, ErrorCode::Unreachable);
    peer.assign("tasks", "[]");
    peer.push("tasks", 1);
    server.restart();
    peer.flush();
    assert!(peer.has_event(|event| *event == Event::Connected));
    assert!(server.cli(&["GET", "memory:tasks"]).starts_with(r#"{"value":[1],"#));
}

#[test]
fn a_flushed_script_cache_loses_and_reorders_nothing() {
    let server = RedisServer::start();
    let mut peer = Peer::open(&server.url());
    peer.assign("log", "[]");
    for i in 0..500 {
        peer.push("log", i);
        if i % 50 == 0 {
            server.cli(&["SCRIPT", "FLUSH"]);
        }
        peer.take_in();
    }
    peer.flush();
    let mut reader = Peer::open(&server.url());
    reader.sync();
    assert!(numbers(&reader.text("log").unwrap()).into_iter().eq(0..500));
}

#[test]
fn a_server_that_pauses_delays_commits_and_loses_none() {
    let server = RedisServer::start();
    let mut peer = Peer::open(&server.url());
    server.signal("STOP");
    peer.assign("log", "[]");
    peer.push("log", 1);
    peer.take_in();
    assert!(!peer.is_settled());
    server.signal("CONT");
    peer.flush();
    assert!(!peer.has_event(|event| matches!(event, Event::Disconnected(_))));
}

#[test]
fn a_wrong_password_gives_a_coded_error_without_the_password() {
    let server = RedisServer::with(&["--save", "", "--requirepass", "right-secret"]);
    let credentials = [":wrong-secret@", "ann:wrong-secret@", ""];
    for credentials in credentials {
        let (_, error) = Peer::open_unusable(&format!("redis://{credentials}127.0.0.1:{}", server.port));
        assert_eq!(error.code, ErrorCode::Auth, "{error}");
        assert!(!error.message.contains("secret"), "{error}");
    }
    let mut peer = Peer::open(&format!("redis://:right-secret@127.0.0.1:{}/2", server.port));
    peer.assign("x", "1");
    peer.flush();
}

#[test]
fn a_password_for_a_server_without_one_gives_a_coded_error() {
    let server = RedisServer::start();
    let (_, error) = Peer::open_unusable(&format!("redis://ann:wrong-secret@127.0.0.1:{}", server.port));
    assert_eq!(error.code, ErrorCode::Auth, "{error}");
    assert!(!error.message.contains("secret"));
}

#[test]
fn a_server_without_hello_is_used_in_resp2() {
    let server = RedisServer::with(&["--save", "", "--rename-command", "HELLO", "", "--requirepass", "secret"]);
    let mut peer = Peer::open(&format!("redis://:secret@127.0.0.1:{}", server.port));
    peer.assign("tasks", "[]");
    peer.push("tasks", 1);
    peer.flush();
    let mut reader = Peer::open(&format!("redis://:secret@127.0.0.1:{}", server.port));
    reader.sync();
    assert_eq!(reader.text("tasks").unwrap(), "[1]");
    let (_, error) = Peer::open_unusable(&format!("redis://:wrong-pass@127.0.0.1:{}", server.port));
    assert_eq!(error.code, ErrorCode::Auth, "{error}");
}

#[cfg(unix)]
#[test]
fn unix_sockets_work() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock");
    let _server = RedisServer::with(&["--save", "", "--unixsocket", socket.to_str().unwrap()]);
    let mut peer = Peer::open(&format!("redis+unix://{}?db=1", socket.display()));
    peer.assign("x", "1");
    peer.flush();
    assert!(peer.has_event(|event| *event == Event::Connected));
}

#[test]
fn an_unusable_url_is_an_error_at_once() {
    for url in ["http://host", "redis+cluster://user:secret@h:1/1", "redis://user:secret@host:port"] {
        let error = open(url).expect_err(url);
        assert_eq!(error.code, ErrorCode::Options);
        assert!(!error.message.contains("secret"));
    }
}
