//! The encoder of abstract commands as RESP commands.

use super::channel::channel;
use super::command::{Command, Commit, DEDUP_KEY_SECONDS, Group, ReservationRequest};
use super::scripts::{CommitForm, Script, history_script, writers_script};
use super::secret::Secret;
use super::side_keys::{append_run_key, dedup_key, history_key, replication_marker_key, reservations_key, secret_key};
use super::writers_list::{MAX_LISTED_WRITERS, MAX_WRITERS_BYTES, WRITER_LIFETIME_MS, WritersChange};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::Guard;
use crate::history::MAX_HISTORY_LEN;
use crate::ids::Revision;
use crate::splice::{Piece, Plan};

/// The argument of `commit.lua` by which a commit needs a dedup key, whatever that holds.
pub(super) const ANY_SEQUENCE: &str = "any";

/// The first argument of `history.lua`: it reads.
pub(super) const HISTORY_READ: &str = "read";

/// The first argument of `history.lua`: it records a change.
pub(super) const HISTORY_RECORD: &str = "record";

/// One RESP command: its name and arguments.
pub type RespCommand = Vec<Vec<u8>>;

/// Encode a command, with scripts in this form. `with_text` sends the text of a script instead of its digest.
pub(super) fn encode_command(command: &Command, form: CommitForm, with_text: bool) -> Vec<RespCommand> {
    match command {
        // In this order the replies distinguish an empty string from no key, whatever other clients do in between.
        Command::Load { key, max_len } => {
            vec![resp(["STRLEN", key]), resp(["EXISTS", key]), resp(["GETRANGE", key, "0", &last_offset(*max_len)])]
        }
        Command::Probe { key, before_end, len } => {
            // Negative offsets count from the end; the last byte has -1.
            let (first, last) = (format!("-{before_end}"), format!("-{}", (*before_end - *len).0 + 1));
            vec![resp(["STRLEN", key]), resp(["GETRANGE", key, &first, &last])]
        }
        Command::Tail { key, at, max_len } => {
            let read = resp(["GETRANGE", key, &at.0.to_string(), &last_offset(*max_len)]);
            vec![resp(["GET", &append_run_key(key)]), read]
        }
        Command::Expire { key, ms } => vec![resp(["PEXPIRE", key, &ms.to_string()])],
        // The reply to PERSIST is the same for a key that does not expire and for one that does not exist.
        Command::Persist { key } => vec![resp(["PERSIST", key]), resp(["EXISTS", key])],
        Command::Ttl { key } => vec![resp(["PTTL", key])],
        // A replica that has the marker has everything that was written before it, on whatever connection.
        Command::Replicas { prefix, writer, wanted, wait_ms } => vec![
            resp(["SET", &replication_marker_key(prefix, writer), "", "EX", "60"]),
            resp(["WAIT", &wanted.to_string(), &wait_ms.to_string()]),
        ],
        Command::LastSequence { key, writer } => vec![resp(["GET", &dedup_key(key, writer)])],
        Command::ExpireDedupKey { key, writer, ms } => {
            vec![resp(["PEXPIRE", &dedup_key(key, writer), &ms.to_string()])]
        }
        Command::Writers { key, change } => {
            vec![encode_writers(script_call(writers_script(), with_text), key, change.as_ref())]
        }
        Command::EvictionPolicy { .. } => vec![resp(["INFO", "memory"])],
        Command::Names { prefix, cursor } => {
            vec![resp(["SCAN", cursor, "MATCH", &(escape_pattern(prefix) + "*"), "COUNT", "1000"])]
        }
        Command::Commit(commit, secret) => {
            vec![encode_commit(script_call(form.commit_script(), with_text), commit, secret.as_ref())]
        }
        Command::Group(group, secret) => {
            vec![encode_group(script_call(form.group_script(), with_text), group, secret.as_ref())]
        }
        Command::History { key, limit } => {
            let mut call = history_call(with_text, key);
            push(&mut call, HISTORY_READ);
            push_number(&mut call, (*limit).into());
            push_count(&mut call, MAX_HISTORY_LEN.0);
            vec![call]
        }
        Command::RecordChange { key, change, max_entries } => {
            let mut call = history_call(with_text, key);
            push(&mut call, HISTORY_RECORD);
            push_number(&mut call, change.base.0);
            push_number(&mut call, change.revision.0);
            push(&mut call, &change.mutations);
            push_number(&mut call, (*max_entries).into());
            vec![call]
        }
        Command::Compare { checks } => vec![encode_compare(script_call(form.compare_script(), with_text), checks)],
        Command::Secret { prefix, candidate } => {
            let key = secret_key(prefix);
            vec![resp(["SET", &key, candidate.text(), "NX"]), resp(["GET", &key])]
        }
    }
}

/// The last offset to read of a text, with which a text that is longer than `max_len` shows itself.
fn last_offset(max_len: ByteLen) -> String {
    i64::try_from(max_len.0).unwrap_or(i64::MAX).to_string()
}

/// The beginning of the call of a script.
fn script_call(Script { text, sha }: Script, with_text: bool) -> RespCommand {
    if with_text { resp(["EVAL", text]) } else { resp(["EVALSHA", sha]) }
}

/// Completes a call of `commit.lua`, whose head lists the keys and arguments.
fn encode_commit(mut call: RespCommand, commit: &Commit, secret: Option<&Secret>) -> RespCommand {
    let is_append = matches!(commit.plan, Plan::Append(_));
    push_count(&mut call, 4 + usize::from(commit.max_entries.is_some()) + usize::from(commit.names_key.is_some()));
    push(&mut call, &commit.key);
    push(&mut call, &dedup_key(&commit.key, &commit.writer));
    push(&mut call, &append_run_key(&commit.key));
    push(&mut call, &reservations_key(&commit.key));
    if commit.max_entries.is_some() {
        push(&mut call, &history_key(&commit.key));
    }
    if let Some(names_key) = &commit.names_key {
        push(&mut call, names_key);
    }
    push_number(&mut call, commit.sequence.0);
    push(
        &mut call,
        &match commit.after {
            Some(after) => after.0.to_string(),
            None if commit.needs_dedup_key => ANY_SEQUENCE.to_owned(),
            None => String::new(),
        },
    );
    push_number(&mut call, commit.dedup_key_seconds.into());
    match &commit.guard {
        // An append writes from the bracket on.
        Guard::Text { len, at, tail } if is_append => {
            push_text_guard(&mut call, *len, *at - ByteLen(1), [b"]", tail.as_slice()].concat());
        }
        guard => push_guard(&mut call, guard),
    }
    push_channel(&mut call, commit.announcement.as_ref().map(|_| &commit.key), secret);
    push_announcement(&mut call, commit);
    push_plan(&mut call, commit);
    push(&mut call, &with_max_entries(commit.terms.text_limit.0, commit));
    push(&mut call, &encode_reservation(commit.terms.reservation));
    call
}

/// A number, and behind it the most entries of the history, where the commit is recorded.
fn with_max_entries(count: usize, commit: &Commit) -> String {
    match commit.max_entries {
        Some(max_entries) => format!("{count} {max_entries}"),
        None => count.to_string(),
    }
}

/// The beginning of a call of `history.lua`.
fn history_call(with_text: bool, key: &str) -> RespCommand {
    let mut call = script_call(history_script(), with_text);
    push_count(&mut call, 2);
    push(&mut call, &history_key(key));
    push(&mut call, key);
    call
}

fn encode_reservation(request: ReservationRequest) -> String {
    match request {
        ReservationRequest::None => String::new(),
        ReservationRequest::IfReserved(ms) => format!("reserved {ms}"),
        ReservationRequest::IfStale(ms) => format!("stale {ms}"),
    }
}

/// Completes a call of `group.lua`, whose head lists the keys and arguments.
fn encode_group(mut call: RespCommand, group: &Group, secret: Option<&Secret>) -> RespCommand {
    let Group { commits, checks, names, is_announced, writer, reservation, mark_key } = group;
    let noted = || commits.iter().find_map(|commit| commit.names_key.as_ref());
    let names_key = names.as_ref().map(|(key, _)| key).or_else(noted);
    let optional_keys = mark_key.iter().chain(names_key);
    let recorded = || commits.iter().filter(|commit| commit.max_entries.is_some());
    let key_count = commits.len() * 4 + checks.len() * 2 + recorded().count() + optional_keys.clone().count();
    push_count(&mut call, key_count);
    for commit in commits {
        push(&mut call, &commit.key);
        push(&mut call, &dedup_key(&commit.key, writer));
        push(&mut call, &append_run_key(&commit.key));
        push(&mut call, &reservations_key(&commit.key));
    }
    for (key, _) in checks {
        push(&mut call, key);
        push(&mut call, &reservations_key(key));
    }
    for commit in recorded() {
        push(&mut call, &history_key(&commit.key));
    }
    for key in optional_keys {
        push(&mut call, key);
    }
    push_count(&mut call, commits.len());
    push_count(&mut call, checks.len());
    push_number(&mut call, commits.first().map_or(DEDUP_KEY_SECONDS, |commit| commit.dedup_key_seconds).into());
    let mut documents = commits.iter().map(|commit| &commit.key).chain(checks.iter().map(|(key, _)| key));
    push_channel(&mut call, documents.next().filter(|_| *is_announced), secret);
    push(&mut call, &writer.0);
    push(&mut call, &encode_reservation(*reservation));
    push_count(&mut call, usize::from(mark_key.is_some()));
    for commit in commits {
        push_number(&mut call, commit.sequence.0);
        push_guard(&mut call, &commit.guard);
        push_announcement(&mut call, commit);
        let count_at = call.len();
        push_plan(&mut call, commit);
        let count = with_max_entries(call.len() - count_at, commit);
        call.insert(count_at, count.into_bytes());
    }
    for (_, guard) in checks.iter().chain(names) {
        push_guard(&mut call, guard);
    }
    call
}

/// Completes a call of `compare.lua`, whose head lists the keys and arguments.
fn encode_compare(mut call: RespCommand, checks: &[(String, Guard)]) -> RespCommand {
    push_count(&mut call, checks.len());
    for (key, _) in checks {
        push(&mut call, key);
    }
    for (_, guard) in checks {
        push_guard(&mut call, guard);
    }
    call
}

/// Completes a call of `writers.lua`, whose head lists the keys and arguments.
fn encode_writers(mut call: RespCommand, key: &str, change: Option<&WritersChange>) -> RespCommand {
    push_count(&mut call, 1);
    push(&mut call, key);
    push_number(&mut call, WRITER_LIFETIME_MS);
    push_count(&mut call, MAX_LISTED_WRITERS);
    push_count(&mut call, MAX_WRITERS_BYTES);
    match change {
        Some(WritersChange::Keep(entry)) => call.extend(resp([&entry.writer.0, &entry.encode()])),
        Some(WritersChange::Remove(writer)) => call.extend(resp([&writer.0, ""])),
        None => call.extend(resp(["", ""])),
    }
    call
}

/// The channel of a key, and the secret that signs the message on it. Both are empty where nothing is announced.
fn push_channel(call: &mut RespCommand, announced: Option<&String>, secret: Option<&Secret>) {
    push(call, &announced.map_or_else(String::new, |key| channel(key)));
    push(call, announced.and(secret).map_or("", Secret::text));
}

fn push_guard(call: &mut RespCommand, guard: &Guard) {
    match guard {
        Guard::Absent => call.extend(resp(["absent", "0", ""])),
        Guard::OtherType => call.extend(resp(["other", "0", ""])),
        Guard::Text { len, at, tail } => push_text_guard(call, *len, *at, tail.clone()),
    }
}

fn push_text_guard(call: &mut RespCommand, len: ByteLen, at: ByteOffset, bytes: Vec<u8>) {
    push_count(call, len.0);
    push_count(call, at.0);
    call.push(bytes);
}

/// The revision that the commit is built on, the one that it makes, and its mutations.
fn push_announcement(call: &mut RespCommand, commit: &Commit) {
    let revision = if commit.plan == Plan::Delete { Revision::NONE } else { commit.revision };
    let (base, mutations) = match &commit.announcement {
        Some(announcement) => (announcement.base, announcement.mutations.as_str()),
        None => (Revision::NONE, ""),
    };
    push_number(call, base.0);
    push_number(call, revision.0);
    push(call, mutations);
}

fn push_plan(call: &mut RespCommand, commit: &Commit) {
    match &commit.plan {
        Plan::Delete => push(call, "delete"),
        Plan::Set(text) => call.extend(resp(["set", text])),
        Plan::Append(elements) => {
            call.extend(resp(["append", elements]));
            push_number(call, commit.revision.0 + 1);
        }
        Plan::Edit(writes) => {
            push(call, "edit");
            for write in writes {
                push(call, "write");
                push_count(call, write.at.0);
                for piece in &write.pieces {
                    push_piece(call, piece);
                }
            }
        }
    }
    if let Some(ms) = commit.ttl_ms.filter(|_| commit.plan != Plan::Delete) {
        push(call, "ttl");
        push_number(call, ms);
    }
}

fn push_piece(call: &mut RespCommand, piece: &Piece) {
    match piece {
        Piece::Text(text) => call.extend(resp(["text", text])),
        Piece::Range { start, len } => {
            push(call, "range");
            push_count(call, start.0);
            push_count(call, (*start + *len).0 - 1);
        }
        Piece::Spaces(count) => {
            push(call, "spaces");
            push_count(call, count.0);
        }
    }
}

/// Escape a literal text for the pattern of SCAN.
fn escape_pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn resp<const N: usize>(arguments: [&str; N]) -> RespCommand {
    arguments.into_iter().map(|argument| argument.as_bytes().to_vec()).collect()
}

fn push(call: &mut RespCommand, argument: &str) {
    call.push(argument.as_bytes().to_vec());
}

fn push_count(call: &mut RespCommand, count: usize) {
    push(call, &count.to_string());
}

fn push_number(call: &mut RespCommand, number: u64) {
    push(call, &number.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_literal() {
        assert_eq!(escape_pattern("m[1]*?:"), "m\\[1\\]\\*\\?:");
    }
}
