//! Abstract command -> RESP commands.

use super::{Args, COMMIT_SCRIPT};
use crate::command::{Command, Commit, REMEMBER_SECONDS};
use crate::document::Guard;
use crate::ids::WriterId;
use crate::splice::{Piece, Plan};
use std::fmt::Display;
use std::sync::LazyLock;

static COMMIT_SHA: LazyLock<String> = LazyLock::new(|| sha1_smol::Sha1::from(COMMIT_SCRIPT).digest().to_string());

/// `in_full` sends the script's text instead of its SHA-1.
pub(super) fn commands(command: &Command, in_full: bool) -> Vec<Args> {
    match command {
        Command::Load { key } => vec![args(["GET", key])],
        Command::Probe { key, at, len } => {
            // An empty range is one whose end comes before its start.
            let (first, last) = if *len == 0 { (1, 0) } else { (*at, at + len - 1) };
            vec![args(["STRLEN", key]), args(["GETRANGE", key, &first.to_string(), &last.to_string()])]
        }
        Command::Names { prefix, cursor } => {
            vec![args(["SCAN", cursor, "MATCH", &(escape_pattern(prefix) + "*"), "COUNT", "1000"])]
        }
        Command::Commit(commit) => vec![script_call(commit, in_full)],
    }
}

fn script_call(commit: &Commit, in_full: bool) -> Args {
    let mut call = if in_full { args(["EVAL", COMMIT_SCRIPT]) } else { args(["EVALSHA", &COMMIT_SHA]) };
    call.extend(args(["2", &commit.key, &sequence_key(&commit.key, &commit.writer)]));
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
    match &commit.plan {
        Plan::Delete => push(&mut call, "delete"),
        Plan::Set(text) => call.extend(args(["set", text])),
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

/// Where a writer's last sequence for a document is kept: in the document's hash slot, outside the
/// prefix under which the Python package loads everything.
fn sequence_key(key: &str, writer: &WriterId) -> String {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    match tag {
        Some(tag) if !tag.is_empty() => format!("sm:{{{tag}}}:{key}:{}", writer.0),
        _ => format!("sm:{{{key}}}:{}", writer.0),
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
    fn sequence_keys_share_the_slot_and_leave_the_prefix() {
        let writer = WriterId("w".into());
        assert_eq!(sequence_key("memory:tasks", &writer), "sm:{memory:tasks}:w");
        assert_eq!(sequence_key("memory:{user}:tasks", &writer), "sm:{user}:memory:{user}:tasks:w");
        assert_eq!(sequence_key("memory:{}x", &writer), "sm:{memory:{}x}:w");
    }

    #[test]
    fn patterns_are_literal() {
        assert_eq!(escape_pattern("m[1]*?:"), "m\\[1\\]\\*\\?:");
    }
}
