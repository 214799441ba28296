//! A cluster: one link per master and one subscription to deltas, behind what sessions see as one link.

mod cluster_link;
mod delta_subscription;
mod names_cursor;
mod notification_state;
mod replications;
mod router;
mod slot_map;
mod topology_refresher;

pub(crate) use cluster_link::ClusterLink;

use super::connection_observer::ConnectionObserver;
use super::connector::{Connector, with_address};
use super::endpoint::Endpoint;
use super::notifications::NotificationOptions;
use super::pipeline::QueuedCommand;
use super::redirect::Redirect;
use super::redis_link::RedisLink;
use super::subscriptions::Subscriptions;
use crate::backoff::Backoff;
use crate::link::dispatcher::Dispatcher;
use crate::link::{Delivery, Link, Origin, SessionId};
use crate::lock::lock;
use crate::tls::TlsOptions;
use notification_state::{INVALIDATION_DELAY, NotificationState};
use redis::ConnectionInfo;
use router::{LinkNumber, NodeLink, Router};
use slot_map::NodeAddress;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::{Answer, DeltaDelivery};
use synced_memory_core::session::Input;
use tokio::sync::Notify;

/// The parts of a cluster's link that sessions, nodes, the delta subscription and the topology refresher share.
struct Cluster {
    /// The nodes that the URL names.
    seeds: Vec<ConnectionInfo>,
    tls: TlsOptions,
    /// Begins the keys and the channels of all sessions.
    prefix: String,
    dispatcher: Arc<Dispatcher>,
    router: Mutex<Router<RedisLink>>,
    /// Wakes the topology refresher.
    refresh_signal: Notify,
    /// The channels of the sessions, for the one subscription.
    subscriptions: Arc<Subscriptions>,
    notifications: NotificationState,
    /// Wakes the delta subscription after a new map of slots.
    topology_changed: Notify,
    /// Moves the delta subscription to another connection.
    resubscribe: Notify,
}

impl Cluster {
    fn new(
        seeds: Vec<ConnectionInfo>,
        tls: &TlsOptions,
        notifications: NotificationOptions,
        dispatcher: Arc<Dispatcher>,
    ) -> Arc<Self> {
        let (tls, subscriptions) = (tls.clone(), notifications.subscriptions.clone().unwrap_or_default());
        let prefix = notifications.tracked_prefix.clone();
        let node_notifications = NotificationOptions { subscriptions: None, ..notifications };
        Arc::new_cyclic(|cluster: &Weak<Self>| {
            let (cluster, seed, node_tls) = (Weak::clone(cluster), seeds[0].clone(), tls.clone());
            let connect_node = move |address: &NodeAddress, number| {
                let connector = Connector::new(node_info(&seed, address), &node_tls, Some(node_notifications.clone()))?;
                let observer = NodeObserver { cluster: Weak::clone(&cluster), address: address.clone(), number };
                RedisLink::start(Endpoint::Server(Arc::new(connector)), Arc::new(observer), node_backoff())
            };
            let router = Mutex::new(Router::new(connect_node));
            Self {
                seeds,
                tls,
                prefix,
                dispatcher,
                router,
                refresh_signal: Notify::new(),
                subscriptions,
                notifications: NotificationState::default(),
                topology_changed: Notify::new(),
                resubscribe: Notify::new(),
            }
        })
    }

    fn router(&self) -> MutexGuard<'_, Router<RedisLink>> {
        lock(&self.router)
    }

    fn flush(&self) {
        let mut router = self.router();
        let (links, needs_refresh) = (router.take_unflushed(), router.needs_refresh());
        drop(router);
        for link in links {
            link.flush();
        }
        if needs_refresh {
            self.refresh_signal.notify_one();
        }
    }

    /// Deliver invalidated keys a little later, after the deltas of the same commits.
    fn hold_invalidations(self: &Arc<Self>, keys: Vec<String>) {
        if self.notifications.hold(keys) {
            let cluster = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(INVALIDATION_DELAY).await;
                if let Some(cluster) = cluster.upgrade() {
                    cluster.dispatcher.deliver([Delivery::Notice(cluster.notifications.release())]);
                    cluster.flush();
                }
            });
        }
    }
}

/// The delays between attempts to connect to one node: at most twelve attempts while it is away for a minute.
fn node_backoff() -> Backoff {
    Backoff::new(Duration::from_millis(250), Duration::from_secs(20))
}

/// A node at this address, with the login and the options of a seed.
fn node_info(seed: &ConnectionInfo, address: &NodeAddress) -> ConnectionInfo {
    with_address(seed, address.host().to_owned(), address.port())
}

impl NodeLink for RedisLink {
    fn queue(&self, command: QueuedCommand) {
        Self::queue(self, command);
    }
}

/// Receives what comes over the link to one node.
struct NodeObserver {
    cluster: Weak<Cluster>,
    address: NodeAddress,
    number: LinkNumber,
}

impl ConnectionObserver for NodeObserver {
    fn on_notices(&self, notices: Vec<Input>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let mut deliveries = Vec::new();
        for notice in notices {
            match notice {
                Input::Connected => {
                    if cluster.router().node_connected(&self.address, self.number) {
                        deliveries.push(Delivery::Notice(Input::ChangedAll));
                    }
                }
                Input::Disconnected(_) => {
                    let answers = cluster.router().node_disconnected(&self.address, self.number);
                    deliveries.extend(Delivery::answers(answers));
                }
                // Deltas come over the one subscription.
                Input::Notifications(_, invalidations) => {
                    deliveries.push(Delivery::Notice(cluster.notifications.set_invalidations(invalidations)));
                }
                // Every node announces changes of its own slots.
                Input::Changed(keys) if cluster.notifications.deltas() == DeltaDelivery::Unordered => {
                    cluster.hold_invalidations(keys);
                }
                notice => deliveries.push(Delivery::Notice(notice)),
            }
        }
        cluster.dispatcher.deliver(deliveries);
        cluster.flush();
    }

    fn on_reply_arriving(&self, session: SessionId) {
        if let Some(cluster) = self.cluster.upgrade() {
            cluster.dispatcher.wake(session);
        }
    }

    fn on_answers(&self, answers: Vec<(Origin, Answer)>, redirects: Vec<(Origin, Redirect)>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let answers = cluster.router().node_answered(&self.address, answers, redirects);
        cluster.dispatcher.deliver(Delivery::answers(answers));
        cluster.flush();
    }

    fn on_panic(&self, error: &SyncError) {
        if let Some(cluster) = self.cluster.upgrade() {
            cluster.dispatcher.fail(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_away_for_a_minute_gets_at_most_twelve_connections() {
        for _ in 0..1000 {
            let (mut backoff, mut elapsed, mut attempts) = (node_backoff(), Duration::ZERO, 0);
            while elapsed < Duration::from_secs(60) {
                attempts += 1;
                elapsed += backoff.next_delay();
            }
            assert!(attempts <= 12, "{attempts}");
        }
    }
}
