//! One memory: a session, and what its host has been asked to send.

use std::collections::VecDeque;
use synced_memory_core::command::{Answer, Input, RequestId};
use synced_memory_core::error::ErrorCode;
use synced_memory_core::numbered::Numbered;
use synced_memory_core::resp::{Args, Exchange, Next, Reply};
use synced_memory_core::session::{Config, Now, Session};

pub(crate) struct Line {
    pub(crate) session: Session,
    pub(crate) is_connected: bool,
    /// Sent, not answered.
    exchanges: Numbered<Exchange>,
    /// What the server did not have the script for. It goes out again in the order it was first sent, and before
    /// anything else: a commit must not overtake the one it builds on.
    again: VecDeque<(RequestId, Exchange, Vec<Args>)>,
}

impl Line {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            session: Session::new(config),
            is_connected: false,
            exchanges: Numbered::default(),
            again: VecDeque::new(),
        }
    }

    /// Hand everything that may go out now to `send`.
    pub(crate) fn commands(&mut self, now: Now, mut send: impl FnMut(RequestId, Vec<Args>)) {
        while let Some((request, exchange, commands)) = self.again.pop_front() {
            self.exchanges.insert(request.0, exchange);
            send(request, commands);
        }
        while let Some((request, command)) = self.session.poll_command(now) {
            let (exchange, commands) = Exchange::new(command);
            self.exchanges.insert(request.0, exchange);
            send(request, commands);
        }
    }

    /// Take the replies to a request. False where they are no answer to it: then nothing has been taken.
    pub(crate) fn answer(&mut self, request: RequestId, replies: Vec<Reply>, now: Now) -> bool {
        let Some(exchange) = self.exchanges.remove(request.0) else { return false };
        match exchange.take(replies) {
            Next::Again(exchange, commands) => self.again.push_back((request, exchange, commands)),
            // A transport that garbles what the server said is one that lost it.
            Next::Done(Answer::Refused(error)) if error.code == ErrorCode::Internal => return false,
            Next::Done(answer) => self.session.handle(now, Input::Answer(request, answer)),
        }
        true
    }

    /// Answers to what has been sent will not be taken any more.
    pub(crate) fn forget(&mut self) {
        self.exchanges.clear();
        self.again.clear();
    }
}
