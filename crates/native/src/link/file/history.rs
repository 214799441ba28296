//! The histories of documents in an embedded file.

use super::documents::Documents;
use rusqlite::{OptionalExtension, Result, params};
use synced_memory_core::backend::NewestEntry;
use synced_memory_core::history::{HistoryCounts, HistoryEntry, MAX_HISTORY_LEN};
use synced_memory_core::ids::{Revision, WriterId};

impl Documents<'_> {
    pub(super) fn newest_entry_of(&self, key: &str, now: u64) -> Result<Option<NewestEntry>> {
        self.drop_expired_history(key, now)?;
        self.0
            .prepare_cached(
                "SELECT revision, mutations <> '', entries, length, total FROM history WHERE key = ? ORDER BY id DESC LIMIT 1",
            )?
            .query_row([key], |row| {
                let counts = HistoryCounts { entries: row.get(2)?, len: row.get(3)?, total: row.get(4)? };
                let revision = Some(Revision(row.get::<_, i64>(0)?.cast_unsigned()));
                Ok(NewestEntry { revision, has_mutations: row.get(1)?, counts })
            })
            .optional()
    }

    pub(super) fn add_entry_of(
        &self,
        key: &str,
        entry: &HistoryEntry,
        counts: HistoryCounts,
        max_entries: u32,
    ) -> Result<()> {
        let HistoryEntry { at_ms, revision, base, writer, mutations, text } = entry;
        self.0
            .prepare_cached(
                "INSERT INTO history (key, at, revision, base, writer, mutations, text, entries, length, total)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                key,
                at_ms.cast_signed(),
                revision.0.cast_signed(),
                base.0.cast_signed(),
                writer.as_ref().map(|writer| writer.0.as_str()),
                mutations,
                text,
                counts.entries.cast_signed(),
                counts.len.cast_signed(),
                counts.total.cast_signed(),
            ])?;
        let least = counts.total.saturating_sub(MAX_HISTORY_LEN.0 as u64).cast_signed();
        self.0
            .prepare_cached(
                "DELETE FROM history WHERE key = ?1 AND (total < ?2 OR id <=
                 (SELECT id FROM history WHERE key = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3))",
            )?
            .execute(params![key, least, max_entries])?;
        Ok(())
    }

    pub(super) fn entries_of(&self, key: &str, limit: u32, now: u64) -> Result<Vec<HistoryEntry>> {
        self.0
            .prepare_cached(
                "SELECT at, revision, base, writer, mutations, text FROM history
                 WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM history_expiries WHERE key = ?1 AND expires <= ?2)
                 ORDER BY id DESC LIMIT ?3",
            )?
            .query_map(params![key, now.cast_signed(), limit], |row| {
                Ok(HistoryEntry {
                    at_ms: row.get::<_, i64>(0)?.cast_unsigned(),
                    revision: Revision(row.get::<_, i64>(1)?.cast_unsigned()),
                    base: Revision(row.get::<_, i64>(2)?.cast_unsigned()),
                    writer: row.get::<_, Option<String>>(3)?.map(|writer| WriterId(writer.as_str().into())),
                    mutations: row.get(4)?,
                    text: row.get(5)?,
                })
            })?
            .collect()
    }

    pub(super) fn set_expiry_of_history(&self, key: &str, at: Option<u64>) -> Result<()> {
        match at {
            Some(at) => self
                .0
                .prepare_cached(
                    "INSERT INTO history_expiries (key, expires) SELECT ?1, ?2
                     WHERE EXISTS (SELECT 1 FROM history WHERE key = ?1)
                     ON CONFLICT (key) DO UPDATE SET expires = excluded.expires",
                )?
                .execute(params![key, i64::try_from(at).unwrap_or(i64::MAX)])?,
            None => self.0.prepare_cached("DELETE FROM history_expiries WHERE key = ?")?.execute([key])?,
        };
        Ok(())
    }

    /// Deletes the histories that have expired.
    pub(super) fn purge_histories(&self, now: u64) -> Result<()> {
        let keys: Vec<String> = self
            .0
            .prepare_cached("SELECT key FROM history_expiries WHERE expires <= ?")?
            .query_map([now.cast_signed()], |row| row.get(0))?
            .collect::<Result<_>>()?;
        keys.iter().try_for_each(|key| self.drop_expired_history(key, now))
    }

    fn drop_expired_history(&self, key: &str, now: u64) -> Result<()> {
        let dropped = self
            .0
            .prepare_cached("DELETE FROM history_expiries WHERE key = ? AND expires <= ?")?
            .execute(params![key, now.cast_signed()])?;
        if dropped > 0 {
            self.0.prepare_cached("DELETE FROM history WHERE key = ?")?.execute([key])?;
        }
        Ok(())
    }
}
