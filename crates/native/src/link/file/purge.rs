//! Removes rows of an embedded file that nothing needs any more: expired sequences of writers, and documents that were deleted
//! long ago.

use super::documents::{DELETED_KEPT_FOR, Documents, unix_seconds};
use rusqlite::{OptionalExtension, Result, params};

/// The maximum number of rows that one transaction removes.
const MAX_PURGED: usize = 1000;

/// A position in the purge of sequences: the last row that was looked at.
#[derive(Default)]
pub(super) struct PurgePosition {
    key: String,
    writer: String,
}

impl Documents<'_> {
    /// Remove rows of documents that were deleted long ago, at most [`MAX_PURGED`].
    pub(super) fn purge_deleted(&self) -> Result<()> {
        let before = self.last_change()?.0.saturating_sub(DELETED_KEPT_FOR);
        self.0
            .prepare_cached(
                "DELETE FROM documents WHERE id IN
                 (SELECT id FROM documents WHERE length IS NULL AND changed <= ? ORDER BY changed LIMIT ?)",
            )?
            .execute(params![before, MAX_PURGED])?;
        Ok(())
    }

    /// Look at the next [`MAX_PURGED`] sequences, and delete those that have expired. Gives the position to go
    /// on from.
    pub(super) fn purge_sequences(&self, from: &PurgePosition) -> Result<PurgePosition> {
        let last = self
            .0
            .prepare_cached(
                "SELECT key, writer FROM sequences WHERE (key, writer) > (?, ?) ORDER BY key, writer LIMIT 1 OFFSET ?",
            )?
            .query_row(params![from.key, from.writer, MAX_PURGED - 1], |row| {
                Ok(PurgePosition { key: row.get("key")?, writer: row.get("writer")? })
            })
            .optional()?;
        let now = unix_seconds();
        let Some(last) = last else {
            self.0
                .prepare_cached("DELETE FROM sequences WHERE (key, writer) > (?, ?) AND expires < ?")?
                .execute(params![from.key, from.writer, now])?;
            return Ok(PurgePosition::default());
        };
        self.0
            .prepare_cached(
                "DELETE FROM sequences WHERE (key, writer) > (?, ?) AND (key, writer) <= (?, ?) AND expires < ?",
            )?
            .execute(params![from.key, from.writer, last.key, last.writer, now])?;
        Ok(last)
    }
}
