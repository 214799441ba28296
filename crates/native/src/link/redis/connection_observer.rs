//! The receiver of what comes over a connection.

use super::redirect::Redirect;
use crate::link::dispatcher::Dispatcher;
use crate::link::{Delivery, Origin, SessionId};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::Answer;
use synced_memory_core::session::Input;

/// Receives what comes over the connections of one link.
pub(super) trait ConnectionObserver: Send + Sync {
    /// Notices about the connection, or from the server.
    fn on_notices(&self, notices: Vec<Input>);

    /// The answer for this session has arrived, but is not parsed yet.
    fn on_reply_arriving(&self, session: SessionId);

    /// Answers, in the order of their commands. A redirected command has an entry in both lists.
    fn on_answers(&self, answers: Vec<(Origin, Answer)>, redirects: Vec<(Origin, Redirect)>);

    /// The task that has the connection panicked.
    fn on_panic(&self, error: &SyncError);
}

/// For a link to one server, where a redirect is a refusal like any other.
impl ConnectionObserver for Dispatcher {
    fn on_notices(&self, notices: Vec<Input>) {
        self.deliver(notices.into_iter().map(Delivery::Notice));
    }

    fn on_reply_arriving(&self, session: SessionId) {
        self.wake(session);
    }

    fn on_answers(&self, answers: Vec<(Origin, Answer)>, _redirects: Vec<(Origin, Redirect)>) {
        self.deliver(Delivery::answers(answers));
    }

    fn on_panic(&self, error: &SyncError) {
        self.fail(error);
    }
}
