//! The value of a document at an earlier revision.

use super::entry::HistoryEntry;
use crate::byte_len::ByteLen;
use crate::document::{Add, Content, Node, Stored, read_within};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;
use crate::mutation::{Effect, Mutation, apply};
use crate::replica::effect_within;

/// The value that the document had at `revision`, None where there was none, from the entries of its history, the newest first.
/// Errors: `NotFound` where the entries do not lead there.
pub fn value_at(
    entries: &[HistoryEntry],
    revision: Revision,
    max_len: ByteLen,
    add: Add,
) -> Result<Option<Node>, SyncError> {
    if revision == Revision::NONE {
        return Ok(None);
    }
    if let Some(text) = entries.iter().find_map(|entry| entry.text.as_ref().filter(|_| entry.base == revision)) {
        return read_text(text, max_len).map(Some).ok_or_else(|| unreachable(revision));
    }
    replay(entries, revision, max_len, add).map_err(|Unreachable| unreachable(revision))
}

/// The entries do not lead to a revision.
struct Unreachable;

/// Makes the mutations again that lead to the revision, from the last entry before it with a document.
fn replay(
    entries: &[HistoryEntry],
    revision: Revision,
    max_len: ByteLen,
    add: Add,
) -> Result<Option<Node>, Unreachable> {
    let newest = entries.iter().position(|entry| entry.revision == revision).ok_or(Unreachable)?;
    let (mut steps, mut wanted) = (Vec::new(), revision);
    let (mut value, mut is_complete) = (None, false);
    for entry in &entries[newest..] {
        let mutations = entry.decode_mutations().unwrap_or_default();
        if entry.revision != wanted || mutations.is_empty() {
            return Err(Unreachable);
        }
        let is_whole = matches!(mutations.first(), Some(Mutation::Assign { .. } | Mutation::Delete));
        steps.push(mutations);
        if !is_whole && let Some(text) = &entry.text {
            value = Some(read_text(text, max_len).ok_or(Unreachable)?);
        }
        is_complete = entry.base == Revision::NONE || is_whole || value.is_some();
        if is_complete {
            break;
        }
        wanted = entry.base;
    }
    if !is_complete {
        return Err(Unreachable);
    }
    for mutation in steps.into_iter().rev().flatten() {
        let Effect { values, .. } = effect_within(value.as_ref(), &mutation, max_len, add).map_err(|_| Unreachable)?;
        apply(&mut value, &mutation, values);
    }
    Ok(value)
}

/// The value of a stored text. None where it is not a document.
fn read_text(text: &str, max_len: ByteLen) -> Option<Node> {
    match read_within(&Stored::Text(text.as_bytes().to_vec()), max_len) {
        Content::Document { value, .. } => Some(value),
        _ => None,
    }
}

fn unreachable(revision: Revision) -> SyncError {
    SyncError::new(
        ErrorCode::NotFound,
        format!(
            "the history does not lead to revision {revision}: it is not recorded, or too old, or behind a gap; see \
             $history for those that are there"
        ),
    )
}
