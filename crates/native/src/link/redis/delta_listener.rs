//! A connection that only delivers deltas.

use super::notifications::{Listener, decode_push};
use redis::{PushInfo, PushKind};
use synced_memory_core::session::Input;
use tokio::sync::mpsc::UnboundedReceiver;

/// Receives the deltas of the channels to which a connection of its own is subscribed.
pub(super) struct DeltaListener {
    pushes: UnboundedReceiver<PushInfo>,
    listener: Listener,
}

impl DeltaListener {
    /// A listener whose connection delivers `pushes`.
    pub(super) fn new(pushes: UnboundedReceiver<PushInfo>, listener: Listener) -> Self {
        Self { pushes, listener }
    }

    /// Wait for the next deltas. None when the connection is lost.
    pub(super) async fn next(&mut self) -> Option<Input> {
        loop {
            let push = tokio::select! {
                biased;
                push = self.pushes.recv() => push.filter(|push| push.kind != PushKind::Disconnection)?,
                () = self.listener.ended() => return None,
            };
            if let Some(input) = decode_push(push) {
                return Some(input);
            }
        }
    }
}
