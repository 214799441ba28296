//! A cluster: one connection per master behind what sessions see as one.

mod router;
mod slots;

use super::server::Server;
use super::{Channels, Listening, Receiver, RedisLink, Way};
use crate::clock;
use crate::io::io_thread;
use crate::link::SessionId;
use crate::link::switchboard::Switchboard;
use crate::link::{Capabilities, Delivery, Link, Origin};
use crate::memory::Tls;
use redis::{ConnectionAddr, ConnectionInfo, cmd};
use router::Router;
pub(super) use slots::Redirect;
use slots::{Address, masters, slot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use synced_memory_core::command::{Answer, Changes, Command, Commits, Input};
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Between attempts to learn a map that is complete.
const LEARN_AGAIN: Duration = Duration::from_millis(200);

/// What sessions, the nodes and the task that learns the map share.
struct Cluster {
    seeds: Vec<ConnectionInfo>,
    tls: Tls,
    board: Arc<Switchboard>,
    router: Mutex<Router>,
    /// The map may be out of date.
    doubt: Notify,
}

pub(crate) struct ClusterLink {
    cluster: Arc<Cluster>,
    channels: Arc<Channels>,
    keeper: AbortHandle,
}

/// Takes what one node says.
struct NodeReceiver {
    cluster: Weak<Cluster>,
    address: Address,
    serial: u64,
}

impl ClusterLink {
    /// Start connecting to the cluster that one of these nodes belongs to.
    pub(crate) fn open(
        seeds: Vec<ConnectionInfo>,
        tls: &Tls,
        listening: Listening,
        board: Arc<Switchboard>,
    ) -> Result<Self, SyncError> {
        for seed in &seeds {
            Server::new(seed.clone(), tls, None)?;
        }
        let channels = Arc::clone(&listening.channels);
        let cluster = Arc::new_cyclic(|cluster: &Weak<Cluster>| {
            let (weak, first, node_tls) = (Weak::clone(cluster), seeds[0].clone(), tls.clone());
            let make_link = move |address: &Address, serial| {
                let server = Server::new(at(&first, address), &node_tls, Some(listening.clone()))?;
                let receiver = NodeReceiver { cluster: Weak::clone(&weak), address: Arc::clone(address), serial };
                RedisLink::start(Way::Server(Arc::new(server)), Arc::new(receiver))
            };
            let router = Mutex::new(Router::new(make_link));
            Cluster { seeds, tls: tls.clone(), board, router, doubt: Notify::new() }
        });
        let keeper = io_thread()?.spawn(keep(Arc::clone(&cluster))).abort_handle();
        Ok(Self { cluster, channels, keeper })
    }
}

impl Link for ClusterLink {
    fn send(&self, origin: Origin, command: Command) {
        let answer = self.cluster.router().send(origin, command);
        self.cluster.board.deliver(Delivery::answers(answer.into_iter().collect()));
    }

    fn flush(&self) {
        self.cluster.flush();
    }

    fn follow(&self, place: &str) {
        self.channels.follow(place);
    }

    fn unfollow(&self, place: &str) {
        self.channels.unfollow(place);
    }

    /// Those of its nodes, which are alike.
    fn capabilities(&self) -> Capabilities {
        let nodes = self.cluster.router().links();
        let found = nodes.iter().map(|node| node.capabilities()).find(|found| found.resp.is_some());
        let nothing =
            Capabilities { topology: "cluster", resp: None, commits: Commits::Unheard, changes: Changes::Unheard };
        Capabilities { topology: "cluster", ..found.unwrap_or(nothing) }
    }

    fn is_together(&self, one: &str, other: &str) -> bool {
        slot(one) == slot(other)
    }

    /// Some node is overdue: all are asked to connect again, what is under way goes out once more.
    fn reset(&self) {
        for link in self.cluster.router().links() {
            link.reset();
        }
    }
}

impl Drop for ClusterLink {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Cluster {
    fn router(&self) -> MutexGuard<'_, Router> {
        self.router.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self) {
        let mut router = self.router();
        let (links, outdated) = (router.unflushed(), router.outdated);
        drop(router);
        for link in links {
            link.flush();
        }
        if outdated {
            self.doubt.notify_one();
        }
    }

    /// Ask node after node for the map.
    async fn learn(&self) -> Result<(), SyncError> {
        let known = self.router().known();
        let known = known.iter().map(|address| at(&self.seeds[0], address));
        let mut last = None;
        for info in known.chain(self.seeds.iter().cloned()) {
            match ask(info, &self.tls).await {
                Ok(slots) => {
                    self.router().learn(slots);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| SyncError::new(ErrorCode::Internal, "a cluster without nodes")))
    }
}

impl Receiver for NodeReceiver {
    fn deliver(&self, news: Vec<Input>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let mut deliveries = Vec::new();
        for input in news {
            match input {
                Input::Connected => {
                    if cluster.router().node_up(&self.address, self.serial) {
                        // Nobody told what was done there meanwhile.
                        deliveries.push(Delivery::News(Input::ChangedAll));
                    }
                }
                Input::Disconnected(_) => {
                    deliveries.extend(Delivery::answers(cluster.router().node_down(&self.address, self.serial)));
                }
                // What others do: every node tells of changes in its slots, and of all that is announced.
                news => deliveries.push(Delivery::News(news)),
            }
        }
        cluster.board.deliver(deliveries);
        cluster.flush();
    }

    fn coming(&self, session: SessionId) {
        if let Some(cluster) = self.cluster.upgrade() {
            cluster.board.wake(session);
        }
    }

    fn landed(&self, answers: Vec<(Origin, Answer)>, redirects: Vec<(Origin, Redirect)>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let answers = cluster.router().landed(&self.address, answers, redirects);
        cluster.board.deliver(Delivery::answers(answers));
        cluster.flush();
    }
}

/// Keeps the map up to date.
async fn keep(cluster: Arc<Cluster>) {
    let mut connected = false;
    let mut reported = None;
    loop {
        match cluster.learn().await {
            Ok(()) => {
                reported = None;
                if !std::mem::replace(&mut connected, true) {
                    cluster.board.deliver([Delivery::News(Input::Connected)]);
                }
                let doubt = cluster.doubt.notified();
                if !cluster.router().outdated {
                    doubt.await;
                }
            }
            Err(error) => {
                if std::mem::take(&mut connected) {
                    cluster.router().forget();
                }
                if reported.replace(error.code) != Some(error.code) {
                    cluster.board.deliver([Delivery::News(Input::Disconnected(error))]);
                }
            }
        }
        tokio::time::sleep(clock::jittered(LEARN_AGAIN)).await;
    }
}

async fn ask(info: ConnectionInfo, tls: &Tls) -> Result<Vec<Option<Address>>, SyncError> {
    let (ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. }) = info.addr() else {
        return Err(SyncError::new(ErrorCode::Options, "a node of a cluster needs a host and a port"));
    };
    let host = host.clone();
    let server = Server::new(info, tls, None)?;
    let mut line = server.connect().await?;
    let reply = line.ask(cmd("CLUSTER").arg("SLOTS")).await.map_err(|error| server.describe(&error))?;
    masters(reply, &host).map_err(|error| server.describe(&error))
}

/// The same login and options, at another address.
fn at(info: &ConnectionInfo, address: &Address) -> ConnectionInfo {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    super::sentinel::elsewhere(info, host.to_owned(), port.parse().unwrap_or_default())
}
