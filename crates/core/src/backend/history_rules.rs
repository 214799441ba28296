//! The rules by which a history is recorded, over any store: those of `history_entries.lua`.

use super::store::{NewestEntry, Store};
use crate::history::{ENTRY_OVERHEAD, HistoryCounts, HistoryEntry, MAX_ENTRY_TEXT};
use crate::ids::{Revision, WriterId};
use crate::protocol::ForeignChange;

/// The lifetime of the history of a deleted document, in milliseconds.
const DELETED_HISTORY_MS: u64 = 24 * 60 * 60 * 1000;

/// An entry without a revision: its commit has not changed the document yet.
pub(super) struct PlannedEntry {
    base: Revision,
    mutations: String,
    text: Option<String>,
    counts: HistoryCounts,
}

/// Plans the entry of a commit that is about to change its document. The entry has the text that is stored before, where the
/// document cannot be had from earlier entries, or only from many.
pub(super) fn plan_entry<S: Store>(
    store: &mut S,
    key: &str,
    base: Revision,
    mutations: &str,
    max_entries: u32,
    now: u64,
) -> Result<PlannedEntry, S::Error> {
    let newest = store.newest_entry(key, now)?;
    let NewestEntry { revision, has_mutations, counts } = newest.unwrap_or_default();
    let mut text = None;
    if let Some(len) = store.len(key)?.filter(|len| base != Revision::NONE && *len <= MAX_ENTRY_TEXT.0) {
        let is_behind_gap = revision != Some(base) || !has_mutations;
        let is_many = counts.len > len as u64 || counts.entries * 2 >= max_entries.into();
        if is_behind_gap || is_many && !is_whole(mutations) {
            text = String::from_utf8(store.read(key, 0..len)?).ok().filter(|text| !text.is_empty());
        }
    }
    Ok(planned(counts, base, mutations, text))
}

/// Adds the entry of a commit that has changed its document.
pub(super) fn add_entry<S: Store>(
    store: &mut S,
    key: &str,
    planned: PlannedEntry,
    revision: Revision,
    writer: Option<WriterId>,
    max_entries: u32,
    now: u64,
) -> Result<(), S::Error> {
    let PlannedEntry { base, mutations, text, counts } = planned;
    let entry = HistoryEntry { at_ms: now, revision, base, writer, mutations, text };
    store.add_entry(key, &entry, counts, max_entries)?;
    let expires_at = match store.len(key)? {
        Some(_) => store.expires_at(key)?,
        None => Some(now.saturating_add(DELETED_HISTORY_MS)),
    };
    store.set_history_expires_at(key, expires_at)
}

/// Adds what a foreign writer has changed, unless that was recorded before. Returns whether it was added.
pub(super) fn record_change<S: Store>(
    store: &mut S,
    key: &str,
    change: &ForeignChange,
    max_entries: u32,
    now: u64,
) -> Result<bool, S::Error> {
    let newest = store.newest_entry(key, now)?;
    if newest.as_ref().is_some_and(|newest| newest.revision != Some(change.base)) {
        return Ok(false);
    }
    let entry = planned(newest.unwrap_or_default().counts, change.base, &change.mutations, None);
    add_entry(store, key, entry, change.revision, None, max_entries, now)?;
    Ok(true)
}

fn planned(mut counts: HistoryCounts, base: Revision, mutations: &str, text: Option<String>) -> PlannedEntry {
    let len = mutations.len() as u64 + ENTRY_OVERHEAD;
    if is_whole(mutations) || base == Revision::NONE {
        (counts.entries, counts.len) = (0, 0);
    } else if text.is_some() {
        (counts.entries, counts.len) = (1, len);
    } else {
        counts.entries += 1;
        counts.len += len;
    }
    counts.total += len + text.as_ref().map_or(0, |text| text.len() as u64);
    PlannedEntry { base, mutations: mutations.to_owned(), text, counts }
}

/// Whether the document after the mutations does not depend on the one before.
fn is_whole(mutations: &str) -> bool {
    mutations.starts_with("[[\"assign\"") || mutations.starts_with("[[\"delete\"")
}
