//! Memories that keep a journal: what they have not sent is sent by the next one that opens it.

use crate::peer::{Peer, numbers};
use crate::server::RedisServer;
use rusqlite::Connection;
use std::path::Path;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::session::Event;
use synced_memory_native::{JournalOptions, OpenOptions};

fn options(url: &str, folder: &Path) -> OpenOptions {
    let journal = JournalOptions::new(format!("file:{}/journal.db", folder.display()));
    OpenOptions { journal: Some(journal), ..OpenOptions::new(url) }
}

fn open(url: &str, folder: &Path) -> Peer {
    Peer::start(options(url, folder)).unwrap()
}

fn ready(url: &str, folder: &Path) -> Peer {
    let mut peer = open(url, folder);
    peer.until("connected", |peer| peer.events.contains(&Event::Connected));
    peer
}

fn error_code(options: OpenOptions) -> Option<ErrorCode> {
    Peer::start(options).err().map(|error| error.code)
}

#[test]
fn mutations_of_a_memory_that_never_reached_the_server_are_sent_by_the_next_one() {
    let mut server = RedisServer::absent(&["--save", ""]);
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut peer = open(&server.url(), folder.path());
        if round == 0 {
            peer.assign("log", "[]");
        }
        for n in 0..100 {
            peer.push("log", round * 100 + n);
        }
    }
    server.restart();
    let mut peer = ready(&server.url(), folder.path());
    assert_eq!(peer.submitted, 301);
    peer.flush();
    let log = numbers(&peer.text("log").unwrap());
    assert!(log.iter().copied().eq(0..300), "{log:?}");
    assert!(server.cli(&["GET", "memory:log"]).starts_with(r#"{"value":[0,1,2,"#));
}

/// Every memory ends at some point between a mutation and its acknowledgement.
#[test]
fn each_mutation_is_applied_once_however_often_the_memory_ends() {
    for durable in [true, false] {
        let server = if durable { Some(RedisServer::start()) } else { None };
        let folder = tempfile::tempdir().unwrap();
        let file = format!("file:{}/memory.db", folder.path().display());
        let url = server.as_ref().map_or(file, RedisServer::url);
        let mut next = 0;
        for round in 0..60_u64 {
            let mut peer = ready(&url, folder.path());
            if round == 0 {
                peer.assign("log", "[]");
            }
            for _ in 0..round % 7 {
                peer.push("log", next);
                next += 1;
                if round % 3 == 0 {
                    peer.take_in();
                }
            }
        }
        let mut peer = ready(&url, folder.path());
        peer.flush();
        peer.sync();
        let log = numbers(&peer.text("log").unwrap());
        assert!(log.iter().copied().eq(0..next), "{url}: {log:?}");
    }
}

#[test]
fn documents_can_be_read_without_a_server() {
    let mut server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let mut other = Peer::open(&server.url());
    other.assign("theirs", "{\"n\":1.0}");
    other.flush();
    let mut peer = ready(&server.url(), folder.path());
    peer.assign("ours", "[1]");
    peer.flush();
    other.sync();
    other.push("ours", 2);
    other.flush();
    peer.until("changed", |peer| peer.text("ours").as_deref() == Some("[1,2]"));
    peer.memory.close();
    server.kill();
    let peer = open(&server.url(), folder.path());
    assert_eq!(peer.text("theirs").as_deref(), Some("{\"n\":1.0}"));
    assert_eq!(peer.text("ours").as_deref(), Some("[1,2]"));
}

#[test]
fn dedup_keys_of_a_journalled_writer_live_for_30_days() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let mut peer = ready(&server.url(), folder.path());
    peer.assign("x", "1");
    peer.flush();
    peer.memory.close();
    let keys = server.cli(&["KEYS", "sm:{memory:x}:*"]);
    let key = keys.lines().find(|key| key.len() > "sm:{memory:x}:appends".len()).expect("a dedup key").to_owned();
    let ttl: i64 = server.cli(&["TTL", &key]).parse().unwrap();
    assert!((2_591_000..=2_592_000).contains(&ttl), "{ttl} s are left");
}

#[test]
fn a_journal_is_refused_to_all_but_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    let url = "redis://127.0.0.1:1";
    let peer = open(url, folder.path());
    assert_eq!(error_code(options(url, folder.path())), Some(ErrorCode::JournalInUse));
    drop(peer);
    let of_another_prefix = OpenOptions { prefix: "memory:room:".into(), ..options(url, folder.path()) };
    assert_eq!(error_code(of_another_prefix), Some(ErrorCode::Journal));
    assert_eq!(error_code(options("redis://127.0.0.1:2", folder.path())), Some(ErrorCode::Journal));
    assert_eq!(error_code(options("redis://127.0.0.1:1/1", folder.path())), Some(ErrorCode::Journal));
    assert_eq!(error_code(options("memory:", folder.path())), Some(ErrorCode::Options));
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("journal.db"), copy.path().join("journal.db")).unwrap();
    assert_eq!(error_code(options(url, copy.path())), Some(ErrorCode::Journal));
    let database = Connection::open(folder.path().join("journal.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    assert_eq!(error_code(options(url, folder.path())), Some(ErrorCode::Journal));
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("journal.db"),
        "some text that is longer than the header of a database ".repeat(9),
    )
    .unwrap();
    assert_eq!(error_code(options("redis://127.0.0.1:1", folder.path())), Some(ErrorCode::Journal));
    let file = OpenOptions {
        journal: Some(JournalOptions::new(format!("file:{}/memory.db", folder.path().display()))),
        ..OpenOptions::new(format!("file:{}/memory.db", folder.path().display()))
    };
    drop(Peer::open(&file.url));
    assert_eq!(error_code(file.clone()), Some(ErrorCode::Options));
    let other = OpenOptions { url: "redis://127.0.0.1:1".into(), ..file };
    assert_eq!(error_code(other), Some(ErrorCode::Journal));
}

#[test]
fn a_damaged_tail_is_cut_off_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let url = "redis://127.0.0.1:1";
    let mut peer = open(url, folder.path());
    peer.assign("log", "[]");
    for n in 1..=5 {
        peer.push("log", n);
    }
    drop(peer);
    let database = Connection::open(folder.path().join("journal.db")).unwrap();
    let changed = database.execute("UPDATE log SET records = replace(records, '[4]', '[9]')", []).unwrap();
    assert!(changed > 0);
    drop(database);
    let mut peer = open(url, folder.path());
    peer.until("warned", |peer| {
        peer.has_event(|event| matches!(event, Event::Warning(error) if error.code == ErrorCode::Journal))
    });
    assert_eq!(peer.text("log").as_deref(), Some("[1,2,3]"));
    drop(peer);
    let mut peer = open(url, folder.path());
    peer.until("told", |peer| peer.has_event(|event| matches!(event, Event::Disconnected(_))));
    assert!(!peer.has_event(|event| matches!(event, Event::Warning(_))), "it is said once");
    assert_eq!(peer.text("log").as_deref(), Some("[1,2,3]"));
}

#[test]
fn a_damaged_database_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let url = "redis://127.0.0.1:1";
    let mut peer = open(url, folder.path());
    peer.assign("kept", "[1]");
    peer.assign("long", &format!("\"{}\"", "x".repeat(100_000)));
    drop(peer);
    let path = folder.path().join("journal.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let len = bytes.len();
    bytes[len - 40_000..].fill(0xff);
    // Written in place: another file would be taken for a copy.
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    drop(file);
    let mut peer = open(url, folder.path());
    peer.until("warned", |peer| {
        peer.has_event(|event| matches!(event, Event::Warning(error) if error.code == ErrorCode::Journal))
    });
    assert_eq!(peer.text("kept").as_deref(), Some("[1]"));
    peer.assign("later", "2");
    drop(peer);
    let peer = open(url, folder.path());
    assert_eq!((peer.text("kept").as_deref(), peer.text("later").as_deref()), (Some("[1]"), Some("2")));
}

#[cfg(unix)]
#[test]
fn a_journal_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let journal = JournalOptions::new("file:/proc/journal.db");
    let unwritable = OpenOptions { journal: Some(journal), ..OpenOptions::new("redis://127.0.0.1:1") };
    assert_eq!(error_code(unwritable), Some(ErrorCode::Journal));
    let peer = open("redis://127.0.0.1:1", folder.path());
    drop(peer);
    let mode = std::fs::metadata(folder.path().join("journal.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only this user may read it");
}
