//! The tables of the embedded file as a store.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};
use synced_memory_core::backend::Store;
use synced_memory_core::command::{Announcement, REMEMBER_SECONDS};
use synced_memory_core::ids::{Revision, Sequence, WriterId};
use synced_memory_core::resp;

/// Bytes of a document in one row.
const CHUNK: usize = 16 * 1024;
/// The most commits that are told of: who is further behind reads the documents.
const MOST_NEWS: i64 = 256;
/// The number of the next change. Whoever asks holds the write lock.
const NEXT_CHANGE: &str = "(SELECT coalesce(max(changed), 0) + 1 FROM documents)";

/// The tables, inside whatever transaction the connection is in.
pub(super) struct Documents<'a>(pub(super) &'a Connection);

impl Documents<'_> {
    /// The number of the last change of any document.
    pub(super) fn last_change(&self) -> Result<i64> {
        self.0.prepare_cached("SELECT coalesce(max(changed), 0) FROM documents")?.query_row([], |row| row.get(0))
    }

    /// The keys of documents changed or deleted after that change.
    pub(super) fn changed_since(&self, change: i64) -> Result<Vec<String>> {
        self.0
            .prepare_cached("SELECT key FROM documents WHERE changed > ? ORDER BY changed")?
            .query_map([change], |row| row.get(0))?
            .collect()
    }

    /// Note what a commit did, which came after change `since`, and forget what is old.
    pub(super) fn add_news(&self, since: i64, told: &[Announcement]) -> Result<()> {
        let number = self.last_change()?;
        if number == since {
            // What it created, it deleted.
            return Ok(());
        }
        self.0.prepare_cached("INSERT INTO news (number, since, message) VALUES (?, ?, ?)")?.execute(params![
            number,
            since,
            resp::write_announcements(told).into_bytes()
        ])?;
        self.0
            .prepare_cached(
                "DELETE FROM news WHERE number <= (SELECT number FROM news ORDER BY number DESC LIMIT 1 OFFSET ?)",
            )?
            .execute([MOST_NEWS])?;
        Ok(())
    }

    /// What the commits after that change did, one after another. None where that is not all that has changed.
    pub(super) fn news_since(&self, change: i64) -> Result<Option<Vec<Vec<Announcement>>>> {
        let mut statement =
            self.0.prepare_cached("SELECT number, since, message FROM news WHERE number > ? ORDER BY number")?;
        let mut rows = statement.query([change])?;
        let (mut known, mut news) = (change, Vec::new());
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? != known {
                return Ok(None);
            }
            known = row.get(0)?;
            news.push(resp::read_announcements(row.get_ref(2)?.as_blob()?));
        }
        Ok((known == self.last_change()?).then_some(news))
    }

    /// Forget the sequences that no retry can need any more.
    pub(super) fn purge_sequences(&self) -> Result<()> {
        self.0.execute("DELETE FROM sequences WHERE at < ?", [unix_seconds() - i64::from(REMEMBER_SECONDS)])?;
        Ok(())
    }

    /// The row of a document and its length; None where there is none.
    fn find(&self, key: &str) -> Result<Option<(i64, usize)>> {
        self.0
            .prepare_cached("SELECT id, length FROM documents WHERE key = ? AND length IS NOT NULL")?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    /// Note a change and the length after it; gives the row.
    fn touch(&self, key: &str, len: usize) -> Result<i64> {
        self.0
            .prepare_cached(&format!(
                "INSERT INTO documents (key, length, changed) VALUES (?, ?, {NEXT_CHANGE})
                 ON CONFLICT (key) DO UPDATE SET length = excluded.length, changed = excluded.changed RETURNING id"
            ))?
            .query_row(params![key, len], |row| row.get(0))
    }

    fn put_chunk(&self, document: i64, number: usize, bytes: &[u8]) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO chunks (document, number, bytes) VALUES (?, ?, ?)
                 ON CONFLICT (document, number) DO UPDATE SET bytes = excluded.bytes",
            )?
            .execute(params![document, number, bytes])?;
        Ok(())
    }

    fn drop_chunks(&self, document: i64, from: usize) -> Result<()> {
        self.0
            .prepare_cached("DELETE FROM chunks WHERE document = ? AND number >= ?")?
            .execute(params![document, from])?;
        Ok(())
    }

    fn read_row(&self, document: i64, range: Range<usize>) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(range.len());
        if range.is_empty() {
            return Ok(bytes);
        }
        let mut statement = self.0.prepare_cached(
            "SELECT number, bytes FROM chunks WHERE document = ? AND number BETWEEN ? AND ? ORDER BY number",
        )?;
        let mut rows = statement.query(params![document, range.start / CHUNK, (range.end - 1) / CHUNK])?;
        while let Some(row) = rows.next()? {
            let at = row.get::<_, usize>(0)? * CHUNK;
            let chunk = row.get_ref(1)?.as_blob()?;
            let (start, end) = (range.start.saturating_sub(at), (range.end - at).min(chunk.len()));
            bytes.extend_from_slice(chunk.get(start..end).unwrap_or_default());
        }
        Ok(bytes)
    }
}

impl Store for Documents<'_> {
    type Error = rusqlite::Error;

    fn len(&mut self, key: &str) -> Result<Option<usize>> {
        Ok(self.find(key)?.map(|(_, len)| len))
    }

    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>> {
        match self.find(key)? {
            Some((document, len)) => self.read_row(document, range.start..range.end.min(len).max(range.start)),
            None => Ok(Vec::new()),
        }
    }

    fn write(&mut self, key: &str, at: usize, mut bytes: &[u8]) -> Result<()> {
        let len = self.len(key)?.unwrap_or_default();
        let document = self.touch(key, len.max(at + bytes.len()))?;
        let mut at = at;
        while !bytes.is_empty() {
            let (number, start) = (at / CHUNK, at % CHUNK);
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - start));
            if now.len() == CHUNK {
                self.put_chunk(document, number, now)?;
            } else {
                let mut chunk = self.read_row(document, number * CHUNK..(number + 1) * CHUNK)?;
                chunk.resize(chunk.len().max(start + now.len()), 0);
                chunk[start..start + now.len()].copy_from_slice(now);
                self.put_chunk(document, number, &chunk)?;
            }
            at += now.len();
            bytes = later;
        }
        Ok(())
    }

    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<()> {
        let document = self.touch(key, bytes.len())?;
        for (number, chunk) in bytes.chunks(CHUNK).enumerate() {
            self.put_chunk(document, number, chunk)?;
        }
        self.drop_chunks(document, bytes.len().div_ceil(CHUNK))
    }

    fn remove(&mut self, key: &str) -> Result<()> {
        if let Some((document, _)) = self.find(key)? {
            self.drop_chunks(document, 0)?;
            self.0
                .prepare_cached(&format!(
                    "UPDATE documents SET length = NULL, expires = NULL, changed = {NEXT_CHANGE} WHERE id = ?"
                ))?
                .execute([document])?;
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

    fn set_last_sequence(&mut self, key: &str, writer: &WriterId, sequence: Sequence) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO sequences (key, writer, sequence, at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (key, writer) DO UPDATE SET sequence = excluded.sequence, at = excluded.at",
            )?
            .execute(params![key, writer.0.as_str(), sequence.0.cast_signed(), unix_seconds()])?;
        Ok(())
    }

    fn appends(&mut self, key: &str) -> Result<Option<(Revision, Revision)>> {
        let revision = |row: &Row<'_>, column| row.get::<_, i64>(column).map(|number| Revision(number.cast_unsigned()));
        self.0
            .prepare_cached(
                "SELECT first_append, last_append FROM documents WHERE key = ? AND last_append IS NOT NULL",
            )?
            .query_row([key], |row| Ok((revision(row, 0)?, revision(row, 1)?)))
            .optional()
    }

    fn set_appends(&mut self, key: &str, first: Revision, last: Revision) -> Result<()> {
        self.0
            .prepare_cached("UPDATE documents SET first_append = ?, last_append = ? WHERE key = ?")?
            .execute(params![first.0.cast_signed(), last.0.cast_signed(), key])?;
        Ok(())
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
        // From the first that does not start with it, none does.
        keys.take_while(|key| key.as_ref().map_or(true, |key| key.starts_with(prefix))).collect()
    }
}

fn unix_seconds() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_secs().cast_signed()
}

#[cfg(test)]
#[path = "../../../../core/tests/backend/answers.rs"]
mod answers;

#[cfg(test)]
#[path = "../../../../core/tests/backend/contract.rs"]
mod contract;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_store_contract() {
        let folder = tempfile::tempdir().unwrap();
        let open = |n| super::super::open::open(&folder.path().join(format!("{n}.db"))).unwrap();
        let connections: Vec<_> = (0..contract::STORES).map(open).collect();
        contract::every_rule(connections.iter().map(Documents));
    }
}
