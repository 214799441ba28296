//! Is the open file still the one at its path? A database that was deleted or replaced can be written as before: what
//! goes in is lost with the last process that has it open.

use std::ffi::OsString;
use std::fs::{Metadata, metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that was opened.
pub(super) struct Place {
    path: PathBuf,
    identity: Option<Identity>,
}

/// What is at the path now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// The file that was opened, or one that cannot be told from it.
    Same,
    /// Another file, or nothing: to be opened anew.
    Other,
    /// Nothing but what belongs to the deleted file. A new one would share it with processes that have not noticed.
    Remains,
}

impl Place {
    /// To be called right after opening.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), identity: metadata(path).ok().and_then(|found| identity(&found)) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn look(&self) -> Found {
        match metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Found::Same,
            Err(error) if error.kind() != ErrorKind::NotFound => Found::Same,
            Err(_) if ["-wal", "-shm"].iter().any(|suffix| beside(&self.path, suffix).exists()) => Found::Remains,
            Ok(_) | Err(_) => Found::Other,
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Device and number of a file.
type Identity = (u64, u64);

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // elsewhere there is none
fn identity(found: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((found.dev(), found.ino()))
}

/// Where an open file cannot be deleted, there is nothing to tell apart.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::{remove_file, rename, write};

    #[test]
    fn tells_what_became_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(at("m.db"), "").unwrap();
        let place = Place::of(&at("m.db"));
        assert_eq!(place.look(), Found::Same);
        rename(at("m.db"), at("elsewhere")).unwrap();
        assert_eq!(place.look(), Found::Other);
        write(at("m.db-shm"), "").unwrap();
        assert_eq!(place.look(), Found::Remains);
        write(at("m.db"), "").unwrap();
        assert_eq!(place.look(), Found::Other);
        remove_file(at("m.db")).unwrap();
        rename(at("elsewhere"), at("m.db")).unwrap();
        assert_eq!(place.look(), Found::Same);
    }
}
