//! Reading what can be read of a journal.

use super::checksum::checksum;
use rusqlite::{Connection, ErrorCode as Sqlite};
use synced_memory_core::document::add;
use synced_memory_core::journal::{JournalReader, JournalledState};

/// The content of a journal, as far as it can be read.
pub(super) struct Salvaged {
    pub(super) content: JournalledState,
    /// The number of the last good row of the log.
    pub(super) last_row: i64,
    /// The row ids of states that cannot be read.
    pub(super) bad_states: Vec<i64>,
    /// The number of rows of the log that are cut off because they, or rows before them, cannot be read.
    pub(super) cut_rows: i64,
    /// Whether the database itself is damaged.
    pub(super) is_corrupt: bool,
}

/// Read a journal. What cannot be read, and all rows of the log after such a one, is left out. Errors: those of the database,
/// except that it is corrupt.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Salvaged> {
    let mut reader = JournalReader::new(add);
    let (mut is_corrupt, mut bad_states) = (false, Vec::new());
    let result = read_states(connection, &mut reader, &mut bad_states);
    is_corrupt |= tolerate_corruption(result)?;
    let mut last_row = 0;
    let result = read_log(connection, &mut reader, &mut last_row);
    is_corrupt |= tolerate_corruption(result)?;
    let count = connection.query_row("SELECT max(number) FROM log", [], |row| row.get::<_, Option<i64>>(0));
    let highest = count.ok().flatten().unwrap_or(last_row);
    Ok(Salvaged { content: reader.finish(), last_row, bad_states, cut_rows: highest - last_row, is_corrupt })
}

fn read_states(connection: &Connection, reader: &mut JournalReader, bad: &mut Vec<i64>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT rowid, name, checksum, text FROM states")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let row: rusqlite::Result<(String, i64, String)> = (|| Ok((row.get(1)?, row.get(2)?, row.get(3)?)))();
        let is_good =
            row.is_ok_and(|(name, sum, text)| sum == checksum(&name, &text) && reader.read_state(&text).is_ok());
        if !is_good {
            bad.push(id);
        }
    }
    Ok(())
}

fn read_log(connection: &Connection, reader: &mut JournalReader, last: &mut i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT number, checksum, records FROM log ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let row: rusqlite::Result<(i64, i64, String)> = (|| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))();
        let is_good = row.is_ok_and(|(number, sum, records)| {
            number == *last + 1 && sum == checksum(&number.to_string(), &records) && reader.read_log(&records).is_ok()
        });
        if !is_good {
            break;
        }
        *last += 1;
    }
    Ok(())
}

/// Returns whether the database is corrupt.
fn tolerate_corruption(result: rusqlite::Result<()>) -> rusqlite::Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(error) if error.sqlite_error_code() == Some(Sqlite::DatabaseCorrupt) => Ok(true),
        Err(error) => Err(error),
    }
}
