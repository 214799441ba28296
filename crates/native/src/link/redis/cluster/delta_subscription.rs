//! The subscription to a cluster's deltas, at one node. A cluster forwards what is published to all nodes, so that one
//! subscription receives every message, once.

use super::super::connector::Connector;
use super::super::delta_listener::DeltaListener;
use super::slot_map::NodeAddress;
use super::topology_refresher::shuffled;
use super::{Cluster, node_backoff, node_info};
use crate::io_thread::io_thread;
use crate::link::Delivery;
use crate::panics::catch_panic_of;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::DeltaDelivery;
use synced_memory_core::session::Input;
use tokio::task::AbortHandle;

/// The interval at which the node must answer a PING. A node that hangs keeps its connections open.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A task that keeps a subscription at one of the cluster's masters, and moves it when that master goes away. Dropping
/// the handle ends the task.
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
        if let Ok(mut listener) = subscribe(&cluster, &address).await {
            let mut notices = vec![cluster.notifications.set_deltas(Some(DeltaDelivery::Unordered))];
            if std::mem::replace(&mut was_subscribed, true) {
                // Deltas were published meanwhile.
                notices.push(Input::ChangedAll);
            }
            cluster.dispatcher.deliver(notices.into_iter().map(Delivery::Notice));
            let started = Instant::now();
            deliver_deltas(&cluster, &address, &mut listener).await;
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

async fn subscribe(cluster: &Cluster, address: &NodeAddress) -> Result<DeltaListener, SyncError> {
    let connector = Connector::new(node_info(&cluster.seeds[0], address), &cluster.tls, None)?;
    connector.listen(&cluster.subscriptions, HEARTBEAT).await
}

/// Pass deltas on until the connection is lost, the node serves no slots any more, or a reset is asked for.
async fn deliver_deltas(cluster: &Cluster, address: &NodeAddress, listener: &mut DeltaListener) {
    loop {
        tokio::select! {
            biased;
            next = listener.next() => match next {
                Some(input) => cluster.dispatcher.deliver([Delivery::Notice(input)]),
                None => return,
            },
            () = cluster.resubscribe.notified() => return,
            () = cluster.topology_changed.notified() => {
                if !cluster.router().masters().contains(address) {
                    return;
                }
            }
        }
    }
}
