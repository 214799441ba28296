//! The lifetime of dedup keys on a real server.

use crate::peer::Peer;
use crate::server::RedisServer;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn a_dedup_key_lives_for_a_day_and_two_minutes_after_a_clean_close() {
    let server = RedisServer::start();
    let mut peer = Peer::open(&server.url());
    peer.assign("x", "1");
    peer.flush();
    let keys = server.cli(&["KEYS", "sm:{memory:x}:*"]);
    let key = keys.lines().find(|key| key.len() > "sm:{memory:x}:appends".len()).expect("a dedup key").to_owned();
    let ttl = || server.cli(&["TTL", &key]).parse::<i64>().unwrap();
    assert!((86_000..=86_400).contains(&ttl()), "{} s are left", ttl());
    peer.memory.close();
    let deadline = Instant::now() + Duration::from_secs(30);
    while ttl() > 120 {
        assert!(Instant::now() < deadline, "{} s are left", ttl());
        std::thread::yield_now();
    }
    assert!(ttl() > 60, "{} s are left", ttl());
}

#[test]
fn short_lived_memories_leave_rows_in_a_file_for_two_minutes() {
    let count: i64 = std::env::var("SYNCED_MEMORY_SHORT_LIVED").map_or(50, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    for n in 0..count {
        let mut peer = Peer::open(&format!("file:{}", path.display()));
        peer.assign("x", &n.to_string());
        peer.flush();
        peer.memory.close();
    }
    let database = rusqlite::Connection::open(&path).unwrap();
    let query = "SELECT count(*), coalesce(sum(length(key) + length(writer) + 9), 0) FROM sequences WHERE expires > ?";
    let rows = |after_seconds: u64| -> (i64, i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        database
            .query_row(query, [i64::try_from(now + after_seconds).unwrap()], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let (left, bytes) = rows(0);
    println!("{count} memories of a file: {left} rows, {bytes} bytes, {} rows two minutes later", rows(121).0);
    assert!((1..=count).contains(&left), "{left}");
    assert_eq!(rows(121), (0, 0));
}
