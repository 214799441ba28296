//! The storage that a backend is made of.

use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::history::{HistoryCounts, HistoryEntry};
use crate::ids::{AppendRun, Revision, Sequence, WriterId};
use std::ops::Range;

/// Documents as bytes, each with what the commit rules keep beside it.
///
/// Offsets and lengths are in bytes, times in milliseconds since 1970. [`execute`](super::execute) makes several calls
/// for one command; the store makes them, and what its host called before them, one atomic step.
pub trait Store {
    /// The reason why the store cannot be used.
    type Error;

    /// The length of a document; None where the key holds none.
    fn len(&mut self, key: &str) -> Result<Option<usize>, Self::Error>;

    /// The bytes of a document in `range`, which may reach beyond its end.
    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>, Self::Error>;

    /// Overwrites a document from `at` on, which is at most its length; bytes beyond its end extend it.
    fn write(&mut self, key: &str, at: usize, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Stores a whole document. It expires when the one that it replaces would have.
    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Deletes a document.
    fn remove(&mut self, key: &str) -> Result<(), Self::Error>;

    /// The last sequence of `writer` that was applied to `key`. It outlives the document.
    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>, Self::Error>;

    /// Keeps the last applied sequence, at least for this many seconds.
    fn set_last_sequence(
        &mut self,
        key: &str,
        writer: &WriterId,
        sequence: Sequence,
        seconds: u32,
    ) -> Result<(), Self::Error>;

    /// Lets the last applied sequence be forgotten at the time `at` or later. False where there is none.
    fn expire_last_sequence(&mut self, key: &str, writer: &WriterId, at: u64) -> Result<bool, Self::Error>;

    /// The last append run of `key`. A store may lose it at any time.
    fn append_run(&mut self, key: &str) -> Result<Option<AppendRun>, Self::Error>;

    /// Keeps the append run.
    fn set_append_run(&mut self, key: &str, run: AppendRun) -> Result<(), Self::Error>;

    /// Replaces the append run of `key`, if there is one, by one that begins and ends with this revision.
    fn restart_append_run(&mut self, key: &str, revision: Revision) -> Result<(), Self::Error> {
        match self.append_run(key)? {
            Some(_) => self.set_append_run(key, AppendRun { first: revision, last: revision }),
            None => Ok(()),
        }
    }

    /// The reservation queue of `key`. A store may lose it at any time.
    fn reservations(&mut self, key: &str) -> Result<Option<StoredReservations>, Self::Error>;

    /// Keeps the reservation queue, or removes it.
    fn set_reservations(&mut self, key: &str, reservations: Option<StoredReservations>) -> Result<(), Self::Error>;

    /// The newest entry of the history of `key`, which does not count once it has expired.
    fn newest_entry(&mut self, key: &str, now: u64) -> Result<Option<NewestEntry>, Self::Error>;

    /// Adds an entry to the history of `key`. The newest `max_entries` stay, as far as they have at most
    /// [`MAX_HISTORY_LEN`](crate::history::MAX_HISTORY_LEN) together.
    fn add_entry(
        &mut self,
        key: &str,
        entry: &HistoryEntry,
        counts: HistoryCounts,
        max_entries: u32,
    ) -> Result<(), Self::Error>;

    /// At most `limit` of the newest entries of the history of `key`, the newest first.
    fn entries(&mut self, key: &str, limit: u32, now: u64) -> Result<Vec<HistoryEntry>, Self::Error>;

    /// Sets the time at which the history of `key` expires, if there is one; None for never.
    fn set_history_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Self::Error>;

    /// The time at which a document expires; None where it never does, or where there is none.
    fn expires_at(&mut self, key: &str) -> Result<Option<u64>, Self::Error>;

    /// Sets the time at which an existing document expires; None for never.
    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Self::Error>;

    /// Deletes the documents that expire at `now` or before, and returns their keys.
    fn take_expired(&mut self, now: u64) -> Result<Vec<String>, Self::Error>;

    /// The time at which the next document expires.
    fn next_expiry(&mut self) -> Result<Option<u64>, Self::Error>;

    /// At most `limit` keys that start with `prefix` and are greater than `after`, in byte order.
    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Self::Error>;
}

/// The reservation queue of a document, as a store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredReservations {
    /// The entries `writer milliseconds;` in order. The commit script has the same form.
    pub queue: String,
    /// The end of the first writer's time, in milliseconds since 1970. The queue is over then.
    pub expires_at: u64,
}

/// The facts about the newest entry of a history that the next one depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NewestEntry {
    /// The revision that it made.
    pub revision: Option<Revision>,
    /// Whether it has mutations: they may have been too long.
    pub has_mutations: bool,
    /// Its counts.
    pub counts: HistoryCounts,
}

/// The content of a key, of a text that is longer than `max_len` only the beginning.
pub(super) fn load<S: Store>(store: &mut S, key: &str, max_len: ByteLen) -> Result<Stored, S::Error> {
    Ok(match store.len(key)? {
        Some(len) if len > max_len.0 => {
            let beginning = store.read(key, 0..max_len.0.saturating_add(1).min(Stored::START_LEN))?;
            Stored::too_long(ByteLen(len), &beginning)
        }
        Some(len) => Stored::Text(store.read(key, 0..len)?),
        None => Stored::Absent,
    })
}
