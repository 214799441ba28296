//! A cluster: one connection per master behind what the session sees as one.

mod router;
mod slots;

use super::server::Server;
use super::{Message, Receiver, RedisLink, Way, io_thread, until};
use crate::clock;
use crate::link::{Capabilities, Link};
use crate::mailbox::Mailbox;
use crate::memory::Tls;
use redis::{ConnectionAddr, ConnectionInfo, cmd};
use router::Router;
pub(super) use slots::Redirect;
use slots::{Address, masters, slot};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use synced_memory_core::command::{Changes, Command, Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Between attempts to learn a map that is complete.
const LEARN_AGAIN: Duration = Duration::from_millis(200);

/// What the session, the nodes and the task that learns the map share.
struct Cluster {
    seeds: Vec<ConnectionInfo>,
    tls: Tls,
    mailbox: Arc<Mailbox>,
    router: Mutex<Router>,
    /// The map may be out of date.
    doubt: Notify,
}

pub(crate) struct ClusterLink {
    cluster: Arc<Cluster>,
    outbox: UnboundedSender<Message>,
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
        prefix: String,
        mailbox: Arc<Mailbox>,
    ) -> Result<Self, SyncError> {
        for seed in &seeds {
            Server::new(seed.clone(), tls, None)?;
        }
        let cluster = Arc::new_cyclic(|cluster: &Weak<Cluster>| {
            let (weak, first, node_tls) = (Weak::clone(cluster), seeds[0].clone(), tls.clone());
            let make_link = move |address: &Address, serial| {
                let server = Server::new(at(&first, address), &node_tls, Some(prefix.clone()))?;
                let receiver = NodeReceiver { cluster: Weak::clone(&weak), address: Arc::clone(address), serial };
                RedisLink::start(Way::Server(Arc::new(server)), Arc::new(receiver))
            };
            let router = Mutex::new(Router::new(make_link));
            Cluster { seeds, tls: tls.clone(), mailbox, router, doubt: Notify::new() }
        });
        let (outbox, inbox) = unbounded_channel();
        io_thread()?.spawn(Keeper { cluster: Arc::clone(&cluster), inbox, tick_at: None }.run());
        Ok(Self { cluster, outbox })
    }
}

impl Link for ClusterLink {
    fn send(&self, request: RequestId, command: Command) {
        let answer = self.cluster.router().send(request, command);
        self.cluster.mailbox.deliver(answer);
    }

    fn flush(&self) {
        self.cluster.flush();
    }

    fn wake_at(&self, monotonic_ms: u64) {
        let _ = self.outbox.send(Message::WakeAt(monotonic_ms));
    }

    /// Those of its nodes, which are alike.
    fn capabilities(&self) -> Capabilities {
        let nodes = self.cluster.router().links();
        let found = nodes.iter().map(|node| node.capabilities()).find(|found| found.resp.is_some());
        let nothing = Capabilities { changes: Changes::Unheard, ..Capabilities::of("cluster") };
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
    fn deliver(&self, inputs: Vec<Input>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let mut answers = Vec::new();
        for input in inputs {
            match input {
                Input::Connected => {
                    if cluster.router().node_up(&self.address, self.serial) {
                        // Nobody told what was done there meanwhile.
                        answers.push(Input::ChangedAll);
                    }
                }
                Input::Disconnected(_) => answers.extend(cluster.router().node_down(&self.address, self.serial)),
                // What others do: every node tells of changes in its slots, and of all that is announced.
                news => answers.push(news),
            }
        }
        cluster.mailbox.deliver(answers);
        cluster.flush();
    }

    fn landed(&self, answers: Vec<Input>, redirects: Vec<(RequestId, Redirect)>) {
        let Some(cluster) = self.cluster.upgrade() else { return };
        let answers = cluster.router().landed(&self.address, answers, redirects);
        cluster.mailbox.deliver(answers);
        cluster.flush();
    }
}

/// Keeps the map up to date, and the session's time.
struct Keeper {
    cluster: Arc<Cluster>,
    inbox: UnboundedReceiver<Message>,
    tick_at: Option<u64>,
}

impl Keeper {
    async fn run(mut self) {
        let mut connected = false;
        let mut reported = None;
        loop {
            let cluster = Arc::clone(&self.cluster);
            let Some(learnt) = self.meanwhile(cluster.learn()).await else { return };
            match learnt {
                Ok(()) => {
                    reported = None;
                    if !std::mem::replace(&mut connected, true) {
                        cluster.mailbox.deliver([Input::Connected]);
                    }
                    let doubt = cluster.doubt.notified();
                    if !cluster.router().outdated && self.meanwhile(doubt).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    if std::mem::take(&mut connected) {
                        cluster.router().forget();
                    }
                    if reported.replace(error.code) != Some(error.code) {
                        cluster.mailbox.deliver([Input::Disconnected(error)]);
                    }
                }
            }
            if self.meanwhile(tokio::time::sleep(clock::jittered(LEARN_AGAIN))).await.is_none() {
                return;
            }
        }
    }

    /// None: the handle was dropped.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                message = self.inbox.recv() => {
                    if let Message::WakeAt(ms) = message? {
                        self.tick_at = Some(ms);
                    }
                }
                () = until(self.tick_at) => {
                    self.tick_at = None;
                    self.cluster.mailbox.deliver([Input::Tick]);
                }
            }
        }
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
