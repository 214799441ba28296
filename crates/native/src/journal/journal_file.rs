//! The file of a journal.

use super::journal_errors::journal_error;
use crate::url::{self, Target};
use std::path::{Path, PathBuf};
use synced_memory_core::error::{ErrorCode, SyncError};

/// The number of a file in its file system and the time of its creation, which a copy does not share. None where the operating
/// system tells neither.
pub(super) fn file_identity(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata).to_string();
    #[cfg(not(unix))]
    let inode = String::new();
    let created = metadata.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let created = created.map_or_else(String::new, |time| time.as_nanos().to_string());
    (!inode.is_empty() || !created.is_empty()).then(|| format!("{inode} {created}"))
}

/// Some file systems number their files anew whenever they are mounted; then the time of creation decides.
pub(super) fn is_same_file(old: &str, new: &str) -> bool {
    let parts = |identity: &str| identity.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let is_equal = |a: &str, b: &str| !a.is_empty() && a == b;
    parts(old).zip(parts(new)).is_some_and(|((inode, created), (new_inode, new_created))| {
        is_equal(&inode, &new_inode) || is_equal(&created, &new_created)
    })
}

/// The path that the URL of a journal names. Errors: `Options`.
pub(super) fn journal_path(url: &str) -> Result<PathBuf, SyncError> {
    match url::parse(url) {
        Ok(Target::File(path)) => Ok(path),
        _ => Err(SyncError::new(
            ErrorCode::Options,
            "journal must be a file: URL, such as file:.synced-memory/journal.db",
        )),
    }
}

/// The error that the operating system has for a new file beside the journal. The journal itself is not tried: to close any
/// descriptor of it would release this process's locks on it.
pub(super) fn find_write_error(path: &Path) -> Option<std::io::Error> {
    let probe = with_suffix(path, "-probe");
    let created = std::fs::File::create(&probe);
    // It is removed again where it was created.
    let _ = std::fs::remove_file(&probe);
    created.err()
}

/// Moves a damaged database, so that a new one can be made.
pub(super) fn set_aside(path: &Path) -> Result<(), SyncError> {
    let number = (1..u32::MAX).find(|number| !aside(path, "", *number).exists()).unwrap_or(u32::MAX);
    for suffix in ["", "-wal"] {
        let from = with_suffix(path, suffix);
        if from.exists() {
            std::fs::rename(&from, aside(path, suffix, number)).map_err(|error| {
                journal_error(format!("the damaged journal {} cannot be moved away: {error}", path.display()))
            })?;
        }
    }
    Ok(())
}

fn aside(path: &Path, suffix: &str, number: u32) -> PathBuf {
    with_suffix(path, &format!(".damaged-{number}{suffix}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
