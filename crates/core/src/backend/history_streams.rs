//! The histories of documents in this process's memory.

use super::store::NewestEntry;
use crate::history::{HistoryCounts, HistoryEntry, MAX_HISTORY_LEN};
use std::collections::{HashMap, VecDeque};

/// Histories by the keys of their documents.
#[derive(Clone, Debug, Default)]
pub(super) struct HistoryStreams(HashMap<String, HistoryStream>);

#[derive(Clone, Debug, Default)]
struct HistoryStream {
    /// The oldest first.
    entries: VecDeque<(HistoryEntry, HistoryCounts)>,
    expires_at: Option<u64>,
}

impl HistoryStreams {
    fn find(&mut self, key: &str, now: u64) -> Option<&HistoryStream> {
        if self.0.get(key)?.expires_at.is_some_and(|at| at <= now) {
            self.0.remove(key);
        }
        self.0.get(key)
    }

    pub(super) fn newest_entry(&mut self, key: &str, now: u64) -> Option<NewestEntry> {
        self.find(key, now)?.entries.back().map(|(entry, counts)| NewestEntry {
            revision: Some(entry.revision),
            has_mutations: !entry.mutations.is_empty(),
            counts: *counts,
        })
    }

    pub(super) fn add(&mut self, key: &str, entry: &HistoryEntry, counts: HistoryCounts, max_entries: u32) {
        let entries = &mut self.0.entry(key.to_owned()).or_default().entries;
        entries.push_back((entry.clone(), counts));
        let least = counts.total.saturating_sub(MAX_HISTORY_LEN.0 as u64);
        while entries.len() > max_entries as usize || entries.front().is_some_and(|(_, counts)| counts.total < least) {
            entries.pop_front();
        }
    }

    /// The newest entries, the newest first.
    pub(super) fn read(&mut self, key: &str, limit: u32, now: u64) -> Vec<HistoryEntry> {
        let entries = self.find(key, now).into_iter().flat_map(|stream| stream.entries.iter().rev());
        entries.take(limit as usize).map(|(entry, _)| entry.clone()).collect()
    }

    pub(super) fn set_expires_at(&mut self, key: &str, at: Option<u64>) {
        if let Some(stream) = self.0.get_mut(key) {
            stream.expires_at = at;
        }
    }

    /// Removes the histories that have expired.
    pub(super) fn forget_expired(&mut self, now: u64) {
        self.0.retain(|_, stream| stream.expires_at.is_none_or(|at| at > now));
    }
}
