//! One memory: a session, and what its host has been asked to send.

use std::collections::VecDeque;
use std::vec::IntoIter;
use synced_memory_core::command::{Answer, Changes, Commits, Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::numbered::Numbered;
use synced_memory_core::resp::{Args, Exchange, Next, Reply};
use synced_memory_core::session::{Config, Now, Session};

pub(crate) struct Line {
    pub(crate) session: Session,
    is_connected: bool,
    /// Of the request that is on its way out.
    commands: IntoIter<Args>,
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
            commands: IntoIter::default(),
            exchanges: Numbered::default(),
            again: VecDeque::new(),
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

    /// The next request that may go out now; its commands are the next that [`Self::command`] gives.
    pub(crate) fn request(&mut self, now: Now) -> Option<RequestId> {
        let (request, exchange, commands) = self.again.pop_front().or_else(|| {
            let (request, command) = self.session.poll_command(now)?;
            let (exchange, commands) = Exchange::new(command);
            Some((request, exchange, commands))
        })?;
        self.exchanges.insert(request.0, exchange);
        self.commands = commands.into_iter();
        Some(request)
    }

    /// The next command of the last request; empty where there is none.
    pub(crate) fn command(&mut self) -> Args {
        self.commands.next().unwrap_or_default()
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
    fn forget(&mut self) {
        self.exchanges.clear();
        self.again.clear();
    }
}
