//! Encodes the outcomes of commits and groups as the replies of the scripts, for the server in the process: the inverse of
//! `decode_commit_outcome` and `decode_group_outcome` in `decode_answer.rs`.

use super::resp_reply::RespReply;
use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::history::{HistoryEntry, HistoryPage};
use crate::protocol::{CommitOutcome, GroupOutcome, Turn};

/// The reply of `commit.lua`.
pub(crate) fn encode_commit_outcome(outcome: &CommitOutcome) -> RespReply {
    RespReply::List(match outcome {
        CommitOutcome::Applied => vec![text("applied")],
        CommitOutcome::Duplicate => vec![text("duplicate")],
        CommitOutcome::Appended { revision } => vec![text("appended"), text(&revision.to_string())],
        CommitOutcome::Stale { stored, dedup_key_present } => {
            let mut parts = vec![text("stale"), flag(*dedup_key_present)];
            match stored {
                None => {}
                Some(Stored::Text(bytes)) => parts.extend([text("text"), RespReply::Text(bytes.clone())]),
                Some(Stored::TooLong { len, part, .. }) => {
                    parts.extend([text("long"), RespReply::Text(long_text(*len, part))]);
                }
                Some(stored) => parts.push(text(kind(stored))),
            }
            parts
        }
        CommitOutcome::StaleTail { len, bytes, dedup_key_present } => {
            vec![
                text("stale"),
                flag(*dedup_key_present),
                text("tail"),
                text(&len.to_string()),
                RespReply::Text(bytes.clone()),
            ]
        }
        CommitOutcome::Reserved(turn) => [text("reserved")].into_iter().chain(encode_turn(*turn)).collect(),
    })
}

/// The reply of `group.lua`.
pub(crate) fn encode_group_outcome(outcome: &GroupOutcome) -> RespReply {
    RespReply::List(match outcome {
        GroupOutcome::Applied => vec![text("applied")],
        GroupOutcome::Duplicate => vec![text("duplicate")],
        GroupOutcome::Stale(results) => {
            let mut parts = vec![text("stale")];
            for result in results {
                parts.push(flag(result.dedup_key_present));
                parts.extend(encode_compared_key(result.stored.as_ref()));
            }
            parts
        }
        GroupOutcome::Reserved(turns) => {
            [text("reserved")].into_iter().chain(turns.iter().copied().flat_map(encode_turn)).collect()
        }
    })
}

/// The reply of `compare.lua`.
pub(crate) fn encode_compared(results: &[Option<Stored>]) -> RespReply {
    RespReply::List(results.iter().flat_map(|stored| encode_compared_key(stored.as_ref())).collect())
}

/// The reply of `history.lua` to a reader.
pub(crate) fn encode_history(page: &HistoryPage) -> RespReply {
    let mut parts = vec![text(&page.malformed.to_string())];
    for HistoryEntry { at_ms, revision, base, writer, mutations, text: stored } in &page.entries {
        let writer = writer.as_ref().map_or("", |writer| writer.0.as_str());
        let stored = stored.as_deref().unwrap_or_default();
        let numbers = [format!("{at_ms}-0"), revision.to_string(), base.to_string()];
        parts.extend(numbers.iter().map(String::as_str).chain([writer, mutations, stored]).map(text));
    }
    RespReply::List(parts)
}

/// The reply of `history.lua` to a process that has noticed a change.
pub(crate) fn encode_recorded(is_added: bool) -> RespReply {
    RespReply::List(vec![text(if is_added { "recorded" } else { "known" })])
}

fn encode_compared_key(stored: Option<&Stored>) -> [RespReply; 2] {
    let bytes = match stored {
        Some(Stored::Text(bytes)) => bytes.clone(),
        Some(Stored::TooLong { len, part, .. }) => long_text(*len, part),
        _ => Vec::new(),
    };
    [text(stored.map_or("same", kind)), RespReply::Text(bytes)]
}

fn encode_turn(Turn { remaining_ms, writers_ahead }: Turn) -> [RespReply; 2] {
    [remaining_ms, writers_ahead].map(|number| text(&number.to_string()))
}

/// The length of a text that is too long for a reply, and its end.
fn long_text(len: ByteLen, end: &[u8]) -> Vec<u8> {
    [len.to_string().as_bytes(), b" ", end].concat()
}

fn kind(stored: &Stored) -> &'static str {
    match stored {
        Stored::Absent => "absent",
        Stored::OtherType => "other",
        Stored::Text(_) => "text",
        Stored::TooLong { .. } => "long",
    }
}

fn flag(is_set: bool) -> RespReply {
    text(if is_set { "1" } else { "0" })
}

fn text(text: &str) -> RespReply {
    RespReply::Text(text.as_bytes().to_vec())
}
