//! Abstract command -> RESP commands.

use super::{Args, COMMIT_SCRIPT};
use crate::command::{Command, Commit, REMEMBER_SECONDS};
use crate::document::Guard;
use crate::ids::Revision;
use crate::splice::{Piece, Plan};
use std::fmt::Display;
use std::sync::LazyLock;

static COMMIT_SHA: LazyLock<String> = LazyLock::new(|| sha1_smol::Sha1::from(COMMIT_SCRIPT).digest().to_string());

/// What the run of appends is kept under; no writer's id is so short.
const APPENDS: &str = "appends";

/// `in_full` sends the script's text instead of its SHA-1.
pub(super) fn commands(command: &Command, in_full: bool) -> Vec<Args> {
    match command {
        Command::Load { key } => vec![args(["GET", key])],
        Command::Probe { key, at, len } => {
            // An empty range is one whose end comes before its start.
            let (first, last) = if *len == 0 { (1, 0) } else { (*at, at + len - 1) };
            vec![args(["STRLEN", key]), args(["GETRANGE", key, &first.to_string(), &last.to_string()])]
        }
        Command::Tail { key, at } => {
            vec![args(["GET", &protocol_key(key, APPENDS)]), args(["GETRANGE", key, &at.to_string(), "-1"])]
        }
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
        Command::Commit(commit) => vec![script_call(commit, in_full)],
    }
}

fn script_call(commit: &Commit, in_full: bool) -> Args {
    let mut call = if in_full { args(["EVAL", COMMIT_SCRIPT]) } else { args(["EVALSHA", &COMMIT_SHA]) };
    let appends = matches!(commit.plan, Plan::Append(_)).then(|| protocol_key(&commit.key, APPENDS));
    let sequence_key = protocol_key(&commit.key, &commit.writer.0);
    call.extend(args([if appends.is_some() { "3" } else { "2" }, &commit.key, &sequence_key]));
    call.extend(appends.map(String::into_bytes));
    push(&mut call, commit.sequence.0);
    call.push(commit.after.map_or_else(Vec::new, |after| after.0.to_string().into_bytes()));
    push(&mut call, REMEMBER_SECONDS);
    match &commit.guard {
        Guard::Absent => call.extend(args(["absent", "0", ""])),
        Guard::OtherType => call.extend(args(["other", "0", ""])),
        Guard::Text { len, at, tail } => {
            push(&mut call, len);
            push(&mut call, at);
            call.push(tail.clone());
        }
    }
    let revision = if commit.plan == Plan::Delete { Revision(0) } else { commit.revision };
    if let Some(delta) = &commit.delta {
        push(&mut call, channel_of(&commit.key));
        push(&mut call, delta.base);
        push(&mut call, revision);
        push(&mut call, &delta.mutations);
    } else {
        call.extend(args(["", "0", &revision.to_string(), ""]));
    }
    match &commit.plan {
        Plan::Delete => push(&mut call, "delete"),
        Plan::Set(text) => call.extend(args(["set", text])),
        Plan::Append(elements) => {
            call.extend(args(["append", elements]));
            push(&mut call, commit.revision.0 + 1);
        }
        Plan::Edit(writes) => {
            push(&mut call, "edit");
            for write in writes {
                push(&mut call, "write");
                push(&mut call, write.at);
                for piece in &write.pieces {
                    match piece {
                        Piece::Text(text) => call.extend(args(["text", text])),
                        Piece::Range { start, len } => {
                            push(&mut call, "range");
                            push(&mut call, start);
                            push(&mut call, start + len - 1);
                        }
                        Piece::Spaces(count) => {
                            push(&mut call, "spaces");
                            push(&mut call, count);
                        }
                    }
                }
            }
        }
    }
    call
}

/// The channel on which commits to documents whose keys start with this prefix are announced.
pub(super) fn channel(prefix: &str) -> String {
    format!("sm:{prefix}")
}

fn channel_of(key: &str) -> String {
    channel(&key[..key.rfind(':').map_or(0, |colon| colon + 1)])
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
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn push(call: &mut Args, argument: impl Display) {
    call.push(argument.to_string().into_bytes());
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
