//! An open embedded file.

use super::change_log::ChangeLog;
use super::documents::{ChangeNumber, Documents};
use super::file_errors::{describe, is_transient, log_full};
use super::purge::PurgePosition;
use super::schema;
use super::write_ahead_log::WriteAheadLog;
use crate::clock;
use crate::link::{Delivery, Origin};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::time::Duration;
use synced_memory_core::backend::{Execution, Store, execute};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::{Answer, Command};
use synced_memory_core::session::Input;

/// The time between two steps of the purge of old sequences, in milliseconds.
const PURGE_INTERVAL_MS: u64 = 1000;

/// The longest wait for the transaction of another process where nothing is lost if there is none: a memory that is being closed
/// must not wait.
const OPTIONAL_LOCK_TIMEOUT: Duration = Duration::from_millis(50);

/// Carries out commands on a database, and finds what other processes have changed.
pub(super) struct Database {
    connection: Connection,
    /// The path, for messages.
    name: String,
    /// The last change that the sessions know.
    last_seen: ChangeNumber,
    /// The pragma `data_version`, which changes when another connection commits. None where the changes since it was read
    /// last could not be read.
    data_version: Option<i64>,
    log: WriteAheadLog,
    /// When to go on with the purge of old sequences, on the monotonic clock.
    next_purge_ms: u64,
    purge_position: PurgePosition,
    /// When the next document expires, in milliseconds since 1970.
    next_expiry: Option<u64>,
}

impl Database {
    /// Open a database, creating it where it is absent. Its present content counts as known. Waits for a lock as long as
    /// the database is in use. Errors: `File`.
    pub(super) fn open(path: &Path, is_in_use: &dyn Fn() -> bool) -> Result<Self, SyncError> {
        let (connection, name) = (schema::open(path, is_in_use)?, path.display().to_string());
        let mut database = Self {
            connection,
            name,
            last_seen: ChangeNumber::default(),
            data_version: None,
            log: WriteAheadLog::of(path),
            next_purge_ms: 0,
            purge_position: PurgePosition::default(),
            next_expiry: None,
        };
        database.read_state().map_err(|error| describe(&database.name, &error))?;
        Ok(database)
    }

    fn read_state(&mut self) -> rusqlite::Result<()> {
        // Read first: a commit of another process between the reads is then noticed later.
        self.data_version = Some(self.read_data_version()?);
        let mut documents = Documents(&self.connection);
        self.last_seen = documents.last_change()?;
        self.next_expiry = documents.next_expiry()?;
        Ok(())
    }

    /// The path, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Carry out commands in order. Gives their answers, and notices of everything that has changed since the last
    /// call, by whichever process. Each notice comes before the answers to later commits.
    pub(super) fn execute(&mut self, batch: &[(Origin, Command)]) -> Vec<Delivery> {
        if batch.is_empty() && !self.is_changed_elsewhere() && !self.has_expired_documents() {
            return Vec::new();
        }
        if batch.iter().any(|(_, command)| is_write(command)) && self.log.is_full(&self.connection) {
            return self.execute_only_reads(batch);
        }
        match self.transact(batch) {
            Ok(deliveries) => deliveries,
            Err(error) if batch.len() > 1 && !is_transient(&error) => {
                // One bad command must not fail the others.
                batch.iter().flat_map(|one| self.execute(std::slice::from_ref(one))).collect()
            }
            Err(error) => {
                self.data_version = None;
                let reason = describe(&self.name, &error);
                let answer = if is_transient(&error) { Answer::Busy(reason) } else { Answer::Refused(reason) };
                batch.iter().map(|(origin, _)| Delivery::Answer(*origin, answer.clone())).collect()
            }
        }
    }

    /// Carry out the commands that only read. The others are to be sent again, because the write-ahead log is full.
    fn execute_only_reads(&mut self, batch: &[(Origin, Command)]) -> Vec<Delivery> {
        let (writes, reads): (Vec<_>, Vec<_>) = batch.iter().cloned().partition(|(_, command)| is_write(command));
        let busy = Answer::Busy(log_full(&self.name));
        let mut deliveries = self.execute(&reads);
        deliveries.extend(writes.into_iter().map(|(origin, _)| Delivery::Answer(origin, busy.clone())));
        deliveries
    }

    /// Carry out all commands or none, in one transaction. On return it is on disk.
    fn transact(&mut self, batch: &[(Origin, Command)]) -> rusqlite::Result<Vec<Delivery>> {
        let writes = self.has_expired_documents() || batch.iter().any(|(_, command)| is_write(command));
        // SQLite does not wait for the lock in a transaction that reads first and writes later.
        let behavior = if writes { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
        let lock_timeout = if is_optional(batch) { OPTIONAL_LOCK_TIMEOUT } else { schema::LOCK_TIMEOUT };
        self.connection.busy_timeout(lock_timeout)?;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let (mut documents, change_log) = (Documents(&transaction), ChangeLog(&transaction));
        let mut deliveries = Vec::with_capacity(2 * batch.len() + 1);
        let now = clock::unix_ms();
        if writes {
            // An expiry counts as a change by another process, so that all sessions get a notice of it.
            documents.take_expired(now)?;
        }
        let changes = match change_log.entries_since(self.last_seen)? {
            Some(entries) => entries.into_iter().map(Input::Deltas).collect(),
            None => vec![match documents.changed_since(self.last_seen)? {
                Some(keys) => Input::Changed(keys),
                None => Input::ChangedAll,
            }],
        };
        deliveries.extend(changes.into_iter().map(Delivery::Notice));
        for (origin, command) in batch {
            let last_change = if is_write(command) { documents.last_change()? } else { ChangeNumber::default() };
            let Execution { answer, deltas } = execute(&mut documents, command, now)?;
            // The list of writers is a document, too, which no replica shows.
            if !deltas.is_empty() || matches!(command, Command::Writers { change: Some(_), .. }) {
                change_log.add(last_change, &deltas)?;
            }
            if !deltas.is_empty() {
                deliveries.push(Delivery::Notice(Input::Deltas(deltas)));
            }
            deliveries.push(Delivery::Answer(*origin, answer));
        }
        let now_ms = clock::monotonic().0;
        if writes {
            documents.purge_deleted()?;
        }
        let mut purge_position = None;
        if writes && now_ms >= self.next_purge_ms {
            purge_position = Some(documents.purge_sequences(&self.purge_position)?);
        }
        let (last_seen, next_expiry) = (documents.last_change()?, documents.next_expiry()?);
        transaction.commit()?;
        self.last_seen = last_seen;
        self.next_expiry = next_expiry;
        if let Some(position) = purge_position {
            (self.purge_position, self.next_purge_ms) = (position, now_ms + PURGE_INTERVAL_MS);
        }
        if writes {
            self.log.shorten(&self.connection);
        }
        Ok(deliveries)
    }

    fn has_expired_documents(&self) -> bool {
        self.next_expiry.is_some_and(|at| at <= clock::unix_ms())
    }

    fn is_changed_elsewhere(&mut self) -> bool {
        let Ok(version) = self.read_data_version() else { return false };
        self.data_version.replace(version) != Some(version)
    }

    fn read_data_version(&self) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
    }
}

/// True for a command that needs the write lock.
fn is_write(command: &Command) -> bool {
    matches!(
        command,
        Command::Commit(..)
            | Command::Group(..)
            | Command::Expire { .. }
            | Command::Persist { .. }
            | Command::ExpireDedupKey { .. }
            | Command::Writers { change: Some(_), .. }
            | Command::RecordChange { .. }
    )
}

/// True for commands that only let rows be purged earlier.
fn is_optional(batch: &[(Origin, Command)]) -> bool {
    !batch.is_empty() && batch.iter().all(|(_, command)| matches!(command, Command::ExpireDedupKey { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::SessionId;
    use std::time::Instant;
    use synced_memory_core::byte_len::{ByteLen, ByteOffset};
    use synced_memory_core::document::{Guard, Stored};
    use synced_memory_core::error::ErrorCode;
    use synced_memory_core::ids::{Revision, Sequence, WriterId};
    use synced_memory_core::protocol::{Commit, CommitOutcome, ContentionTerms, DEDUP_KEY_SECONDS};
    use synced_memory_core::protocol::{ListedWriter, RequestId, WritersChange};
    use synced_memory_core::splice::Plan;

    fn commit(key: &str, bytes: usize) -> Command {
        let commit = Commit {
            key: key.into(),
            writer: WriterId("w".into()),
            sequence: Sequence(1),
            after: None,
            needs_dedup_key: false,
            dedup_key_seconds: DEDUP_KEY_SECONDS,
            guard: Guard::Absent,
            plan: Plan::Set("x".repeat(bytes)),
            revision: Revision(1),
            names_key: None,
            announcement: None,
            ttl_ms: None,
            max_entries: None,
            terms: ContentionTerms::default(),
        };
        Command::Commit(commit.into(), None)
    }

    fn deletion(key: &str) -> Command {
        let commit = Commit {
            key: key.into(),
            writer: WriterId("deleter".into()),
            sequence: Sequence(1),
            after: None,
            needs_dedup_key: false,
            dedup_key_seconds: DEDUP_KEY_SECONDS,
            guard: Guard::Text { len: ByteLen(1), at: ByteOffset(0), tail: b"x".to_vec() },
            plan: Plan::Delete,
            revision: Revision(2),
            names_key: None,
            announcement: None,
            ttl_ms: None,
            max_entries: None,
            terms: ContentionTerms::default(),
        };
        Command::Commit(commit.into(), None)
    }

    fn count(database: &Database, table: &str) -> i64 {
        database.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn origin(request: u64) -> Origin {
        Origin { session: SessionId(1), request: RequestId(request) }
    }

    fn notices<'a>(deliveries: &'a [Delivery]) -> Vec<&'a Input> {
        let notice = |delivery: &'a Delivery| match delivery {
            Delivery::Notice(notice) => Some(notice),
            Delivery::Answer(..) => None,
        };
        deliveries.iter().filter_map(notice).collect()
    }

    fn answers(deliveries: &[Delivery]) -> Vec<(Origin, &Answer)> {
        let answer =
            |delivery| if let &Delivery::Answer(origin, ref answer) = delivery { Some((origin, answer)) } else { None };
        deliveries.iter().filter_map(answer).collect()
    }

    fn open_in(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("memory.db"), &|| true).unwrap()
    }

    fn open() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = open_in(&folder);
        (folder, database)
    }

    #[test]
    fn changes_of_another_process_are_noticed_after_they_could_not_be_read() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        other.execute(&[(origin(1), commit("small", 10))]);
        let rename = |database: &Database, from: &str, to: &str| {
            database.connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
        };
        rename(&database, "change_log", "hidden");
        assert_eq!(database.execute(&[]), []);
        rename(&database, "hidden", "change_log");
        let deliveries = database.execute(&[]);
        assert!(matches!(notices(&deliveries)[..], [Input::Deltas(_)]), "{deliveries:?}");
        assert_eq!(database.execute(&[]), []);
    }

    #[test]
    fn a_full_disk_makes_commands_busy_and_loses_none() {
        let (_folder, mut database) = open();
        database.connection.pragma_update(None, "max_page_count", 40).unwrap();
        let batch = [(origin(1), commit("small", 10)), (origin(2), commit("large", 1 << 20))];
        let refused = database.execute(&batch);
        for ((answered, answer), expected) in answers(&refused).into_iter().zip([origin(1), origin(2)]) {
            let Answer::Busy(error) = answer else { panic!("{answer:?}") };
            assert_eq!((answered, error.code), (expected, ErrorCode::File));
        }
        database.connection.pragma_update(None, "max_page_count", 1 << 20).unwrap();
        let applied = Answer::Committed(CommitOutcome::Applied);
        let expected = [1, 2].map(|request| (origin(request), &applied));
        assert_eq!(answers(&database.execute(&batch)), expected, "the refused transaction had applied nothing");
    }

    #[test]
    fn one_bad_command_does_not_fail_the_others() {
        let (_folder, mut database) = open();
        database
            .connection
            .execute_batch(
                "CREATE TRIGGER bad BEFORE INSERT ON documents WHEN new.key = 'bad'
                 BEGIN SELECT raise(ABORT, 'refused'); END",
            )
            .unwrap();
        let load = |key: &str| Command::Load { key: key.into(), max_len: ByteLen(1 << 20) };
        let deliveries = database.execute(&[
            (origin(1), commit("good", 5)),
            (origin(2), commit("bad", 5)),
            (origin(3), load("good")),
        ]);
        let [(_, first), (_, second), (_, third)] = answers(&deliveries)[..] else { panic!("{deliveries:?}") };
        assert_eq!(*first, Answer::Committed(CommitOutcome::Applied));
        assert!(matches!(second, Answer::Refused(error) if error.code == ErrorCode::File));
        assert_eq!(*third, Answer::Loaded(Stored::Text(b"xxxxx".to_vec())));
    }

    #[test]
    fn old_sequences_are_purged() {
        let (_folder, mut database) = open();
        let old = "INSERT INTO sequences (key, writer, sequence, expires) VALUES ('k', 'w', 9, 1000)";
        database.connection.execute(old, []).unwrap();
        database.execute(&[(origin(1), commit("other", 1))]);
        let left: Vec<String> = database
            .connection
            .prepare("SELECT key FROM sequences")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(left, ["other"]);
    }

    #[test]
    fn old_sequences_are_purged_in_steps_of_bounded_work() {
        let (_folder, mut database) = open();
        database
            .connection
            .execute_batch(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
                 INSERT INTO sequences SELECT 'k' || (n % 7), 'w' || n, 1, iif(n % 2, 1000, 1 << 40) FROM n",
            )
            .unwrap();
        let mut counts = Vec::new();
        for n in 0..4 {
            database.next_purge_ms = 0;
            database.execute(&[(origin(n), commit("other", 1))]);
            counts.push(count(&database, "sequences"));
        }
        assert!(2500 - 1000 <= counts[0], "one step looks at 1000 rows: {counts:?}");
        assert_eq!(counts.last(), Some(&1251), "{counts:?}");
    }

    #[test]
    fn rows_of_deleted_documents_are_purged_and_a_process_that_is_far_behind_reads_all_documents() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        database.execute(&[(origin(0), commit("kept", 1))]);
        let mut number = 0;
        for _ in 0..12 {
            let batch: Vec<_> = (0..500)
                .flat_map(|_| {
                    number += 1;
                    let key = format!("short-lived{number}");
                    [(origin(number), commit(&key, 1)), (origin(number), deletion(&key))]
                })
                .collect();
            database.execute(&batch);
        }
        assert!(count(&database, "documents") <= 4_200, "{}", count(&database, "documents"));
        assert_eq!(other.execute(&[]), [Delivery::Notice(Input::ChangedAll)]);
        database.execute(&[(origin(0), commit("new", 1))]);
        assert!(matches!(notices(&other.execute(&[]))[..], [Input::Deltas(_)]));
    }

    #[test]
    fn a_reader_that_stays_does_not_let_the_log_grow_without_bound() {
        let (folder, mut database) = open();
        database.log.limit_bytes_to(1 << 20);
        let log_bytes = || std::fs::metadata(folder.path().join("memory.db-wal")).unwrap().len();
        let reader = Connection::open(folder.path().join("memory.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM documents").unwrap();
        let written = |database: &mut Database, n: u64| {
            let deliveries = database.execute(&[(origin(n), commit(&format!("large{n}"), 100_000))]);
            match answers(&deliveries)[..] {
                [(_, Answer::Committed(CommitOutcome::Applied))] => true,
                [(_, Answer::Busy(error))] => {
                    assert_eq!(error.code, ErrorCode::File);
                    assert!(error.message.contains("reading"), "{error}");
                    false
                }
                _ => panic!("{deliveries:?}"),
            }
        };
        let applied = (0..100).filter(|n| written(&mut database, *n)).count();
        assert!((5..20).contains(&applied), "{applied}");
        assert!(log_bytes() < (1 << 20) + 200_000, "{}", log_bytes());
        let load = (origin(1), Command::Load { key: "large0".into(), max_len: ByteLen(1 << 30) });
        assert!(matches!(answers(&database.execute(&[load]))[..], [(_, Answer::Loaded(Stored::Text(_)))]));
        reader.execute_batch("COMMIT").unwrap();
        let retried = Instant::now();
        while !written(&mut database, 100) {
            assert!(retried.elapsed() < Duration::from_secs(60), "the log is emptied once the reader has ended");
        }
        assert!(log_bytes() < 400_000, "{}", log_bytes());
    }

    #[test]
    fn each_commit_gives_one_notice_before_its_answer() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        let own = database.execute(&[(origin(1), commit("own", 1))]);
        let [Delivery::Notice(Input::Deltas(deltas)), Delivery::Answer(..)] = &own[..] else { panic!("{own:?}") };
        assert_eq!(deltas[0].key, "own");
        assert_eq!(database.execute(&[]), []);
        other.execute(&[(origin(1), commit("theirs", 1))]);
        let first_key = |deliveries: &[Delivery]| match notices(deliveries)[..] {
            [Input::Deltas(deltas), ..] => deltas[0].key.clone(),
            ref other => panic!("{other:?}"),
        };
        assert_eq!(first_key(&database.execute(&[])), "theirs");
        assert_eq!(database.execute(&[]), []);
        // A commit of another process comes along with the next answers.
        other.execute(&[(origin(2), commit("again", 1))]);
        assert_eq!(first_key(&database.execute(&[(origin(2), commit("own too", 1))])), "again");
        assert_eq!(database.execute(&[]), []);
    }

    #[test]
    fn a_change_of_the_list_of_writers_costs_other_processes_no_delta() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        let entry = ListedWriter { writer: WriterId("w".into()), host: "host".into(), open_ms: 0, age_ms: 0 };
        let keep = Command::Writers { key: "writers".into(), change: Some(WritersChange::Keep(entry)) };
        other.execute(&[(origin(1), keep.clone()), (origin(2), commit("theirs", 1)), (origin(3), keep)]);
        let deliveries = database.execute(&[]);
        assert!(matches!(notices(&deliveries)[..], [Input::Deltas(_)]), "{deliveries:?}");
        assert_eq!(database.execute(&[]), []);
    }

    #[test]
    fn a_process_that_is_far_behind_gets_keys_instead_of_deltas() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        for n in 0..300 {
            other.execute(&[(origin(n), commit(&format!("many{n}"), 1))]);
        }
        let many = database.execute(&[]);
        let [Input::Changed(keys)] = notices(&many)[..] else { panic!("{many:?}") };
        assert_eq!(keys.len(), 300);
    }

    #[test]
    fn a_log_entry_that_cannot_be_decoded_gives_keys_instead_of_deltas() {
        let (folder, mut database) = open();
        let mut other = open_in(&folder);
        for (message, [first, second]) in [("x'00'", ["a", "b"]), ("'text'", ["c", "d"])] {
            other.execute(&[(origin(1), commit(first, 1)), (origin(2), commit(second, 1))]);
            let number = "(SELECT max(number) - 1 FROM change_log)";
            let update = format!("UPDATE change_log SET message = {message} WHERE number = {number}");
            assert_eq!(other.connection.execute(&update, []).unwrap(), 1);
            let keys = vec![first.into(), second.into()];
            assert_eq!(database.execute(&[]), [Delivery::Notice(Input::Changed(keys))]);
            assert_eq!(database.execute(&[]), []);
        }
    }
}
