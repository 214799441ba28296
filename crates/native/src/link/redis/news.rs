//! What a server tells unasked: commits that others announce, and keys that somebody changed.

use super::channels::{Listening, next_wishes};
use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{Client, PushInfo, PushKind, RedisResult, Value};
use synced_memory_core::command::{Changes, Commits, Input};
use synced_memory_core::resp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

/// What a server lets us hear.
pub(super) type Heard = (Commits, Changes);

/// Listen to what is of interest, until the set is dropped. A server that does not let us, or does not know how, is still
/// good for everything else; and where it lets us hear only some of what is wished for later, the rest is found by looking.
pub(super) async fn listen(mut connection: MultiplexedConnection, listening: &Listening) -> (Heard, JoinSet<()>) {
    let (channels, mut wishes) = listening.channels.listen();
    let heard = connection.subscribe(&channels).await;
    let mut tracking = redis::cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(&listening.base);
    let tracked: RedisResult<()> = tracking.query_async(&mut connection).await;
    let mut listener = JoinSet::new();
    listener.spawn(async move {
        while let Some(runs) = next_wishes(&mut wishes).await {
            for (subscribe, channels) in runs {
                // A lost connection shows again where it is used.
                let _ = if subscribe {
                    connection.subscribe(&channels).await
                } else {
                    connection.unsubscribe(&channels).await
                };
            }
        }
    });
    let commits = if heard.is_ok() { Commits::Beside } else { Commits::Unheard };
    ((commits, if tracked.is_ok() { Changes::OfAll } else { Changes::Unheard }), listener)
}

/// Hear of commits where only RESP2 is spoken, until the set is dropped. None where the server does not let us.
pub(super) async fn subscribe(
    client: &Client,
    listening: &Listening,
    pushes: UnboundedSender<PushInfo>,
) -> Option<JoinSet<()>> {
    let (mut subscription, mut messages) = client.get_async_pubsub().await.ok()?.split();
    let (channels, mut wishes) = listening.channels.listen();
    subscription.subscribe(&channels).await.ok()?;
    let mut listener = JoinSet::new();
    listener.spawn(async move {
        while let Some(message) = messages.next().await {
            let data = vec![Value::Nil, Value::BulkString(message.get_payload_bytes().to_vec())];
            let _ = pushes.send(PushInfo { kind: PushKind::Message, data });
        }
        let _ = pushes.send(PushInfo { kind: PushKind::Disconnection, data: Vec::new() });
    });
    listener.spawn(async move {
        while let Some(runs) = next_wishes(&mut wishes).await {
            for (subscribe, channels) in runs {
                let _ = if subscribe {
                    subscription.subscribe(&channels).await
                } else {
                    subscription.unsubscribe(&channels).await
                };
            }
        }
    });
    Some(listener)
}

/// What a push says. None where it is of no interest.
pub(super) fn news(push: PushInfo) -> Option<Input> {
    let mut data = push.data.into_iter();
    match push.kind {
        PushKind::Message => match (data.next()?, data.next()?) {
            (_, Value::BulkString(message)) => {
                Some(resp::read_announcements(&message)).filter(|told| !told.is_empty()).map(Input::Announced)
            }
            _ => None,
        },
        PushKind::Invalidate => match data.next()? {
            Value::Array(keys) => Some(Input::Changed(keys.into_iter().filter_map(key).collect())),
            // Everything was flushed.
            _ => Some(Input::ChangedAll),
        },
        _ => None,
    }
}

fn key(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}
