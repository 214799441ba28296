//! Errors of a journal, in words that help.

use super::journal_file::find_write_error;
use rusqlite::ErrorCode as Sqlite;
use std::path::Path;
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

/// An error of opening the database at the path, with advice.
pub(super) fn describe_opening(path: &Path, error: &rusqlite::Error) -> SyncError {
    let name = path.display();
    let advice = match error.sqlite_error_code() {
        Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => return in_use(&name.to_string()),
        Some(Sqlite::NotADatabase) => "it is another kind of file: give another path",
        Some(
            Sqlite::CannotOpen | Sqlite::ReadOnly | Sqlite::PermissionDenied | Sqlite::AuthorizationForStatementDenied,
        ) => "give the path of a file, in a folder, that this process may write",
        Some(Sqlite::DiskFull) => "free some space on the disk, and open it again",
        Some(Sqlite::SystemIoFailure) => {
            "give the path of a file that this process may write, or check the disk and limits on the size of files"
        }
        Some(Sqlite::DatabaseCorrupt) => "restore it from a backup, or move it away to start anew",
        _ => "see SQLite's documentation for this error",
    };
    journal_error(format!("the journal {name} cannot be opened: {}; {advice}", reason(path, error)))
}

/// An error of writing to the open database at the path, with advice.
pub(super) fn describe_write(path: &Path, error: &rusqlite::Error) -> SyncError {
    let advice = match error.sqlite_error_code() {
        Some(Sqlite::DiskFull) => "free some space on the disk",
        _ => "check the disk, and limits on the size of files",
    };
    journal_error(format!(
        "the journal {} cannot be written: {}; {advice}: nothing is sent until it has been written, and the mutations since would be \
         lost with this process",
        path.display(),
        reason(path, error)
    ))
}

/// The error in `SQLite`'s words, with those of the operating system where `SQLite` has none.
fn reason(path: &Path, error: &rusqlite::Error) -> String {
    let is_vague = matches!(error.sqlite_error_code(), Some(Sqlite::SystemIoFailure | Sqlite::CannotOpen));
    match is_vague.then(|| find_write_error(path)).flatten() {
        Some(system) => format!("{error} ({system})"),
        None => error.to_string(),
    }
}
