//! Notifications of a server: deltas that writers publish, and keys that have changed.

use super::server_errors::busy;
use super::setup_timeout::within_setup_timeout;
use super::subscriptions::{SubscriptionChange, Subscriptions, next_changes};
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink};
use redis::{Client, ErrorKind, PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::protocol::{DeltaDelivery, Invalidations, MAX_MESSAGE_BYTES};
use synced_memory_core::session::Input;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The notifications that a link needs.
#[derive(Clone)]
pub(crate) struct NotificationOptions {
    /// Changes of all keys with this prefix are of interest.
    pub(crate) tracked_prefix: String,
    /// None where another connection delivers the deltas.
    pub(crate) subscriptions: Option<Arc<Subscriptions>>,
}

/// The notifications that a server turned out to deliver.
#[derive(Clone, Copy, Default)]
pub(super) struct NotificationSupport {
    pub(super) deltas: DeltaDelivery,
    pub(super) invalidations: Invalidations,
}

/// Keeps notifications coming until it is dropped.
#[derive(Default)]
pub(super) struct Listener {
    /// The RESP3 connection over which they come.
    _connection: Option<MultiplexedConnection>,
    tasks: JoinSet<()>,
}

/// Ask for notifications over a RESP3 connection, which delivers them as pushes until the listener is dropped. A
/// server that refuses some of it for good remains usable for everything else; one that is busy has to be asked again. Should it
/// refuse a later subscription, the invalidations make up for the deltas. Errors: that of a busy server.
pub(super) async fn listen_resp3(
    mut connection: MultiplexedConnection,
    options: &NotificationOptions,
) -> RedisResult<(NotificationSupport, Listener)> {
    let mut listener = Listener::default();
    let deltas = match &options.subscriptions {
        None => DeltaDelivery::None,
        Some(subscriptions) => {
            match listener.subscribe(Subscriber::Resp3(connection.clone()), subscriptions, None).await {
                Ok(()) => DeltaDelivery::OutOfBand,
                Err(error) if busy(&error).is_some() => return Err(error),
                Err(_) => DeltaDelivery::None,
            }
        }
    };
    let mut tracking = cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(&options.tracked_prefix);
    let tracked: RedisResult<()> = tracking.query_async(&mut connection).await;
    let invalidations = match tracked {
        Ok(()) => Invalidations::Broadcast,
        Err(error) if busy(&error).is_some() => return Err(error),
        Err(_) => Invalidations::None,
    };
    Ok((NotificationSupport { deltas, invalidations }, Listener { _connection: Some(connection), ..listener }))
}

/// The channels to which a connection subscribes.
#[derive(Clone)]
pub(super) enum ChannelKind {
    /// All channels, to which every node of a cluster forwards what is published on any node.
    Plain,
    /// Sharded channels: those of which the function says that the node at the other end serves them.
    Sharded(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

/// Subscribe to deltas over a RESP3 connection, which delivers them as pushes until the listener is dropped. The listener
/// ends when the server does not answer a PING, one of which is sent at every `heartbeat`.
pub(super) async fn subscribe_resp3(
    listener: &mut Listener,
    connection: MultiplexedConnection,
    subscriptions: &Subscriptions,
    channels: ChannelKind,
    heartbeat: Duration,
) -> RedisResult<()> {
    let subscriber = match channels {
        ChannelKind::Plain => Subscriber::Resp3(connection),
        ChannelKind::Sharded(serves) => Subscriber::Sharded(connection, serves),
    };
    listener.subscribe(subscriber, subscriptions, Some(heartbeat)).await
}

/// Subscribe to deltas over a RESP2 connection of its own, and deliver them as `pushes` until the listener is dropped.
/// `heartbeat` as in [`subscribe_resp3`], None for no PING.
pub(super) async fn subscribe_resp2(
    listener: &mut Listener,
    client: &Client,
    subscriptions: &Subscriptions,
    pushes: UnboundedSender<PushInfo>,
    heartbeat: Option<Duration>,
) -> RedisResult<()> {
    let (sink, mut messages) = client.get_async_pubsub().await?.split();
    listener.tasks.spawn(async move {
        while let Some(message) = messages.next().await {
            let channel = Value::BulkString(message.get_channel_name().as_bytes().to_vec());
            let data = vec![channel, Value::BulkString(message.get_payload_bytes().to_vec())];
            let _ = pushes.send(PushInfo { kind: PushKind::Message, data });
        }
        let _ = pushes.send(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
    });
    listener.subscribe(Subscriber::Resp2(sink), subscriptions, heartbeat).await
}

impl Listener {
    /// Subscribe to the channels that are needed now, and let a task apply every later change.
    async fn subscribe(
        &mut self,
        mut subscriber: Subscriber,
        subscriptions: &Subscriptions,
        heartbeat: Option<Duration>,
    ) -> RedisResult<()> {
        let (channels, changes) = subscriptions.watch();
        subscriber.subscribe(channels).await?;
        self.tasks.spawn(subscriber.keep_subscribed(changes, heartbeat));
        Ok(())
    }

    /// Returns when the connection is lost or a heartbeat has not been answered.
    pub(super) async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

/// A connection with subscriptions.
enum Subscriber {
    Resp3(MultiplexedConnection),
    Resp2(PubSubSink),
    Sharded(MultiplexedConnection, Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Subscriber {
    async fn subscribe(&mut self, channels: Vec<String>) -> RedisResult<()> {
        // SUBSCRIBE without a channel is an error.
        if channels.is_empty() {
            return Ok(());
        }
        match self {
            Self::Resp3(connection) => connection.subscribe(channels).await,
            Self::Resp2(sink) => sink.subscribe(channels).await,
            Self::Sharded(connection, serves) => {
                let own: Vec<_> = channels.into_iter().filter(|channel| serves(channel)).collect();
                send_for_each("SSUBSCRIBE", &own, connection).await
            }
        }
    }

    async fn unsubscribe(&mut self, channels: Vec<String>) -> RedisResult<()> {
        match self {
            Self::Resp3(connection) => connection.unsubscribe(channels).await,
            Self::Resp2(sink) => sink.unsubscribe(channels).await,
            Self::Sharded(connection, _) => send_for_each("SUNSUBSCRIBE", &channels, connection).await,
        }
    }

    /// Ask the server for a sign of life. A refusal is one, too: the user may have no permission for PING.
    async fn ping(&mut self) -> RedisResult<()> {
        let reply = match self {
            Self::Resp3(connection) | Self::Sharded(connection, _) => {
                cmd("PING").query_async::<Value>(connection).await
            }
            Self::Resp2(sink) => sink.ping::<Value>().await,
        };
        match reply {
            Err(error) if !is_refusal(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Apply changes of the subscriptions. Ends when there can be no more, or when a heartbeat is not answered.
    async fn keep_subscribed(
        mut self,
        mut changes: UnboundedReceiver<SubscriptionChange>,
        heartbeat: Option<Duration>,
    ) {
        loop {
            let silence = async {
                match heartbeat {
                    Some(interval) => sleep(interval).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                changes = next_changes(&mut changes) => {
                    let Some(changes) = changes else { return };
                    for change in changes {
                        // An error is either a refusal or the loss of the connection, which is noticed elsewhere.
                        let _ = match change {
                            SubscriptionChange::Subscribe(channels) => self.subscribe(channels).await,
                            SubscriptionChange::Unsubscribe(channels) => self.unsubscribe(channels).await,
                        };
                    }
                }
                () = silence => {
                    if within_setup_timeout(self.ping()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Send a command for each channel: sharded channels of one command must belong to one slot.
async fn send_for_each(command: &str, channels: &[String], connection: &mut MultiplexedConnection) -> RedisResult<()> {
    if channels.is_empty() {
        return Ok(());
    }
    let mut pipeline = redis::pipe();
    for channel in channels {
        pipeline.cmd(command).arg(channel);
    }
    pipeline.query_async::<Vec<Value>>(connection).await.map(drop)
}

/// Whether an error is the server's reply to a command, over a connection that works.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// The input that a push stands for. None if a session has no use for it.
pub(super) fn decode_push(push: PushInfo) -> Option<Input> {
    let mut data = push.data.into_iter();
    match push.kind {
        PushKind::Message | PushKind::SMessage => match (data.next()?, data.next()?) {
            (Value::BulkString(channel), Value::BulkString(message)) => {
                let channel = std::str::from_utf8(&channel).ok()?.into();
                Some(Input::Message { channel, message: message[..message.len().min(MAX_MESSAGE_BYTES)].into() })
            }
            _ => None,
        },
        PushKind::Invalidate => match data.next()? {
            Value::Array(keys) => Some(Input::Changed(keys.into_iter().filter_map(utf8_key).collect())),
            // The server flushed all keys.
            _ => Some(Input::ChangedAll),
        },
        _ => None,
    }
}

fn utf8_key(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}
