//! The commit rules over any store.

use super::history_rules::{PlannedEntry, add_entry, plan_entry};
use super::reservations::Reservations;
use super::store::{Store, load};
use crate::byte_len::ByteLen;
use crate::document::{Guard, Stored, StoredTail, tail};
use crate::ids::{AppendRun, Revision};
use crate::protocol::{
    Commit, CommitOutcome, Delta, Group, GroupOutcome, GuardResult, MAX_NAMES_LOG_BYTES, MAX_STALE_TEXT, NamesLog,
};
use crate::splice::{Piece, Plan, Write};

/// The start of the stored text of a list.
const LIST_HEAD: &str = "{\"value\":[";

/// The base revision in the delta of a commit without an announcement. No replica has this revision, so all read the
/// document again.
const NO_BASE: Revision = Revision(u64::MAX);

/// The lifetime of a log of names after its last entry, and of a group mark, in milliseconds.
const SIDE_KEY_MS: u64 = 24 * 60 * 60 * 1000;

/// The number of bytes at the end of a list that are searched for its bracket at first. It grows while they are only slack.
const FIRST_WINDOW: usize = 64;

/// The number of bytes at the end of a text that a stale commit gets where the text is too long.
const STALE_TAIL_LEN: usize = 512;

/// Applies a commit at most once.
pub(super) fn apply_commit<S: Store>(
    store: &mut S,
    commit: &Commit,
    now: u64,
) -> Result<(CommitOutcome, Option<Delta>), S::Error> {
    let last = store.last_sequence(&commit.key, &commit.writer)?;
    if last.is_some_and(|last| last >= commit.sequence) {
        return Ok((CommitOutcome::Duplicate, None));
    }
    let dedup_key_present = last.is_some();
    let stale = |stored| Ok((CommitOutcome::Stale { stored, dedup_key_present }, None));
    let reservations = Reservations::load(store, &commit.key, &commit.writer, now)?;
    if let Some(turn) = reservations.turn() {
        reservations.reserve(store, commit.terms.reservation.if_reserved())?;
        return Ok((CommitOutcome::Reserved(turn), None));
    }
    // The commit that it builds on was not applied. The answer to that one carries the stored text.
    if commit.after.is_some() && last != commit.after {
        return stale(None);
    }
    let is_forgotten = commit.needs_dedup_key && !dedup_key_present;
    let guard_matches = !is_forgotten && matches_guard(store, &commit.key, &commit.guard)?;
    if let Plan::Append(elements) = &commit.plan
        && !is_forgotten
        && let Some(end) = find_list_end(store, commit, guard_matches)?
    {
        let entry = plan_commit_entry(store, commit, end.revision, now)?;
        let revision = append(store, commit, elements, &end)?;
        let delta = finish(store, commit, end.revision, revision, entry, now)?;
        reservations.end(store)?;
        let outcome = if end.is_expected { CommitOutcome::Applied } else { CommitOutcome::Appended { revision } };
        return Ok((outcome, Some(delta)));
    }
    if !guard_matches {
        if commit.after.is_some() {
            return stale(None);
        }
        reservations.reserve(store, commit.terms.reservation.if_stale())?;
        return match store.len(&commit.key)?.map(ByteLen).filter(|len| *len > commit.terms.text_limit) {
            Some(len) => {
                let bytes = store.read(&commit.key, len.0.saturating_sub(STALE_TAIL_LEN)..len.0)?;
                Ok((CommitOutcome::StaleTail { len, bytes, dedup_key_present }, None))
            }
            None => stale(Some(stale_text(store, &commit.key)?)),
        };
    }
    if matches!(commit.plan, Plan::Append(_)) {
        return stale(None);
    }
    note_name(store, commit, now)?;
    let delta = apply_plan(store, commit, now)?;
    reservations.end(store)?;
    Ok((CommitOutcome::Applied, Some(delta)))
}

/// Notes in the log of names that the commit creates or deletes its document.
fn note_name<S: Store>(store: &mut S, commit: &Commit, now: u64) -> Result<(), S::Error> {
    let Some(key) = &commit.names_key else { return Ok(()) };
    let mut log = NamesLog(store.read(key, 0..MAX_NAMES_LOG_BYTES)?);
    log.note(&commit.writer, commit.sequence, &commit.key);
    store.replace(key, &log.0)?;
    store.set_expires_at(key, Some(now.saturating_add(SIDE_KEY_MS)))
}

/// Applies all commits of a group or none, at most once.
pub(super) fn apply_group<S: Store>(
    store: &mut S,
    Group { commits, checks, names, writer, reservation, mark_key, .. }: &Group,
    now: u64,
) -> Result<(GroupOutcome, Vec<Delta>), S::Error> {
    let (mut guards, mut all_match) = (Vec::new(), true);
    for commit in commits {
        let last = store.last_sequence(&commit.key, &commit.writer)?;
        if last.is_some_and(|last| last >= commit.sequence) {
            return Ok((GroupOutcome::Duplicate, Vec::new()));
        }
        guards.push((&commit.key, &commit.guard, last.is_some()));
    }
    let documents = commits.iter().map(|commit| &commit.key).chain(checks.iter().map(|(key, _)| key));
    let queues = documents.map(|key| Reservations::load(store, key, writer, now)).collect::<Result<Vec<_>, _>>()?;
    // A writer is added to all queues at once: any two groups are in the same order in all queues that both are in.
    if queues.iter().any(|queue| queue.turn().is_some()) {
        for queue in &queues {
            queue.reserve(store, reservation.if_reserved())?;
        }
        let turns = queues.iter().map(|queue| queue.turn().unwrap_or_default()).collect();
        return Ok((GroupOutcome::Reserved(turns), Vec::new()));
    }
    guards.extend(checks.iter().chain(names).map(|(key, guard)| (key, guard, false)));
    let mut found = Vec::with_capacity(guards.len());
    for (key, guard, dedup_key_present) in guards {
        let stored = if matches_guard(store, key, guard)? { None } else { Some(stale_text(store, key)?) };
        all_match &= stored.is_none();
        found.push(GuardResult { stored, dedup_key_present });
    }
    if !all_match {
        for queue in &queues {
            queue.reserve(store, reservation.if_stale())?;
        }
        return Ok((GroupOutcome::Stale(found), Vec::new()));
    }
    if let (Some(key), Some(first)) = (mark_key, commits.first()) {
        // It names the group by its first commit.
        store.replace(key, format!("{} {}", writer.0, first.sequence.0).as_bytes())?;
        store.set_expires_at(key, Some(now.saturating_add(SIDE_KEY_MS)))?;
    }
    for commit in commits {
        note_name(store, commit, now)?;
    }
    let mut deltas = commits.iter().map(|commit| apply_plan(store, commit, now)).collect::<Result<Vec<_>, _>>()?;
    let (changed, checked) = queues.split_at(commits.len());
    for queue in changed {
        queue.end(store)?;
    }
    for (queue, (key, _)) in checked.iter().zip(checks) {
        if queue.end(store)? {
            deltas.push(Delta::end_of_turn(key.clone(), writer.clone()));
        }
    }
    Ok((GroupOutcome::Applied, deltas))
}

/// Compares keys with guards. Returns what is stored where a guard does not match.
pub(super) fn compare<S: Store>(store: &mut S, checks: &[(String, Guard)]) -> Result<Vec<Option<Stored>>, S::Error> {
    let compared = checks
        .iter()
        .map(|(key, guard)| Ok(if matches_guard(store, key, guard)? { None } else { Some(stale_text(store, key)?) }));
    compared.collect()
}

/// The content of a key, for the answer to a stale commit.
fn stale_text<S: Store>(store: &mut S, key: &str) -> Result<Stored, S::Error> {
    match store.len(key)? {
        Some(len) if len > MAX_STALE_TEXT.0 => {
            let end = store.read(key, len - Stored::END_LEN..len)?;
            Ok(Stored::too_long_with_end(ByteLen(len), end))
        }
        _ => load(store, key, MAX_STALE_TEXT),
    }
}

/// Changes a document whose guard matches.
fn apply_plan<S: Store>(store: &mut S, commit: &Commit, now: u64) -> Result<Delta, S::Error> {
    let base = commit.announcement.as_ref().map_or(NO_BASE, |delta| delta.base);
    let entry = plan_commit_entry(store, commit, base, now)?;
    match &commit.plan {
        Plan::Set(text) => store.replace(&commit.key, text.as_bytes())?,
        Plan::Delete => store.remove(&commit.key)?,
        Plan::Edit(writes) => edit(store, &commit.key, writes)?,
        // An append changes its document by itself (see `append`); a group has none.
        Plan::Append(_) => {}
    }
    if commit.plan != Plan::Delete {
        store.restart_append_run(&commit.key, commit.revision)?;
    }
    let revision = if commit.plan == Plan::Delete { Revision(0) } else { commit.revision };
    finish(store, commit, base, revision, entry, now)
}

/// Plans the entry that a commit adds to the history of its document, before it changes that.
fn plan_commit_entry<S: Store>(
    store: &mut S,
    commit: &Commit,
    base: Revision,
    now: u64,
) -> Result<Option<PlannedEntry>, S::Error> {
    let Some(max_entries) = commit.max_entries else { return Ok(None) };
    let (base, mutations) = match &commit.announcement {
        Some(delta) => (base, delta.mutations.as_str()),
        None => (Revision::NONE, ""),
    };
    plan_entry(store, &commit.key, base, mutations, max_entries, now).map(Some)
}

/// Records an applied commit: its expiry, its writer's sequence and its entry in the history. Returns its delta.
fn finish<S: Store>(
    store: &mut S,
    commit: &Commit,
    base: Revision,
    revision: Revision,
    entry: Option<PlannedEntry>,
    now: u64,
) -> Result<Delta, S::Error> {
    if let Some(ms) = commit.ttl_ms.filter(|_| commit.plan != Plan::Delete) {
        store.set_expires_at(&commit.key, Some(now.saturating_add(ms)))?;
    }
    store.set_last_sequence(&commit.key, &commit.writer, commit.sequence, commit.dedup_key_seconds)?;
    if let Some((entry, max_entries)) = entry.zip(commit.max_entries) {
        add_entry(store, &commit.key, entry, revision, Some(commit.writer.clone()), max_entries, now)?;
    }
    let (base, mutations) = match &commit.announcement {
        Some(delta) => (base, delta.mutations.clone()),
        None => (NO_BASE, String::new()),
    };
    let len = ByteLen(store.len(&commit.key)?.unwrap_or(0));
    Ok(Delta { key: commit.key.clone(), writer: commit.writer.clone(), base, revision, len, mutations })
}

fn matches_guard<S: Store>(store: &mut S, key: &str, guard: &Guard) -> Result<bool, S::Error> {
    let stored = store.len(key)?;
    Ok(match guard {
        Guard::Absent => stored.is_none(),
        // A store has only strings.
        Guard::OtherType => false,
        Guard::Text { len, at, tail } => {
            stored == Some(len.0) && store.read(key, at.0..at.0.saturating_add(tail.len()))? == *tail
        }
    })
}

/// The place in a stored list where an append writes.
struct ListEnd {
    /// The offset of the closing bracket.
    bracket: usize,
    /// The revision of the stored list.
    revision: Revision,
    /// Is it the list that the commit was built on?
    is_expected: bool,
}

fn find_list_end<S: Store>(store: &mut S, commit: &Commit, is_expected: bool) -> Result<Option<ListEnd>, S::Error> {
    let key = &commit.key;
    if let (true, Guard::Text { at, tail, .. }) = (is_expected, &commit.guard) {
        let tail = StoredTail::read(tail);
        return Ok(tail.map(|tail| ListEnd { bracket: at.0 - 1, revision: tail.revision, is_expected }));
    }
    let (Some(len), Some(run)) = (store.len(key)?, store.append_run(key)?) else { return Ok(None) };
    if store.read(key, 0..LIST_HEAD.len())? != LIST_HEAD.as_bytes() {
        return Ok(None);
    }
    let mut window = FIRST_WINDOW;
    loop {
        let text = store.read(key, len.saturating_sub(window)..len)?;
        if let Some(StoredTail { start, revision }) = StoredTail::read(&text)
            && let Some(last) = start.checked_sub(1)
        {
            let bracket = len - text.len() + last;
            // In another program's text, the last bracket may close something else than the value.
            let is_own = text[last] == b']' && run.last == revision;
            return Ok(is_own.then_some(ListEnd { bracket, revision, is_expected }));
        }
        if window >= len || !text.ends_with(b" ") {
            return Ok(None);
        }
        window *= 8;
    }
}

/// Appends elements to a list, and returns its revision after that.
fn append<S: Store>(store: &mut S, commit: &Commit, elements: &str, end: &ListEnd) -> Result<Revision, S::Error> {
    let key = &commit.key;
    let revision = if end.is_expected { commit.revision } else { Revision(commit.revision.0.max(end.revision.0) + 1) };
    let comma = if end.bracket == LIST_HEAD.len() { "" } else { "," };
    store.write(key, end.bracket, format!("{comma}{elements}]{}", tail(revision)).as_bytes())?;
    let run = store.append_run(key)?.filter(|run| run.last == end.revision);
    let first = run.map_or(end.revision, |run| run.first);
    store.set_append_run(key, AppendRun { first, last: revision })?;
    Ok(revision)
}

/// Carries out writes, whose ranges are of the old text: all are read before anything is written.
fn edit<S: Store>(store: &mut S, key: &str, writes: &[Write]) -> Result<(), S::Error> {
    let mut texts = Vec::with_capacity(writes.len());
    for write in writes {
        let mut text = Vec::new();
        for piece in &write.pieces {
            match piece {
                Piece::Text(piece) => text.extend_from_slice(piece.as_bytes()),
                Piece::Range { start, len } => text.extend(store.read(key, start.0..(*start + *len).0)?),
                Piece::Spaces(count) => text.resize(text.len() + count.0, b' '),
            }
        }
        texts.push((write.at.0, text));
    }
    for (at, text) in texts {
        store.write(key, at, &text)?;
    }
    Ok(())
}
