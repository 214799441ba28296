//! A link to one server.

use super::connection_observer::ConnectionObserver;
use super::connector::Connector;
use super::endpoint::Endpoint;
use super::link_actor::{ActorMessage, LinkActor};
use super::notifications::NotificationOptions;
use super::pipeline::QueuedCommand;
use super::send_queue::SendQueue;
use super::sentinel::Sentinels;
use super::setup_timeout::within_setup_timeout;
use super::subscriptions::Subscriptions;
use crate::backend_capabilities::{Capabilities, Topology};
use crate::backoff::Backoff;
use crate::io_thread::io_thread;
use crate::link::dispatcher::Dispatcher;
use crate::link::{Link, Origin};
use crate::tls::TlsOptions;
use crate::url::SentinelConfig;
use redis::{Cmd, ConnectionInfo, RedisResult, Value};
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::Command;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The limits of the delay between attempts to connect.
const FIRST_DELAY: Duration = Duration::from_millis(20);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

fn reconnect_backoff() -> Backoff {
    Backoff::new(FIRST_DELAY, LONGEST_DELAY)
}

/// A link over one connection, which a task on the I/O thread keeps open. Dropping the link ends the task.
pub(crate) struct RedisLink {
    actor: UnboundedSender<ActorMessage>,
    send_queue: Arc<SendQueue>,
    runtime: &'static Handle,
    topology: Topology,
    /// None for a node of a cluster: the cluster's link has the subscriptions.
    subscriptions: Option<Arc<Subscriptions>>,
}

impl RedisLink {
    /// Start connecting to a server. Errors: `Options`.
    pub(crate) fn open(
        info: ConnectionInfo,
        tls: &TlsOptions,
        notifications: NotificationOptions,
        dispatcher: Arc<Dispatcher>,
    ) -> Result<Self, SyncError> {
        let subscriptions = notifications.subscriptions.clone();
        let endpoint = Endpoint::Server(Arc::new(Connector::new(info, tls, Some(notifications))?));
        Ok(Self { subscriptions, ..Self::start(endpoint, dispatcher, reconnect_backoff())? })
    }

    /// Start connecting to the server that Sentinel names as the master of the service. Errors: `Options`.
    pub(crate) fn open_sentinel(
        config: SentinelConfig,
        tls: &TlsOptions,
        notifications: NotificationOptions,
        dispatcher: Arc<Dispatcher>,
    ) -> Result<Self, SyncError> {
        let subscriptions = notifications.subscriptions.clone();
        let endpoint = Endpoint::Sentinel(Sentinels::new(config, tls, notifications)?);
        Ok(Self { subscriptions, ..Self::start(endpoint, dispatcher, reconnect_backoff())? })
    }

    /// Start connecting. Subscriptions are up to the caller.
    pub(super) fn start(
        endpoint: Endpoint,
        observer: Arc<dyn ConnectionObserver>,
        backoff: Backoff,
    ) -> Result<Self, SyncError> {
        let (actor, inbox) = unbounded_channel();
        let (send_queue, runtime) = (Arc::new(SendQueue::default()), io_thread()?);
        let topology = match endpoint {
            Endpoint::Server(_) => Topology::Single,
            Endpoint::Sentinel(_) => Topology::Sentinel,
        };
        runtime.spawn(LinkActor::new(inbox, observer, Arc::clone(&send_queue), backoff).run(endpoint));
        Ok(Self { actor, send_queue, runtime, topology, subscriptions: None })
    }

    /// Send one command beside the queue, and wait for its reply. None without a connection.
    pub(super) async fn request(&self, command: &Cmd) -> Option<RedisResult<Value>> {
        let mut connection = self.send_queue.connection()?;
        Some(within_setup_timeout(connection.send_packed_command(command)).await)
    }

    /// Queue a command until the next `flush`.
    pub(super) fn queue(&self, command: QueuedCommand) {
        self.send_queue.push(command);
    }

    fn notify_actor(&self, message: ActorMessage) {
        // The task outlives this link. If it were gone, sessions would miss their replies and ask for a reset.
        let _ = self.actor.send(message);
    }
}

impl Link for RedisLink {
    fn send(&self, origin: Origin, command: Command) {
        self.queue(QueuedCommand { origin, command, asking: false });
    }

    fn flush(&self) {
        if !self.send_queue.send_from_caller(self.runtime) {
            self.notify_actor(ActorMessage::Flush);
        }
    }

    fn subscribe(&self, namespace: &str) {
        if let Some(subscriptions) = &self.subscriptions {
            subscriptions.add(namespace);
        }
    }

    fn unsubscribe(&self, namespace: &str) {
        if let Some(subscriptions) = &self.subscriptions {
            subscriptions.remove(namespace);
        }
    }

    fn capabilities(&self) -> Capabilities {
        match self.send_queue.properties() {
            Some(properties) => Capabilities {
                topology: self.topology,
                resp: Some(properties.resp),
                deltas: properties.notifications.deltas,
                invalidations: properties.notifications.invalidations,
            },
            None => Capabilities::of_disconnected(self.topology),
        }
    }

    fn reset(&self) {
        self.notify_actor(ActorMessage::Reset);
    }
}
