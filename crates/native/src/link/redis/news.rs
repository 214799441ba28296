//! What a server tells unasked: commits that others announce, and keys that somebody changed.

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult, Value};
use synced_memory_core::command::Input;
use synced_memory_core::resp;

/// What a server lets us hear.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Heard {
    pub(super) deltas: bool,
    pub(super) changes: bool,
}

/// Listen to what concerns keys that start with `prefix`. A server that does not let us, or does not know how, is still
/// good for everything else.
pub(super) async fn listen(mut connection: MultiplexedConnection, prefix: &str) -> Heard {
    let heard = connection.subscribe(resp::channel(prefix)).await;
    let mut tracking = redis::cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(prefix);
    let tracked: RedisResult<()> = tracking.query_async(&mut connection).await;
    // A lost connection shows again where it is used.
    Heard { deltas: heard.is_ok(), changes: tracked.is_ok() }
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
