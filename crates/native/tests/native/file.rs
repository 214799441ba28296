//! The embedded file, shared by memories of this process and of other processes.

use crate::peer::{Peer, numbers, open};
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use synced_memory_core::error::ErrorCode;
use synced_memory_core::protocol::Lifetime;
use synced_memory_core::replica::Change;
use synced_memory_core::session::Event;

fn url(folder: &Path) -> String {
    format!("file:{}/.synced-memory/memory.db", folder.display())
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join(".synced-memory/memory.db")).unwrap()
}

#[test]
fn documents_persist_and_the_view_memory_shows_them() {
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
    // The longest delays are those of the machine's scheduler.
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
fn acknowledged_commits_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut next = 0;
    for round in 1..=5 {
        let mut child = spawn_writer(folder.path(), next, 1_000_000);
        let mut acknowledged = acknowledged_by(&mut child);
        let last = acknowledged.by_ref().nth(20 * round).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // The child may have printed more before it died.
        let last = acknowledged.last().unwrap_or(last);

        let connection = database(folder.path());
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
        let mut peer = Peer::open(&url(folder.path()));
        peer.sync();
        let log = numbers(&peer.text("log").unwrap());
        assert!(log.iter().copied().eq(0..log.len() as u64), "each element once and in order: {log:?}");
        assert!(log.len() as u64 > last, "element {last} was acknowledged, but the file ends at {:?}", log.last());
        next = log.len() as u64;
    }
}

#[test]
fn a_file_of_an_older_version_keeps_its_documents() {
    let to_version_3 = "ALTER TABLE sequences RENAME COLUMN expires TO at;
        DROP TABLE history; DROP TABLE history_expiries;
        DROP TABLE reservations; DROP INDEX documents_deleted; DROP TABLE change_log;
        CREATE TABLE news (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, message BLOB NOT NULL);
        PRAGMA user_version = 3";
    let to_version_2 = "ALTER TABLE sequences RENAME COLUMN expires TO at;
        DROP TABLE history; DROP TABLE history_expiries;
        DROP TABLE reservations; DROP INDEX documents_deleted; DROP TABLE change_log;
        DROP INDEX documents_expires;
        ALTER TABLE documents DROP COLUMN expires; PRAGMA user_version = 2";
    for to_older_version in [to_version_3, to_version_2] {
        let folder = tempfile::tempdir().unwrap();
        let mut peer = Peer::open(&url(folder.path()));
        peer.assign("log", "[1]");
        peer.flush();
        drop(peer);
        database(folder.path()).execute_batch(to_older_version).unwrap();
        let (mut peer, mut other) = (Peer::open(&url(folder.path())), Peer::open(&url(folder.path())));
        assert_eq!(peer.text("log").as_deref(), Some("[1]"));
        peer.push("log", 2);
        peer.flush();
        other.until("changed", |other| other.text("log").as_deref() == Some("[1,2]"));
        let id = peer.memory.expire("log", 60_000).unwrap();
        let answer = Event::Lifetime { id, lifetime: Ok(Lifetime::Remaining(60_000)) };
        peer.until("answered", |peer| peer.events.contains(&answer));
    }
}

#[test]
fn unusable_files_are_coded_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text"), "this is no database, however long it is: ".repeat(100)).unwrap();
    Connection::open(path("other.db")).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    Peer::open(&format!("file:{}", path("newer.db").display()));
    Connection::open(path("newer.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for (name, says) in [
        ("text", "not a database"),
        ("other.db", "another program"),
        ("newer.db", "newer version"),
        ("", "unable to open"),
        ("text/below/memory.db", "folder"),
    ] {
        let (_, error) = Peer::open_unusable(&format!("file:{}", path(name).display()));
        assert_eq!(error.code, ErrorCode::File, "{name}: {error}");
        assert!(error.message.contains(says), "{name}: {error}");
    }
    let theirs = Connection::open(path("other.db")).unwrap();
    let tables: i64 = theirs.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1, "another program's database is not changed");
}

#[cfg(unix)]
#[test]
fn a_new_file_and_its_folder_are_private() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outer/inner/memory.db");
    let mode = |path: &Path| metadata(path).unwrap().permissions().mode() & 0o777;
    let file_url = format!("file:{}", path.display());
    let mut peer = Peer::open(&file_url);
    peer.assign("log", "[1]");
    peer.flush();
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(Path::new(&format!("{}{suffix}", path.display()))), 0o600, "{suffix}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("outer")), 0o700);
    drop(peer);
    set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    set_permissions(path.parent().unwrap(), Permissions::from_mode(0o750)).unwrap();
    let mut peer = Peer::open(&file_url);
    peer.push("log", 2);
    peer.flush();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o640, 0o750), "an existing file keeps its mode");
}

#[test]
fn corrupt_rows_make_their_attribute_unreadable_and_no_other() {
    for corruption in [
        "UPDATE documents SET length = 1 << 60 WHERE key = 'memory:bad'",
        "UPDATE documents SET length = 9223372036854775807 WHERE key = 'memory:bad'",
        "UPDATE documents SET length = -1 WHERE key = 'memory:bad'",
        "UPDATE documents SET length = 'many' WHERE key = 'memory:bad'",
        "UPDATE documents SET length = x'00' WHERE key = 'memory:bad'",
        "UPDATE documents SET length = length + 1 WHERE key = 'memory:bad'",
        "UPDATE documents SET first_append = 'x', last_append = 'y' WHERE key = 'memory:bad';
         UPDATE chunks SET bytes = x'00' WHERE document = (SELECT id FROM documents WHERE key = 'memory:bad')",
        "UPDATE chunks SET bytes = 'text' WHERE document = (SELECT id FROM documents WHERE key = 'memory:bad')",
        "UPDATE chunks SET bytes = zeroblob(40000) WHERE document = (SELECT id FROM documents WHERE key = 'memory:bad')",
        "DELETE FROM chunks WHERE document = (SELECT id FROM documents WHERE key = 'memory:bad') AND number = 1",
        "UPDATE change_log SET message = 'text'",
        "UPDATE change_log SET message = 7, since = 'x'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut peer = Peer::open(&url(folder.path()));
        peer.assign("bad", &format!("[\"{}\"]", "x".repeat(40_000)));
        peer.assign("good", "[1]");
        peer.flush();
        drop(peer);
        database(folder.path()).execute_batch(corruption).unwrap();
        let mut peer = Peer::open(&url(folder.path()));
        peer.sync();
        if !corruption.contains("change_log") {
            let is_unreadable = |event: &Event| {
                matches!(event, Event::Changed { name, change: Change::Unreadable(error), .. }
                    if name == "bad" && matches!(error.code, ErrorCode::File | ErrorCode::Malformed | ErrorCode::TooLarge))
            };
            assert!(peer.has_event(is_unreadable), "{corruption}: {:?}", peer.events);
        }
        peer.push("good", 2);
        peer.flush();
        assert_eq!(peer.text("good").as_deref(), Some("[1,2]"), "{corruption}");
    }
}

#[test]
fn opening_waits_for_a_lock_without_blocking_the_caller_or_other_memories() {
    let folder = tempfile::tempdir().unwrap();
    drop(Peer::open(&url(folder.path())));
    let other = database(folder.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    drop(open(&url(folder.path())).unwrap());
    let memory = open(&url(folder.path())).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    Peer::open(&url(elsewhere.path())).sync();
    other.execute_batch("COMMIT").unwrap();
    let mut peer = Peer { memory, submitted: 0, events: Vec::new() };
    peer.until("ready", |peer| peer.events.contains(&Event::Ready));
    assert!(
        peer.has_event(|event| *event == Event::Connected)
            && !peer.has_event(|event| matches!(event, Event::Disconnected(_)))
    );
}

#[test]
fn a_file_that_becomes_usable_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".synced-memory"), "not a folder").unwrap();
    let (mut peer, _) = Peer::open_unusable(&url(folder.path()));
    peer.assign("log", "[1]");
    std::fs::remove_file(folder.path().join(".synced-memory")).unwrap();
    peer.flush();
    assert!(peer.has_event(|event| *event == Event::Connected));
}

/// Run [`writer`] in another process: this test binary, started again for that test alone.
fn spawn_writer(folder: &Path, first: u64, count: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "file::writer", "--nocapture"])
        .env("SYNCED_MEMORY_TEST_WRITER", format!("{first} {count} {}", url(folder)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The elements that a writer reports as acknowledged, until it ends.
fn acknowledged_by(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
}

/// Not a test, but the work of the process that [`spawn_writer`] starts.
#[test]
fn writer() {
    let Ok(arguments) = std::env::var("SYNCED_MEMORY_TEST_WRITER") else { return };
    let mut arguments = arguments.splitn(3, ' ');
    let mut number = || arguments.next().unwrap().parse::<u64>().unwrap();
    let (first, count) = (number(), number());
    let mut peer = Peer::open(arguments.next().unwrap());
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
