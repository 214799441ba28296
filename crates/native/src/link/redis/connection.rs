//! A connection to a server.

use super::notifications::{Listener, NotificationSupport};
use super::read_notifier::ReadNotifier;
use super::setup_timeout::within_setup_timeout;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, PushInfo, PushKind, RedisResult, Value};
use std::io;
use std::pin::Pin;
use synced_memory_core::protocol::CommitForm;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// The maximum number of pipelines in flight.
pub(super) const MAX_PIPELINES_IN_FLIGHT: usize = 256;
/// The capacity of a connection's queue: all pipelines, and requests beside them.
pub(super) const CONNECTION_QUEUE: usize = MAX_PIPELINES_IN_FLIGHT + 16;

/// A connection that is set up.
pub(super) struct Connection {
    pub(super) multiplexed: MultiplexedConnection,
    /// Must be polled for anything to be sent or received. None where a task of the redis crate does that.
    pub(super) driver: Option<Driver>,
    /// Notifications of the server, and the loss of the connection.
    pub(super) pushes: UnboundedReceiver<PushInfo>,
    pub(super) properties: ConnectionProperties,
    /// Delivers notifications as `pushes`.
    pub(super) _listener: Option<Listener>,
    /// Keeps `pushes` open in RESP2, where the next reply shows that the connection is lost.
    pub(super) _push_sender: Option<UnboundedSender<PushInfo>>,
}

/// Moves bytes between a connection's queue and its socket.
pub(super) struct Driver {
    pub(super) work: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(super) read_notifier: ReadNotifier,
}

/// The properties of a connection that were found by trying.
#[derive(Clone, Copy)]
pub(super) struct ConnectionProperties {
    /// The version of RESP.
    pub(super) resp: u8,
    pub(super) notifications: NotificationSupport,
    /// The form of scripts that the server takes.
    pub(super) commit_form: CommitForm,
}

impl Connection {
    /// Send one command and wait for its reply. Only for a connection that no send queue uses yet. Errors: also that of the reply.
    pub(super) async fn request(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut multiplexed = self.multiplexed.clone();
        let request = multiplexed.send_packed_command(command);
        let reply = within_setup_timeout(async {
            match &mut self.driver {
                None => request.await,
                Some(driver) => tokio::select! {
                    biased;
                    reply = request => reply,
                    () = driver.work.as_mut() => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                },
            }
        })
        .await?;
        reply.extract_error()
    }

    /// Wait for a push that matches. False if the connection is lost first.
    pub(super) async fn wait_for_push(&mut self, matches: impl Fn(&PushInfo) -> bool) -> bool {
        loop {
            let push = match &mut self.driver {
                None => self.pushes.recv().await,
                Some(driver) => tokio::select! {
                    push = self.pushes.recv() => push,
                    () = driver.work.as_mut() => None,
                },
            };
            match push {
                None => return false,
                Some(push) if push.kind == PushKind::Disconnection => return false,
                Some(push) if matches(&push) => return true,
                Some(_) => {}
            }
        }
    }
}
