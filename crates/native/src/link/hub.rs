//! One link for all sessions of this process that go to the same place.

use super::file::FileLink;
use super::memory::MemoryLink;
use super::redis::{Channels, ClusterLink, Listening, RedisLink};
use super::switchboard::{Switchboard, place};
use super::{Link, Origin, SessionId};
use crate::mailbox::Mailbox;
use crate::memory::Tls;
use crate::url::Target;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use synced_memory_core::command::{Command, RequestId};
use synced_memory_core::error::SyncError;

/// The links that are in use.
static HUBS: LazyLock<Mutex<HashMap<Place, Weak<Hub>>>> = LazyLock::new(Mutex::default);

/// What leads to a link. Relative paths of files count from where the process is when they are opened.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    url: String,
    folder: Option<PathBuf>,
    tls: Tls,
    /// What the keys of all its sessions start with.
    base: String,
}

struct Hub {
    link: Box<dyn Link>,
    board: Arc<Switchboard>,
}

/// One session's end of a link. Dropping the last one closes the connection.
pub(crate) struct Port {
    hub: Arc<Hub>,
    session: SessionId,
    prefix: String,
}

impl Port {
    /// A session with keys under `prefix`, which starts with `base`, on the link that there is or on a new one. How the
    /// connection is and all that follows goes to the mailbox.
    pub(crate) fn open(
        url: &str,
        tls: &Tls,
        base: &str,
        prefix: &str,
        mailbox: Arc<Mailbox>,
    ) -> Result<Self, SyncError> {
        let target = crate::url::parse(url)?;
        let folder = match &target {
            Target::File(path) => std::path::absolute(path).ok(),
            _ => None,
        };
        let known = Place { url: url.to_owned(), folder, tls: tls.clone(), base: base.to_owned() };
        let is_shared = !matches!(target, Target::Memory(None));
        let mut hubs = HUBS.lock().unwrap_or_else(PoisonError::into_inner);
        let hub = hubs.get(&known).filter(|_| is_shared).and_then(Weak::upgrade);
        // A file that was taken away is made anew by who opens it next, and the others find it there.
        let is_usable = |hub: &Arc<Hub>| !matches!(target, Target::File(_)) || !hub.board.is_disconnected();
        let hub = if let Some(hub) = hub.filter(is_usable) {
            hub.link.follow(place(prefix));
            hub
        } else {
            let hub = Arc::new(Hub::open(target, tls, base, prefix)?);
            hubs.retain(|_, hub| hub.strong_count() > 0);
            if is_shared {
                hubs.insert(known, Arc::downgrade(&hub));
            }
            hub
        };
        drop(hubs);
        Ok(Self::join(hub, prefix, mailbox))
    }

    /// Another session on the same link, with keys of the same base.
    pub(crate) fn beside(&self, prefix: &str, mailbox: Arc<Mailbox>) -> Self {
        self.hub.link.follow(place(prefix));
        Self::join(Arc::clone(&self.hub), prefix, mailbox)
    }

    fn join(hub: Arc<Hub>, prefix: &str, mailbox: Arc<Mailbox>) -> Self {
        let session = hub.board.join(prefix, mailbox);
        Self { hub, session, prefix: prefix.to_owned() }
    }

    pub(crate) fn send(&self, request: RequestId, command: Command) {
        self.hub.link.send(Origin { session: self.session, request }, command);
    }

    /// What the session's keys start with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn link(&self) -> &dyn Link {
        self.hub.link.as_ref()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.hub.board.leave(self.session, &self.prefix);
        self.hub.link.unfollow(place(&self.prefix));
    }
}

impl Hub {
    /// A link that follows what a first session with this prefix wants to hear.
    fn open(target: Target, tls: &Tls, base: &str, first_prefix: &str) -> Result<Self, SyncError> {
        let board = Arc::new(Switchboard::default());
        let receiver = Arc::clone(&board);
        let listening = || {
            let channels = Arc::new(Channels::default());
            channels.follow(place(first_prefix));
            Listening { base: base.to_owned(), channels }
        };
        let link: Box<dyn Link> = match target {
            Target::Redis(info) => Box::new(RedisLink::open(*info, tls, listening(), receiver)?),
            Target::Service(service) => Box::new(RedisLink::open_service(service, tls, listening(), receiver)?),
            Target::Cluster(nodes) => Box::new(ClusterLink::open(nodes, tls, listening(), receiver)?),
            Target::File(path) => Box::new(FileLink::open(&path, receiver)?),
            Target::Memory(name) => Box::new(MemoryLink::open(name, receiver)),
        };
        Ok(Self { link, board })
    }
}
