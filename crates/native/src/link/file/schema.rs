//! The tables of an embedded file: opening a file, creating it, and updating it from earlier versions.

use super::file_errors::{describe, file_error};
use crate::private_file::{create_folder, create_private_file};
use rusqlite::{Connection, ErrorCode as Sqlite, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};
use synced_memory_core::error::SyncError;

/// The longest wait for the transaction of another process.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait of one attempt to open a file.
const OPEN_STEP_TIMEOUT: Duration = Duration::from_millis(50);
/// The pragma `application_id`: `SynM`. The `file` command shows it, and a database with another one is left alone.
const APPLICATION_ID: i32 = 0x5379_6e4d;
/// The pragma `user_version`: the version of [`SCHEMA`].
const SCHEMA_VERSION: i32 = 9;
/// The number of statements that stay prepared; there are fewer.
const CACHED_STATEMENTS: usize = 50;
/// The maximum length of the write-ahead log between commits, in bytes. One commit of a large document may exceed it.
pub(super) const MAX_IDLE_LOG_BYTES: u32 = 16 << 20;

/// Documents are cut into chunks, so that an append rewrites one chunk and not the whole document.
const SCHEMA: &str = "
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  length INTEGER, -- bytes; NULL once deleted: the row stays for a while, so that other processes notice
  changed INTEGER NOT NULL, -- the number of the last change, counted over all documents
  first_append INTEGER, -- the revision before the last run of appends
  last_append INTEGER, -- the revision after it
  expires INTEGER -- milliseconds since 1970; NULL for never
);
CREATE INDEX documents_changed ON documents (changed);
CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
CREATE INDEX documents_deleted ON documents (changed) WHERE length IS NULL;
CREATE TABLE chunks (
  document INTEGER NOT NULL,
  number INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (document, number)
);
CREATE TABLE sequences (
  key TEXT NOT NULL,
  writer TEXT NOT NULL,
  sequence INTEGER NOT NULL, -- the writer's last commit that was applied to the document
  expires INTEGER NOT NULL, -- seconds since 1970; the row is purged later
  PRIMARY KEY (key, writer)
) WITHOUT ROWID;
CREATE TABLE reservations (
  key TEXT PRIMARY KEY,
  queue TEXT NOT NULL, -- of each writer that has reserved a commit of the document 'writer milliseconds;'
  expires INTEGER NOT NULL -- milliseconds since 1970
) WITHOUT ROWID;
-- The deltas of the newest commits, for processes whose replicas are nearly up to date.
CREATE TABLE change_log (
  number INTEGER PRIMARY KEY, -- the number of the commit's last change
  since INTEGER NOT NULL, -- the number of the last change before the commit
  message BLOB NOT NULL -- the delta message; empty for a change that no replica shows
);
-- The last commits of documents whose history is recorded.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  at INTEGER NOT NULL, -- milliseconds since 1970
  revision INTEGER NOT NULL, -- 0 where the commit deleted the document
  base INTEGER NOT NULL, -- 0 where there was no document
  writer TEXT, -- NULL for a change of a foreign writer
  mutations TEXT NOT NULL,
  text TEXT, -- in some rows the stored text before the commit
  entries INTEGER NOT NULL, -- these three numbers are those of HistoryCounts
  length INTEGER NOT NULL,
  total INTEGER NOT NULL
);
CREATE INDEX history_key ON history (key, id);
CREATE TABLE history_expiries (key TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
-- For people: SELECT * FROM memory.
CREATE VIEW memory (key, text) AS
  SELECT key, coalesce((
    SELECT group_concat(CAST(bytes AS TEXT), '') FROM
      (SELECT bytes FROM chunks WHERE document = documents.id ORDER BY number)
  ), '')
  FROM documents WHERE length IS NOT NULL AND key NOT LIKE 'sm:%';
";

/// The update to each version from the one before it, beginning with version 2.
const UPDATES: [&str; 8] = [
    "ALTER TABLE documents ADD COLUMN first_append INTEGER;
     ALTER TABLE documents ADD COLUMN last_append INTEGER;",
    "ALTER TABLE documents ADD COLUMN expires INTEGER;
     CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
     CREATE TABLE news (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, message BLOB NOT NULL);",
    // The messages of version 3 are dropped: a replica that needs one of them reads the document instead.
    "DROP TABLE news;
     CREATE TABLE change_log (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, message BLOB NOT NULL);",
    "CREATE INDEX documents_deleted ON documents (changed) WHERE length IS NULL;",
    // Logs of names are no documents.
    "DROP VIEW memory;
     CREATE VIEW memory (key, text) AS
       SELECT key, coalesce((
         SELECT group_concat(CAST(bytes AS TEXT), '') FROM
           (SELECT bytes FROM chunks WHERE document = documents.id ORDER BY number)
       ), '')
       FROM documents WHERE length IS NOT NULL AND key NOT LIKE 'sm:%';",
    "CREATE TABLE reservations (key TEXT PRIMARY KEY, queue TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;",
    // Sequences were kept for a day, whoever had made them.
    "ALTER TABLE sequences RENAME COLUMN at TO expires;
     UPDATE sequences SET expires = expires + 86400;",
    "CREATE TABLE history (
       id INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, revision INTEGER NOT NULL, base INTEGER NOT NULL,
       writer TEXT, mutations TEXT NOT NULL, text TEXT, entries INTEGER NOT NULL, length INTEGER NOT NULL,
       total INTEGER NOT NULL
     );
     CREATE INDEX history_key ON history (key, id);
     CREATE TABLE history_expiries (key TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;",
];

/// Open a database. It and its folder are created where they are absent, and updated from an earlier version. Waits for
/// the transaction of another process, until the database is no longer `is_in_use`. Errors: `File`.
pub(super) fn open(path: &Path, is_in_use: &dyn Fn() -> bool) -> Result<Connection, SyncError> {
    let name = path.display().to_string();
    create_folder(path).map_err(|error| {
        file_error(format!("cannot create the folder of {name}: {error}; give a path that this process may write"))
    })?;
    create_private_file(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let started = Instant::now();
    loop {
        match Connection::open_with_flags(path, flags).and_then(set_up) {
            Ok(Ok(connection)) => {
                connection.busy_timeout(LOCK_TIMEOUT).map_err(|error| describe(&name, &error))?;
                return Ok(connection);
            }
            Ok(Err(NotOurs(reason))) => return Err(file_error(format!("{name} {reason}; give another path"))),
            // When two processes switch a new file to WAL at the same time, SQLite refuses one of them without waiting.
            Err(error)
                if error.sqlite_error_code() == Some(Sqlite::DatabaseBusy)
                    && started.elapsed() < LOCK_TIMEOUT
                    && is_in_use() =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(describe(&name, &error)),
        }
    }
}

/// Why a valid database cannot be used.
struct NotOurs(&'static str);

fn set_up(mut connection: Connection) -> rusqlite::Result<Result<Connection, NotOurs>> {
    connection.busy_timeout(OPEN_STEP_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    if is_foreign(&connection)? {
        return Ok(Err(NotOurs("is another program's SQLite database")));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Acknowledged means on disk: SQLite syncs the write-ahead log at every commit.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", MAX_IDLE_LOG_BYTES)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match usize::try_from(version) {
        Ok(0) => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        Ok(version) => UPDATES.iter().skip(version - 1).try_for_each(|update| transaction.execute_batch(update))?,
        Err(_) => {}
    }
    if version < SCHEMA_VERSION {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    if version > SCHEMA_VERSION {
        return Ok(Err(NotOurs("was made by a newer version of synced-memory")));
    }
    Ok(Ok(connection))
}

/// True if another program made the database.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    let application_id = || connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0));
    let found = application_id()?;
    if found == APPLICATION_ID {
        return Ok(false);
    }
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // A new database is empty. Another process may have created the tables since the first look.
    Ok((found != 0 || objects != 0) && application_id()? != APPLICATION_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Result<Connection, SyncError> {
        super::open(path, &|| true)
    }

    /// The tables of version 3, as that version created them.
    const VERSION_3: &str = "
        CREATE TABLE documents (
          id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, length INTEGER, changed INTEGER NOT NULL,
          first_append INTEGER, last_append INTEGER, expires INTEGER
        );
        CREATE INDEX documents_changed ON documents (changed);
        CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
        CREATE TABLE chunks (
          document INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (document, number)
        );
        CREATE TABLE sequences (
          key TEXT NOT NULL, writer TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
          PRIMARY KEY (key, writer)
        ) WITHOUT ROWID;
        CREATE TABLE news (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, message BLOB NOT NULL);
        CREATE VIEW memory (key, text) AS SELECT key, '' FROM documents WHERE length IS NOT NULL;
        INSERT INTO documents (key, length, changed, expires) VALUES ('memory:a', 2, 7, 99);
        INSERT INTO chunks VALUES (1, 0, '[]');
        INSERT INTO sequences VALUES ('memory:a', 'w', 5, 1);
        INSERT INTO news VALUES (7, 6, 'w 1 2 2 8 memory:a[]');
        PRAGMA application_id = 1400467021;";

    const TO_VERSION_2: &str = "
        DROP TABLE news; DROP INDEX documents_expires; ALTER TABLE documents DROP COLUMN expires;";

    const TO_VERSION_1: &str = "
        ALTER TABLE documents DROP COLUMN first_append; ALTER TABLE documents DROP COLUMN last_append;";

    fn version(connection: &Connection) -> i32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    /// The columns of every table.
    fn columns(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c ORDER BY 1")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn files_of_every_earlier_version_are_updated_and_keep_their_documents() {
        let folder = tempfile::tempdir().unwrap();
        let new = open(&folder.path().join("new.db")).unwrap();
        assert_eq!(version(&new), SCHEMA_VERSION);
        for (earlier, steps) in [
            (8, vec![VERSION_3, UPDATES[2], UPDATES[3], UPDATES[4], UPDATES[5], UPDATES[6]]),
            (7, vec![VERSION_3, UPDATES[2], UPDATES[3], UPDATES[4], UPDATES[5]]),
            (6, vec![VERSION_3, UPDATES[2], UPDATES[3], UPDATES[4]]),
            (5, vec![VERSION_3, UPDATES[2], UPDATES[3]]),
            (4, vec![VERSION_3, UPDATES[2]]),
            (3, vec![VERSION_3]),
            (2, vec![VERSION_3, TO_VERSION_2]),
            (1, vec![VERSION_3, TO_VERSION_2, TO_VERSION_1]),
        ] {
            let path = folder.path().join(format!("{earlier}.db"));
            let before = Connection::open(&path).unwrap();
            for step in steps {
                before.execute_batch(step).unwrap();
            }
            before.pragma_update(None, "user_version", earlier).unwrap();
            drop(before);

            let updated = open(&path).unwrap();
            assert_eq!(version(&updated), SCHEMA_VERSION, "from version {earlier}");
            assert_eq!(columns(&updated), columns(&new), "from version {earlier}");
            let document: (String, i64, String) = updated
                .query_row("SELECT key, changed, bytes FROM documents, chunks WHERE document = id", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .unwrap();
            assert_eq!(document, ("memory:a".to_owned(), 7, "[]".to_owned()), "from version {earlier}");
            let sequence: i64 = updated.query_row("SELECT sequence FROM sequences", [], |row| row.get(0)).unwrap();
            assert_eq!(sequence, 5, "from version {earlier}");
            drop(updated);
            assert_eq!(version(&open(&path).unwrap()), SCHEMA_VERSION, "a second time");
        }
    }

    #[test]
    fn a_failed_update_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("3.db");
        let before = Connection::open(&path).unwrap();
        before.execute_batch(VERSION_3).unwrap();
        before.execute_batch("CREATE TABLE change_log (in_the_way); PRAGMA user_version = 3").unwrap();
        assert!(open(&path).is_err());
        assert_eq!(version(&before), 3);
        let messages: i64 = before.query_row("SELECT count(*) FROM news", [], |row| row.get(0)).unwrap();
        assert_eq!(messages, 1);
    }
}
