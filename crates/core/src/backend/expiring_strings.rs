//! Strings by key, of which some expire.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Byte strings by key. Those with an expiry stay until [`take_expired`](Self::take_expired) removes them.
#[derive(Clone, Debug, Default)]
pub(super) struct ExpiringStrings {
    strings: BTreeMap<String, Entry>,
    /// The expiries of all entries, in order.
    expiries: BTreeSet<(u64, String)>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    bytes: Vec<u8>,
    expires_at: Option<u64>,
}

impl ExpiringStrings {
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        self.strings.get(key).map(|entry| entry.bytes.as_slice())
    }

    /// The bytes in `range`, which may reach beyond the end.
    pub(super) fn read(&self, key: &str, range: Range<usize>) -> Vec<u8> {
        let bytes = self.get(key).unwrap_or_default();
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    }

    /// Overwrites a string from `at` on; a string that is shorter than `at` is filled up with zero bytes.
    pub(super) fn write(&mut self, key: &str, at: usize, bytes: &[u8]) {
        let old = &mut self.entry(key).bytes;
        if old.len() < at + bytes.len() {
            old.resize(at + bytes.len(), 0);
        }
        old[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Stores a whole string; its expiry stays.
    pub(super) fn replace(&mut self, key: &str, bytes: &[u8]) {
        self.entry(key).bytes = bytes.to_vec();
    }

    /// Returns whether there was a string.
    pub(super) fn remove(&mut self, key: &str) -> bool {
        self.set_expires_at(key, None);
        self.strings.remove(key).is_some()
    }

    pub(super) fn expires_at(&self, key: &str) -> Option<u64> {
        self.strings.get(key)?.expires_at
    }

    /// Changes nothing where there is no string.
    pub(super) fn set_expires_at(&mut self, key: &str, at: Option<u64>) {
        let Some(entry) = self.strings.get_mut(key) else { return };
        if let Some(before) = std::mem::replace(&mut entry.expires_at, at) {
            self.expiries.remove(&(before, key.to_owned()));
        }
        self.expiries.extend(at.map(|at| (at, key.to_owned())));
    }

    /// Removes the strings that expire at `now` or before, and returns their keys.
    pub(super) fn take_expired(&mut self, now: u64) -> Vec<String> {
        let mut keys = Vec::new();
        while self.expiries.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.expiries.pop_first()
        {
            self.strings.remove(&key);
            keys.push(key);
        }
        keys
    }

    pub(super) fn next_expiry(&self) -> Option<u64> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// At most `limit` keys that start with `prefix` and are greater than `after`, in byte order.
    pub(super) fn keys(&self, prefix: &str, after: &str, limit: usize) -> Vec<String> {
        let from = prefix.max(after);
        let keys = self.strings.range(from.to_owned()..).map(|(key, _)| key);
        let keys = keys.skip_while(|key| key.as_str() == after).take_while(|key| key.starts_with(prefix));
        keys.take(limit).cloned().collect()
    }

    fn entry(&mut self, key: &str) -> &mut Entry {
        self.strings.entry(key.to_owned()).or_default()
    }
}
