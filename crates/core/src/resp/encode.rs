//! Abstract command -> RESP commands.

use super::{Args, COMMIT_SCRIPT, GROUP_SCRIPT};
use crate::command::{Command, Commit, Group, REMEMBER_SECONDS};
use crate::document::Guard;
use crate::ids::Revision;
use crate::splice::{Piece, Plan};

const COMMIT_SHA: &str = include_str!(concat!(env!("OUT_DIR"), "/commit.sha1"));
const GROUP_SHA: &str = include_str!(concat!(env!("OUT_DIR"), "/group.sha1"));

/// What the run of appends is kept under; no writer's id is so short.
const APPENDS: &str = "appends";

/// `in_full` sends the script's text instead of its SHA-1.
pub(super) fn commands(command: &Command, in_full: bool) -> Vec<Args> {
    match command {
        Command::Load { key } => vec![args(["GET", key])],
        Command::Probe { key, before_end, len } => {
            // Negative ones count from the end, -1 being the last byte.
            let (first, last) = (format!("-{before_end}"), format!("-{}", before_end - len + 1));
            vec![args(["STRLEN", key]), args(["GETRANGE", key, &first, &last])]
        }
        Command::Tail { key, at } => {
            vec![args(["GET", &protocol_key(key, APPENDS)]), args(["GETRANGE", key, &at.to_string(), "-1"])]
        }
        Command::Expire { key, ms } => vec![args(["PEXPIRE", key, &ms.to_string()])],
        // PERSIST does not tell a key that does not expire from one that is not there.
        Command::Persist { key } => vec![args(["PERSIST", key]), args(["EXISTS", key])],
        Command::Ttl { key } => vec![args(["PTTL", key])],
        // Replicas have what came before a write once they have the write: also what another connection sent.
        Command::Replicas { prefix, writer, wanted, wait_ms } => {
            vec![
                args(["SET", &protocol_key(prefix, &writer.0), "", "EX", "60"]),
                args(["WAIT", &wanted.to_string(), &wait_ms.to_string()]),
            ]
        }
        Command::Names { prefix, cursor } => {
            vec![args(["SCAN", cursor, "MATCH", &(escape_pattern(prefix) + "*"), "COUNT", "1000"])]
        }
        Command::Commit(commit) => vec![commit_call(commit, in_full)],
        Command::Group(group) => vec![group_call(group, in_full)],
    }
}

fn commit_call(commit: &Commit, in_full: bool) -> Args {
    let mut call = if in_full { args(["EVAL", COMMIT_SCRIPT]) } else { args(["EVALSHA", COMMIT_SHA]) };
    let appends = matches!(commit.plan, Plan::Append(_)).then(|| protocol_key(&commit.key, APPENDS));
    let sequence_key = protocol_key(&commit.key, &commit.writer.0);
    extend(&mut call, &[if appends.is_some() { "3" } else { "2" }, &commit.key, &sequence_key]);
    call.extend(appends.map(String::into_bytes));
    push_number(&mut call, commit.sequence.0);
    call.push(commit.after.map_or_else(Vec::new, |after| after.0.to_string().into_bytes()));
    push_number(&mut call, REMEMBER_SECONDS.into());
    match (&commit.guard, &commit.plan) {
        // From the list's bracket on, which is where an append writes.
        (Guard::Text { len, at, tail }, Plan::Append(_)) => {
            push_text_guard(&mut call, *len, at - 1, [b"]", tail.as_slice()].concat());
        }
        (guard, _) => push_guard(&mut call, guard),
    }
    push(&mut call, &commit.delta.as_ref().map_or_else(String::new, |_| channel(&commit.key)));
    push_delta(&mut call, commit);
    push_plan(&mut call, commit);
    call
}

fn group_call(Group { commits, checks }: &Group, in_full: bool) -> Args {
    let mut call = if in_full { args(["EVAL", GROUP_SCRIPT]) } else { args(["EVALSHA", GROUP_SHA]) };
    push_len(&mut call, commits.len() * 2 + checks.len());
    for commit in commits {
        extend(&mut call, &[&commit.key, &protocol_key(&commit.key, &commit.writer.0)]);
    }
    call.extend(checks.iter().map(|(key, _)| key.clone().into_bytes()));
    push_len(&mut call, commits.len());
    push_len(&mut call, checks.len());
    push_number(&mut call, REMEMBER_SECONDS.into());
    let announcing = commits.iter().find(|commit| commit.delta.is_some());
    push(&mut call, &announcing.map_or_else(String::new, |commit| channel(&commit.key)));
    for commit in commits {
        push_number(&mut call, commit.sequence.0);
        push_guard(&mut call, &commit.guard);
        push_delta(&mut call, commit);
        let count_at = call.len();
        push_plan(&mut call, commit);
        let count = (call.len() - count_at).to_string();
        call.insert(count_at, count.into_bytes());
    }
    for (_, guard) in checks {
        push_guard(&mut call, guard);
    }
    call
}

fn push_guard(call: &mut Args, guard: &Guard) {
    match guard {
        Guard::Absent => call.extend(args(["absent", "0", ""])),
        Guard::OtherType => call.extend(args(["other", "0", ""])),
        Guard::Text { len, at, tail } => push_text_guard(call, *len, *at, tail.clone()),
    }
}

fn push_text_guard(call: &mut Args, len: usize, at: usize, end: Vec<u8>) {
    push_len(call, len);
    push_len(call, at);
    call.push(end);
}

/// The revision that it is built on, the one that it makes, and its mutations.
fn push_delta(call: &mut Args, commit: &Commit) {
    let revision = if commit.plan == Plan::Delete { Revision(0) } else { commit.revision };
    let (base, mutations) =
        commit.delta.as_ref().map_or((Revision(0), ""), |delta| (delta.base, delta.mutations.as_str()));
    push_number(call, base.0);
    push_number(call, revision.0);
    push(call, mutations);
}

fn push_plan(call: &mut Args, commit: &Commit) {
    match &commit.plan {
        Plan::Delete => push(call, "delete"),
        Plan::Set(text) => call.extend(args(["set", text])),
        Plan::Append(elements) => {
            extend(call, &["append", elements]);
            push_number(call, commit.revision.0 + 1);
        }
        Plan::Edit(writes) => {
            push(call, "edit");
            for write in writes {
                push(call, "write");
                push_len(call, write.at);
                for piece in &write.pieces {
                    match piece {
                        Piece::Text(text) => call.extend(args(["text", text])),
                        Piece::Range { start, len } => {
                            push(call, "range");
                            push_len(call, *start);
                            push_len(call, start + len - 1);
                        }
                        Piece::Spaces(count) => {
                            push(call, "spaces");
                            push_len(call, *count);
                        }
                    }
                }
            }
        }
    }
    if let Some(ms) = commit.ttl_ms.filter(|_| commit.plan != Plan::Delete) {
        push(call, "ttl");
        push_number(call, ms);
    }
}

/// The channel on which commits to a document are announced, or to documents whose keys start like this: names hold no
/// colon.
pub(super) fn channel(key_or_prefix: &str) -> String {
    format!("sm:{}", &key_or_prefix[..key_or_prefix.rfind(':').map_or(0, |colon| colon + 1)])
}

/// Where the protocol keeps something about a document, such as a writer's last sequence: in the document's hash
/// slot, outside the prefix under which the Python package loads everything.
fn protocol_key(key: &str, what: &str) -> String {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    match tag {
        Some(tag) if !tag.is_empty() => format!("sm:{{{tag}}}:{key}:{what}"),
        _ => format!("sm:{{{key}}}:{what}"),
    }
}

/// A literal text as a SCAN pattern.
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

fn args<const N: usize>(texts: [&str; N]) -> Args {
    let mut args = Args::new();
    extend(&mut args, &texts);
    args
}

fn extend(call: &mut Args, texts: &[&str]) {
    for text in texts {
        push(call, text);
    }
}

fn push(call: &mut Args, text: &str) {
    call.push(text.as_bytes().to_vec());
}

fn push_len(call: &mut Args, len: usize) {
    push_number(call, len as u64);
}

fn push_number(call: &mut Args, number: u64) {
    push(call, &number.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_protocol_share_the_slot_and_leave_the_prefix() {
        assert_eq!(protocol_key("memory:tasks", "w"), "sm:{memory:tasks}:w");
        assert_eq!(protocol_key("memory:{user}:tasks", "w"), "sm:{user}:memory:{user}:tasks:w");
        assert_eq!(protocol_key("memory:{}x", "w"), "sm:{memory:{}x}:w");
    }

    #[test]
    fn patterns_are_literal() {
        assert_eq!(escape_pattern("m[1]*?:"), "m\\[1\\]\\*\\?:");
    }
}
