//! A Redis-compatible server over one connection, on the process's I/O thread.

mod flight;
mod server;

use super::Link;
use crate::clock;
use crate::mailbox::Mailbox;
use flight::{Flight, Landed, Sortie};
use redis::{ConnectionInfo, PushKind};
use server::{Line, Server};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use synced_memory_core::command::{Command, Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The first wait between attempts to connect; doubled each time up to the longest.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Message {
    Send(RequestId, Command),
    WakeAt(u64),
    Reset,
}

/// A handle to the task that has the connection.
#[derive(Debug)]
pub(crate) struct RedisLink {
    outbox: UnboundedSender<Message>,
}

impl RedisLink {
    /// Start connecting. What comes of it goes to the mailbox.
    pub(crate) fn open(info: ConnectionInfo, mailbox: Arc<Mailbox>) -> Result<Self, SyncError> {
        let server = Server::new(info)?;
        let (outbox, inbox) = unbounded_channel();
        io_thread()?.spawn(Actor { inbox, mailbox, tick_at: None }.run(server));
        Ok(Self { outbox })
    }

    fn post(&self, message: Message) {
        // The task ends only after this handle does; were it gone, the session would miss its reply and say so.
        let _ = self.outbox.send(message);
    }
}

impl Link for RedisLink {
    fn send(&self, request: RequestId, command: Command) {
        self.post(Message::Send(request, command));
    }

    fn wake_at(&self, monotonic_ms: u64) {
        self.post(Message::WakeAt(monotonic_ms));
    }

    fn reset(&self) {
        self.post(Message::Reset);
    }
}

/// The one thread that all connections of this process share: it only moves bytes.
fn io_thread() -> Result<&'static Handle, SyncError> {
    static IO: OnceLock<std::io::Result<Handle>> = OnceLock::new();
    IO.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name("synced-memory-io".into()).spawn(move || runtime.block_on(pending::<()>()))?;
        Ok(handle)
    })
    .as_ref()
    .map_err(|error| SyncError::new(ErrorCode::Internal, format!("cannot start the I/O thread: {error}")))
}

/// What the task owns. None from its methods: the handle was dropped.
struct Actor {
    inbox: UnboundedReceiver<Message>,
    mailbox: Arc<Mailbox>,
    tick_at: Option<u64>,
}

impl Actor {
    async fn run(mut self, server: Server) {
        // Failures since the last reply: a server that accepts and hangs up is not hammered either.
        let mut failures = 0;
        let mut reported = None;
        loop {
            let Some(attempt) = self.meanwhile(server.connect()).await else { return };
            let error = match attempt {
                Ok(line) => {
                    reported = None;
                    self.mailbox.deliver([Input::Connected]);
                    match self.serve(&server, line, &mut failures).await {
                        Some(error) => error,
                        None => return,
                    }
                }
                Err(error) => error,
            };
            let longest = match error.code {
                // Somebody has to change something first.
                ErrorCode::Auth => LONGEST_BACKOFF,
                _ => FIRST_BACKOFF.saturating_mul(1 << failures).min(LONGEST_BACKOFF),
            };
            failures = (failures + 1).min(16);
            // While nothing changes, the session has been told.
            if reported.replace(error.code) != Some(error.code) {
                self.mailbox.deliver([Input::Disconnected(error)]);
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
                    if let Message::WakeAt(ms) = message? {
                        self.tick_at = Some(ms);
                    }
                }
                () = until(self.tick_at) => self.tick(),
            }
        }
    }

    /// Carry commands out until the connection is lost.
    async fn serve(&mut self, server: &Server, mut line: Line, failures: &mut u32) -> Option<SyncError> {
        let mut waiting = VecDeque::new();
        let mut in_flight: VecDeque<Flight> = VecDeque::new();
        // What the server answered with NOSCRIPT. It goes out again in the order it was first sent, and before
        // anything else: a commit must not overtake the one it builds on.
        let mut again: Vec<Sortie> = Vec::new();
        loop {
            tokio::select! {
                biased;
                push = line.pushes.recv() => {
                    if push.is_none_or(|push| push.kind == PushKind::Disconnection) {
                        return Some(server.lost("the server closed the connection"));
                    }
                }
                replies = first_reply(&mut in_flight) => {
                    let Some(flight) = in_flight.pop_front() else { continue };
                    let landed = match replies {
                        Ok(replies) => flight.land(replies),
                        Err(error) => return Some(server.describe(&error)),
                    };
                    *failures = 0;
                    let Landed { answers, again: refused } = landed;
                    self.mailbox.deliver(answers);
                    again.extend(refused);
                }
                message = self.inbox.recv() => {
                    let mut message = message;
                    loop {
                        match message? {
                            Message::Send(request, command) => waiting.push_back((request, command)),
                            Message::WakeAt(ms) => self.tick_at = Some(ms),
                            Message::Reset => return Some(server.lost("the server has not answered in time")),
                        }
                        let Ok(next) = self.inbox.try_recv() else { break };
                        message = Some(next);
                    }
                }
                () = until(self.tick_at) => self.tick(),
            }
            if again.is_empty() {
                while !waiting.is_empty() && in_flight.len() < server::MAX_FLIGHTS {
                    in_flight.push_back(Flight::of_commands(&mut waiting, &line.connection).await);
                }
            } else if in_flight.is_empty() {
                in_flight.push_back(Flight::start(std::mem::take(&mut again), &line.connection).await);
            }
        }
    }

    fn tick(&mut self) {
        self.tick_at = None;
        self.mailbox.deliver([Input::Tick]);
    }
}

async fn until(monotonic_ms: Option<u64>) {
    match monotonic_ms {
        Some(ms) => tokio::time::sleep_until(clock::instant(ms).into()).await,
        None => pending().await,
    }
}

/// A server answers in the order it was asked, so only the first flight can be done.
async fn first_reply(in_flight: &mut VecDeque<Flight>) -> redis::RedisResult<Vec<redis::Value>> {
    match in_flight.front_mut() {
        Some(flight) => flight.replies.as_mut().await,
        None => pending().await,
    }
}

#[cfg(test)]
#[path = "../../../tests/native/server.rs"]
#[allow(dead_code, reason = "the integration tests use the rest of it")]
mod redis_server;

#[cfg(test)]
mod tests {
    use super::redis_server::RedisServer;
    use super::*;
    use crate::url::{Target, parse};
    use synced_memory_core::command::Answer;
    use synced_memory_core::document::Stored;

    fn next(mailbox: &Mailbox) -> Vec<Input> {
        assert!(mailbox.wait(Duration::from_secs(30)), "nothing came");
        mailbox.take_all().into()
    }

    fn open(server: &RedisServer) -> (RedisLink, Arc<Mailbox>) {
        let Ok(Target::Redis(info)) = parse(&server.url()) else { panic!() };
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let link = RedisLink::open(*info, Arc::clone(&mailbox)).unwrap();
        assert_eq!(next(&mailbox), [Input::Connected]);
        (link, mailbox)
    }

    fn load(key: &str) -> Command {
        Command::Load { key: key.into() }
    }

    #[test]
    fn a_deaf_connection_is_given_up_when_asked() {
        let server = RedisServer::start();
        let (link, mailbox) = open(&server);
        server.signal("STOP");
        link.send(RequestId(1), load("a"));
        link.reset();
        let inputs = next(&mailbox);
        let [Input::Disconnected(error)] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!(error.code, ErrorCode::Unavailable);
        server.signal("CONT");
        assert_eq!(next(&mailbox), [Input::Connected], "and the old answer is not there");
        link.send(RequestId(2), load("a"));
        assert_eq!(next(&mailbox), [Input::Answer(RequestId(2), Answer::Loaded(Stored::Absent))]);
    }

    #[test]
    fn answers_come_in_the_order_of_the_commands() {
        const COMMANDS: u64 = 20_000;
        let server = RedisServer::start();
        let (link, mailbox) = open(&server);
        for number in 0..COMMANDS {
            link.send(RequestId(number), load("a"));
        }
        let mut answered = Vec::new();
        while answered.len() < usize::try_from(COMMANDS).unwrap() {
            answered.extend(next(&mailbox).into_iter().map(|input| match input {
                Input::Answer(RequestId(number), _) => number,
                other => panic!("{other:?}"),
            }));
        }
        assert!(answered.into_iter().eq(0..COMMANDS));
    }

    #[test]
    fn ticks_come_with_and_without_a_connection() {
        let mut server = RedisServer::start();
        let (link, mailbox) = open(&server);
        let soon = clock::monotonic_ms() + 5;
        link.wake_at(soon);
        assert_eq!(next(&mailbox), [Input::Tick]);
        assert!(clock::monotonic_ms() >= soon);
        server.kill();
        assert!(matches!(next(&mailbox)[..], [Input::Disconnected(_)]));
        link.wake_at(clock::monotonic_ms() + 5);
        assert_eq!(next(&mailbox), [Input::Tick]);
    }
}
