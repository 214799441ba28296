//! The documents of an embedded file.

use rusqlite::ffi::{SQLITE_CORRUPT, SQLITE_NOMEM};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};
use synced_memory_core::backend::{NewestEntry, Store, StoredReservations};
use synced_memory_core::history::{HistoryCounts, HistoryEntry};
use synced_memory_core::ids::{AppendRun, Revision, Sequence, WriterId};

/// The length of a chunk, in bytes. The last chunk of a document may be shorter.
const CHUNK_BYTES: usize = 16 * 1024;
/// The row of a deleted document is kept for this number of changes, so that other processes notice the deletion.
pub(super) const DELETED_KEPT_FOR: i64 = 4096;
/// The number of the next change. Only for a transaction that holds the write lock.
const NEXT_CHANGE: &str = "(SELECT coalesce(max(changed), 0) + 1 FROM documents)";

/// The tables of documents as a [`Store`], inside whatever transaction the connection is in.
pub(super) struct Documents<'a>(pub(super) &'a Connection);

/// The number of a change, counted over all documents of the file; 0 before the first change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ChangeNumber(pub(super) i64);

impl Documents<'_> {
    /// The number of the last change of any document.
    pub(super) fn last_change(&self) -> Result<ChangeNumber> {
        self.0
            .prepare_cached("SELECT coalesce(max(changed), 0) FROM documents")?
            .query_row([], |row| row.get(0).map(ChangeNumber))
    }

    /// The keys of the documents that were changed or deleted after this change. None if it is so long ago that rows of
    /// deleted documents may have been purged.
    pub(super) fn changed_since(&self, change: ChangeNumber) -> Result<Option<Vec<String>>> {
        if self.last_change()?.0.saturating_sub(change.0) >= DELETED_KEPT_FOR {
            return Ok(None);
        }
        self.0
            .prepare_cached("SELECT key FROM documents WHERE changed > ? ORDER BY changed")?
            .query_map([change.0], |row| row.get(0))?
            .collect::<Result<_>>()
            .map(Some)
    }

    /// The row of a document; None if there is no document.
    fn find(&self, key: &str) -> Result<Option<DocumentRow>> {
        self.0
            .prepare_cached("SELECT id, length FROM documents WHERE key = ? AND length IS NOT NULL")?
            .query_row([key], |row| {
                let len = row.get("length").map_err(|_| corrupt(&format!("the length of {key} is no length")))?;
                Ok(DocumentRow { id: row.get("id")?, len })
            })
            .optional()
    }

    /// Count a change of a document that stays as it is, so that other processes look at the log of changes.
    pub(super) fn touch(&self, key: &str) -> Result<()> {
        self.0
            .prepare_cached(&format!("UPDATE documents SET changed = {NEXT_CHANGE} WHERE key = ?"))?
            .execute([key])?;
        Ok(())
    }

    /// Note that a document changes and how long it is afterwards. Gives the id of its row, which may be new.
    fn note_change(&self, key: &str, len: usize) -> Result<i64> {
        self.0
            .prepare_cached(&format!(
                "INSERT INTO documents (key, length, changed) VALUES (?, ?, {NEXT_CHANGE})
                 ON CONFLICT (key) DO UPDATE SET length = excluded.length, changed = excluded.changed RETURNING id"
            ))?
            .query_row(params![key, len], |row| row.get(0))
    }

    /// Replace a whole chunk.
    fn put_chunk(&self, document: i64, number: usize, bytes: &[u8]) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO chunks (document, number, bytes) VALUES (?, ?, ?)
                 ON CONFLICT (document, number) DO UPDATE SET bytes = excluded.bytes",
            )?
            .execute(params![document, number, bytes])?;
        Ok(())
    }

    /// Delete the chunks from this number on.
    fn drop_chunks(&self, document: i64, from: usize) -> Result<()> {
        self.0
            .prepare_cached("DELETE FROM chunks WHERE document = ? AND number >= ?")?
            .execute(params![document, from])?;
        Ok(())
    }

    /// The bytes in a range. It may reach beyond the last chunk; the result is shorter then.
    fn read_chunks(&self, document: i64, range: Range<usize>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if range.is_empty() {
            return Ok(bytes);
        }
        let mut statement = self.0.prepare_cached(
            "SELECT number, bytes FROM chunks WHERE document = ? AND number BETWEEN ? AND ? ORDER BY number",
        )?;
        let (first, last) = (ChunkPosition::of(range.start), ChunkPosition::of(range.end - 1));
        let mut rows = statement.query(params![document, first.number, last.number])?;
        while let Some(row) = rows.next()? {
            let chunk_start = row.get::<_, usize>("number")? * CHUNK_BYTES;
            let chunk = row.get_ref("bytes")?.as_blob().map_err(|_| corrupt("a chunk is no blob"))?;
            if chunk.len() > CHUNK_BYTES {
                return Err(corrupt("a chunk is too long"));
            }
            let start = range.start.saturating_sub(chunk_start);
            let end = (range.end - chunk_start).min(chunk.len());
            let part = chunk.get(start..end).unwrap_or_default();
            // Memory is reserved for the bytes that are there, not for the length that the document's row claims.
            bytes.try_reserve(part.len()).map_err(|_| sqlite_error(SQLITE_NOMEM, "out of memory".to_owned()))?;
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }
}

/// The row of a document that is not deleted.
struct DocumentRow {
    id: i64,
    /// The length of the document, in bytes.
    len: usize,
}

/// The position of a byte of a document.
struct ChunkPosition {
    /// The number of the chunk, counted from 0.
    number: usize,
    /// The offset in the chunk.
    offset: usize,
}

impl ChunkPosition {
    fn of(offset: usize) -> Self {
        Self { number: offset / CHUNK_BYTES, offset: offset % CHUNK_BYTES }
    }
}

impl Store for Documents<'_> {
    type Error = rusqlite::Error;

    fn len(&mut self, key: &str) -> Result<Option<usize>> {
        Ok(self.find(key)?.map(|row| row.len))
    }

    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>> {
        let Some(row) = self.find(key)? else { return Ok(Vec::new()) };
        let range = range.start..range.end.min(row.len).max(range.start);
        let bytes = self.read_chunks(row.id, range.clone())?;
        if bytes.len() < range.len() {
            return Err(corrupt(&format!("{key} has fewer bytes than its length of {}", row.len)));
        }
        Ok(bytes)
    }

    fn write(&mut self, key: &str, at: usize, mut bytes: &[u8]) -> Result<()> {
        let len = self.len(key)?.unwrap_or_default();
        let document = self.note_change(key, len.max(at + bytes.len()))?;
        let mut at = at;
        while !bytes.is_empty() {
            let ChunkPosition { number, offset } = ChunkPosition::of(at);
            let (here, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - offset));
            if here.len() == CHUNK_BYTES {
                self.put_chunk(document, number, here)?;
            } else {
                let mut chunk = self.read_chunks(document, number * CHUNK_BYTES..(number + 1) * CHUNK_BYTES)?;
                chunk.resize(chunk.len().max(offset + here.len()), 0);
                chunk[offset..offset + here.len()].copy_from_slice(here);
                self.put_chunk(document, number, &chunk)?;
            }
            at += here.len();
            bytes = rest;
        }
        Ok(())
    }

    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<()> {
        let document = self.note_change(key, bytes.len())?;
        for (number, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
            self.put_chunk(document, number, chunk)?;
        }
        self.drop_chunks(document, bytes.len().div_ceil(CHUNK_BYTES))
    }

    fn remove(&mut self, key: &str) -> Result<()> {
        if let Some(DocumentRow { id, .. }) = self.find(key)? {
            self.drop_chunks(id, 0)?;
            self.0
                .prepare_cached(&format!(
                    "UPDATE documents SET length = NULL, expires = NULL, changed = {NEXT_CHANGE} WHERE id = ?"
                ))?
                .execute([id])?;
        }
        Ok(())
    }

    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>> {
        self.0
            .prepare_cached("SELECT sequence FROM sequences WHERE key = ? AND writer = ?")?
            .query_row([key, writer.0.as_str()], |row| row.get::<_, i64>(0))
            .optional()
            .map(|sequence| sequence.map(|sequence| Sequence(sequence.cast_unsigned())))
    }

    fn set_last_sequence(&mut self, key: &str, writer: &WriterId, sequence: Sequence, seconds: u32) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO sequences (key, writer, sequence, expires) VALUES (?, ?, ?, ?)
                 ON CONFLICT (key, writer) DO UPDATE SET sequence = excluded.sequence, expires = excluded.expires",
            )?
            .execute(params![key, writer.0.as_str(), sequence.0.cast_signed(), unix_seconds() + i64::from(seconds)])?;
        Ok(())
    }

    fn expire_last_sequence(&mut self, key: &str, writer: &WriterId, at: u64) -> Result<bool> {
        let seconds = i64::try_from(at / 1000).unwrap_or(i64::MAX);
        self.0
            .prepare_cached("UPDATE sequences SET expires = ? WHERE key = ? AND writer = ?")?
            .execute(params![seconds, key, writer.0.as_str()])
            .map(|changed| changed > 0)
    }

    fn append_run(&mut self, key: &str) -> Result<Option<AppendRun>> {
        // A corrupt run is none: the store may lose a run at any time.
        let revision = |row: &Row<'_>, column| {
            row.get_ref(column).map(|value| value.as_i64().ok().map(|number| Revision(number.cast_unsigned())))
        };
        self.0
            .prepare_cached(
                "SELECT first_append, last_append FROM documents WHERE key = ? AND last_append IS NOT NULL",
            )?
            .query_row([key], |row| {
                let (first, last) = (revision(row, 0)?, revision(row, 1)?);
                Ok(first.zip(last).map(|(first, last)| AppendRun { first, last }))
            })
            .optional()
            .map(Option::flatten)
    }

    fn set_append_run(&mut self, key: &str, run: AppendRun) -> Result<()> {
        self.0
            .prepare_cached("UPDATE documents SET first_append = ?, last_append = ? WHERE key = ?")?
            .execute(params![run.first.0.cast_signed(), run.last.0.cast_signed(), key])?;
        Ok(())
    }

    fn restart_append_run(&mut self, key: &str, revision: Revision) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE documents SET first_append = ?1, last_append = ?1 WHERE key = ?2 AND last_append IS NOT NULL",
            )?
            .execute(params![revision.0.cast_signed(), key])?;
        Ok(())
    }

    fn reservations(&mut self, key: &str) -> Result<Option<StoredReservations>> {
        self.0
            .prepare_cached("SELECT queue, expires FROM reservations WHERE key = ?")?
            .query_row([key], |row| {
                // A corrupt queue is none: the store may lose one at any time.
                let queue = row.get_ref(0)?.as_str().map(str::to_owned).unwrap_or_default();
                Ok(StoredReservations { queue, expires_at: row.get(1).unwrap_or_default() })
            })
            .optional()
    }

    fn set_reservations(&mut self, key: &str, reservations: Option<StoredReservations>) -> Result<()> {
        let Some(StoredReservations { queue, expires_at }) = reservations else {
            self.0.prepare_cached("DELETE FROM reservations WHERE key = ?")?.execute([key])?;
            return Ok(());
        };
        self.0
            .prepare_cached("INSERT OR REPLACE INTO reservations (key, queue, expires) VALUES (?, ?, ?)")?
            .execute(params![key, queue, i64::try_from(expires_at).unwrap_or(i64::MAX)])?;
        Ok(())
    }

    fn newest_entry(&mut self, key: &str, now: u64) -> Result<Option<NewestEntry>> {
        self.newest_entry_of(key, now)
    }

    fn add_entry(&mut self, key: &str, entry: &HistoryEntry, counts: HistoryCounts, max_entries: u32) -> Result<()> {
        self.add_entry_of(key, entry, counts, max_entries)
    }

    fn entries(&mut self, key: &str, limit: u32, now: u64) -> Result<Vec<HistoryEntry>> {
        self.entries_of(key, limit, now)
    }

    fn set_history_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<()> {
        self.set_expiry_of_history(key, at)
    }

    fn expires_at(&mut self, key: &str) -> Result<Option<u64>> {
        self.0
            .prepare_cached("SELECT expires FROM documents WHERE key = ? AND expires IS NOT NULL")?
            .query_row([key], |row| row.get(0))
            .optional()
    }

    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<()> {
        let at = at.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        self.0.prepare_cached("UPDATE documents SET expires = ? WHERE key = ?")?.execute(params![at, key])?;
        Ok(())
    }

    fn take_expired(&mut self, now: u64) -> Result<Vec<String>> {
        let keys: Vec<String> = self
            .0
            .prepare_cached("SELECT key FROM documents WHERE expires <= ?")?
            .query_map([i64::try_from(now).unwrap_or(i64::MAX)], |row| row.get(0))?
            .collect::<Result<_>>()?;
        keys.iter().try_for_each(|key| self.remove(key))?;
        self.purge_histories(now)?;
        Ok(keys)
    }

    fn next_expiry(&mut self) -> Result<Option<u64>> {
        self.0
            .prepare_cached("SELECT min(expires) FROM documents WHERE expires IS NOT NULL")?
            .query_row([], |row| row.get(0))
    }

    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(
            "SELECT key FROM documents WHERE key >= ?1 AND key > ?2 AND length IS NOT NULL ORDER BY key LIMIT ?3",
        )?;
        let keys = statement.query_map(params![prefix, after, limit], |row| row.get::<_, String>(0))?;
        // Behind the first key without the prefix there is no key with it.
        keys.take_while(|key| key.as_ref().map_or(true, |key| key.starts_with(prefix))).collect()
    }
}

/// The error of rows that contradict each other.
fn corrupt(reason: &str) -> Error {
    sqlite_error(SQLITE_CORRUPT, format!("the database is corrupt: {reason}"))
}

fn sqlite_error(code: i32, message: String) -> Error {
    Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(message))
}

pub(super) fn unix_seconds() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_secs().cast_signed()
}

#[cfg(test)]
#[path = "../../../../core/tests/backend/vectors.rs"]
mod vectors;

#[cfg(test)]
#[path = "../../../../core/tests/backend/contract.rs"]
mod contract;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_store_contract() {
        let folder = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&folder.path().join("memory.db"), &|| true).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        contract::check_store(|| {
            // As in a transaction that is given up.
            connection.execute_batch("ROLLBACK; BEGIN").unwrap();
            Documents(&connection)
        });
    }
}
