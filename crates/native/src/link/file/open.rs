//! Opening the embedded file: its folder, its settings, its tables.

use rusqlite::{Connection, ErrorCode as Sqlite, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};
use synced_memory_core::error::{ErrorCode, SyncError};

/// How long one process waits for another's transaction.
const PATIENCE: Duration = Duration::from_secs(5);
/// Marks a database as ours (`SynM`), for `file` and against writing into somebody else's.
const APPLICATION_ID: i32 = 0x5379_6e4d;
/// The version of [`SCHEMA`].
const SCHEMA_VERSION: i32 = 3;
/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 40;

/// Documents are cut into chunks, so that an append rewrites one of them and not the document.
const SCHEMA: &str = "
CREATE TABLE documents (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  length INTEGER, -- bytes; NULL once deleted: the row stays to tell other processes
  changed INTEGER NOT NULL, -- the number of the last change, counted over all documents
  first_append INTEGER, -- the revision before the last run of appends
  last_append INTEGER, -- and the one after it
  expires INTEGER -- milliseconds since 1970; NULL for never
);
CREATE INDEX documents_changed ON documents (changed);
CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
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
  at INTEGER NOT NULL, -- seconds since 1970
  PRIMARY KEY (key, writer)
) WITHOUT ROWID;
-- What commits did, the newest of them: for those who have what they were built on.
CREATE TABLE news (
  number INTEGER PRIMARY KEY, -- the number of the commit's last change
  since INTEGER NOT NULL, -- that of the last change before it
  message BLOB NOT NULL
);
-- For people: SELECT * FROM memory.
CREATE VIEW memory (key, text) AS
  SELECT key, coalesce((
    SELECT group_concat(CAST(bytes AS TEXT), '') FROM
      (SELECT bytes FROM chunks WHERE document = documents.id ORDER BY number)
  ), '')
  FROM documents WHERE length IS NOT NULL;
";

/// From version 1 to 2.
const FROM_VERSION_1: &str = "
ALTER TABLE documents ADD COLUMN first_append INTEGER;
ALTER TABLE documents ADD COLUMN last_append INTEGER;
";

/// From version 2 to this one.
const FROM_VERSION_2: &str = "
ALTER TABLE documents ADD COLUMN expires INTEGER;
CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
CREATE TABLE news (number INTEGER PRIMARY KEY, since INTEGER NOT NULL, message BLOB NOT NULL);
";

/// Open the database, creating it and its folder where they are absent.
pub(super) fn open(path: &Path) -> Result<Connection, SyncError> {
    let name = path.display().to_string();
    create_folder(path).map_err(|error| {
        file_error(format!("cannot create the folder of {name}: {error}; give a path that this process may write"))
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let started = Instant::now();
    loop {
        match Connection::open_with_flags(path, flags).and_then(set_up) {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(why)) => return Err(file_error(format!("{name} {why}; give another path"))),
            // Two processes that switch a new file to WAL at once: SQLite refuses one without waiting.
            Err(error) if error.sqlite_error_code() == Some(Sqlite::DatabaseBusy) && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(describe(&name, &error)),
        }
    }
}

/// The file is not at its path any more.
pub(super) fn moved(name: &str) -> SyncError {
    file_error(format!(
        "{name} was deleted, moved or replaced; put it back, or remove {name}-wal and {name}-shm, too, to start anew"
    ))
}

/// What went wrong with the file, and what to do about it.
pub(super) fn describe(name: &str, error: &rusqlite::Error) -> SyncError {
    let advice = match error.sqlite_error_code() {
        Some(Sqlite::NotADatabase) => "it is another kind of file: give another path",
        Some(
            Sqlite::CannotOpen | Sqlite::ReadOnly | Sqlite::PermissionDenied | Sqlite::AuthorizationForStatementDenied,
        ) => "give the path of a file, in a folder, that this process may write",
        Some(Sqlite::DiskFull) => "free some space on the disk",
        Some(Sqlite::DatabaseCorrupt) => "restore it from a backup, or move it away to start anew",
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => "another process holds it locked",
        _ => "see SQLite's documentation for this error",
    };
    file_error(format!("{name}: {error}; {advice}"))
}

fn create_folder(path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    let ignore = folder.join(".gitignore");
    if folder.file_name().is_some_and(|name| name == ".synced-memory") && !ignore.exists() {
        std::fs::write(ignore, "*\n")?;
    }
    Ok(())
}

/// The inner error says why a sound database is not one for us.
fn set_up(mut connection: Connection) -> rusqlite::Result<Result<Connection, &'static str>> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if application != 0 || objects != 0 {
            // Another process may have created the tables since the first look.
            if connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))? != APPLICATION_ID {
                return Ok(Err("is another program's SQLite database"));
            }
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Acknowledged means on disk: the log is synced at every commit.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A commit of a large document must not leave a log of its size for ever.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    if version == 1 {
        transaction.execute_batch(FROM_VERSION_1)?;
    }
    if (1..=2).contains(&version) {
        transaction.execute_batch(FROM_VERSION_2)?;
    }
    if version < SCHEMA_VERSION {
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    if version > SCHEMA_VERSION {
        return Ok(Err("was made by a newer version of synced-memory"));
    }
    Ok(Ok(connection))
}

fn file_error(message: String) -> SyncError {
    SyncError::new(ErrorCode::File, message)
}
