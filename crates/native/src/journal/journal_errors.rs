//! Errors of a journal, in words that help.

use rusqlite::ErrorCode as Sqlite;
use synced_memory_core::error::{ErrorCode, SyncError};

/// An error with the code `Journal`.
pub(super) fn journal_error(message: impl Into<std::borrow::Cow<'static, str>>) -> SyncError {
    SyncError::new(ErrorCode::Journal, message)
}

/// Another connection has the journal open.
pub(super) fn in_use(name: &str) -> SyncError {
    SyncError::new(
        ErrorCode::JournalInUse,
        format!(
            "the journal {name} is open in another process, or in another memory of this one; give each a journal of its own, or \
             close the other one"
        ),
    )
}

/// An error of the database, with advice.
pub(super) fn describe(name: &str, error: &rusqlite::Error) -> SyncError {
    let advice = match error.sqlite_error_code() {
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => return in_use(name),
        Some(Sqlite::NotADatabase) => "it is another kind of file: give another path",
        Some(
            Sqlite::CannotOpen | Sqlite::ReadOnly | Sqlite::PermissionDenied | Sqlite::AuthorizationForStatementDenied,
        ) => "give the path of a file, in a folder, that this process may write",
        Some(Sqlite::DiskFull) => "free some space on the disk: mutations are sent once they are written",
        Some(Sqlite::SystemIoFailure) => {
            "check the disk, and limits on the size of files: mutations are sent once they are written"
        }
        Some(Sqlite::DatabaseCorrupt) => "restore it from a backup, or move it away to start anew",
        _ => "see SQLite's documentation for this error",
    };
    journal_error(format!("the journal {name}: {error}; {advice}"))
}
