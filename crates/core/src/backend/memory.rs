//! Documents in this process's memory: the `memory:` backend, and the server of simulations.

use super::Store;
use crate::ids::{Revision, Sequence, WriterId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::ops::Range;

/// A store without a clock: sequences are remembered for as long as it lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    documents: BTreeMap<String, Vec<u8>>,
    sequences: HashMap<(String, WriterId), Sequence>,
    appends: HashMap<String, (Revision, Revision)>,
    /// When documents expire, by key and in order.
    expires: HashMap<String, u64>,
    expiries: BTreeSet<(u64, String)>,
    changes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many times documents have been changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    fn len(&mut self, key: &str) -> Result<Option<usize>, Infallible> {
        Ok(self.documents.get(key).map(Vec::len))
    }

    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>, Infallible> {
        let document = self.documents.get(key).map_or(&[][..], Vec::as_slice);
        let end = range.end.min(document.len());
        Ok(document.get(range.start..end).unwrap_or_default().to_vec())
    }

    fn write(&mut self, key: &str, at: usize, bytes: &[u8]) -> Result<(), Infallible> {
        let document = self.documents.entry(key.to_owned()).or_default();
        if document.len() < at + bytes.len() {
            document.resize(at + bytes.len(), 0);
        }
        document[at..at + bytes.len()].copy_from_slice(bytes);
        self.changes += 1;
        Ok(())
    }

    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<(), Infallible> {
        self.documents.insert(key.to_owned(), bytes.to_vec());
        self.changes += 1;
        Ok(())
    }

    fn remove(&mut self, key: &str) -> Result<(), Infallible> {
        self.documents.remove(key);
        self.changes += 1;
        self.set_expires_at(key, None)
    }

    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>, Infallible> {
        Ok(self.sequences.get(&(key.to_owned(), writer.clone())).copied())
    }

    fn set_last_sequence(&mut self, key: &str, writer: &WriterId, sequence: Sequence) -> Result<(), Infallible> {
        self.sequences.insert((key.to_owned(), writer.clone()), sequence);
        Ok(())
    }

    fn appends(&mut self, key: &str) -> Result<Option<(Revision, Revision)>, Infallible> {
        Ok(self.appends.get(key).copied())
    }

    fn set_appends(&mut self, key: &str, first: Revision, last: Revision) -> Result<(), Infallible> {
        self.appends.insert(key.to_owned(), (first, last));
        Ok(())
    }

    fn expires_at(&mut self, key: &str) -> Result<Option<u64>, Infallible> {
        Ok(self.expires.get(key).copied())
    }

    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Infallible> {
        let before = match at {
            Some(at) => self.expires.insert(key.to_owned(), at),
            None => self.expires.remove(key),
        };
        self.expiries.extend(at.map(|at| (at, key.to_owned())));
        if before != at {
            before.map(|before| self.expiries.remove(&(before, key.to_owned())));
        }
        Ok(())
    }

    fn take_expired(&mut self, now: u64) -> Result<Vec<String>, Infallible> {
        let mut keys = Vec::new();
        while self.expiries.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, key)) = self.expiries.pop_first()
        {
            self.remove(&key)?;
            keys.push(key);
        }
        Ok(keys)
    }

    fn next_expiry(&mut self) -> Result<Option<u64>, Infallible> {
        Ok(self.expiries.first().map(|(at, _)| *at))
    }

    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Infallible> {
        let from = prefix.max(after);
        Ok(self
            .documents
            .range(from.to_owned()..)
            .map(|(key, _)| key)
            .skip_while(|key| key.as_str() == after)
            .take_while(|key| key.starts_with(prefix))
            .take(limit)
            .cloned()
            .collect())
    }
}
