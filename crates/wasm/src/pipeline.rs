//! The requests that the transport carries for one session.

use crate::resp::{command_to_js, reply_from_js};
use js_sys::Array;
use std::collections::VecDeque;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::{
    Answer, Command, CommitForm, PendingCommand, ReplyOutcome, RequestId, RespCommand, RespReply,
};
use synced_memory_core::session::{Input, Session};
use synced_memory_core::time::Now;
use wasm_bindgen::JsValue;

/// A request with this many bytes takes no further command. Transports may limit the size of a request.
const FULL_REQUEST_BYTES: usize = 500_000;

/// Puts the session's commands into requests of the transport and matches replies to them by order.
#[derive(Default)]
pub(crate) struct Pipeline {
    /// The commands of the request that the transport carries now, in order.
    sent: VecDeque<SentCommand>,
    /// Commands for which the server did not have the script. They are sent again in their first order and before any other:
    /// a commit must not overtake the one that it builds on.
    resend: VecDeque<UnsentCommand>,
}

/// The RESP commands of one request of the transport.
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) commands: Array,
    bytes: usize,
}

struct SentCommand {
    id: RequestId,
    pending: PendingCommand,
    /// The number of its RESP commands, each of which has a reply.
    replies: usize,
}

struct UnsentCommand {
    id: RequestId,
    pending: PendingCommand,
    commands: Vec<RespCommand>,
}

impl Request {
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < FULL_REQUEST_BYTES
    }
}

impl Pipeline {
    /// Begins a request, with the commands to be sent again.
    pub(crate) fn begin_request(&mut self) -> Request {
        let mut request = Request::default();
        while request.has_room()
            && let Some(command) = self.resend.pop_front()
        {
            self.send(&mut request, command);
        }
        request
    }

    /// Adds a command of the session to a request.
    pub(crate) fn add(&mut self, request: &mut Request, id: RequestId, command: Command) {
        // A transport does not say which server it reaches.
        let (pending, commands) = PendingCommand::new(command, CommitForm::Reserved);
        self.send(request, UnsentCommand { id, pending, commands });
    }

    fn send(&mut self, request: &mut Request, UnsentCommand { id, pending, commands }: UnsentCommand) {
        for command in &commands {
            request.bytes += command.iter().map(Vec::len).sum::<usize>();
            request.commands.push(&command_to_js(command));
        }
        self.sent.push_back(SentCommand { id, pending, replies: commands.len() });
    }

    /// Passes the replies to the last request to the session. Fails where the connection must be given up: the login was
    /// refused, or these are not the replies to those commands. Answers before the faulty one have been passed on.
    pub(crate) fn receive(&mut self, session: &mut Session, replies: &[JsValue], now: Now) -> Result<(), SyncError> {
        let replies: Option<Vec<RespReply>> = replies.iter().map(reply_from_js).collect();
        let mut replies = replies.ok_or_else(mismatch)?;
        if let Some(refusal) = replies.iter().find_map(RespReply::login_refusal) {
            return Err(login_refused(refusal));
        }
        if replies.len() != self.sent.iter().map(|command| command.replies).sum::<usize>() {
            return Err(mismatch());
        }
        let mut is_script_sent = false;
        for SentCommand { id, pending, replies: count } in std::mem::take(&mut self.sent) {
            let rest = replies.split_off(count);
            match pending.take_replies(std::mem::replace(&mut replies, rest), &mut is_script_sent) {
                ReplyOutcome::Resend(pending, commands) => {
                    self.resend.push_back(UnsentCommand { id, pending, commands });
                }
                ReplyOutcome::Answered(Answer::Refused(error)) if error.code == ErrorCode::Internal => {
                    return Err(mismatch());
                }
                ReplyOutcome::Answered(answer) => session.handle(now, Input::Answer(id, answer)),
            }
        }
        Ok(())
    }

    /// Forgets all commands: no replies will come.
    pub(crate) fn clear(&mut self) {
        self.sent.clear();
        self.resend.clear();
    }
}

fn login_refused(refusal: &str) -> SyncError {
    let remedy = "correct user and password in the URL or the options of the transport";
    SyncError::new(ErrorCode::Auth, format!("the server refused the login: {refusal}; {remedy}"))
}

fn mismatch() -> SyncError {
    SyncError::new(
        ErrorCode::Unreachable,
        "the transport failed: it returned something other than one reply to each command; trying again",
    )
}
