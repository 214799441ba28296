//! The tables of a journal: opening a file, and creating it.

use super::journal_errors::{describe_opening, journal_error};
use crate::private_file::{create_folder, create_private_file};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use synced_memory_core::error::SyncError;

/// The pragma `application_id`: `SynJ`.
const APPLICATION_ID: i32 = 0x5379_6e4a;
/// The pragma `user_version`: the version of [`SCHEMA`] and of the records.
const FORMAT_VERSION: i32 = 1;
/// The maximum length of the write-ahead log between writes, in bytes. One large write may exceed it.
const MAX_IDLE_LOG_BYTES: u32 = 16 << 20;

const SCHEMA: &str = "
CREATE TABLE journal (
  writer TEXT NOT NULL, -- the writer that every process goes on as
  prefix TEXT NOT NULL,
  server TEXT, -- NULL: any
  file TEXT, -- the identity of this file, which a copy does not have; NULL: it may be a copy
  sequence INTEGER NOT NULL -- no commit has a higher one
);
-- The last state that was written of each attribute.
CREATE TABLE states (
  name TEXT PRIMARY KEY,
  checksum INTEGER NOT NULL,
  text TEXT NOT NULL
);
-- The records that were made after the states, in order.
CREATE TABLE log (
  number INTEGER PRIMARY KEY, -- from 1, without a gap
  checksum INTEGER NOT NULL,
  records TEXT NOT NULL
);
";

/// Open a journal, for this connection alone. It and its folder are created where they are absent. Errors: `Journal`,
/// `JournalInUse`.
pub(super) fn open(path: &Path, fsync: bool) -> Result<Connection, SyncError> {
    let name = path.display().to_string();
    create_folder(path).map_err(|error| {
        journal_error(format!(
            "cannot create the folder of the journal {name}: {error}; give a path that this process may write"
        ))
    })?;
    create_private_file(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match Connection::open_with_flags(path, flags).and_then(|connection| set_up(connection, fsync)) {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(NotUsable(reason))) => Err(journal_error(format!("the journal {name} {reason}"))),
        Err(error) => Err(describe_opening(path, &error)),
    }
}

/// Why a valid database cannot be used, and what to do.
struct NotUsable(&'static str);

fn set_up(connection: Connection, fsync: bool) -> rusqlite::Result<Result<Connection, NotUsable>> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // The lock lasts until the connection ends, however the process ends.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Ok(Err(NotUsable("is a database of something else; give another path")));
    }
    if version > FORMAT_VERSION {
        return Ok(Err(NotUsable(
            "was made by a newer version of synced-memory; update this one, or give another path",
        )));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if fsync { "FULL" } else { "OFF" })?;
    connection.pragma_update(None, "journal_size_limit", MAX_IDLE_LOG_BYTES)?;
    let transaction = connection.unchecked_transaction()?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    transaction.commit()?;
    Ok(Ok(connection))
}
