//! The links of this process: one for all sessions that use the same store in the same way.

use super::Link;
use super::dispatcher::Dispatcher;
use super::file::FileLink;
use super::in_process_link::InProcessLink;
use super::redis::{ClusterLink, NotificationOptions, RedisLink, Subscriptions};
use crate::lock::lock;
use crate::options::OpenOptions;
use crate::tls::TlsOptions;
use crate::url::{self, Target};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, Weak};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::namespace_of;

/// The links that are in use.
static LINKS: LazyLock<Mutex<HashMap<LinkKey, Weak<SharedLink>>>> = LazyLock::new(Mutex::default);

/// A link and the sessions on it.
pub(super) struct SharedLink {
    pub(super) link: Box<dyn Link>,
    pub(super) dispatcher: Arc<Dispatcher>,
}

/// Sessions for which all of this is equal share a link.
#[derive(Clone, PartialEq, Eq, Hash)]
struct LinkKey {
    url: String,
    /// The absolute path of a file, because the working directory may change between two calls.
    path: Option<PathBuf>,
    tls: TlsOptions,
    /// The start of the keys that the server reports changes of.
    base: String,
}

impl SharedLink {
    /// The link to the store that the options name, subscribed to the namespace of their prefix: the one in use, or a
    /// new one. Errors: `Options`.
    pub(super) fn open(options: &OpenOptions) -> Result<Arc<Self>, SyncError> {
        let target = url::parse(&options.url)?;
        if let Target::Memory(None) = target {
            // A private store is never shared.
            return Self::connect(target, options).map(Arc::new);
        }
        let key = LinkKey::new(&target, options);
        let mut links = lock(&LINKS);
        let in_use = links.get(&key).and_then(Weak::upgrade);
        // If a file was removed, the next session to open it creates a new one, which the other sessions then find.
        let is_usable = |shared: &Arc<Self>| {
            let is_removed_file = matches!(target, Target::File(_)) && shared.dispatcher.is_disconnected();
            !is_removed_file && !shared.dispatcher.has_failed()
        };
        if let Some(shared) = in_use.filter(is_usable) {
            shared.link.subscribe(namespace_of(&options.prefix));
            return Ok(shared);
        }
        let shared = Arc::new(Self::connect(target, options)?);
        links.retain(|_, link| link.strong_count() > 0);
        links.insert(key, Arc::downgrade(&shared));
        Ok(shared)
    }

    fn connect(target: Target, options: &OpenOptions) -> Result<Self, SyncError> {
        let dispatcher = Arc::new(Dispatcher::default());
        let receiver = Arc::clone(&dispatcher);
        let tls = &options.tls;
        let notifications = || NotificationOptions {
            tracked_prefix: options.base.clone(),
            subscriptions: Some(Arc::new(Subscriptions::to(namespace_of(&options.prefix)))),
        };
        let link: Box<dyn Link> = match target {
            Target::Redis(info) => Box::new(RedisLink::open(*info, tls, notifications(), receiver)?),
            Target::Sentinel(config) => Box::new(RedisLink::open_sentinel(config, tls, notifications(), receiver)?),
            Target::Cluster(nodes) => Box::new(ClusterLink::open(nodes, tls, notifications(), receiver)?),
            Target::File(path) => Box::new(FileLink::open(path, receiver)?),
            Target::Memory(name) => Box::new(InProcessLink::open(name, receiver)),
        };
        Ok(Self { link, dispatcher })
    }
}

impl LinkKey {
    fn new(target: &Target, options: &OpenOptions) -> Self {
        let path = match target {
            Target::File(path) => std::path::absolute(path).ok(),
            _ => None,
        };
        Self { url: options.url.clone(), path, tls: options.tls.clone(), base: options.base.clone() }
    }
}
