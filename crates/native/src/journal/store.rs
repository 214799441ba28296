//! An open journal.

use super::checksum::checksum;
use super::journal_errors::{describe_opening, describe_write, journal_error};
use super::journal_file::{file_identity, is_same_file, journal_path, set_aside};
use super::memory_identity::MemoryIdentity;
use super::{JournalOptions, salvage, schema};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::Sequence;
use synced_memory_core::journal::JournalledState;
use synced_memory_core::session::JournalWrite;

/// The number of sequences that are reserved at a time. A process that opens the journal begins above all that were reserved: what
/// an earlier one wrote last may be lost in a power cut, while its commits were applied.
const RESERVED_SEQUENCES: u64 = 1 << 24;

/// An open journal, which no other connection can open.
#[derive(Debug)]
pub(crate) struct JournalStore {
    connection: Connection,
    /// The path, for messages.
    path: PathBuf,
    /// The number of the last row of the log.
    last_row: i64,
    /// The highest sequence that is reserved.
    reserved: u64,
    /// The writes that have failed so far, in order. They are tried again.
    unwritten: Vec<JournalWrite>,
}

/// A journal that has been opened.
pub(crate) struct OpenedJournal {
    pub(crate) store: JournalStore,
    /// The writer to go on as.
    pub(crate) writer: String,
    /// No commit of the writer has a higher sequence.
    pub(crate) last_sequence: Sequence,
    pub(crate) content: JournalledState,
    /// The damage for which a part of the journal was left out, if any.
    pub(crate) damage: Option<SyncError>,
}

impl JournalStore {
    /// Open the journal of a memory. `new_writer` is the id of the writer where there is none yet. Errors: `Options`, `Journal`,
    /// `JournalInUse`.
    pub(crate) fn open(
        options: &JournalOptions,
        owner: &MemoryIdentity,
        new_writer: &str,
    ) -> Result<OpenedJournal, SyncError> {
        let path = journal_path(&options.url)?;
        let name = path.display().to_string();
        if owner.is_file(&path) {
            return Err(SyncError::new(
                ErrorCode::Options,
                format!("{name} is the file of the memory itself; give the journal a file of its own"),
            ));
        }
        let connection = schema::open(&path, options.fsync)?;
        let described = |error: rusqlite::Error| describe_opening(&path, &error);
        let (writer, last) = match read_head(&connection).map_err(described)? {
            Some(head) => {
                check_owner(&name, &head, owner, &path)?;
                (head.writer, head.sequence)
            }
            None => (new_writer.to_owned(), 0),
        };
        let mut read = salvage::read(&connection).map_err(described)?;
        let connection = if read.is_corrupt {
            drop(connection);
            read.content.mark_unstored();
            set_aside(&path)?;
            schema::open(&path, options.fsync)?
        } else {
            connection
        };
        let reserved = last + RESERVED_SEQUENCES;
        let write = || -> rusqlite::Result<()> {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute("DELETE FROM journal", [])?;
            transaction.execute(
                "INSERT INTO journal (writer, prefix, server, file, sequence) VALUES (?, ?, ?, ?, ?)",
                params![
                    writer,
                    owner.prefix,
                    owner.server,
                    file_identity(&path),
                    i64::try_from(reserved).unwrap_or(i64::MAX)
                ],
            )?;
            if !read.is_corrupt {
                transaction.execute("DELETE FROM log WHERE number > ?", [read.last_row])?;
                for state in &read.bad_states {
                    transaction.execute("DELETE FROM states WHERE rowid = ?", [state])?;
                }
            }
            transaction.commit()
        };
        write().map_err(described)?;
        let damage =
            (read.is_corrupt || read.cut_rows > 0 || !read.bad_states.is_empty()).then(|| damage_of(&name, &read));
        let last_row = if read.is_corrupt { 0 } else { read.last_row };
        let store = Self { connection, path, last_row, reserved, unwritten: Vec::new() };
        Ok(OpenedJournal { store, writer, last_sequence: Sequence(last), content: read.content, damage })
    }

    /// Write, after all that could not be written before. On return it is as durable as the options say. Errors: `Journal`; then
    /// it is kept for the next call.
    pub(crate) fn write(&mut self, write: JournalWrite) -> Result<(), SyncError> {
        self.unwritten.push(write);
        self.retry()
    }

    /// Whether something could not be written yet.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Write what could not be written before. Errors: as of [`write`](Self::write).
    pub(crate) fn retry(&mut self) -> Result<(), SyncError> {
        let last = self.unwritten.last().map_or(0, |write| write.last_sequence.0);
        let reserved =
            if last + RESERVED_SEQUENCES / 2 > self.reserved { last + RESERVED_SEQUENCES } else { self.reserved };
        let reserve = (reserved > self.reserved).then_some(reserved);
        match store_all(&self.connection, &self.unwritten, self.last_row, reserve) {
            Ok(last_row) => {
                (self.last_row, self.reserved) = (last_row, reserved);
                self.unwritten.clear();
                Ok(())
            }
            Err(error) => Err(describe_write(&self.path, &error)),
        }
    }
}

/// Returns the number of the last row of the log.
fn store_all(
    connection: &Connection,
    writes: &[JournalWrite],
    mut last_row: i64,
    reserve: Option<u64>,
) -> rusqlite::Result<i64> {
    if let ([JournalWrite { clears_log: false, states, log, .. }], None) = (writes, reserve)
        && states.is_empty()
    {
        if log.is_empty() {
            return Ok(last_row);
        }
        // One statement is a transaction of its own.
        append(connection, last_row + 1, log)?;
        return Ok(last_row + 1);
    }
    let transaction = connection.unchecked_transaction()?;
    if let Some(sequence) = reserve {
        transaction.execute("UPDATE journal SET sequence = ?", [i64::try_from(sequence).unwrap_or(i64::MAX)])?;
    }
    for JournalWrite { clears_log, states, log, .. } in writes {
        if *clears_log {
            transaction.execute("DELETE FROM log", [])?;
            last_row = 0;
        }
        for (name, text) in states {
            match text {
                Some(text) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO states (name, checksum, text) VALUES (?, ?, ?)")?
                    .execute(params![name, checksum(name, text), text])?,
                None => transaction.execute("DELETE FROM states WHERE name = ?", [name])?,
            };
        }
        if !log.is_empty() {
            last_row += 1;
            append(&transaction, last_row, log)?;
        }
    }
    transaction.commit()?;
    Ok(last_row)
}

fn append(connection: &Connection, number: i64, records: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO log (number, checksum, records) VALUES (?, ?, ?)")?
        .execute(params![number, checksum(&number.to_string(), records), records])
        .map(drop)
}

/// The row that says whom a journal belongs to.
struct Head {
    writer: String,
    prefix: String,
    server: Option<String>,
    file: Option<String>,
    sequence: u64,
}

fn read_head(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    connection
        .query_row("SELECT writer, prefix, server, file, sequence FROM journal", [], |row| {
            let sequence: i64 = row.get(4)?;
            Ok(Head {
                writer: row.get(0)?,
                prefix: row.get(1)?,
                server: row.get(2)?,
                file: row.get(3)?,
                sequence: sequence.unsigned_abs(),
            })
        })
        .optional()
}

/// Refuse a journal with mutations for somebody else.
fn check_owner(name: &str, head: &Head, owner: &MemoryIdentity, path: &Path) -> Result<(), SyncError> {
    if head.prefix != owner.prefix {
        return Err(journal_error(format!(
            "the journal {name} belongs to the prefix {:?}, and this memory has {:?}; give this memory a journal of its own",
            head.prefix, owner.prefix
        )));
    }
    if let Some(server) = head.server.as_deref().filter(|server| !owner.has_server(server)) {
        return Err(journal_error(format!(
            "the journal {name} belongs to another server ({server}, and this memory has {}); give this memory a journal of its own, \
             or, if it is the same server under a new name, run UPDATE journal SET server = NULL on the file with sqlite3",
            owner.server
        )));
    }
    let identity = file_identity(path);
    let is_copy = head.file.as_deref().zip(identity.as_deref()).is_some_and(|(old, new)| !is_same_file(old, new));
    if is_copy {
        return Err(journal_error(format!(
            "the journal {name} is a copy: two processes must not go on as one writer; open the original, or, if that is gone for \
             good and has not been open since it was copied, run UPDATE journal SET file = NULL on the file with sqlite3"
        )));
    }
    Ok(())
}

fn damage_of(name: &str, read: &salvage::Salvaged) -> SyncError {
    let kept = if read.is_corrupt { "; the damaged file was kept beside it" } else { "" };
    journal_error(format!(
        "the journal {name} was damaged: {} of its last writes and {} of its documents could not be read and were cut off{kept}; \
         mutations that were made in them and had not been sent are lost",
        read.cut_rows,
        read.bad_states.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path) -> OpenedJournal {
        let options = JournalOptions::new(format!("file:{}/journal.db", folder.display()));
        let owner = MemoryIdentity::new("redis://localhost", "memory:").unwrap();
        JournalStore::open(&options, &owner, "w").unwrap()
    }

    fn write(log: &str, last_sequence: u64) -> JournalWrite {
        JournalWrite {
            clears_log: false,
            states: Vec::new(),
            log: log.to_owned(),
            last_sequence: Sequence(last_sequence),
        }
    }

    fn rows(store: &JournalStore) -> Vec<usize> {
        let mut statement = store.connection.prepare("SELECT length(records) FROM log ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn what_a_full_disk_refused_is_written_later_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let OpenedJournal { mut store, .. } = opened(folder.path());
        store_limit(&store.connection, 12);
        let error = store.write(write(&"x".repeat(100_000), 1)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Journal);
        assert!(error.message.contains("disk"), "{error}");
        assert!(store.write(write("later", 2)).is_err());
        assert_eq!((store.has_unwritten(), rows(&store)), (true, vec![]));
        store_limit(&store.connection, 1_000_000);
        store.retry().unwrap();
        assert_eq!((store.has_unwritten(), rows(&store)), (false, vec![100_000, 5]));
    }

    /// As if the disk had room for so many pages.
    fn store_limit(connection: &Connection, pages: i32) {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }

    #[test]
    fn a_process_begins_above_all_sequences_that_may_have_been_used() {
        let folder = tempfile::tempdir().unwrap();
        let OpenedJournal { mut store, last_sequence, .. } = opened(folder.path());
        assert_eq!(last_sequence, Sequence(0));
        let used = RESERVED_SEQUENCES * 3;
        store.write(write("x", used)).unwrap();
        drop(store);
        let next = opened(folder.path());
        assert!(next.last_sequence.0 > used);
        assert_eq!(next.writer, "w");
    }
}
