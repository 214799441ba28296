//! The subscription to a cluster's deltas. A cluster forwards what is published to all nodes, so that a subscription at one node
//! receives every message, once. Where the nodes refuse that, as those of `DragonflyDB`'s cluster mode do, each channel is
//! subscribed to at the node that has its slot, as a sharded one. A script can publish only on a sharded channel whose slot its
//! node has: all deltas arrive where the prefix has a hash tag.

use super::super::connector::Connector;
use super::super::delta_listener::DeltaListener;
use super::super::notifications::{ChannelKind, is_refusal};
use super::super::slot::Slot;
use super::slot_map::NodeAddress;
use super::topology_refresher::shuffled;
use super::{Cluster, node_backoff, node_info};
use crate::io_thread::io_thread;
use crate::link::Delivery;
use crate::panics::catch_panic_of;
use redis::RedisResult;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::{DeltaDelivery, channel, hash_tag};
use synced_memory_core::session::Input;
use tokio::task::AbortHandle;

/// The interval at which the node must answer a PING. A node that hangs keeps its connections open.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A task that keeps a subscription at one of the cluster's masters, or sharded ones at all of them, and renews it when a
/// master goes away. Dropping the handle ends the task.
pub(super) struct DeltaSubscription(AbortHandle);

impl DeltaSubscription {
    /// Start the task.
    pub(super) fn start(cluster: Arc<Cluster>) -> Result<Self, SyncError> {
        let task = io_thread()?.spawn(async move {
            let Err(panic) = catch_panic_of(keep_subscribed(Arc::clone(&cluster))).await;
            cluster.dispatcher.fail(&panic);
        });
        Ok(Self(task.abort_handle()))
    }
}

impl Drop for DeltaSubscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_subscribed(cluster: Arc<Cluster>) -> Infallible {
    let mut backoff = node_backoff();
    let mut last: Option<NodeAddress> = None;
    let mut was_subscribed = false;
    loop {
        let Some(address) = choose_node(&cluster, last.as_ref()) else {
            cluster.topology_changed.notified().await;
            continue;
        };
        if let Some(mut subscription) = subscribe(&cluster, &address).await {
            let mut notices = vec![cluster.notifications.set_deltas(Some(subscription.delivery))];
            if std::mem::replace(&mut was_subscribed, true) {
                // Deltas were published meanwhile.
                notices.push(Input::ChangedAll);
            }
            cluster.dispatcher.deliver(notices.into_iter().map(Delivery::Notice));
            let started = Instant::now();
            deliver_deltas(&cluster, &mut subscription).await;
            // A node may accept connections only to close them.
            if started.elapsed() > HEARTBEAT {
                backoff.reset();
            }
            let notice = cluster.notifications.set_deltas(None);
            cluster.dispatcher.deliver([Delivery::Notice(notice)]);
        } else {
            // The links to the nodes report why a node cannot be reached. Without deltas, invalidations serve.
            let notice = cluster.notifications.set_deltas(Some(DeltaDelivery::None));
            cluster.dispatcher.deliver([Delivery::Notice(notice)]);
        }
        last = Some(address);
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// A random master, which is not away and not the last one if there is another.
fn choose_node(cluster: &Cluster, last: Option<&NodeAddress>) -> Option<NodeAddress> {
    let router = cluster.router();
    let masters = shuffled(router.masters().into_iter().collect());
    masters.into_iter().min_by_key(|address| (router.is_away(address), Some(address) == last))
}

/// Connections that are subscribed.
struct Subscription {
    listener: DeltaListener,
    delivery: DeltaDelivery,
    nodes: BTreeSet<NodeAddress>,
    is_sharded: bool,
}

impl Subscription {
    /// Whether the subscription has connections to all nodes that it needs, and to no other.
    fn fits(&self, masters: &BTreeSet<NodeAddress>) -> bool {
        if self.is_sharded { self.nodes == *masters } else { self.nodes.is_subset(masters) }
    }
}

/// Subscribe at this node; if it refuses that, to sharded channels at all masters. None if that fails, too.
async fn subscribe(cluster: &Arc<Cluster>, address: &NodeAddress) -> Option<Subscription> {
    let mut listener = DeltaListener::new(Arc::clone(&cluster.subscriptions));
    match listen(cluster, address, &mut listener, ChannelKind::Plain).await {
        Ok(()) => {
            let nodes = BTreeSet::from([address.clone()]);
            Some(Subscription { listener, delivery: DeltaDelivery::Unordered, nodes, is_sharded: false })
        }
        Err(error) if is_refusal(&error) => subscribe_sharded(cluster).await,
        Err(_) => None,
    }
}

async fn subscribe_sharded(cluster: &Arc<Cluster>) -> Option<Subscription> {
    let mut listener = DeltaListener::new(Arc::clone(&cluster.subscriptions));
    let nodes = cluster.router().masters();
    for address in &nodes {
        let (asked, node) = (Arc::clone(cluster), address.clone());
        let serves = move |channel: &str| asked.router().master(Slot::of_key(channel)) == Some(&node);
        if listen(cluster, address, &mut listener, ChannelKind::Sharded(Arc::new(serves))).await.is_err() {
            // The slot of a channel may have moved.
            cluster.refresh_signal.notify_one();
            return None;
        }
    }
    let is_complete = hash_tag(&channel(&cluster.prefix)).is_some();
    let delivery = if is_complete { DeltaDelivery::Unordered } else { DeltaDelivery::None };
    Some(Subscription { listener, delivery, nodes, is_sharded: true })
}

async fn listen(
    cluster: &Cluster,
    address: &NodeAddress,
    listener: &mut DeltaListener,
    channels: ChannelKind,
) -> RedisResult<()> {
    let connector = Connector::new(node_info(&cluster.seeds[0], address), &cluster.tls, None)
        .map_err(|error| io::Error::other(error.message))?;
    connector.listen(listener, channels, HEARTBEAT).await
}

/// Pass deltas on until a connection is lost, the masters have changed, or a reset is asked for.
async fn deliver_deltas(cluster: &Cluster, subscription: &mut Subscription) {
    loop {
        tokio::select! {
            biased;
            next = subscription.listener.next() => match next {
                Some(input) => cluster.dispatcher.deliver([Delivery::Notice(input)]),
                None => return,
            },
            () = cluster.resubscribe.notified() => return,
            () = cluster.topology_changed.notified() => {
                if !subscription.fits(&cluster.router().masters()) {
                    return;
                }
            }
        }
    }
}
