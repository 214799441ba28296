//! Server replies -> answers.

use crate::command::{Answer, Command, Found, GroupOutcome, Lifetime, Outcome, Probed};
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;

/// A server's reply, as far as the protocol needs to tell kinds apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Null.
    Nil,
    /// An integer.
    Int(i64),
    /// A bulk or simple string.
    Text(Vec<u8>),
    /// An array.
    List(Vec<Reply>),
    /// An error: its code, a space, its message.
    Error(String),
}

/// Refusals that pass by themselves.
const PASSING: [&str; 9] =
    ["LOADING", "READONLY", "OOM", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "BUSY", "MISCONF", "NOREPLICAS"];
const CREDENTIALS: [&str; 2] = ["NOAUTH", "WRONGPASS"];

impl Reply {
    /// The server does not have the script, or does not let us call one by its SHA-1.
    pub(super) fn is_no_script(&self) -> bool {
        let Self::Error(message) = self else { return false };
        let message = without_arguments(message).to_ascii_lowercase();
        message.starts_with("noscript")
            || (message.starts_with("err unknown command") || message.starts_with("noperm"))
                && find(&message, "evalsha").is_some()
    }

    /// A replica was asked to write.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Error(message) if has_code(message, "READONLY"))
    }
}

pub(super) fn answer(command: &Command, replies: Vec<Reply>) -> Answer {
    if let Some(message) = replies.iter().find_map(|reply| match reply {
        Reply::Error(message) => Some(message),
        _ => None,
    }) {
        return match command {
            Command::Load { .. } if message.starts_with("WRONGTYPE") => Answer::Loaded(Stored::OtherType),
            Command::Probe { .. } if message.starts_with("WRONGTYPE") => Answer::Probed(Probed::OtherType),
            _ => refusal(message),
        };
    }
    let answer = match command {
        Command::Load { .. } => loaded(replies),
        Command::Probe { .. } => probed(replies),
        Command::Tail { .. } => tail(replies),
        Command::Commit(_) => committed(replies),
        Command::Group(group) => grouped(replies, group.commits.len() + group.checks.len()),
        Command::Expire { ms, .. } => lifetime(&replies, Lifetime::Left(*ms)),
        Command::Persist { .. } => lifetime(&replies, Lifetime::Endless),
        Command::Ttl { .. } => time_left(&replies),
        Command::Replicas { .. } => replicas(replies),
        Command::Names { .. } => names(replies),
    };
    answer.unwrap_or_else(|| {
        Answer::Refused(SyncError::new(ErrorCode::Internal, "the server's reply is not of this protocol"))
    })
}

fn loaded(replies: Vec<Reply>) -> Option<Answer> {
    match replies.into_iter().next()? {
        Reply::Nil => Some(Answer::Loaded(Stored::Absent)),
        Reply::Text(text) => Some(Answer::Loaded(Stored::Text(text))),
        _ => None,
    }
}

fn probed(replies: Vec<Reply>) -> Option<Answer> {
    let [Reply::Int(len), Reply::Text(bytes)] = <[Reply; 2]>::try_from(replies).ok()? else {
        return None;
    };
    let len = usize::try_from(len).ok()?;
    // An empty string looks the same here; whoever holds one loads it again.
    Some(Answer::Probed(if len == 0 { Probed::Absent } else { Probed::Text { len, bytes } }))
}

fn tail(replies: Vec<Reply>) -> Option<Answer> {
    let [appends, Reply::Text(bytes)] = <[Reply; 2]>::try_from(replies).ok()? else {
        return None;
    };
    let appends = match appends {
        Reply::Text(text) => {
            let (first, last) = std::str::from_utf8(&text).ok()?.split_once('-')?;
            Some((Revision(first.parse().ok()?), Revision(last.parse().ok()?)))
        }
        _ => None,
    };
    Some(Answer::Tail { appends, bytes })
}

/// The last reply says whether there is such a key.
fn lifetime(replies: &[Reply], now: Lifetime) -> Option<Answer> {
    match replies.last()? {
        Reply::Int(0) => Some(Answer::Lifetime(Lifetime::Absent)),
        Reply::Int(1) => Some(Answer::Lifetime(now)),
        _ => None,
    }
}

fn time_left(replies: &[Reply]) -> Option<Answer> {
    let [Reply::Int(ms)] = replies else { return None };
    Some(Answer::Lifetime(match ms {
        -2 => Lifetime::Absent,
        -1 => Lifetime::Endless,
        ms => Lifetime::Left(u64::try_from(*ms).ok()?),
    }))
}

fn replicas(replies: Vec<Reply>) -> Option<Answer> {
    let [Reply::Text(_), Reply::Int(count)] = <[Reply; 2]>::try_from(replies).ok()? else { return None };
    u32::try_from(count).ok().map(Answer::Replicas)
}

fn committed(replies: Vec<Reply>) -> Option<Answer> {
    let Reply::List(parts) = replies.into_iter().next()? else {
        return None;
    };
    let mut parts = parts.into_iter().map_while(|part| match part {
        Reply::Text(text) => Some(text),
        _ => None,
    });
    let outcome = match parts.next()?.as_slice() {
        b"applied" => Outcome::Applied,
        b"duplicate" => Outcome::Duplicate,
        b"appended" => {
            Outcome::Appended { revision: Revision(std::str::from_utf8(&parts.next()?).ok()?.parse().ok()?) }
        }
        b"stale" => Outcome::Stale {
            remembers: parts.next()? == b"1",
            stored: match parts.next().as_deref() {
                None => None,
                Some(b"absent") => Some(Stored::Absent),
                Some(b"other") => Some(Stored::OtherType),
                Some(b"text") => Some(Stored::Text(parts.next()?)),
                Some(_) => return None,
            },
        },
        _ => return None,
    };
    Some(Answer::Committed(outcome))
}

fn grouped(replies: Vec<Reply>, places: usize) -> Option<Answer> {
    let Reply::List(parts) = replies.into_iter().next()? else { return None };
    let texts: Option<Vec<Vec<u8>>> = parts
        .into_iter()
        .map(|part| match part {
            Reply::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    let texts = texts?;
    let (outcome, found) = texts.split_first()?;
    let outcome = match outcome.as_slice() {
        b"applied" => GroupOutcome::Applied,
        b"duplicate" => GroupOutcome::Duplicate,
        b"stale" if found.len() == 3 * places => {
            let read = |place: &[Vec<u8>]| {
                let stored = match place[1].as_slice() {
                    b"same" => None,
                    b"absent" => Some(Stored::Absent),
                    b"other" => Some(Stored::OtherType),
                    b"text" => Some(Stored::Text(place[2].clone())),
                    _ => return None,
                };
                Some(Found { stored, remembers: place[0] == b"1" })
            };
            GroupOutcome::Stale(found.chunks(3).map(read).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Answer::Grouped(outcome))
}

fn names(replies: Vec<Reply>) -> Option<Answer> {
    let Reply::List(page) = replies.into_iter().next()? else {
        return None;
    };
    let [Reply::Text(cursor), Reply::List(keys)] = <[Reply; 2]>::try_from(page).ok()? else {
        return None;
    };
    let keys = keys
        .into_iter()
        .filter_map(|key| match key {
            // A key that is not UTF-8 cannot be an attribute.
            Reply::Text(key) => String::from_utf8(key).ok(),
            _ => None,
        })
        .collect();
    Some(Answer::Names { cursor: String::from_utf8(cursor).ok()?, keys })
}

fn refusal(message: &str) -> Answer {
    let message = without_arguments(message);
    let has = |code: &str| has_code(message, code);
    if PASSING.into_iter().any(has) {
        return Answer::Busy(SyncError::new(ErrorCode::Unavailable, format!("the server answered: {message}")));
    }
    let code = if CREDENTIALS.into_iter().any(has) { ErrorCode::Auth } else { ErrorCode::Refused };
    Answer::Refused(SyncError::new(code, format!("the server refused: {message}")))
}

/// Some servers quote the arguments of a command they do not know; those may hold a document.
fn without_arguments(message: &str) -> &str {
    &message[..find(message, ", with args").unwrap_or(message.len())]
}

fn has_code(message: &str, code: &str) -> bool {
    message.split([' ', ',']).next() == Some(code)
        // Redis 6 wraps what a script's command answered.
        || (message.starts_with("ERR Error running script") && find(message, &format!("-{code} ")).is_some())
}

/// Where a text first has another. (The standard library's search, made for long texts, is much more code.)
fn find(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|window| window == what.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_refusals_are_told_from_final_ones() {
        assert!(matches!(refusal("LOADING Redis is loading the dataset in memory"), Answer::Busy(_)));
        assert!(matches!(
            refusal("ERR Error running script (call to f_1): @user_script:53: -OOM command not allowed"),
            Answer::Busy(_)
        ));
        assert!(matches!(refusal("NOPERM this user has no permissions"), Answer::Refused(_)));
        let Answer::Refused(error) = refusal("WRONGPASS invalid username-password pair") else { panic!() };
        assert_eq!(error.code, ErrorCode::Auth);
    }

    #[test]
    fn a_script_goes_along_in_full_where_its_sha_is_of_no_use() {
        let is_no_script = |message: &str| Reply::Error(message.into()).is_no_script();
        for message in [
            "NOSCRIPT No matching script. Please use EVAL.",
            "ERR unknown command 'EVALSHA', with args beginning with: 'abc'",
            "ERR unknown command `evalsha`, with args beginning with: `abc`",
            "NOPERM this user has no permissions to run the 'evalsha' command or its subcommand",
            "NOPERM User app has no permissions to run the 'evalsha' command",
        ] {
            assert!(is_no_script(message), "{message}");
        }
        for message in [
            "NOPERM No permissions to access a key",
            "ERR unknown command 'GET', with args beginning with: 'evalsha'",
            "ERR Error running script (call to f_1): @user_script:53: NOSCRIPT",
            "OOM command not allowed when used memory > 'maxmemory'",
        ] {
            assert!(!is_no_script(message), "{message}");
        }
    }

    #[test]
    fn arguments_are_not_repeated() {
        let Answer::Refused(error) = refusal("ERR unknown command 'EVALSHA', with args beginning with: 'secret'")
        else {
            panic!()
        };
        assert!(!error.message.contains("secret"));
    }

    #[test]
    fn out_of_shape_replies_are_refused() {
        let command = Command::Load { key: "k".into() };
        for replies in [vec![], vec![Reply::Int(1)], vec![Reply::List(vec![])]] {
            assert!(matches!(answer(&command, replies), Answer::Refused(_)));
        }
    }
}
