//! Server replies -> answers.

use crate::command::{Answer, Command, Found, GroupOutcome, Lifetime, Outcome, Probed};
use crate::document::Stored;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{Revision, number};

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
        matches!(self, Self::Error(message) if has_code(message, &["READONLY"]))
    }
}

/// Replies, or the parts of one, taken one after another.
struct Parts(std::vec::IntoIter<Reply>);

impl Parts {
    fn of(replies: Vec<Reply>) -> Self {
        Self(replies.into_iter())
    }

    fn int(&mut self) -> Option<i64> {
        match self.0.next()? {
            Reply::Int(number) => Some(number),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        match self.0.next()? {
            Reply::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    fn revision(&mut self) -> Option<Revision> {
        number(&self.text()?).map(Revision)
    }

    fn parts(&mut self) -> Option<Self> {
        match self.0.next()? {
            Reply::List(parts) => Some(Self::of(parts)),
            _ => None,
        }
    }
}

pub(super) fn answer(command: &Command, replies: Vec<Reply>) -> Answer {
    for reply in &replies {
        let Reply::Error(message) = reply else { continue };
        return match command {
            Command::Load { .. } if message.starts_with("WRONGTYPE") => Answer::Loaded(Stored::OtherType),
            Command::Probe { .. } if message.starts_with("WRONGTYPE") => Answer::Probed(Probed::OtherType),
            _ => refusal(message),
        };
    }
    let replies = &mut Parts::of(replies);
    let answer = match command {
        Command::Load { .. } => loaded(replies),
        Command::Probe { .. } => probed(replies),
        Command::Tail { .. } => tail(replies),
        Command::Commit(_) => committed(replies),
        Command::Group(group) => grouped(replies, group.commits.len() + group.checks.len()),
        Command::Expire { ms, .. } => lifetime(replies.int(), Lifetime::Left(*ms)),
        // The second reply says whether there is such a key.
        Command::Persist { .. } => replies.int().and_then(|_| lifetime(replies.int(), Lifetime::Endless)),
        Command::Ttl { .. } => time_left(replies),
        Command::Replicas { .. } => replicas(replies),
        Command::Names { .. } => names(replies),
    };
    // One more than what was asked for is no answer to it either.
    answer.filter(|_| replies.0.len() == 0).unwrap_or_else(|| {
        Answer::Refused(SyncError::new(ErrorCode::Internal, "the server's reply is not of this protocol"))
    })
}

fn loaded(replies: &mut Parts) -> Option<Answer> {
    Some(Answer::Loaded(match replies.0.next()? {
        Reply::Nil => Stored::Absent,
        Reply::Text(text) => Stored::Text(text),
        _ => return None,
    }))
}

fn probed(replies: &mut Parts) -> Option<Answer> {
    let len = usize::try_from(replies.int()?).ok()?;
    let bytes = replies.bytes()?;
    // An empty string looks the same here; whoever holds one loads it again.
    Some(Answer::Probed(if len == 0 { Probed::Absent } else { Probed::Text { len, bytes } }))
}

fn tail(replies: &mut Parts) -> Option<Answer> {
    let appends = match replies.0.next()? {
        Reply::Text(text) => {
            let (first, last) = std::str::from_utf8(&text).ok()?.split_once('-')?;
            Some((Revision(number(first)?), Revision(number(last)?)))
        }
        _ => None,
    };
    Some(Answer::Tail { appends, bytes: replies.bytes()? })
}

fn lifetime(is_there: Option<i64>, now: Lifetime) -> Option<Answer> {
    match is_there? {
        0 => Some(Answer::Lifetime(Lifetime::Absent)),
        1 => Some(Answer::Lifetime(now)),
        _ => None,
    }
}

fn time_left(replies: &mut Parts) -> Option<Answer> {
    Some(Answer::Lifetime(match replies.int()? {
        -2 => Lifetime::Absent,
        -1 => Lifetime::Endless,
        ms => Lifetime::Left(u64::try_from(ms).ok()?),
    }))
}

fn replicas(replies: &mut Parts) -> Option<Answer> {
    replies.bytes()?;
    u32::try_from(replies.int()?).ok().map(Answer::Replicas)
}

fn committed(replies: &mut Parts) -> Option<Answer> {
    let mut parts = replies.parts()?;
    let outcome = match parts.text()?.as_str() {
        "applied" => Outcome::Applied,
        "duplicate" => Outcome::Duplicate,
        "appended" => Outcome::Appended { revision: parts.revision()? },
        "stale" => {
            let remembers = parts.text()? == "1";
            let Found { stored, .. } = match parts.text() {
                Some(kind) => found(remembers, &kind, &mut parts)?,
                None => Found { stored: None, remembers },
            };
            Outcome::Stale { stored, remembers }
        }
        _ => return None,
    };
    Some(Answer::Committed(outcome))
}

/// What is stored is of this kind; its text comes next.
fn found(remembers: bool, kind: &str, parts: &mut Parts) -> Option<Found> {
    let text = parts.bytes();
    let stored = match kind {
        "same" => None,
        "absent" => Some(Stored::Absent),
        "other" => Some(Stored::OtherType),
        "text" => Some(Stored::Text(text?)),
        _ => return None,
    };
    Some(Found { stored, remembers })
}

fn grouped(replies: &mut Parts, places: usize) -> Option<Answer> {
    let mut parts = replies.parts()?;
    let outcome = match parts.text()?.as_str() {
        "applied" => GroupOutcome::Applied,
        "duplicate" => GroupOutcome::Duplicate,
        "stale" => {
            let mut all = Vec::new();
            for _ in 0..places {
                let remembers = parts.text()? == "1";
                all.push(found(remembers, &parts.text()?, &mut parts)?);
            }
            GroupOutcome::Stale(all)
        }
        _ => return None,
    };
    Some(Answer::Grouped(outcome))
}

fn names(replies: &mut Parts) -> Option<Answer> {
    let mut page = replies.parts()?;
    let cursor = page.text()?;
    let mut keys = Vec::new();
    for key in page.parts()?.0 {
        // A key that is not UTF-8 cannot be an attribute.
        if let Reply::Text(key) = key
            && let Ok(key) = String::from_utf8(key)
        {
            keys.push(key);
        }
    }
    Some(Answer::Names { cursor, keys })
}

fn refusal(message: &str) -> Answer {
    let message = without_arguments(message);
    if has_code(message, &PASSING) {
        return Answer::Busy(SyncError::new(ErrorCode::Unavailable, format!("the server answered: {message}")));
    }
    let code = if has_code(message, &CREDENTIALS) { ErrorCode::Auth } else { ErrorCode::Refused };
    Answer::Refused(SyncError::new(code, format!("the server refused: {message}")))
}

/// Some servers quote the arguments of a command they do not know; those may hold a document.
fn without_arguments(message: &str) -> &str {
    &message[..find(message, ", with args").unwrap_or(message.len())]
}

fn has_code(message: &str, codes: &[&str]) -> bool {
    // Redis 6 wraps what a script's command answered.
    let is_wrapped = message.starts_with("ERR Error running script");
    let first = message.split([' ', ',']).next().unwrap_or_default();
    codes.iter().any(|code| first == *code || (is_wrapped && find(message, &format!("-{code} ")).is_some()))
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
