//! Decodes the keys and arguments of the two scripts, which commit to one document and to several.

use super::argument_reader::ArgumentReader;
use super::channel::channel;
use super::encode_command::{ANY_SEQUENCE, HISTORY_READ, HISTORY_RECORD};
use super::secret::Secret;
use super::side_keys::{append_run_key, dedup_key, history_key, reservations_key};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::Guard;
use crate::history::MAX_HISTORY_LEN;
use crate::ids::{Revision, Sequence, WriterId};
use crate::protocol::{Announcement, Command, Commit, ContentionTerms, ForeignChange, Group, ReservationRequest};
use crate::splice::{Piece, Plan, Write};
use std::sync::Arc;

/// Decodes the keys and arguments that the head of `commit.lua` lists.
pub(super) fn decode_commit(arguments: &mut ArgumentReader<'_>) -> Option<(Commit, Option<Secret>)> {
    let key_count = arguments.number()?;
    let keys = &mut arguments.split_off(key_count)?;
    let key = keys.text()?;
    let writer = writer_of(&key, &keys.text()?)?;
    check_run_key(&key, keys)?;
    check_reservations_key(&key, keys)?;
    let optional_keys = [keys.text(), keys.text()];
    let sequence = Sequence(arguments.number()?);
    let (after, needs_dedup_key) = match arguments.text()?.as_str() {
        "" => (None, false),
        ANY_SEQUENCE => (None, true),
        after => (Some(Sequence(after.parse().ok()?)), false),
    };
    let dedup_key_seconds = arguments.number()?;
    let guard = decode_guard(arguments)?;
    let (channel_name, secret) = (arguments.text()?, secret_of(&arguments.text()?));
    let delta = DeltaArguments::decode(arguments)?;
    let terms_at = arguments.len().checked_sub(2)?;
    let plan_arguments = &mut arguments.split_off(terms_at)?;
    let (plan, ttl_ms) = decode_plan(plan_arguments, delta.revision)?;
    let (text_limit, max_entries) = decode_with_max_entries(&arguments.text()?)?;
    let terms =
        ContentionTerms { text_limit: ByteLen(text_limit), reservation: decode_reservation(&arguments.text()?)? };
    let names_key = match (max_entries, optional_keys) {
        (Some(_), [Some(name), names_key]) if name == history_key(&key) => names_key,
        (None, [names_key, None]) => names_key,
        _ => return None,
    };
    let is_append = matches!(plan, Plan::Append(_));
    if !keys.is_empty() || !(channel_name.is_empty() || channel_name == channel(&key)) {
        return None;
    }
    // For an append, the guard's bytes begin with the bracket.
    let guard = match guard {
        Guard::Text { len, at, tail } if is_append => {
            Guard::Text { len, at: ByteOffset(at.0.checked_add(1)?), tail: tail.strip_prefix(b"]")?.to_vec() }
        }
        guard => guard,
    };
    let commit = Commit {
        key,
        writer,
        sequence,
        after,
        needs_dedup_key,
        dedup_key_seconds,
        guard,
        plan,
        revision: delta.revision,
        ttl_ms,
        names_key,
        announcement: (!channel_name.is_empty()).then_some(delta.announcement),
        max_entries,
        terms,
    };
    Some((commit, secret))
}

/// A number, and the most entries of the history, where a commit is recorded.
fn decode_with_max_entries(text: &str) -> Option<(usize, Option<u32>)> {
    match text.split_once(' ') {
        Some((count, max_entries)) => Some((count.parse().ok()?, Some(max_entries.parse().ok()?))),
        None => Some((text.parse().ok()?, None)),
    }
}

/// Decodes the keys and arguments that the head of `history.lua` lists.
pub(super) fn decode_history(arguments: &mut ArgumentReader<'_>) -> Option<Command> {
    let key_count = arguments.number()?;
    let keys = &mut arguments.split_off(key_count)?;
    let (history, key) = (keys.text()?, keys.text()?);
    (keys.is_empty() && history == history_key(&key)).then_some(())?;
    match arguments.text()?.as_str() {
        HISTORY_READ => {
            let limit = arguments.number()?;
            (arguments.number::<usize>()? == MAX_HISTORY_LEN.0).then_some(Command::History { key, limit })
        }
        HISTORY_RECORD => {
            let (base, revision) = (Revision(arguments.number()?), Revision(arguments.number()?));
            let change = ForeignChange { base, revision, mutations: arguments.text()? };
            Some(Command::RecordChange { key, change, max_entries: arguments.number()? })
        }
        _ => None,
    }
}

fn decode_reservation(text: &str) -> Option<ReservationRequest> {
    Some(match text.split_once(' ') {
        Some(("reserved", ms)) => ReservationRequest::IfReserved(ms.parse().ok()?),
        Some(("stale", ms)) => ReservationRequest::IfStale(ms.parse().ok()?),
        None if text.is_empty() => ReservationRequest::None,
        _ => return None,
    })
}

/// Decodes the keys and arguments that the head of `group.lua` lists.
pub(super) fn decode_group(arguments: &mut ArgumentReader<'_>) -> Option<(Group, Option<Secret>)> {
    let key_count = arguments.number()?;
    let keys = &mut arguments.split_off(key_count)?;
    let (commit_count, check_count) = (arguments.number::<usize>()?, arguments.number::<usize>()?);
    let dedup_key_seconds = arguments.number()?;
    let (channel_name, secret) = (arguments.text()?, secret_of(&arguments.text()?));
    let (writer, reservation) = (WriterId(arguments.text()?.as_str().into()), decode_reservation(&arguments.text()?)?);
    let is_announced = !channel_name.is_empty();
    let has_mark = arguments.number::<u8>()? == 1;
    let mut group = Group {
        commits: Vec::new(),
        checks: Vec::new(),
        names: None,
        is_announced,
        writer,
        reservation,
        mark_key: None,
    };
    for _ in 0..commit_count {
        let key = keys.text()?;
        let writer = group.writer.clone();
        (keys.text()? == dedup_key(&key, &writer)).then_some(())?;
        check_run_key(&key, keys)?;
        check_reservations_key(&key, keys)?;
        let sequence = Sequence(arguments.number()?);
        let guard = decode_guard(arguments)?;
        let delta = DeltaArguments::decode(arguments)?;
        let (plan_count, max_entries) = decode_with_max_entries(&arguments.text()?)?;
        let plan_arguments = &mut arguments.split_off(plan_count)?;
        let (plan, ttl_ms) = decode_plan(plan_arguments, delta.revision)?;
        group.commits.push(Arc::new(Commit {
            key,
            writer,
            sequence,
            after: None,
            needs_dedup_key: false,
            dedup_key_seconds,
            guard,
            plan,
            revision: delta.revision,
            ttl_ms,
            names_key: None,
            announcement: is_announced.then_some(delta.announcement),
            max_entries,
            terms: ContentionTerms::default(),
        }));
    }
    for _ in 0..check_count {
        let key = keys.text()?;
        check_reservations_key(&key, keys)?;
        group.checks.push((key, decode_guard(arguments)?));
    }
    for commit in group.commits.iter().filter(|commit| commit.max_entries.is_some()) {
        (keys.text()? == history_key(&commit.key)).then_some(())?;
    }
    if has_mark {
        group.mark_key = Some(keys.text()?);
    }
    if let Some(names_key) = keys.text() {
        for commit in &mut group.commits {
            let is_noted = (commit.guard == Guard::Absent) != (commit.plan == Plan::Delete);
            Arc::make_mut(commit).names_key = is_noted.then(|| names_key.clone());
        }
        if !arguments.is_empty() {
            group.names = Some((names_key, decode_guard(arguments)?));
        }
    }
    let mut documents = group.commits.iter().map(|commit| &commit.key).chain(group.checks.iter().map(|(key, _)| key));
    let expected_channel = documents.next().map(|key| channel(key));
    let is_channel_right = !is_announced || expected_channel == Some(channel_name);
    (keys.is_empty() && is_channel_right).then_some((group, secret))
}

/// Decodes the keys and arguments that the head of `compare.lua` lists.
pub(super) fn decode_compare(arguments: &mut ArgumentReader<'_>) -> Option<Vec<(String, Guard)>> {
    let key_count = arguments.number()?;
    let keys = &mut arguments.split_off(key_count)?;
    let mut checks = Vec::new();
    while !keys.is_empty() {
        checks.push((keys.text()?, decode_guard(arguments)?));
    }
    Some(checks)
}

/// The writer whose last sequence of a document is kept under `sequence_key`.
fn writer_of(key: &str, sequence_key: &str) -> Option<WriterId> {
    let (_, writer) = sequence_key.rsplit_once(':')?;
    let writer = WriterId(writer.into());
    (dedup_key(key, &writer) == sequence_key).then_some(writer)
}

fn check_run_key(key: &str, keys: &mut ArgumentReader<'_>) -> Option<()> {
    (keys.text()? == append_run_key(key)).then_some(())
}

fn check_reservations_key(key: &str, keys: &mut ArgumentReader<'_>) -> Option<()> {
    (keys.text()? == reservations_key(key)).then_some(())
}

/// The secret of delta messages; none where it is empty.
fn secret_of(text: &str) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::new(text))
}

fn decode_guard(arguments: &mut ArgumentReader<'_>) -> Option<Guard> {
    let (stored, at, tail) = (arguments.text()?, arguments.number()?, arguments.bytes()?.to_vec());
    Some(match stored.as_str() {
        "absent" => Guard::Absent,
        "other" => Guard::OtherType,
        len => Guard::Text { len: ByteLen(len.parse().ok()?), at: ByteOffset(at), tail },
    })
}

/// The arguments that go into the delta message.
struct DeltaArguments {
    revision: Revision,
    announcement: Announcement,
}

impl DeltaArguments {
    fn decode(arguments: &mut ArgumentReader<'_>) -> Option<Self> {
        let (base, revision) = (Revision(arguments.number()?), Revision(arguments.number()?));
        Some(Self { revision, announcement: Announcement { base, mutations: arguments.text()? } })
    }
}

/// Decodes a plan and the lifetime behind it, which take up all arguments.
fn decode_plan(arguments: &mut ArgumentReader<'_>, revision: Revision) -> Option<(Plan, Option<u64>)> {
    let (mut writes, mut ttl_ms) = (Vec::<Write>::new(), None);
    let mut plan = match arguments.text()?.as_str() {
        "delete" => Plan::Delete,
        "set" => Plan::Set(arguments.text()?),
        "append" => {
            let elements = arguments.text()?;
            (arguments.number::<u64>()? == revision.0.checked_add(1)?).then_some(Plan::Append(elements))?
        }
        "edit" => Plan::Edit(Vec::new()),
        _ => return None,
    };
    while !arguments.is_empty() {
        let kind = arguments.text()?;
        if kind == "ttl" {
            ttl_ms = Some(arguments.number()?);
            arguments.is_empty().then_some(())?;
        } else if kind == "write" {
            writes.push(Write { at: ByteOffset(arguments.number()?), pieces: Vec::new() });
        } else {
            writes.last_mut()?.pieces.push(decode_piece(&kind, arguments)?);
        }
    }
    match &mut plan {
        Plan::Edit(edit) => *edit = writes,
        _ if writes.is_empty() => {}
        _ => return None,
    }
    Some((plan, ttl_ms))
}

fn decode_piece(kind: &str, arguments: &mut ArgumentReader<'_>) -> Option<Piece> {
    Some(match kind {
        "text" => Piece::Text(arguments.text()?),
        "spaces" => Piece::Spaces(ByteLen(arguments.number()?)),
        "range" => {
            let (start, last) = (arguments.number::<usize>()?, arguments.number::<usize>()?);
            Piece::Range { start: ByteOffset(start), len: ByteLen(last.checked_add(1)?.checked_sub(start)?) }
        }
        _ => return None,
    })
}
