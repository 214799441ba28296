//! The commit rules over any store of bytes: what `commit.lua` does on a server, for backends that are not one.

mod memory;

pub use memory::MemoryStore;

use crate::command::{Announcement, Answer, Command, Commit, Found, Group, GroupOutcome, Lifetime, Outcome, Probed};
use crate::document::{Guard, Stored, tail};
use crate::ids::{Revision, Sequence, WriterId};
use crate::splice::{Piece, Plan, Write};
use std::ops::Range;

/// The most keys that one answer to [`Command::Names`] holds.
const PAGE: usize = 1000;

/// How the text of a list begins.
const LIST_HEAD: &str = "{\"value\":[";

/// Documents as bytes, and what each writer last did to them. Offsets and lengths are in bytes, times in milliseconds
/// since 1970.
///
/// [`execute`] calls these one after another; the store makes one `execute`, and what is called before it, atomic.
pub trait Store {
    /// Why the store cannot be used.
    type Error;

    /// The document's length; None where there is none.
    fn len(&mut self, key: &str) -> Result<Option<usize>, Self::Error>;

    /// The bytes in `range`, cut off where the document ends.
    fn read(&mut self, key: &str, range: Range<usize>) -> Result<Vec<u8>, Self::Error>;

    /// Put `bytes` at `at`, which is at most the document's length; what goes past its end extends it.
    fn write(&mut self, key: &str, at: usize, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Give a key a whole new document, which expires when the one before would have.
    fn replace(&mut self, key: &str, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Delete the document.
    fn remove(&mut self, key: &str) -> Result<(), Self::Error>;

    /// The last sequence of `writer` that was applied to `key`. It outlives the document.
    fn last_sequence(&mut self, key: &str, writer: &WriterId) -> Result<Option<Sequence>, Self::Error>;

    /// Remember it.
    fn set_last_sequence(&mut self, key: &str, writer: &WriterId, sequence: Sequence) -> Result<(), Self::Error>;

    /// The first and the last revision of the last run of appends to `key`. It may be forgotten at any time.
    fn appends(&mut self, key: &str) -> Result<Option<(Revision, Revision)>, Self::Error>;

    /// Remember it.
    fn set_appends(&mut self, key: &str, first: Revision, last: Revision) -> Result<(), Self::Error>;

    /// When the document expires; None where it does not, or there is none.
    fn expires_at(&mut self, key: &str) -> Result<Option<u64>, Self::Error>;

    /// Let it expire then, or never. There is a document.
    fn set_expires_at(&mut self, key: &str, at: Option<u64>) -> Result<(), Self::Error>;

    /// Delete the documents that expire at `now` or before, and give their keys.
    fn take_expired(&mut self, now: u64) -> Result<Vec<String>, Self::Error>;

    /// When the first document expires.
    fn next_expiry(&mut self) -> Result<Option<u64>, Self::Error>;

    /// Up to `limit` keys that start with `prefix`, in byte order, from the first that is greater than `after`.
    fn keys(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, Self::Error>;
}

/// Carry out one command at `now`, milliseconds since 1970. [`Store::take_expired`] is to be called before.
pub fn execute<S: Store>(store: &mut S, command: &Command, now: u64) -> Result<Answer, S::Error> {
    Ok(match command {
        Command::Load { key } => Answer::Loaded(load(store, key)?),
        Command::Probe { key, before_end, len } => Answer::Probed(probe(store, key, *before_end, *len)?),
        Command::Tail { key, at } => {
            Answer::Tail { appends: store.appends(key)?, bytes: store.read(key, *at..usize::MAX)? }
        }
        Command::Commit(commit) => Answer::Committed(apply(store, commit, now)?),
        Command::Expire { key, ms } => expire(store, key, Some(now.saturating_add(*ms)), now)?,
        Command::Persist { key } => expire(store, key, None, now)?,
        Command::Ttl { key } => Answer::Lifetime(lifetime(store, key, now)?),
        Command::Group(group) => Answer::Grouped(apply_group(store, group, now)?),
        Command::Replicas { .. } => Answer::Replicas(0),
        Command::Names { prefix, cursor } => names(store, prefix, cursor)?,
    })
}

/// What a command did, for those who watch: to be asked before the next one is carried out.
pub fn announcements<S: Store>(
    store: &mut S,
    command: &Command,
    answer: &Answer,
) -> Result<Vec<Announcement>, S::Error> {
    let mut told = Vec::new();
    for (commit, appended) in applied(command, answer) {
        let base = match (&appended, &commit.delta) {
            // The list was another, and is read again.
            (Some(_), _) | (None, None) => Revision(u64::MAX),
            (None, Some(delta)) => delta.base,
        };
        let made = if commit.plan == Plan::Delete { Revision(0) } else { commit.revision };
        told.push(Announcement {
            key: commit.key.clone(),
            writer: commit.writer.clone(),
            base,
            revision: appended.unwrap_or(made),
            len: store.len(&commit.key)?.unwrap_or(0),
            mutations: commit.delta.as_ref().map(|delta| delta.mutations.clone()).unwrap_or_default(),
        });
    }
    Ok(told)
}

/// The keys that a command changed.
pub fn changed_keys(command: &Command, answer: &Answer) -> Vec<String> {
    applied(command, answer).into_iter().map(|(commit, _)| commit.key.clone()).collect()
}

/// The commits that were applied, and the revision that an append made by itself.
fn applied<'a>(command: &'a Command, answer: &Answer) -> Vec<(&'a Commit, Option<Revision>)> {
    match (command, answer) {
        (Command::Commit(commit), Answer::Committed(Outcome::Applied)) => vec![(commit, None)],
        (Command::Commit(commit), Answer::Committed(Outcome::Appended { revision })) => vec![(commit, Some(*revision))],
        (Command::Group(group), Answer::Grouped(GroupOutcome::Applied)) => {
            group.commits.iter().map(|commit| (&**commit, None)).collect()
        }
        _ => Vec::new(),
    }
}

fn load<S: Store>(store: &mut S, key: &str) -> Result<Stored, S::Error> {
    Ok(match store.len(key)? {
        Some(len) => Stored::Text(store.read(key, 0..len)?),
        None => Stored::Absent,
    })
}

fn probe<S: Store>(store: &mut S, key: &str, before_end: usize, count: usize) -> Result<Probed, S::Error> {
    Ok(match store.len(key)? {
        Some(len) => {
            let last = (len + count - 1).saturating_sub(before_end);
            Probed::Text { len, bytes: store.read(key, len.saturating_sub(before_end)..last + 1)? }
        }
        None => Probed::Absent,
    })
}

fn expire<S: Store>(store: &mut S, key: &str, at: Option<u64>, now: u64) -> Result<Answer, S::Error> {
    if store.len(key)?.is_some() {
        store.set_expires_at(key, at)?;
    }
    Ok(Answer::Lifetime(lifetime(store, key, now)?))
}

fn lifetime<S: Store>(store: &mut S, key: &str, now: u64) -> Result<Lifetime, S::Error> {
    Ok(match (store.len(key)?, store.expires_at(key)?) {
        (None, _) => Lifetime::Absent,
        (Some(_), None) => Lifetime::Endless,
        (Some(_), Some(at)) => Lifetime::Left(at.saturating_sub(now)),
    })
}

fn apply<S: Store>(store: &mut S, commit: &Commit, now: u64) -> Result<Outcome, S::Error> {
    let last = store.last_sequence(&commit.key, &commit.writer)?;
    if last.is_some_and(|last| last >= commit.sequence) {
        return Ok(Outcome::Duplicate);
    }
    // Built on a commit that was not applied: its answer carries what is stored.
    if commit.after.is_some() && last != commit.after {
        return Ok(Outcome::Stale { stored: None, remembers: last.is_some() });
    }
    let fits = fits(store, &commit.key, &commit.guard)?;
    if let Plan::Append(elements) = &commit.plan
        && let Some(end) = end_of_list(store, commit, fits)?
    {
        let outcome = append(store, commit, elements, &end)?;
        renew(store, commit, now)?;
        store.set_last_sequence(&commit.key, &commit.writer, commit.sequence)?;
        return Ok(outcome);
    }
    if !fits {
        let stored = if commit.after.is_some() { None } else { Some(load(store, &commit.key)?) };
        return Ok(Outcome::Stale { stored, remembers: last.is_some() });
    }
    match &commit.plan {
        Plan::Set(text) => store.replace(&commit.key, text.as_bytes())?,
        Plan::Delete => store.remove(&commit.key)?,
        Plan::Edit(writes) => edit(store, &commit.key, writes)?,
        Plan::Append(_) => return Ok(Outcome::Stale { stored: None, remembers: last.is_some() }),
    }
    renew(store, commit, now)?;
    store.set_last_sequence(&commit.key, &commit.writer, commit.sequence)?;
    Ok(Outcome::Applied)
}

fn apply_group<S: Store>(store: &mut S, Group { commits, checks }: &Group, now: u64) -> Result<GroupOutcome, S::Error> {
    let (mut found, mut all_fit) = (Vec::new(), true);
    for commit in commits {
        let last = store.last_sequence(&commit.key, &commit.writer)?;
        if last.is_some_and(|last| last >= commit.sequence) {
            return Ok(GroupOutcome::Duplicate);
        }
        found.push((&commit.key, &commit.guard, last.is_some()));
    }
    found.extend(checks.iter().map(|(key, guard)| (key, guard, false)));
    let mut places = Vec::with_capacity(found.len());
    for (key, guard, remembers) in found {
        let stored = if fits(store, key, guard)? { None } else { Some(load(store, key)?) };
        all_fit &= stored.is_none();
        places.push(Found { stored, remembers });
    }
    if !all_fit {
        return Ok(GroupOutcome::Stale(places));
    }
    for commit in commits {
        match &commit.plan {
            Plan::Set(text) => store.replace(&commit.key, text.as_bytes())?,
            Plan::Delete => store.remove(&commit.key)?,
            Plan::Edit(writes) => edit(store, &commit.key, writes)?,
            // Such a plan finds its place by itself, which nothing of a group may.
            Plan::Append(_) => {}
        }
        renew(store, commit, now)?;
        store.set_last_sequence(&commit.key, &commit.writer, commit.sequence)?;
    }
    Ok(GroupOutcome::Applied)
}

fn renew<S: Store>(store: &mut S, commit: &Commit, now: u64) -> Result<(), S::Error> {
    match commit.ttl_ms {
        Some(ms) if commit.plan != Plan::Delete => store.set_expires_at(&commit.key, Some(now.saturating_add(ms))),
        _ => Ok(()),
    }
}

fn fits<S: Store>(store: &mut S, key: &str, guard: &Guard) -> Result<bool, S::Error> {
    let stored = store.len(key)?;
    Ok(match guard {
        Guard::Absent => stored.is_none(),
        // Here every key holds bytes.
        Guard::OtherType => false,
        Guard::Text { len, at, tail } => {
            stored == Some(*len) && store.read(key, *at..at.saturating_add(tail.len()))? == *tail
        }
    })
}

/// Where a list can be appended to, and its revision.
struct EndOfList {
    bracket: usize,
    base: Revision,
    /// It is the list that the commit was built on.
    expected: bool,
}

fn end_of_list<S: Store>(store: &mut S, commit: &Commit, expected: bool) -> Result<Option<EndOfList>, S::Error> {
    let key = &commit.key;
    if let (true, Guard::Text { at, tail, .. }) = (expected, &commit.guard) {
        return Ok(tail_revision(tail).map(|(_, base)| EndOfList { bracket: at - 1, base, expected }));
    }
    let Some(len) = store.len(key)? else { return Ok(None) };
    if store.read(key, 0..LIST_HEAD.len())? != LIST_HEAD.as_bytes() {
        return Ok(None);
    }
    let mut window = 64;
    loop {
        let text = store.read(key, len.saturating_sub(window)..len)?;
        if let Some((start, base)) = tail_revision(&text) {
            let bracket = len - text.len() + start;
            let is_list = start.checked_sub(1).is_some_and(|before| text[before] == b']');
            return Ok(is_list.then(|| EndOfList { bracket: bracket - 1, base, expected }));
        }
        if window >= len || !text.ends_with(b" ") {
            return Ok(None);
        }
        window *= 8;
    }
}

/// Where the canonical tail begins in bytes that end with it and slack, and its revision.
fn tail_revision(bytes: &[u8]) -> Option<(usize, Revision)> {
    let text = bytes.trim_ascii_end().strip_suffix(b"}")?;
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (name, digits) = text.split_at(text.len() - digits);
    let start = name.strip_suffix(b",\"last_modified\":")?.len();
    // Longer numbers could not be told from those that do not fit 64 bits.
    let revision = std::str::from_utf8(digits).ok().filter(|digits| digits.len() < 20)?;
    Some((start, Revision(revision.parse().ok()?)))
}

fn append<S: Store>(store: &mut S, commit: &Commit, elements: &str, end: &EndOfList) -> Result<Outcome, S::Error> {
    let key = &commit.key;
    let revision = if end.expected { commit.revision } else { Revision(commit.revision.0.max(end.base.0) + 1) };
    let comma = if end.bracket == LIST_HEAD.len() { "" } else { "," };
    store.write(key, end.bracket, format!("{comma}{elements}]{}", tail(revision)).as_bytes())?;
    let first = store.appends(key)?.filter(|(_, last)| *last == end.base).map_or(end.base, |(first, _)| first);
    store.set_appends(key, first, revision)?;
    Ok(if end.expected { Outcome::Applied } else { Outcome::Appended { revision } })
}

/// Every range is of the old text, so all are read before anything is written.
fn edit<S: Store>(store: &mut S, key: &str, writes: &[Write]) -> Result<(), S::Error> {
    let mut texts = Vec::with_capacity(writes.len());
    for write in writes {
        let mut text = Vec::new();
        for piece in &write.pieces {
            match piece {
                Piece::Text(piece) => text.extend_from_slice(piece.as_bytes()),
                Piece::Range { start, len } => text.extend(store.read(key, *start..start + len)?),
                Piece::Spaces(count) => text.resize(text.len() + count, b' '),
            }
        }
        texts.push((write.at, text));
    }
    for (at, text) in texts {
        store.write(key, at, &text)?;
    }
    Ok(())
}

/// A cursor is the last key of the page before it.
fn names<S: Store>(store: &mut S, prefix: &str, cursor: &str) -> Result<Answer, S::Error> {
    let after = cursor.strip_prefix('>').unwrap_or_default();
    let keys = store.keys(prefix, after, PAGE)?;
    let cursor = match keys.last() {
        Some(last) if keys.len() == PAGE => format!(">{last}"),
        _ => "0".to_owned(),
    };
    Ok(Answer::Names { cursor, keys })
}
