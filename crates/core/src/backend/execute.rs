//! Executes abstract commands on a store.

use super::commit_rules::{apply_commit, apply_group, compare};
use super::history_rules::record_change;
use super::store::{Store, load};
use crate::byte_len::ByteLen;
use crate::history::HistoryPage;
use crate::protocol::{
    Answer, Command, Delta, EvictionPolicy, Lifetime, MAX_WRITERS_BYTES, ProbeResult, WRITER_LIFETIME_MS,
    WritersChange, WritersList,
};

/// The most keys in one answer to [`Command::Names`].
const PAGE: usize = 1000;

/// The result of one command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Execution {
    /// The answer for the session that sent the command.
    pub answer: Answer,
    /// The changes that the command made, for all sessions: one message for each document.
    pub deltas: Vec<Delta>,
}

/// Executes one command at the time `now`, in milliseconds since 1970.
///
/// The caller removes expired documents by [`Store::take_expired`] first.
pub fn execute<S: Store>(store: &mut S, command: &Command, now: u64) -> Result<Execution, S::Error> {
    let mut deltas = Vec::new();
    let answer = match command {
        Command::Load { key, max_len } => Answer::Loaded(load(store, key, *max_len)?),
        Command::Probe { key, before_end, len } => Answer::Probed(probe(store, key, before_end.0, len.0)?),
        Command::Tail { key, at, max_len } => {
            let range = at.0..max_len.0.saturating_add(1).max(at.0);
            Answer::Tail { append_run: store.append_run(key)?, bytes: store.read(key, range)? }
        }
        Command::Commit(commit, _) => {
            let (outcome, delta) = apply_commit(store, commit, now)?;
            deltas.extend(delta);
            Answer::Committed(outcome)
        }
        Command::Group(group, _) => {
            let outcome;
            (outcome, deltas) = apply_group(store, group, now)?;
            Answer::Grouped(outcome)
        }
        Command::Compare { checks } => Answer::Compared(compare(store, checks)?),
        // Only writers of the memory can announce deltas on these backends.
        Command::Secret { .. } => Answer::Secret(None),
        Command::Expire { key, ms } => expire(store, key, Some(now.saturating_add(*ms)), now)?,
        Command::Persist { key } => expire(store, key, None, now)?,
        Command::Ttl { key } => Answer::Lifetime(lifetime(store, key, now)?),
        Command::Replicas { .. } => Answer::Replicas(0),
        Command::LastSequence { key, writer } => Answer::LastSequence(store.last_sequence(key, writer)?),
        Command::ExpireDedupKey { key, writer, ms } => {
            let is_present = store.expire_last_sequence(key, writer, now.saturating_add(*ms))?;
            Answer::Lifetime(if is_present { Lifetime::Remaining(*ms) } else { Lifetime::Absent })
        }
        Command::Writers { key, change } => Answer::Writers(writers(store, key, change.as_ref(), now)?),
        Command::History { key, limit } => {
            Answer::History(HistoryPage { entries: store.entries(key, *limit, now)?, malformed: 0 })
        }
        Command::RecordChange { key, change, max_entries } => {
            Answer::Recorded(record_change(store, key, change, *max_entries, now)?)
        }
        // These backends evict nothing.
        Command::EvictionPolicy { .. } => Answer::EvictionPolicy(Some(EvictionPolicy::NoEviction)),
        Command::Names { prefix, cursor } => names(store, prefix, cursor)?,
    };
    Ok(Execution { answer, deltas })
}

fn probe<S: Store>(store: &mut S, key: &str, before_end: usize, count: usize) -> Result<ProbeResult, S::Error> {
    Ok(match store.len(key)? {
        Some(len) => {
            let last = (len + count - 1).saturating_sub(before_end);
            ProbeResult::Text { len: ByteLen(len), bytes: store.read(key, len.saturating_sub(before_end)..last + 1)? }
        }
        None => ProbeResult::Absent,
    })
}

fn expire<S: Store>(store: &mut S, key: &str, at: Option<u64>, now: u64) -> Result<Answer, S::Error> {
    if store.len(key)?.is_some() {
        store.set_expires_at(key, at)?;
        store.set_history_expires_at(key, at)?;
    }
    Ok(Answer::Lifetime(lifetime(store, key, now)?))
}

fn lifetime<S: Store>(store: &mut S, key: &str, now: u64) -> Result<Lifetime, S::Error> {
    Ok(match (store.len(key)?, store.expires_at(key)?) {
        (None, _) => Lifetime::Absent,
        (Some(_), None) => Lifetime::Endless,
        (Some(_), Some(at)) => Lifetime::Remaining(at.saturating_sub(now)),
    })
}

/// Changes or reads the list of the writers that have a memory open, as `writers.lua` does.
fn writers<S: Store>(
    store: &mut S,
    key: &str,
    change: Option<&WritersChange>,
    now: u64,
) -> Result<WritersList, S::Error> {
    let text = match store.len(key)? {
        Some(len) if len <= MAX_WRITERS_BYTES => store.read(key, 0..len)?,
        _ => Vec::new(),
    };
    let remaining_ms = store.expires_at(key)?.map_or(0, |at| at.saturating_sub(now));
    let mut list = WritersList::decode(&text, WRITER_LIFETIME_MS.saturating_sub(remaining_ms));
    let Some(change) = change else { return Ok(list) };
    list.apply(change);
    if list.0.is_empty() {
        store.remove(key)?;
    } else {
        store.replace(key, list.encode().as_bytes())?;
        store.set_expires_at(key, Some(now.saturating_add(WRITER_LIFETIME_MS)))?;
    }
    Ok(WritersList::default())
}

/// A cursor is `>` and the last key of the page before it.
fn names<S: Store>(store: &mut S, prefix: &str, cursor: &str) -> Result<Answer, S::Error> {
    let after = cursor.strip_prefix('>').unwrap_or_default();
    let keys = store.keys(prefix, after, PAGE)?;
    let cursor = match keys.last() {
        Some(last) if keys.len() == PAGE => format!(">{last}"),
        _ => "0".to_owned(),
    };
    Ok(Answer::Names { cursor, keys })
}
