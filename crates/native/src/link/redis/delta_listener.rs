//! Connections that only deliver deltas.

use super::notifications::{Listener, decode_push};
use super::subscriptions::Subscriptions;
use redis::{PushInfo, PushKind, Value};
use std::sync::Arc;
use synced_memory_core::session::Input;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Receives the deltas of the channels to which one or several connections of its own are subscribed.
pub(super) struct DeltaListener {
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) listener: Listener,
    /// Takes the pushes of every connection.
    pub(super) sender: UnboundedSender<PushInfo>,
    pushes: UnboundedReceiver<PushInfo>,
}

impl DeltaListener {
    /// A listener without connections.
    pub(super) fn new(subscriptions: Arc<Subscriptions>) -> Self {
        let (sender, pushes) = unbounded_channel();
        Self { subscriptions, listener: Listener::default(), sender, pushes }
    }

    /// Wait for the next deltas. None when a connection is lost, or when a server has ended a subscription.
    pub(super) async fn next(&mut self) -> Option<Input> {
        loop {
            let push = tokio::select! {
                biased;
                push = self.pushes.recv() => push.filter(|push| !self.ends_subscription(push))?,
                () = self.listener.ended() => return None,
            };
            if let Some(input) = decode_push(push) {
                return Some(input);
            }
        }
    }

    /// A server ends the subscription to a sharded channel when another one gets its slot.
    fn ends_subscription(&self, push: &PushInfo) -> bool {
        match (&push.kind, push.data.first()) {
            (PushKind::Disconnection, _) => true,
            (PushKind::SUnsubscribe, Some(Value::BulkString(channel))) => {
                std::str::from_utf8(channel).is_ok_and(|channel| self.subscriptions.contains(channel))
            }
            _ => false,
        }
    }
}
