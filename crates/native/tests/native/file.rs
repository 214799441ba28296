//! The embedded file, shared by memories of this process and by other processes.

use crate::peer::{Peer, numbers, open};
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use synced_memory_core::command::Lifetime;
use synced_memory_core::error::ErrorCode;
use synced_memory_core::session::Event;

fn url(folder: &Path) -> String {
    format!("file:{}/.synced-memory/memory.db", folder.display())
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join(".synced-memory/memory.db")).unwrap()
}

#[test]
fn documents_stay_and_people_can_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("[\"{}\"]", "ü".repeat(50_000));
    {
        let mut peer = Peer::open(&url(folder.path()));
        peer.assign("long", &long);
        peer.assign("gone", "1");
        peer.submit("gone", synced_memory_core::mutation::Mutation::Delete);
        peer.flush();
    }
    assert_eq!(std::fs::read_to_string(folder.path().join(".synced-memory/.gitignore")).unwrap(), "*\n");
    let mut peer = Peer::open(&url(folder.path()));
    peer.sync();
    assert_eq!(peer.text("long").unwrap(), long);
    assert_eq!(peer.text("gone"), None);
    peer.push("long", 7);
    peer.flush();
    drop(peer);
    let rows: Vec<(String, String)> = database(folder.path())
        .prepare("SELECT key, text FROM memory")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].0, "memory:long");
    assert!(rows[0].1.starts_with(&format!(r#"{{"value":{},7],"last_modified":"#, &long[..long.len() - 1])));
}

#[test]
fn memories_see_each_others_commits_within_50_ms() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ann, mut bob) = (Peer::open(&url(folder.path())), Peer::open(&url(folder.path())));
    ann.assign("n", "0");
    ann.flush();
    let mut delays = Vec::new();
    for n in 1..=40 {
        ann.assign("n", &n.to_string());
        ann.flush();
        let acknowledged = Instant::now();
        bob.until("seen", |bob| bob.text("n") == Some(n.to_string()));
        delays.push(acknowledged.elapsed());
    }
    delays.sort();
    println!("seen by another connection after: median {:?}, longest {:?}", delays[20], delays[39]);
    // The longest belongs to the machine's scheduler; the rule is about ours.
    assert!(delays[35] < Duration::from_millis(50), "{delays:?}");
    ann.submit("n", synced_memory_core::mutation::Mutation::Delete);
    ann.flush();
    bob.until("deleted", |bob| bob.text("n").is_none());
}

#[test]
fn processes_append_each_element_once() {
    const EACH: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    // Two of them create the file at the same time.
    let children: Vec<Child> = (0..2).map(|writer| spawn_writer(folder.path(), writer * EACH, EACH)).collect();
    for mut child in children {
        let acknowledged = acknowledged_by(&mut child).count();
        assert!(child.wait().unwrap().success());
        assert_eq!(acknowledged as u64, EACH);
    }
    let mut peer = Peer::open(&url(folder.path()));
    peer.sync();
    let log = numbers(&peer.text("log").unwrap());
    for writer in 0..2 {
        let own = log.iter().copied().filter(|n| n / EACH == writer);
        assert!(own.eq(writer * EACH..(writer + 1) * EACH), "writer {writer}: {log:?}");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut next = 0;
    for round in 1..=5 {
        let mut child = spawn_writer(folder.path(), next, 1_000_000);
        let mut acknowledged = acknowledged_by(&mut child);
        let last = acknowledged.by_ref().nth(20 * round).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // What it printed before it died.
        let last = acknowledged.last().unwrap_or(last);

        let connection = database(folder.path());
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
        let mut peer = Peer::open(&url(folder.path()));
        peer.sync();
        let log = numbers(&peer.text("log").unwrap());
        assert!(log.iter().copied().eq(0..log.len() as u64), "each once and in order: {log:?}");
        assert!(log.len() as u64 > last, "{last} was acknowledged, the file ends at {:?}", log.last());
        next = log.len() as u64;
    }
}

#[test]
fn a_file_of_an_older_version_keeps_its_documents() {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Peer::open(&url(folder.path()));
    peer.assign("log", "[1]");
    peer.flush();
    drop(peer);
    let older = "DROP INDEX documents_expires; ALTER TABLE documents DROP COLUMN expires; DROP TABLE news; PRAGMA user_version = 2";
    database(folder.path()).execute_batch(older).unwrap();
    let mut peer = Peer::open(&url(folder.path()));
    assert_eq!(peer.text("log").as_deref(), Some("[1]"));
    let request = peer.memory.expire("log", 60_000).unwrap();
    let answer = Event::Lifetime { request, lifetime: Ok(Lifetime::Left(60_000)) };
    peer.until("answered", |peer| peer.events.contains(&answer));
}

#[test]
fn unusable_files_are_coded_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "this is no database, however long it is: ".repeat(100)).unwrap();
    Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    open(&format!("file:{}", path("newer.db").display())).unwrap();
    Connection::open(path("newer.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for (name, says) in [
        ("text", "not a database"),
        ("other.db", "another program"),
        ("newer.db", "newer version"),
        ("", "unable to open"),
        ("text/below/memory.db", "folder"),
    ] {
        let error = open(&format!("file:{}", path(name).display())).expect_err(name);
        assert_eq!(error.code, ErrorCode::File, "{name}: {error}");
        assert!(error.message.contains(says), "{name}: {error}");
    }
    let theirs = Connection::open(path("other.db")).unwrap();
    let tables: i64 = theirs.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1, "somebody else's database is left alone");
}

/// This test binary again, as another process that runs only [`writer`].
fn spawn_writer(folder: &Path, first: u64, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file::writer", "--nocapture"])
        .env("SYNCED_MEMORY_TEST_WRITER", format!("{first} {count} {}", url(folder)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The elements that a writer says are acknowledged, until it ends.
fn acknowledged_by(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
}

/// Not a test by itself: what [`spawn_writer`] runs.
#[test]
fn writer() {
    let Ok(orders) = std::env::var("SYNCED_MEMORY_TEST_WRITER") else { return };
    let mut orders = orders.splitn(3, ' ');
    let mut number = || orders.next().unwrap().parse::<u64>().unwrap();
    let (first, count) = (number(), number());
    let mut peer = Peer::open(orders.next().unwrap());
    peer.sync();
    if peer.text("log").is_none() && first == 0 {
        peer.assign("log", "[]");
        peer.flush();
    }
    peer.until("created", |peer| peer.text("log").is_some());
    println!();
    for n in first..first + count {
        peer.push("log", n);
        peer.flush();
        println!("acknowledged {n}");
    }
}
