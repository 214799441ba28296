//! The link to a cluster.

use super::super::connector::Connector;
use super::super::notifications::NotificationOptions;
use super::super::slot::Slot;
use super::Cluster;
use super::delta_subscription::DeltaSubscription;
use super::topology_refresher::TopologyRefresher;
use crate::backend_capabilities::{Capabilities, Topology};
use crate::link::dispatcher::Dispatcher;
use crate::link::{Delivery, Link, Origin, SessionId};
use crate::tls::TlsOptions;
use redis::ConnectionInfo;
use std::sync::Arc;
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::Command;

/// A link over one connection per master, and one subscription.
pub(crate) struct ClusterLink {
    cluster: Arc<Cluster>,
    _refresher: TopologyRefresher,
    _delta_subscription: DeltaSubscription,
}

impl ClusterLink {
    /// Start connecting to the cluster that one of these nodes belongs to. Errors: `Options`.
    pub(crate) fn open(
        seeds: Vec<ConnectionInfo>,
        tls: &TlsOptions,
        notifications: NotificationOptions,
        dispatcher: Arc<Dispatcher>,
    ) -> Result<Self, SyncError> {
        for seed in &seeds {
            Connector::new(seed.clone(), tls, None)?;
        }
        let cluster = Cluster::new(seeds, tls, notifications, dispatcher);
        let refresher = TopologyRefresher::start(Arc::clone(&cluster))?;
        let delta_subscription = DeltaSubscription::start(Arc::clone(&cluster))?;
        Ok(Self { cluster, _refresher: refresher, _delta_subscription: delta_subscription })
    }
}

impl Link for ClusterLink {
    fn send(&self, origin: Origin, command: Command) {
        let answer = self.cluster.router().send(origin, command);
        self.cluster.dispatcher.deliver(Delivery::answers(answer.into_iter().collect()));
    }

    fn flush(&self) {
        self.cluster.flush();
    }

    fn subscribe(&self, namespace: &str) {
        self.cluster.subscriptions.add(namespace);
    }

    fn unsubscribe(&self, namespace: &str) {
        self.cluster.subscriptions.remove(namespace);
    }

    /// The properties of one node, and how the subscription delivers deltas. All nodes are alike.
    fn capabilities(&self) -> Capabilities {
        let nodes = self.cluster.router().links();
        let connected = nodes.iter().map(|node| node.capabilities()).find(|node| node.resp.is_some());
        let capabilities = connected.unwrap_or_else(|| Capabilities::of_disconnected(Topology::Cluster));
        Capabilities { topology: Topology::Cluster, deltas: self.cluster.notifications.deltas(), ..capabilities }
    }

    fn may_share_group(&self, one: &str, other: &str) -> bool {
        Slot::of_key(one) == Slot::of_key(other)
    }

    fn forget_session(&self, session: SessionId) {
        self.cluster.router().forget_session(session);
    }

    /// Replace all connections, because it is not known which node has not answered.
    fn reset(&self) {
        for link in self.cluster.router().links() {
            link.reset();
        }
        self.cluster.resubscribe.notify_one();
    }
}
