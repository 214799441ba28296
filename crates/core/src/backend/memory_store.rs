//! Documents in this process's memory: the native `memory:` backend, and the server of simulations.

use super::expiring_strings::ExpiringStrings;
use super::history_streams::HistoryStreams;
use super::store::{NewestEntry, Store, StoredReservations};
use crate::history::{HistoryCounts, HistoryEntry};
use crate::ids::{AppendRun, Sequence, WriterId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::convert::Infallible;
use std::ops::Range;

/// A store without a clock of its own: it keeps append runs as long as it lives, and sequences that nothing lets expire.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    documents: ExpiringStrings,
    sequences: HashMap<(String, WriterId), StoredSequence>,
    /// The expiries of sequences, the next one first. A sequence that has another expiry by now stays.
    sequence_expiries: BinaryHeap<Reverse<(u64, String, WriterId)>>,
    append_runs: HashMap<String, AppendRun>,
    reservations: HashMap<String, StoredReservations>,
    histories: HistoryStreams,
}

/// A sequence, and the time from which on it may be forgotten, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct StoredSequence {
    sequence: Sequence,
    expires_at: Option<u64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the sequences that `is_kept` does not select by key and writer, as a server does that evicts dedup keys.
    pub fn retain_sequences(&mut self, is_kept: impl Fn(&str, &WriterId) -> bool) {
        self.sequences.retain(|(key, writer), _| is_kept(key, writer));
    }

    fn forget_expired_sequences(&mut self, now: u64) {
        while self.sequence_expiries.peek().is_some_and(|Reverse((at, ..))| *at <= now)
            && let Some(Reverse((at, key, writer))) = self.sequence_expiries.pop()
        {
            let id = (key, writer);
            if self.sequences.get(&id).is_some_and(|stored| stored.expires_at == Some(at)) {
                self.sequences.remove(&id);
            }
        }
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    fn len(&mut self, key: &str) -> Result<Option<usize>, Infallible> {
        Ok(self.documents.get(key).map(<[u8]>::len))
    }

    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>, Infallible> {
        Ok(self.documents.read(key, range))
    }

    fn write(&mut self, key: &str, at: usize, bytes: &[u8]) -> Result<(), Infallible> {
        self.documents.write(key, at, bytes);
        Ok(())
    }

    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<(), Infallible> {
        self.documents.replace(key, bytes);
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), Infallible> {
        self.documents.remove(key);
        Ok(())
    }

    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>, Infallible> {
        Ok(self.sequences.get(&(key.to_owned(), writer.clone())).map(|stored| stored.sequence))
    }

    fn set_last_sequence(
        &mut self,
        key: &str,
        writer: &WriterId,
        sequence: Sequence,
        _seconds: u32,
    ) -> Result<(), Infallible> {
        let stored = StoredSequence { sequence, expires_at: None };
        self.sequences.insert((key.to_owned(), writer.clone()), stored);
        Ok(())
    }

    fn expire_last_sequence(&mut self, key: &str, writer: &WriterId, at: u64) -> Result<bool, Infallible> {
        let Some(stored) = self.sequences.get_mut(&(key.to_owned(), writer.clone())) else { return Ok(false) };
        stored.expires_at = Some(at);
        self.sequence_expiries.push(Reverse((at, key.to_owned(), writer.clone())));
        Ok(true)
    }

    fn append_run(&mut self, key: &str) -> Result<Option<AppendRun>, Infallible> {
        Ok(self.append_runs.get(key).copied())
    }

    fn set_append_run(&mut self, key: &str, run: AppendRun) -> Result<(), Infallible> {
        self.append_runs.insert(key.to_owned(), run);
        Ok(())
    }

    fn reservations(&mut self, key: &str) -> Result<Option<StoredReservations>, Infallible> {
        Ok(self.reservations.get(key).cloned())
    }

    fn set_reservations(&mut self, key: &str, reservations: Option<StoredReservations>) -> Result<(), Infallible> {
        self.reservations.remove(key);
        self.reservations.extend(reservations.map(|reservations| (key.to_owned(), reservations)));
        Ok(())
    }

    fn newest_entry(&mut self, key: &str, now: u64) -> Result<Option<NewestEntry>, Infallible> {
        Ok(self.histories.newest_entry(key, now))
    }

    fn add_entry(
        &mut self,
        key: &str,
        entry: &HistoryEntry,
        counts: HistoryCounts,
        max_entries: u32,
    ) -> Result<(), Infallible> {
        self.histories.add(key, entry, counts, max_entries);
        Ok(())
    }

    fn entries(&mut self, key: &str, limit: u32, now: u64) -> Result<Vec<HistoryEntry>, Infallible> {
        Ok(self.histories.read(key, limit, now))
    }

    fn set_history_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Infallible> {
        self.histories.set_expires_at(key, at);
        Ok(())
    }

    fn expires_at(&mut self, key: &str) -> Result<Option<u64>, Infallible> {
        Ok(self.documents.expires_at(key))
    }

    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Infallible> {
        self.documents.set_expires_at(key, at);
        Ok(())
    }

    fn take_expired(&mut self, now: u64) -> Result<Vec<String>, Infallible> {
        self.forget_expired_sequences(now);
        self.histories.forget_expired(now);
        Ok(self.documents.take_expired(now))
    }

    fn next_expiry(&mut self) -> Result<Option<u64>, Infallible> {
        Ok(self.documents.next_expiry())
    }

    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Infallible> {
        Ok(self.documents.keys(prefix, after, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_forgotten_when_it_has_expired_and_was_not_renewed() {
        let mut store = MemoryStore::new();
        let (gone, renewed) = (WriterId("gone".into()), WriterId("renewed".into()));
        for writer in [&gone, &renewed] {
            store.set_last_sequence("k", writer, Sequence(1), 60).unwrap();
            assert_eq!(store.expire_last_sequence("k", writer, 100), Ok(true));
        }
        assert_eq!(store.expire_last_sequence("other", &gone, 100), Ok(false));
        store.set_last_sequence("k", &renewed, Sequence(2), 60).unwrap();
        store.take_expired(99).unwrap();
        assert_eq!(store.last_sequence("k", &gone), Ok(Some(Sequence(1))));
        store.take_expired(100).unwrap();
        assert_eq!(store.last_sequence("k", &gone), Ok(None));
        assert_eq!(store.last_sequence("k", &renewed), Ok(Some(Sequence(2))));
    }
}
