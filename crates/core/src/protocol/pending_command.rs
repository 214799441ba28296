//! Commands between their encoding and the replies to them.

use super::answer::Answer;
use super::command::Command;
use super::decode_answer::decode_replies;
use super::encode_command::{RespCommand, encode_command};
use super::resp_reply::RespReply;
use super::scripts::CommitForm;
use crate::error::{ErrorCode, SyncError};

/// One abstract command whose replies have not been taken.
#[derive(Debug)]
pub struct PendingCommand {
    command: Command,
    form: CommitForm,
    script: ScriptText,
    /// The reason why the server gets another command, which changes nothing.
    refusal: Option<SyncError>,
}

/// How the RESP command of a commit or a group carries its script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ScriptText {
    /// As its SHA-1 digest: the server may have the script cached.
    Digest,
    /// As its digest, behind a command that is resent with the text.
    DigestAfterText,
    /// As its text.
    Text,
}

/// The outcome of the replies to a [`PendingCommand`].
#[derive(Debug)]
pub enum ReplyOutcome {
    /// The command is answered; the answer is for the session.
    Answered(Answer),
    /// The server does not have the script cached: send these RESP commands, and take the replies to them.
    Resend(PendingCommand, Vec<RespCommand>),
}

impl PendingCommand {
    /// Encode a command for a server that takes this form of scripts. Returns the RESP commands to send, in order, too.
    pub fn new(command: Command, form: CommitForm) -> (Self, Vec<RespCommand>) {
        Self { command, form, script: ScriptText::Digest, refusal: None }.encode()
    }

    fn encode(mut self) -> (Self, Vec<RespCommand>) {
        let commands = encode_command(&self.command, self.form, self.script == ScriptText::Text);
        self.refusal = self.too_many_arguments(&commands);
        // The reply to a command that changes nothing keeps the answer in order.
        let commands = if self.refusal.is_some() { vec![vec![b"EXISTS".to_vec(), self.first_key()]] } else { commands };
        (self, commands)
    }

    /// The error of a group that is too large for the server.
    fn too_many_arguments(&self, commands: &[RespCommand]) -> Option<SyncError> {
        let arguments = commands.iter().map(Vec::len).max().unwrap_or(0);
        let max_arguments = self.form.max_arguments();
        if let Command::Compare { checks } = &self.command {
            let message = format!("the server cannot compare {} documents at one moment", checks.len());
            return (arguments > max_arguments).then(|| SyncError::new(ErrorCode::TooLarge, message));
        }
        let Command::Group(group, _) = &self.command else { return None };
        if group.commits.len() <= self.form.max_group_commits() && arguments <= max_arguments {
            return None;
        }
        let count = group.guard_count();
        let at_most = self.form.max_group_commits().min(max_arguments / 16);
        Some(SyncError::new(
            ErrorCode::TooLarge,
            format!(
                "a batch or transaction of {count} attributes is too large for the server: its command would have \
                 {arguments} arguments; change and read at most {at_most} attributes together"
            ),
        ))
    }

    fn first_key(&self) -> Vec<u8> {
        let Command::Group(group, _) = &self.command else { return Vec::new() };
        let changed = group.commits.first().map(|commit| &commit.key);
        let read = group.checks.iter().chain(&group.names).next().map(|(key, _)| key);
        changed.or(read).map(|key| key.clone().into_bytes()).unwrap_or_default()
    }

    /// Take the replies, one for each RESP command, in order.
    ///
    /// `is_text_resent` belongs to what the caller resends together, in order, on one connection: where it is set, a
    /// command in front carries the script's text, and this one carries only the digest. The texts of thousands of
    /// commands would be megabytes.
    pub fn take_replies(self, replies: Vec<RespReply>, is_text_resent: &mut bool) -> ReplyOutcome {
        if let Some(error) = self.refusal {
            return ReplyOutcome::Answered(Answer::Refused(error));
        }
        if self.script == ScriptText::Text || !replies.iter().any(RespReply::is_no_script) {
            return ReplyOutcome::Answered(decode_replies(&self.command, replies));
        }
        let is_behind_text = std::mem::replace(is_text_resent, true) && self.script == ScriptText::Digest;
        let script = if is_behind_text { ScriptText::DigestAfterText } else { ScriptText::Text };
        let (pending, commands) = Self { script, ..self }.encode();
        ReplyOutcome::Resend(pending, commands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Guard;
    use crate::ids::WriterId;
    use crate::protocol::{Group, ReservationRequest};
    use std::sync::Arc;

    #[test]
    fn a_group_that_is_too_large_for_a_server_is_refused_without_sending_it() {
        let group = |keys: usize| {
            let checks = (0..keys).map(|n| (format!("memory:{n}"), Guard::Absent)).collect();
            let group = Group {
                commits: Vec::new(),
                checks,
                names: None,
                is_announced: false,
                writer: WriterId("w".into()),
                reservation: ReservationRequest::None,
                mark_key: None,
            };
            Command::Group(Arc::new(group), None)
        };
        for (keys, form, is_refused) in [
            (13_000, CommitForm::Reserved, false),
            (13_200, CommitForm::Reserved, true),
            (13_200, CommitForm::Standard, false),
            (300_000, CommitForm::Standard, true),
        ] {
            let (pending, commands) = PendingCommand::new(group(keys), form);
            assert!(commands[0].len() <= form.max_arguments());
            assert_eq!(commands == [[b"EXISTS".to_vec(), b"memory:0".to_vec()]], is_refused, "{keys} {form:?}");
            if is_refused {
                let outcome = pending.take_replies(vec![RespReply::Int(0)], &mut false);
                let ReplyOutcome::Answered(Answer::Refused(error)) = outcome else { panic!("{outcome:?}") };
                assert_eq!(error.code, ErrorCode::TooLarge);
            }
        }
    }
}
