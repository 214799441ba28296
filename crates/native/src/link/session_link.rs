//! The end of a shared link that one session holds.

use super::shared_link::SharedLink;
use super::{Link, Origin, SessionId};
use crate::mailbox::Mailbox;
use crate::options::OpenOptions;
use std::sync::Arc;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::{Command, RequestId, is_reserved_prefix, namespace_of};

/// Sends the commands of one session over a link that it may share with others. Dropping the last one closes the link.
pub(crate) struct SessionLink {
    shared: Arc<SharedLink>,
    session: SessionId,
    prefix: String,
}

impl SessionLink {
    /// A session on the link to the store that the options name: the one in use, or a new one. The state of the
    /// connection, and all that follows, goes to the mailbox. Errors: `Options`.
    pub(crate) fn open(options: &OpenOptions, mailbox: Arc<Mailbox>) -> Result<Self, SyncError> {
        if is_reserved_prefix(&options.prefix) {
            let message =
                format!("the prefix {:?} is reserved: keys that begin with sm: belong to the protocol", options.prefix);
            return Err(SyncError::new(ErrorCode::Options, message));
        }
        let shared = SharedLink::open(options)?;
        Ok(Self::join(shared, &options.prefix, mailbox))
    }

    /// Another session on the same link, for keys that start with this prefix.
    pub(crate) fn open_sibling(&self, prefix: &str, mailbox: Arc<Mailbox>) -> Self {
        self.shared().subscribe(namespace_of(prefix));
        Self::join(Arc::clone(&self.shared), prefix, mailbox)
    }

    /// The link is subscribed to the namespace of the prefix already.
    fn join(shared: Arc<SharedLink>, prefix: &str, mailbox: Arc<Mailbox>) -> Self {
        let session = shared.dispatcher.join(prefix, mailbox);
        Self { shared, session, prefix: prefix.to_owned() }
    }

    /// Send a command of this session: see [`Link::send`].
    pub(crate) fn send(&self, request: RequestId, command: Command) {
        self.shared().send(Origin { session: self.session, request }, command);
    }

    /// The prefix of the session's keys.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The link itself, for calls that concern all sessions on it.
    pub(crate) fn shared(&self) -> &dyn Link {
        self.shared.link.as_ref()
    }
}

impl Drop for SessionLink {
    fn drop(&mut self) {
        self.shared.dispatcher.leave(self.session, &self.prefix);
        self.shared().forget_session(self.session);
        self.shared().unsubscribe(namespace_of(&self.prefix));
    }
}
