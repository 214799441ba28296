//! The keys of the in-process server.

use super::expiring_strings::ExpiringStrings;
use super::history_streams::HistoryStreams;
use super::store::{NewestEntry, Store, StoredReservations};
use crate::history::{HistoryCounts, HistoryEntry};
use crate::ids::{AppendRun, Revision, Sequence, WriterId, parse_unsigned};
use crate::protocol::{DEDUP_KEY_SECONDS, SIDE_KEY_PREFIX, append_run_key, dedup_key, reservations_key};
use std::convert::Infallible;
use std::ops::Range;

/// All keys of a server, each a string, as Redis has them: what the commit rules keep beside a document is under side
/// keys, which clients can read.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    documents: ExpiringStrings,
    /// Separate from the documents, because the expiry of a side key is not announced.
    side_keys: ExpiringStrings,
    /// By the keys of their documents.
    histories: HistoryStreams,
    /// The time of the current command, in milliseconds.
    now: u64,
}

impl Keyspace {
    /// Moves the time on, and returns the keys of the documents that have expired.
    pub(super) fn advance(&mut self, now: u64) -> Vec<String> {
        self.now = now;
        self.side_keys.take_expired(now);
        self.histories.forget_expired(now);
        self.documents.take_expired(now)
    }

    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.of(key).get(key)
    }

    /// Returns whether there was a string.
    pub(super) fn delete(&mut self, key: &str) -> bool {
        self.of_mut(key).remove(key)
    }

    fn of(&self, key: &str) -> &ExpiringStrings {
        if is_side_key(key) { &self.side_keys } else { &self.documents }
    }

    fn of_mut(&mut self, key: &str) -> &mut ExpiringStrings {
        if is_side_key(key) { &mut self.side_keys } else { &mut self.documents }
    }

    fn side_text(&self, key: &str) -> Option<&str> {
        self.side_keys.get(key).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Stores a side key, which expires after this many seconds.
    fn set_side_text(&mut self, key: &str, text: &str, seconds: u32) {
        self.side_keys.replace(key, text.as_bytes());
        self.side_keys.set_expires_at(key, Some(self.now + u64::from(seconds) * 1000));
    }
}

pub(super) fn is_side_key(key: &str) -> bool {
    key.starts_with(SIDE_KEY_PREFIX)
}

impl Store for Keyspace {
    type Error = Infallible;

    fn len(&mut self, key: &str) -> Result<Option<usize>, Infallible> {
        Ok(self.get(key).map(<[u8]>::len))
    }

    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>, Infallible> {
        Ok(self.of(key).read(key, range))
    }

    fn write(&mut self, key: &str, at: usize, bytes: &[u8]) -> Result<(), Infallible> {
        self.of_mut(key).write(key, at, bytes);
        Ok(())
    }

    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<(), Infallible> {
        self.of_mut(key).replace(key, bytes);
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), Infallible> {
        self.delete(key);
        Ok(())
    }

    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>, Infallible> {
        let text = self.side_text(&dedup_key(key, writer));
        Ok(text.and_then(parse_unsigned).map(Sequence))
    }

    fn set_last_sequence(
        &mut self,
        key: &str,
        writer: &WriterId,
        sequence: Sequence,
        seconds: u32,
    ) -> Result<(), Infallible> {
        self.set_side_text(&dedup_key(key, writer), &sequence.0.to_string(), seconds);
        Ok(())
    }

    fn expire_last_sequence(&mut self, key: &str, writer: &WriterId, at: u64) -> Result<bool, Infallible> {
        let key = dedup_key(key, writer);
        self.side_keys.set_expires_at(&key, Some(at));
        Ok(self.side_keys.get(&key).is_some())
    }

    fn append_run(&mut self, key: &str) -> Result<Option<AppendRun>, Infallible> {
        let run = self.side_text(&append_run_key(key)).and_then(|text| text.split_once('-'));
        Ok(run.and_then(|(first, last)| {
            Some(AppendRun { first: Revision(parse_unsigned(first)?), last: Revision(parse_unsigned(last)?) })
        }))
    }

    fn set_append_run(&mut self, key: &str, run: AppendRun) -> Result<(), Infallible> {
        self.set_side_text(&append_run_key(key), &format!("{}-{}", run.first, run.last), DEDUP_KEY_SECONDS);
        Ok(())
    }

    fn reservations(&mut self, key: &str) -> Result<Option<StoredReservations>, Infallible> {
        let key = reservations_key(key);
        let queue = self.side_text(&key).map(str::to_owned);
        Ok(queue
            .zip(self.side_keys.expires_at(&key))
            .map(|(queue, expires_at)| StoredReservations { queue, expires_at }))
    }

    fn set_reservations(&mut self, key: &str, reservations: Option<StoredReservations>) -> Result<(), Infallible> {
        let key = reservations_key(key);
        match reservations {
            Some(StoredReservations { queue, expires_at }) => {
                self.side_keys.replace(&key, queue.as_bytes());
                self.side_keys.set_expires_at(&key, Some(expires_at));
            }
            None => drop(self.side_keys.remove(&key)),
        }
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
        Ok(self.of(key).expires_at(key))
    }

    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Infallible> {
        self.of_mut(key).set_expires_at(key, at);
        Ok(())
    }

    fn take_expired(&mut self, now: u64) -> Result<Vec<String>, Infallible> {
        Ok(self.advance(now))
    }

    /// Side keys do not count.
    fn next_expiry(&mut self) -> Result<Option<u64>, Infallible> {
        Ok(self.documents.next_expiry())
    }

    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Infallible> {
        let mut keys = self.documents.keys(prefix, after, limit);
        keys.extend(self.side_keys.keys(prefix, after, limit));
        keys.sort_unstable();
        keys.truncate(limit);
        Ok(keys)
    }
}
