//! A Redis-compatible server, given or found through Sentinel, over one connection, on the process's I/O thread.

mod channels;
mod cluster;
mod deck;
mod flight;
mod herald;
mod news;
mod sentinel;
mod server;

use super::switchboard::Switchboard;
use super::{Capabilities, Delivery, Link, Origin, SessionId};
use crate::clock;
use crate::io::io_thread;
use crate::memory::Tls;
pub(crate) use channels::{Channels, Listening};
pub(crate) use cluster::ClusterLink;
use cluster::Redirect;
use deck::{Arrival, Deck};
use flight::Landed;
use news::news;
use redis::{ConnectionInfo, PushKind};
use sentinel::Sentinels;
pub(crate) use sentinel::Service;
use server::{Line, Server};
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::command::{Answer, Command, Input};
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// The first wait between attempts to connect; doubled each time up to the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Message {
    /// Something waits on the deck.
    Send,
    Reset,
}

/// Who takes what comes over a connection.
trait Receiver: Send + Sync {
    /// News of the connection and over it.
    fn deliver(&self, news: Vec<Input>);

    /// An answer for this session has come, but is not read yet.
    fn coming(&self, session: SessionId);

    /// Answers, and which of them name another node of the cluster.
    fn landed(&self, answers: Vec<(Origin, Answer)>, redirects: Vec<(Origin, Redirect)>);
}

impl Receiver for Switchboard {
    fn deliver(&self, news: Vec<Input>) {
        Self::deliver(self, news.into_iter().map(Delivery::News));
    }

    fn coming(&self, session: SessionId) {
        self.wake(session);
    }

    fn landed(&self, answers: Vec<(Origin, Answer)>, _: Vec<(Origin, Redirect)>) {
        Self::deliver(self, Delivery::answers(answers));
    }
}

/// How to come to the server.
enum Way {
    Server(Arc<Server>),
    Sentinels(Sentinels),
}

/// A server that was come to.
struct Reached {
    server: Arc<Server>,
    line: Line,
    /// One of these ends when another server takes its place.
    replaced: Option<JoinSet<()>>,
}

impl Way {
    async fn connect(&self) -> Result<Reached, SyncError> {
        Ok(match self {
            Self::Server(server) => {
                Reached { server: Arc::clone(server), line: server.connect().await?, replaced: None }
            }
            Self::Sentinels(sentinels) => {
                // Before they are asked: a switch between the question and the watch would go unnoticed.
                let replaced = Some(sentinels.watch());
                let (server, line) = sentinels.connect().await?;
                Reached { server, line, replaced }
            }
        })
    }
}

/// A handle to the task that has the connection.
pub(crate) struct RedisLink {
    outbox: UnboundedSender<Message>,
    deck: Arc<Deck>,
    runtime: &'static Handle,
    topology: &'static str,
    /// None for a node of a cluster: all have the cluster's.
    channels: Option<Arc<Channels>>,
}

impl RedisLink {
    /// Start connecting. What comes of it goes to the switchboard.
    pub(crate) fn open(
        info: ConnectionInfo,
        tls: &Tls,
        listening: Listening,
        board: Arc<Switchboard>,
    ) -> Result<Self, SyncError> {
        let channels = Some(Arc::clone(&listening.channels));
        let way = Way::Server(Arc::new(Server::new(info, tls, Some(listening))?));
        Ok(Self { channels, ..Self::start(way, board)? })
    }

    /// The same with whatever server the sentinels call the master of the service.
    pub(crate) fn open_service(
        service: Service,
        tls: &Tls,
        listening: Listening,
        board: Arc<Switchboard>,
    ) -> Result<Self, SyncError> {
        let channels = Some(Arc::clone(&listening.channels));
        let way = Way::Sentinels(Sentinels::new(service, tls, listening)?);
        Ok(Self { channels, ..Self::start(way, board)? })
    }

    fn start(way: Way, receiver: Arc<dyn Receiver>) -> Result<Self, SyncError> {
        let (outbox, inbox) = unbounded_channel();
        let (deck, runtime) = (Arc::new(Deck::default()), io_thread()?);
        let topology = match way {
            Way::Server(_) => "single",
            Way::Sentinels(_) => "sentinel",
        };
        runtime.spawn(Actor { inbox, receiver, deck: Arc::clone(&deck) }.run(way));
        Ok(Self { outbox, deck, runtime, topology, channels: None })
    }

    /// Put a command in line; `asking`: for a node of a cluster that is about to get the command's slot.
    fn queue(&self, origin: Origin, command: Command, asking: bool) {
        self.deck.queue(origin, command, asking);
    }

    fn post(&self, message: Message) {
        // The task ends only after this handle does; were it gone, the session would miss its reply and say so.
        let _ = self.outbox.send(message);
    }
}

impl Link for RedisLink {
    fn send(&self, origin: Origin, command: Command) {
        self.queue(origin, command, false);
    }

    fn flush(&self) {
        if !self.deck.send_here(self.runtime) {
            self.post(Message::Send);
        }
    }

    fn follow(&self, place: &str) {
        if let Some(channels) = &self.channels {
            channels.follow(place);
        }
    }

    fn unfollow(&self, place: &str) {
        if let Some(channels) = &self.channels {
            channels.unfollow(place);
        }
    }

    fn capabilities(&self) -> Capabilities {
        let (resp, heard) = self.deck.found().unzip();
        let (commits, changes) = heard.unwrap_or_default();
        Capabilities { topology: self.topology, resp, commits, changes }
    }

    fn reset(&self) {
        self.post(Message::Reset);
    }
}

/// What the task owns. None from its methods: the handle was dropped.
struct Actor {
    inbox: UnboundedReceiver<Message>,
    receiver: Arc<dyn Receiver>,
    deck: Arc<Deck>,
}

impl Actor {
    async fn run(mut self, way: Way) {
        // Failures since the last reply: a server that accepts and hangs up is not hammered either.
        let mut failures = 0;
        let mut reported = None;
        loop {
            let Some(attempt) = self.meanwhile(way.connect()).await else { return };
            let error = match attempt {
                Ok(mut reached) => {
                    reported = None;
                    let receiver = Arc::clone(&self.receiver);
                    self.deck.open(&mut reached.line, move |session| receiver.coming(session));
                    let (commits, changes) = reached.line.heard;
                    self.receiver.deliver(vec![Input::Hears(commits, changes), Input::Connected]);
                    let end = self.serve(reached, &mut failures).await;
                    self.deck.close();
                    match end {
                        Some(error) => error,
                        None => return,
                    }
                }
                Err(error) => error,
            };
            let longest = match error.code {
                // Somebody has to change something first.
                ErrorCode::Auth | ErrorCode::Tls => LONGEST_BACKOFF,
                _ => FIRST_BACKOFF.saturating_mul(1 << failures).min(LONGEST_BACKOFF),
            };
            failures = (failures + 1).min(16);
            // While nothing changes, the session has been told.
            if reported.replace(error.code) != Some(error.code) {
                self.receiver.deliver(vec![Input::Disconnected(error)]);
            }
            if self.meanwhile(tokio::time::sleep(clock::jittered(longest))).await.is_none() {
                return;
            }
        }
    }

    /// Wait without a connection: commands are dropped, because the session sends them again after `Connected`.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                message = self.inbox.recv() => {
                    message?;
                }
            }
        }
    }

    /// Carry commands out until the connection is lost. None: the handle was dropped.
    async fn serve(&mut self, reached: Reached, failures: &mut u32) -> Option<SyncError> {
        let Reached { server, mut line, mut replaced } = reached;
        let deck = Arc::clone(&self.deck);
        loop {
            tokio::select! {
                biased;
                push = line.pushes.recv() => match push {
                    Some(push) if push.kind != PushKind::Disconnection => self.receiver.deliver(news(push).into_iter().collect()),
                    _ => return Some(server.lost("the server closed the connection")),
                },
                arrival = poll_fn(|context| deck.poll(context)) => match arrival {
                    Arrival::Closed => return Some(server.lost("the server closed the connection")),
                    Arrival::Landed(_, Err(error)) => return Some(server.describe(&error)),
                    Arrival::Landed(flight, Ok(replies)) => {
                        *failures = 0;
                        let Landed { answers, again, redirects, demoted } = flight.land(replies);
                        if demoted && replaced.is_some() {
                            return Some(server.lost("it has become a replica"));
                        }
                        deck.send_again(again);
                        self.receiver.landed(answers, redirects);
                    }
                },
                message = self.inbox.recv() => match message? {
                    // What waits is sent when the deck is polled next.
                    Message::Send => {}
                    Message::Reset => return Some(server.lost("the server has not answered in time")),
                },
                () = end_of_one(&mut replaced) => return Some(server.lost("another server has become the master")),
            }
        }
    }
}

async fn end_of_one(tasks: &mut Option<JoinSet<()>>) {
    match tasks {
        Some(tasks) => drop(tasks.join_next().await),
        None => pending().await,
    }
}
