//! Noticing that an open file was removed from its path.
//!
//! A process can go on writing to a database that was deleted or replaced. What it writes is lost with the last process
//! that has the database open.

use std::ffi::OsString;
use std::fs::{Metadata, metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The path of an open file, and the file that was there when it was opened.
pub(super) struct FileIdentity {
    path: PathBuf,
    /// None where the operating system gives files no numbers.
    inode: Option<Inode>,
}

/// The result of another look at the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileState {
    /// The open file is still there, as far as the operating system shows.
    Same,
    /// Another file, or none, is at the path. It is safe to open the path again.
    Replaced,
    /// Only the write-ahead log of the deleted file is there. A new file would share it with processes that still have
    /// the deleted one open.
    Remnants,
}

impl FileIdentity {
    /// The identity of a file that has just been opened.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), inode: metadata(path).ok().and_then(|found| inode(&found)) }
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Look at the path again.
    pub(super) fn check(&self) -> FileState {
        match metadata(&self.path) {
            Ok(found) if inode(&found) == self.inode => FileState::Same,
            Err(error) if error.kind() != ErrorKind::NotFound => FileState::Same,
            Err(_) if ["-wal", "-shm"].iter().any(|suffix| with_suffix(&self.path, suffix).exists()) => {
                FileState::Remnants
            }
            Ok(_) | Err(_) => FileState::Replaced,
        }
    }
}

/// The path of a file beside the database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The numbers that the operating system gives a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems give files no numbers")]
fn inode(found: &Metadata) -> Option<Inode> {
    use std::os::unix::fs::MetadataExt;
    Some(Inode { device: found.dev(), number: found.ino() })
}

/// On other systems an open file cannot be deleted.
#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<Inode> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{remove_file, rename, write};

    #[test]
    fn a_removed_and_a_replaced_file_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(at("m.db"), "").unwrap();
        let identity = FileIdentity::of(&at("m.db"));
        assert_eq!(identity.check(), FileState::Same);
        rename(at("m.db"), at("elsewhere")).unwrap();
        assert_eq!(identity.check(), FileState::Replaced);
        write(at("m.db-shm"), "").unwrap();
        assert_eq!(identity.check(), FileState::Remnants);
        write(at("m.db"), "").unwrap();
        assert_eq!(identity.check(), FileState::Replaced);
        remove_file(at("m.db")).unwrap();
        rename(at("elsewhere"), at("m.db")).unwrap();
        assert_eq!(identity.check(), FileState::Same);
    }
}
