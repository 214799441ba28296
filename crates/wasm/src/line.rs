//! One memory: a session, and what its host has been asked to send.

use std::collections::VecDeque;
use synced_memory_core::command::{Answer, Changes, Commits, Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::numbered::Numbered;
use synced_memory_core::resp::{Args, Exchange, Next, Reply};
use synced_memory_core::session::{Config, Now, Session};

/// What goes out at once has about so many bytes, unless a single command has more: what carries it may have a limit.
const ENOUGH_BYTES: usize = 500_000;

pub(crate) struct Line {
    pub(crate) session: Session,
    is_connected: bool,
    /// Sent, not answered.
    exchanges: Numbered<Exchange>,
    /// What the server did not have the script for. It goes out again in the order it was first sent, and before
    /// anything else: a commit must not overtake the one it builds on.
    again: VecDeque<(RequestId, Exchange, Vec<Args>)>,
    is_reloaded: bool,
}

impl Line {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            session: Session::new(config),
            is_connected: false,
            exchanges: Numbered::default(),
            again: VecDeque::new(),
            is_reloaded: false,
        }
    }

    /// The transport may be used (again).
    pub(crate) fn connected(&mut self, now: Now) {
        self.forget();
        self.is_connected = true;
        self.session.handle(now, Input::Connected);
    }

    /// The transport cannot be used.
    pub(crate) fn disconnected(&mut self, error: SyncError, now: Now) {
        self.forget();
        self.is_connected = false;
        self.session.handle(now, Input::Disconnected(error));
    }

    /// Do the messages of the memory's channel come here?
    pub(crate) fn listens(&mut self, is_so: bool, now: Now) {
        let commits = if is_so { Commits::Beside } else { Commits::Unheard };
        self.session.handle(now, Input::Hears(commits, Changes::Unheard));
        // Nobody has told what was committed until then.
        if is_so && self.is_connected {
            self.session.handle(now, Input::ChangedAll);
        }
    }

    /// Requests that may go out now, in order: of each its number (64 bits, a float), how many commands it has, of each
    /// command how many arguments, and of each argument its length and its bytes; numbers are of 32 bits, all little-endian.
    pub(crate) fn requests(&mut self, now: Now) -> Vec<u8> {
        self.is_reloaded = false;
        let mut out = Vec::new();
        while out.len() < ENOUGH_BYTES {
            let Some((request, exchange, commands)) = self.next_request(now) else { break };
            self.exchanges.insert(request.0, exchange);
            out.extend_from_slice(&(request.0 as f64).to_le_bytes());
            write_length(&mut out, commands.len());
            for command in commands {
                write_length(&mut out, command.len());
                for argument in command {
                    write_length(&mut out, argument.len());
                    out.extend_from_slice(&argument);
                }
            }
        }
        out
    }

    fn next_request(&mut self, now: Now) -> Option<(RequestId, Exchange, Vec<Args>)> {
        self.again.pop_front().or_else(|| {
            let (request, command) = self.session.poll_command(now)?;
            let (exchange, commands) = Exchange::new(command);
            Some((request, exchange, commands))
        })
    }

    /// Take the replies to a request. False where they are no answer to it: then nothing has been taken.
    pub(crate) fn answer(&mut self, request: RequestId, replies: Vec<Reply>, now: Now) -> bool {
        let Some(exchange) = self.exchanges.remove(request.0) else { return false };
        match exchange.take(replies, &mut self.is_reloaded) {
            Next::Again(exchange, commands) => self.again.push_back((request, exchange, commands)),
            // A transport that garbles what the server said is one that lost it.
            Next::Done(Answer::Refused(error)) if error.code == ErrorCode::Internal => return false,
            Next::Done(answer) => self.session.handle(now, Input::Answer(request, answer)),
        }
        true
    }

    /// Answers to what has been sent will not be taken any more.
    fn forget(&mut self) {
        self.exchanges.clear();
        self.again.clear();
    }
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}
