//! The decoder of a server's replies as answers.

use super::answer::{Answer, CommitOutcome, GroupOutcome, GuardResult, Lifetime, ProbeResult, Turn};
use super::command::{Command, Group};
use super::eviction_policy::EvictionPolicy;
use super::resp_reply::{RespReply, answer_to_error};
use super::secret::Secret;
use super::writers_list::WritersList;
use crate::byte_len::ByteLen;
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::history::{HistoryEntry, HistoryPage};
use crate::ids::{AppendRun, Revision, Sequence, parse_unsigned};

/// Decodes the replies to the RESP commands of one [`Command`], in order.
pub(super) fn decode_replies(command: &Command, replies: Vec<RespReply>) -> Answer {
    if let Command::Secret { .. } = command {
        return decode_secret(&replies);
    }
    for reply in &replies {
        let RespReply::Error(message) = reply else { continue };
        return match command {
            Command::Load { .. } if message.starts_with("WRONGTYPE") => Answer::Loaded(Stored::OtherType),
            Command::Probe { .. } if message.starts_with("WRONGTYPE") => Answer::Probed(ProbeResult::OtherType),
            _ => answer_to_error(message),
        };
    }
    let replies = &mut ReplyReader::new(replies);
    let answer = match command {
        Command::Load { max_len, .. } => decode_load(replies, *max_len),
        Command::Probe { .. } => decode_probe(replies),
        Command::Tail { .. } => decode_tail(replies),
        Command::Commit(..) => decode_commit_outcome(replies),
        Command::Group(group, _) => decode_group_outcome(replies, group),
        Command::Compare { checks } => decode_compared(replies, checks.len()),
        Command::Expire { ms, .. } | Command::ExpireDedupKey { ms, .. } => {
            lifetime_where_present(replies, Lifetime::Remaining(*ms))
        }
        // The reply to PERSIST does not matter, that to EXISTS does.
        Command::Persist { .. } => replies.int().and_then(|_| lifetime_where_present(replies, Lifetime::Endless)),
        Command::Ttl { .. } => decode_ttl(replies),
        Command::Replicas { .. } => decode_replicas(replies),
        Command::LastSequence { .. } => decode_last_sequence(replies),
        Command::Writers { .. } => replies.bytes().map(|text| Answer::Writers(WritersList::decode(&text, 0))),
        Command::History { .. } => decode_history(replies),
        Command::RecordChange { .. } => {
            replies.list().and_then(|mut parts| parts.text()).map(|text| Answer::Recorded(text == "recorded"))
        }
        Command::EvictionPolicy { .. } => decode_eviction_policy(replies),
        Command::Names { .. } => decode_names(replies),
        Command::Secret { .. } => None,
    };
    answer.filter(|_| replies.is_empty()).unwrap_or_else(|| {
        let message = "the server's reply is not one that this protocol has; check that nothing between this program and \
                       the server changes replies";
        Answer::Refused(SyncError::new(ErrorCode::Internal, message))
    })
}

/// A user who may not write the secret may be allowed to read it, and one who may do neither reads documents instead.
fn decode_secret(replies: &[RespReply]) -> Answer {
    match replies {
        [_, RespReply::Text(text)] => Answer::Secret(std::str::from_utf8(text).ok().map(Secret::new)),
        _ => Answer::Secret(None),
    }
}

fn decode_load(replies: &mut ReplyReader, max_len: ByteLen) -> Option<Answer> {
    let (len, exists) = (usize::try_from(replies.int()?).ok()?, replies.int()? == 1);
    let text = replies.bytes()?;
    Some(Answer::Loaded(match text.len() {
        0 if exists && len == 0 => Stored::Text(text),
        0 => Stored::Absent,
        read if read > max_len.0 => Stored::too_long(ByteLen(len.max(read)), &text),
        _ => Stored::Text(text),
    }))
}

fn decode_probe(replies: &mut ReplyReader) -> Option<Answer> {
    let len = usize::try_from(replies.int()?).ok()?;
    let bytes = replies.bytes()?;
    // STRLEN is 0 for an empty string, too. That costs another load, no more.
    Some(Answer::Probed(if len == 0 { ProbeResult::Absent } else { ProbeResult::Text { len: ByteLen(len), bytes } }))
}

fn decode_tail(replies: &mut ReplyReader) -> Option<Answer> {
    let append_run = match replies.next()? {
        RespReply::Text(text) => {
            let (first, last) = std::str::from_utf8(&text).ok()?.split_once('-')?;
            Some(AppendRun { first: Revision(parse_unsigned(first)?), last: Revision(parse_unsigned(last)?) })
        }
        _ => None,
    };
    Some(Answer::Tail { append_run, bytes: replies.bytes()? })
}

/// The next reply is 1 where there is a document, else 0.
fn lifetime_where_present(replies: &mut ReplyReader, lifetime: Lifetime) -> Option<Answer> {
    match replies.int()? {
        0 => Some(Answer::Lifetime(Lifetime::Absent)),
        1 => Some(Answer::Lifetime(lifetime)),
        _ => None,
    }
}

fn decode_ttl(replies: &mut ReplyReader) -> Option<Answer> {
    Some(Answer::Lifetime(match replies.int()? {
        -2 => Lifetime::Absent,
        -1 => Lifetime::Endless,
        ms => Lifetime::Remaining(u64::try_from(ms).ok()?),
    }))
}

fn decode_replicas(replies: &mut ReplyReader) -> Option<Answer> {
    // The reply to the SET of the marker key.
    replies.bytes()?;
    u32::try_from(replies.int()?).ok().map(Answer::Replicas)
}

fn decode_last_sequence(replies: &mut ReplyReader) -> Option<Answer> {
    Some(Answer::LastSequence(match replies.next()? {
        RespReply::Nil => None,
        // A reserved key holds 0: it remembers nothing.
        RespReply::Text(text) => {
            std::str::from_utf8(&text).ok().and_then(parse_unsigned).filter(|last| *last > 0).map(Sequence)
        }
        _ => return None,
    }))
}

fn decode_eviction_policy(replies: &mut ReplyReader) -> Option<Answer> {
    let policy = match replies.next()? {
        RespReply::Text(info) => EvictionPolicy::read(&String::from_utf8_lossy(&info)),
        _ => None,
    };
    Some(Answer::EvictionPolicy(policy))
}

/// The head of `commit.lua` lists the replies.
fn decode_commit_outcome(replies: &mut ReplyReader) -> Option<Answer> {
    let mut parts = replies.list()?;
    let outcome = match parts.text()?.as_str() {
        "applied" => CommitOutcome::Applied,
        "duplicate" => CommitOutcome::Duplicate,
        "appended" => CommitOutcome::Appended { revision: Revision(parse_unsigned(&parts.text()?)?) },
        "reserved" => CommitOutcome::Reserved(decode_turn(&mut parts)?),
        "stale" => {
            let dedup_key_present = parts.text()? == "1";
            let stored = match parts.text() {
                Some(kind) if kind == "tail" => {
                    let (len, bytes) = (ByteLen(parts.number()?), parts.bytes()?);
                    let outcome = CommitOutcome::StaleTail { len, bytes, dedup_key_present };
                    return Some(Answer::Committed(outcome));
                }
                Some(kind) => Some(decode_stored(&kind, parts.bytes())?),
                None => None,
            };
            CommitOutcome::Stale { stored, dedup_key_present }
        }
        _ => return None,
    };
    Some(Answer::Committed(outcome))
}

/// The head of `group.lua` lists the replies.
fn decode_group_outcome(replies: &mut ReplyReader, group: &Group) -> Option<Answer> {
    let mut parts = replies.list()?;
    let outcome = match parts.text()?.as_str() {
        "applied" => GroupOutcome::Applied,
        "duplicate" => GroupOutcome::Duplicate,
        "stale" => {
            let mut results = Vec::with_capacity(group.guard_count());
            for _ in 0..group.guard_count() {
                let dedup_key_present = parts.text()? == "1";
                let (kind, bytes) = (parts.text()?, parts.bytes());
                let stored = if kind == "same" { None } else { Some(decode_stored(&kind, bytes)?) };
                results.push(GuardResult { stored, dedup_key_present });
            }
            GroupOutcome::Stale(results)
        }
        "reserved" => {
            let documents = group.commits.len() + group.checks.len();
            GroupOutcome::Reserved((0..documents).map(|_| decode_turn(&mut parts)).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Answer::Grouped(outcome))
}

/// The head of `compare.lua` lists the replies.
fn decode_compared(replies: &mut ReplyReader, count: usize) -> Option<Answer> {
    let mut parts = replies.list()?;
    let mut results = Vec::with_capacity(count);
    for _ in 0..count {
        let (kind, bytes) = (parts.text()?, parts.bytes());
        results.push(if kind == "same" { None } else { Some(decode_stored(&kind, bytes)?) });
    }
    Some(Answer::Compared(results))
}

/// The head of `history.lua` lists the reply. Entries that a stranger has written are counted.
fn decode_history(replies: &mut ReplyReader) -> Option<Answer> {
    let mut parts = replies.list()?;
    let mut page = HistoryPage { entries: Vec::new(), malformed: parts.number()? };
    while !parts.is_empty() {
        let mut text = || String::from_utf8(parts.bytes()?).ok();
        let fields = [(); 6].map(|()| text());
        match HistoryEntry::from_fields(fields) {
            Some(entry) => page.entries.push(entry),
            None => page.malformed += 1,
        }
    }
    Some(Answer::History(page))
}

fn decode_turn(parts: &mut ReplyReader) -> Option<Turn> {
    Some(Turn { remaining_ms: parts.number()?, writers_ahead: parts.number()? })
}

fn decode_stored(kind: &str, bytes: Option<Vec<u8>>) -> Option<Stored> {
    Some(match kind {
        "absent" => Stored::Absent,
        "other" => Stored::OtherType,
        "text" => Stored::Text(bytes?),
        "long" => {
            let bytes = bytes?;
            let space = bytes.iter().position(|byte| *byte == b' ')?;
            let len = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
            Stored::too_long_with_end(ByteLen(len), bytes[space + 1..].to_vec())
        }
        _ => return None,
    })
}

fn decode_names(replies: &mut ReplyReader) -> Option<Answer> {
    let mut page = replies.list()?;
    let cursor = page.text()?;
    let mut keys = Vec::new();
    for key in page.list()?.0 {
        // A key that is not UTF-8 is not that of an attribute.
        if let RespReply::Text(key) = key
            && let Ok(key) = String::from_utf8(key)
        {
            keys.push(key);
        }
    }
    Some(Answer::Names { cursor, keys })
}

/// Reads several replies, or the parts of one, in order. Every method gives None where the next one is of another kind.
struct ReplyReader(std::vec::IntoIter<RespReply>);

impl ReplyReader {
    fn new(replies: Vec<RespReply>) -> Self {
        Self(replies.into_iter())
    }

    fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    fn next(&mut self) -> Option<RespReply> {
        self.0.next()
    }

    fn int(&mut self) -> Option<i64> {
        match self.next()? {
            RespReply::Int(number) => Some(number),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.next()? {
            RespReply::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    fn list(&mut self) -> Option<Self> {
        match self.next()? {
            RespReply::List(parts) => Some(Self::new(parts)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_another_shape_are_refused() {
        let command = Command::Load { key: "k".into(), max_len: ByteLen(9) };
        for replies in
            [vec![], vec![RespReply::Int(1)], vec![RespReply::List(vec![])], vec![RespReply::Nil, RespReply::Nil]]
        {
            assert!(matches!(decode_replies(&command, replies), Answer::Refused(_)));
        }
    }

    #[test]
    fn a_read_is_told_from_its_three_replies() {
        let command = Command::Load { key: "k".into(), max_len: ByteLen(3) };
        let loaded = |len, exists, text: &str| {
            let replies = vec![RespReply::Int(len), RespReply::Int(exists), RespReply::Text(text.into())];
            let Answer::Loaded(stored) = decode_replies(&command, replies) else { panic!() };
            stored
        };
        assert_eq!(loaded(0, 0, ""), Stored::Absent);
        assert_eq!(loaded(0, 1, ""), Stored::Text(Vec::new()));
        assert_eq!(loaded(3, 1, "abc"), Stored::Text(b"abc".to_vec()));
        assert_eq!(loaded(9, 1, "abcd"), Stored::too_long(ByteLen(9), b"abcd"));
        // Other clients wrote in between.
        assert_eq!(loaded(0, 0, "abc"), Stored::Text(b"abc".to_vec()));
        assert_eq!(loaded(3, 1, ""), Stored::Absent);
        assert_eq!(loaded(0, 0, "abcd"), Stored::too_long(ByteLen(4), b"abcd"));
    }
}
