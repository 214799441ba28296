//! Replies of a server, and what its errors mean.

use crate::error::{ErrorCode, SyncError};
use crate::protocol::answer::Answer;
use crate::protocol::busy_refusal::busy_refusal;

/// A server's reply. It has the kinds that the protocol needs to tell apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RespReply {
    /// Null.
    Nil,
    /// An integer.
    Int(i64),
    /// A bulk or simple string.
    Text(Vec<u8>),
    /// An array.
    List(Vec<RespReply>),
    /// An error: its code, a space, its message.
    Error(String),
}

/// Codes of errors about the user name or the password.
const CREDENTIALS: [&str; 2] = ["NOAUTH", "WRONGPASS"];

impl RespReply {
    /// Whether the server has no script of the given digest, or does not permit calls by digest.
    pub(super) fn is_no_script(&self) -> bool {
        let Self::Error(message) = self else { return false };
        let message = without_arguments(message).to_ascii_lowercase();
        message.starts_with("noscript")
            // DragonflyDB names no command.
            || message.starts_with("noperm") && message.ends_with("has no acl permissions")
            || (message.starts_with("err unknown command") || message.starts_with("noperm"))
                && message.contains("evalsha")
    }

    /// The message of the error by which a server refuses every command before a login; None for any other reply.
    pub fn login_refusal(&self) -> Option<&str> {
        match self {
            Self::Error(message) if has_code(message, &CREDENTIALS) => Some(message),
            _ => None,
        }
    }

    /// Whether a replica was asked to write.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Error(message) if has_code(message, &["READONLY"]))
    }
}

/// The answer to a command that got an error as its reply.
pub(super) fn answer_to_error(message: &str) -> Answer {
    if let Some(error) = busy_refusal(message) {
        return Answer::Busy(error);
    }
    let message = &excerpt(without_arguments(message));
    Answer::Refused(if has_code(message, &CREDENTIALS) {
        let message = format!("the server refused the login: {message}; correct the user name and the password");
        SyncError::new(ErrorCode::Auth, message)
    } else {
        SyncError::new(ErrorCode::Refused, format!("the server refused the command: {message}"))
    })
}

/// Some servers quote the arguments of a command that they do not know. Those may hold a document.
fn without_arguments(message: &str) -> &str {
    message.split_once(", with args").map_or(message, |(message, _)| message)
}

/// The longest text of a server that an error quotes, in characters.
const MAX_QUOTED: usize = 200;

/// The beginning of a server's text, on one line. What stands between this program and a server may answer with a whole page.
fn excerpt(message: &str) -> String {
    let more = if message.chars().nth(MAX_QUOTED).is_some() { "…" } else { "" };
    let shown = message.chars().take(MAX_QUOTED).map(|c| if c.is_control() { ' ' } else { c });
    shown.chain(more.chars()).collect()
}

/// Whether an error has one of the codes, by itself or as that of a command in a script.
pub(super) fn has_code(message: &str, codes: &[&str]) -> bool {
    // Redis 6 wraps the error of a command in a script.
    let is_wrapped = message.starts_with("ERR Error running script");
    let first = message.split([' ', ',']).next().unwrap_or_default();
    codes.iter().any(|code| first == *code || (is_wrapped && message.contains(&format!("-{code} "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_pass_are_retried() {
        assert!(matches!(answer_to_error("LOADING Redis is loading the dataset in memory"), Answer::Busy(_)));
        assert!(matches!(answer_to_error("NOPERM this user has no permissions"), Answer::Refused(_)));
        let Answer::Refused(error) = answer_to_error("WRONGPASS invalid username-password pair") else { panic!() };
        assert_eq!(error.code, ErrorCode::Auth);
    }

    #[test]
    fn a_digest_that_the_server_does_not_take_is_recognised() {
        let is_no_script = |message: &str| RespReply::Error(message.into()).is_no_script();
        for message in [
            "NOSCRIPT No matching script. Please use EVAL.",
            "ERR unknown command 'EVALSHA', with args beginning with: 'abc'",
            "ERR unknown command `evalsha`, with args beginning with: `abc`",
            "NOPERM this user has no permissions to run the 'evalsha' command or its subcommand",
            "NOPERM User app has no permissions to run the 'evalsha' command",
            "NOPERM app has no ACL permissions",
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
    fn long_texts_of_a_server_are_cut_and_put_on_one_line() {
        let page = format!("ERR <html>\n\u{1b}[31m{}", "é".repeat(10_000));
        let Answer::Refused(error) = answer_to_error(&page) else { panic!() };
        assert!(error.message.chars().count() < 300 && error.message.ends_with('…'), "{error}");
        assert!(!error.message.contains(char::is_control), "{error}");
    }

    #[test]
    fn quoted_arguments_are_left_out() {
        let message = "ERR unknown command 'EVALSHA', with args beginning with: 'secret'";
        let Answer::Refused(error) = answer_to_error(message) else { panic!() };
        assert!(!error.message.contains("secret"));
    }
}
