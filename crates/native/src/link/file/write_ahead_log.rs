//! Keeping the write-ahead log of an embedded file short.
//!
//! `SQLite` copies the log into the database after every few commits, but begins the log anew only at a moment without
//! readers. Where readers overlap or one stays, the log would grow with every commit.

use super::file_identity::with_suffix;
use super::schema::{LOCK_TIMEOUT, MAX_IDLE_LOG_BYTES};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The length beyond which the log is emptied as soon as no reader needs it, in bytes. `SQLite` itself keeps the file of
/// an empty log below [`MAX_IDLE_LOG_BYTES`].
const CHECKPOINT_BYTES: u64 = 2 * MAX_IDLE_LOG_BYTES as u64;
/// The length beyond which there are no more commits until the log could be emptied, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// The time between two attempts to empty the log.
const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(250);
/// The longest time for which one attempt waits for readers. New readers do not hold it up.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_millis(20);

/// The log of one open database.
pub(super) struct WriteAheadLog {
    path: PathBuf,
    checkpoint_bytes: u64,
    max_bytes: u64,
    last_attempt: Option<Instant>,
}

impl WriteAheadLog {
    /// The log of the database at this path.
    pub(super) fn of(database: &Path) -> Self {
        Self {
            path: with_suffix(database, "-wal"),
            checkpoint_bytes: CHECKPOINT_BYTES,
            max_bytes: MAX_BYTES,
            last_attempt: None,
        }
    }

    /// Empty the log if it is long. Costs one look at its length if it is short.
    pub(super) fn shorten(&mut self, connection: &Connection) {
        if self.len() > self.checkpoint_bytes {
            self.checkpoint(connection);
        }
    }

    /// True if the log has reached its limit and a reader keeps it from being emptied.
    pub(super) fn is_full(&mut self, connection: &Connection) -> bool {
        if self.len() <= self.max_bytes {
            return false;
        }
        self.checkpoint(connection);
        self.len() > self.max_bytes
    }

    /// Try to copy the log into the database and to empty it. A failure is that of the next commit, too.
    fn checkpoint(&mut self, connection: &Connection) {
        if self.last_attempt.is_some_and(|last| last.elapsed() < CHECKPOINT_INTERVAL) {
            return;
        }
        let _ = connection.busy_timeout(CHECKPOINT_TIMEOUT);
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let _ = connection.busy_timeout(LOCK_TIMEOUT);
        self.last_attempt = Some(Instant::now());
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    #[cfg(test)]
    pub(super) fn limit_bytes_to(&mut self, max_bytes: u64) {
        (self.checkpoint_bytes, self.max_bytes) = (max_bytes / 2, max_bytes);
    }
}
