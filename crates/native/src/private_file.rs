//! Files that only this user may read.

use crate::lock::lock;
use std::fs::DirBuilder;
use std::path::Path;
use std::sync::Mutex;

/// Folders that are created are for this user alone. The folder of the default path also gets a `.gitignore`.
pub(crate) fn create_folder(path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let ignore = folder.join(".gitignore");
    if folder.file_name().is_some_and(|name| name == ".synced-memory") && !ignore.exists() {
        std::fs::write(ignore, "*\n")?;
    }
    Ok(())
}

/// Create an empty file for this user alone where there is none. `SQLite` gives the write-ahead log and the shared memory
/// the mode of the database. An error is left to `SQLite`, which meets the same one.
pub(crate) fn create_private_file(path: &Path) {
    // To close any descriptor of a file releases this process's locks on it. While one thread holds the new file open,
    // no other thread gets past this point to lock it.
    static CREATION: Mutex<()> = Mutex::new(());
    let _creation = lock(&CREATION);
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.write(true).create_new(true).open(path);
}
