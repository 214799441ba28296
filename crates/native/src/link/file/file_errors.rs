//! Errors of an embedded file, in words that help.

use rusqlite::ErrorCode as Sqlite;
use synced_memory_core::error::{ErrorCode, SyncError};

/// An error with the code `File`.
pub(super) fn file_error(message: String) -> SyncError {
    SyncError::new(ErrorCode::File, message)
}

/// The file is no longer at its path.
pub(super) fn removed(name: &str) -> SyncError {
    file_error(format!(
        "{name} was deleted, moved or replaced; put it back, or remove {name}-wal and {name}-shm, too, to start anew"
    ))
}

/// Another program's transaction keeps the write-ahead log from being emptied.
pub(super) fn log_full(name: &str) -> SyncError {
    file_error(format!(
        "{name} takes no commits: another program has been reading it in one transaction since its write-ahead log began \
         to grow, and the log has reached its limit; end that transaction"
    ))
}

/// An error of the database, with advice.
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

/// True for a lack of something that may be there later: the lock, space on the disk, memory.
pub(super) fn is_transient(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            Sqlite::DatabaseBusy
                | Sqlite::DatabaseLocked
                | Sqlite::DiskFull
                | Sqlite::SystemIoFailure
                | Sqlite::OutOfMemory
        )
    )
}
