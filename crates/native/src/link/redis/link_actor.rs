//! The task behind a link to one server at a time: a fixed one, or the master that Sentinel names.

use super::connection_observer::ConnectionObserver;
use super::endpoint::{Connected, Endpoint};
use super::notifications::decode_push;
use super::pipeline::CompletedPipeline;
use super::send_queue::{PipelineEvent, SendQueue};
use crate::backoff::Backoff;
use crate::panics::catch_panic_of;
use redis::PushKind;
use std::future::poll_fn;
use std::sync::Arc;
use synced_memory_core::error::SyncError;
use synced_memory_core::session::Input;
use tokio::sync::mpsc::UnboundedReceiver;

/// A message from the link's handle.
#[derive(Debug)]
pub(super) enum ActorMessage {
    /// Send what is queued: the calling thread could not write it to the socket by itself.
    Flush,
    /// Replace the connection.
    Reset,
}

/// Keeps a connection open, and passes everything that comes over it to the observer. Ends when the link is dropped.
pub(super) struct LinkActor {
    inbox: UnboundedReceiver<ActorMessage>,
    observer: Arc<dyn ConnectionObserver>,
    send_queue: Arc<SendQueue>,
    /// Counts failures since the last reply, because a server may accept connections only to close them.
    backoff: Backoff,
}

/// The link was dropped.
struct LinkDropped;

impl LinkActor {
    /// The actor of a link with this queue, and with these delays between attempts to connect.
    pub(super) fn new(
        inbox: UnboundedReceiver<ActorMessage>,
        observer: Arc<dyn ConnectionObserver>,
        send_queue: Arc<SendQueue>,
        backoff: Backoff,
    ) -> Self {
        Self { inbox, observer, send_queue, backoff }
    }

    /// Connect, again and again, until the link is dropped. A panic is reported to the observer.
    pub(super) async fn run(mut self, endpoint: Endpoint) {
        match catch_panic_of(Box::pin(self.keep_connected(&endpoint))).await {
            Ok(Err(LinkDropped)) => {}
            Err(panic) => self.observer.on_panic(&panic),
        }
    }

    async fn keep_connected(&mut self, endpoint: &Endpoint) -> Result<std::convert::Infallible, LinkDropped> {
        let mut reported = None;
        loop {
            let error = match self.without_connection(endpoint.connect()).await? {
                Ok(connected) => {
                    reported = None;
                    let end = self.use_connection(connected).await;
                    self.send_queue.close();
                    end?
                }
                Err(error) => error,
            };
            let delay = match error.code {
                // Only a person can correct it.
                code if code.is_lasting() => self.backoff.longest_delay(),
                _ => self.backoff.next_delay(),
            };
            // One notice is enough for a failure that repeats itself.
            if reported.replace(error.code) != Some(error.code) {
                self.observer.on_notices(vec![Input::Disconnected(error)]);
            }
            self.without_connection(tokio::time::sleep(delay)).await?;
        }
    }

    /// Wait for something while there is no connection. Messages are ignored: sessions send their commands again after
    /// `Connected`.
    async fn without_connection<T>(&mut self, work: impl Future<Output = T>) -> Result<T, LinkDropped> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                message = self.inbox.recv() => {
                    message.ok_or(LinkDropped)?;
                }
            }
        }
    }

    /// Carry out commands until the connection is lost. Gives the reason.
    async fn use_connection(&mut self, connected: Connected) -> Result<SyncError, LinkDropped> {
        let Connected { connector, mut connection, mut failover } = connected;
        let (observer, send_queue) = (Arc::clone(&self.observer), Arc::clone(&self.send_queue));
        let early = Arc::clone(&observer);
        send_queue.open(&mut connection, move |session| early.on_reply_arriving(session));
        let notifications = connection.properties.notifications;
        let notifications = Input::Notifications(notifications.deltas, notifications.invalidations);
        observer.on_notices(vec![notifications, Input::Connected]);
        loop {
            tokio::select! {
                biased;
                push = connection.pushes.recv() => match push {
                    Some(push) if push.kind != PushKind::Disconnection => {
                        observer.on_notices(decode_push(push).into_iter().collect());
                    }
                    _ => return Ok(connector.errors.lost("the server closed the connection")),
                },
                event = poll_fn(|context| send_queue.poll_event(context)) => match event {
                    PipelineEvent::Closed => return Ok(connector.errors.lost("the server closed the connection")),
                    PipelineEvent::Completed(_, Err(error)) => return Ok(connector.errors.describe(&error)),
                    PipelineEvent::Completed(pipeline, Ok(replies)) => {
                        self.backoff.reset();
                        let CompletedPipeline { answers, redirects, resends, is_demoted } = pipeline.complete(replies);
                        if is_demoted && failover.is_active() {
                            return Ok(connector.errors.lost("it has become a replica"));
                        }
                        send_queue.resend(resends);
                        observer.on_answers(answers, redirects);
                    }
                },
                message = self.inbox.recv() => match message.ok_or(LinkDropped)? {
                    // The next poll of the send queue sends what is queued.
                    ActorMessage::Flush => {}
                    ActorMessage::Reset => return Ok(connector.errors.lost("the server has not answered in time")),
                },
                () = failover.failover() => return Ok(connector.errors.lost("another server has become the master")),
            }
        }
    }
}
