//! The deltas of the newest commits to an embedded file.

use super::documents::{ChangeNumber, Documents};
use rusqlite::{Connection, Result, params};
use synced_memory_core::protocol::{Delta, DeltaMessage, decode_delta_message, encode_delta_message};

/// The number of commits that are kept. A process that is further behind reads the documents.
const MAX_ENTRIES: i64 = 256;

/// The table `change_log`, inside whatever transaction the connection is in.
pub(super) struct ChangeLog<'a>(pub(super) &'a Connection);

impl ChangeLog<'_> {
    /// Add the deltas of the commit that was made after the change `since`, and remove old entries. A change that no replica shows
    /// has no deltas.
    pub(super) fn add(&self, since: ChangeNumber, deltas: &[Delta]) -> Result<()> {
        let documents = Documents(self.0);
        for delta in deltas.iter().filter(|delta| delta.is_end_of_turn()) {
            documents.touch(&delta.key)?;
        }
        let number = documents.last_change()?;
        if number == since {
            // The commit deleted what it had created.
            return Ok(());
        }
        let message = if deltas.is_empty() { Vec::new() } else { encode_delta_message(deltas, None).into_bytes() };
        self.0
            .prepare_cached("INSERT INTO change_log (number, since, message) VALUES (?, ?, ?)")?
            .execute(params![number.0, since.0, message])?;
        self.0
            .prepare_cached(
                "DELETE FROM change_log
                 WHERE number <= (SELECT number FROM change_log ORDER BY number DESC LIMIT 1 OFFSET ?)",
            )?
            .execute([MAX_ENTRIES])?;
        Ok(())
    }

    /// The deltas of each commit after the change `since`, in order. None if the log does not hold them all, or holds
    /// one that cannot be decoded, such as one that another version of this library wrote.
    pub(super) fn entries_since(&self, since: ChangeNumber) -> Result<Option<Vec<Vec<Delta>>>> {
        let mut statement =
            self.0.prepare_cached("SELECT number, since, message FROM change_log WHERE number > ? ORDER BY number")?;
        let mut rows = statement.query([since.0])?;
        let (mut known, mut entries) = (since, Vec::new());
        while let Some(row) = rows.next()? {
            let Ok(message) = row.get_ref("message")?.as_blob() else { return Ok(None) };
            if row.get_ref("since")?.as_i64() != Ok(known.0) {
                return Ok(None);
            }
            known = ChangeNumber(row.get("number")?);
            if message.is_empty() {
                continue;
            }
            let Some(DeltaMessage::Deltas(deltas)) = decode_delta_message(message) else { return Ok(None) };
            entries.push(deltas);
        }
        Ok((known == Documents(self.0).last_change()?).then_some(entries))
    }
}
