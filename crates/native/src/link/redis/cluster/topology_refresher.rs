//! Keeping the map of slots up to date.

use super::super::connector::Connector;
use super::slot_map::{NodeAddress, SlotMap};
use super::{Cluster, node_info};
use crate::backoff::Backoff;
use crate::io_thread::io_thread;
use crate::link::Delivery;
use crate::panics::catch_panic_of;
use redis::{ConnectionAddr, ConnectionInfo, cmd};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::session::Input;
use tokio::task::AbortHandle;

/// The shortest delay between two refreshes.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest delay while the map of slots is out of date and a link is there to ask for it.
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay while every refresh needs a new connection.
const LONGEST_CONNECTION_DELAY: Duration = Duration::from_secs(5);

/// A task that fetches the map of slots at the start, and again whenever it turns out to be incomplete or out of date.
/// Dropping the handle ends the task.
pub(super) struct TopologyRefresher(AbortHandle);

impl TopologyRefresher {
    /// Start the task.
    pub(super) fn start(cluster: Arc<Cluster>) -> Result<Self, SyncError> {
        let task = io_thread()?.spawn(async move {
            let refreshing = catch_panic_of(keep_refreshed(Arc::clone(&cluster)));
            let Err(panic) = refreshing.await;
            cluster.dispatcher.fail(&panic);
        });
        Ok(Self(task.abort_handle()))
    }
}

impl Drop for TopologyRefresher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_refreshed(cluster: Arc<Cluster>) -> Infallible {
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    let mut connection_backoff = Backoff::new(FIRST_DELAY, LONGEST_CONNECTION_DELAY);
    let mut is_connected = false;
    let mut reported = None;
    loop {
        let over_link = fetch_over_links(&cluster).await;
        let is_over_link = over_link.is_some();
        let fetched = match over_link {
            Some(slots) => Ok(slots),
            None => fetch_over_new_connection(&cluster).await,
        };
        match fetched {
            Ok(slots) => {
                let needs_refresh = {
                    let mut router = cluster.router();
                    router.set_slots(slots);
                    if router.needs_refresh() {
                        router.ensure_link(random_index());
                    }
                    router.needs_refresh()
                };
                cluster.topology_changed.notify_one();
                reported = None;
                if !is_connected {
                    cluster.notifications.deltas_decided().await;
                }
                if !std::mem::replace(&mut is_connected, true) {
                    cluster.dispatcher.deliver([Delivery::Notice(Input::Connected)]);
                }
                if !needs_refresh {
                    backoff.reset();
                    connection_backoff.reset();
                    let signal = cluster.refresh_signal.notified();
                    if !cluster.router().needs_refresh() {
                        signal.await;
                    }
                }
            }
            Err(error) => {
                if std::mem::take(&mut is_connected) {
                    cluster.router().disconnect_all();
                }
                // One notice is enough for a failure that repeats itself.
                if reported.replace(error.code) != Some(error.code) {
                    cluster.dispatcher.deliver([Delivery::Notice(Input::Disconnected(error))]);
                }
            }
        }
        let delay = if is_over_link { backoff.next_delay() } else { connection_backoff.next_delay() };
        tokio::time::sleep(delay).await;
    }
}

/// Ask the connected nodes in random order. None if there is none that answers.
async fn fetch_over_links(cluster: &Cluster) -> Option<SlotMap> {
    let links = cluster.router().connected_links();
    for (address, link) in shuffled(links) {
        if let Some(Ok(reply)) = link.request(cmd("CLUSTER").arg("SLOTS")).await
            && let Ok(slots) = SlotMap::from_reply(reply, address.host())
        {
            return Some(slots);
        }
    }
    None
}

/// Connect to the known nodes and the seeds in random order until one answers. Nodes that are away are left to their
/// links, unless there is no other.
async fn fetch_over_new_connection(cluster: &Cluster) -> Result<SlotMap, SyncError> {
    let (away, present): (Vec<_>, Vec<_>) = {
        let router = cluster.router();
        let nodes = router.nodes().into_iter().map(|address| (node_info(&cluster.seeds[0], &address), address));
        let seeds = cluster.seeds.iter().filter_map(|seed| Some((seed.clone(), address_of(seed)?)));
        nodes.chain(seeds).partition(|(_, address)| router.is_away(address))
    };
    let candidates = if present.is_empty() { away } else { present };
    let mut last_error = None;
    for (info, address) in shuffled(candidates) {
        match fetch_slots(cluster, info, &address).await {
            Ok(slots) => return Ok(slots),
            // An error that lasts says more than one that may pass.
            Err(error) if last_error.as_ref().is_none_or(|last: &SyncError| !last.code.is_lasting()) => {
                last_error = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(last_error.unwrap_or_else(|| SyncError::new(ErrorCode::Options, "a node of a cluster needs a host and a port")))
}

async fn fetch_slots(cluster: &Cluster, info: ConnectionInfo, address: &NodeAddress) -> Result<SlotMap, SyncError> {
    let connector = Connector::new(info, &cluster.tls, None)?;
    let mut connection = connector.connect().await?;
    let reply = connection.request(cmd("CLUSTER").arg("SLOTS")).await;
    reply
        .and_then(|reply| SlotMap::from_reply(reply, address.host()))
        .map_err(|error| connector.errors.describe_cluster(&error))
}

fn address_of(info: &ConnectionInfo) -> Option<NodeAddress> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some(NodeAddress::new(host, *port))
        }
        _ => None,
    }
}

/// The items in random order.
pub(super) fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    for last in (1..items.len()).rev() {
        items.swap(last, random_index() % (last + 1));
    }
    items
}

fn random_index() -> usize {
    getrandom::u32().unwrap_or_default() as usize
}
