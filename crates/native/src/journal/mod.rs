//! The journal of a memory: an `SQLite` database with the mutations that are not acknowledged and the last known documents. The
//! next process that opens it goes on as the same writer. `docs/journal.md` has the rules.

mod checksum;
mod journal_errors;
mod journal_file;
mod memory_identity;
mod salvage;
mod schema;
mod store;

pub(crate) use memory_identity::MemoryIdentity;
pub(crate) use store::{JournalStore, OpenedJournal};

/// The options of a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalOptions {
    /// The file, as a `file:` URL. It is created where it is absent.
    pub url: String,
    /// Whether every write waits until it is on the disk, so that it survives a power cut. Without that it survives the end of the
    /// process, however that comes.
    pub fsync: bool,
    /// About the most bytes that the journal may take.
    pub max_bytes: usize,
}

impl JournalOptions {
    /// A journal that survives a power cut, and takes at most 256 MiB.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), fsync: true, max_bytes: 256 << 20 }
    }
}
