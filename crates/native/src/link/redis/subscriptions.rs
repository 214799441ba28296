//! The channels on which a server is to deliver deltas.

use crate::lock::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use synced_memory_core::protocol;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The channels that the sessions of a link need, by number of sessions. Each connection that listens watches it, and
/// applies every change to its own subscriptions.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<State>);

#[derive(Default)]
struct State {
    sessions_by_channel: HashMap<String, usize>,
    watchers: Vec<UnboundedSender<SubscriptionChange>>,
}

/// Channels to subscribe to, or to unsubscribe from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum SubscriptionChange {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
}

impl Subscriptions {
    /// The subscriptions of one session, to the channel of this namespace.
    pub(crate) fn to(namespace: &str) -> Self {
        let subscriptions = Self::default();
        subscriptions.add(namespace);
        subscriptions
    }

    /// One more session needs the channel of this namespace.
    pub(super) fn add(&self, namespace: &str) {
        let mut state = lock(&self.0);
        let channel = protocol::channel(namespace);
        let sessions = state.sessions_by_channel.entry(channel.clone()).or_default();
        *sessions += 1;
        if *sessions == 1 {
            state.notify(&SubscriptionChange::Subscribe(vec![channel]));
        }
    }

    /// One session less needs the channel of this namespace.
    pub(super) fn remove(&self, namespace: &str) {
        let mut state = lock(&self.0);
        let channel = protocol::channel(namespace);
        let Some(sessions) = state.sessions_by_channel.get_mut(&channel) else { return };
        *sessions -= 1;
        if *sessions == 0 {
            state.sessions_by_channel.remove(&channel);
            state.notify(&SubscriptionChange::Unsubscribe(vec![channel]));
        }
    }

    /// Whether a session needs this channel.
    pub(super) fn contains(&self, channel: &str) -> bool {
        lock(&self.0).sessions_by_channel.contains_key(channel)
    }

    /// The channels that are needed now, and every later change.
    pub(super) fn watch(&self) -> (Vec<String>, UnboundedReceiver<SubscriptionChange>) {
        let mut state = lock(&self.0);
        let (watcher, changes) = unbounded_channel();
        state.watchers.push(watcher);
        (state.sessions_by_channel.keys().cloned().collect(), changes)
    }
}

impl State {
    /// Watchers whose receiver is gone are removed.
    fn notify(&mut self, change: &SubscriptionChange) {
        self.watchers.retain(|watcher| watcher.send(change.clone()).is_ok());
    }
}

/// Wait for a change, and take all that have been made by then. Consecutive changes of one kind are merged into one.
/// None when there can be no more changes.
pub(super) async fn next_changes(
    changes: &mut UnboundedReceiver<SubscriptionChange>,
) -> Option<Vec<SubscriptionChange>> {
    use SubscriptionChange::{Subscribe, Unsubscribe};
    let mut merged: Vec<SubscriptionChange> = Vec::new();
    let mut next = Some(changes.recv().await?);
    while let Some(change) = next {
        match (merged.last_mut(), change) {
            (Some(Subscribe(channels)), Subscribe(more)) | (Some(Unsubscribe(channels)), Unsubscribe(more)) => {
                channels.extend(more);
            }
            (_, change) => merged.push(change),
        }
        next = changes.try_recv().ok();
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::SubscriptionChange::{Subscribe, Unsubscribe};
    use super::*;

    #[tokio::test]
    async fn a_watcher_gets_the_channels_of_now_and_every_change() {
        let subscriptions = Subscriptions::to("memory:");
        let (channels, mut changes) = subscriptions.watch();
        assert_eq!(channels, ["sm:memory:"]);
        subscriptions.add("memory:");
        subscriptions.remove("memory:");
        subscriptions.add("memory:a:");
        subscriptions.add("memory:b:");
        subscriptions.remove("memory:a:");
        let both = vec!["sm:memory:a:".to_owned(), "sm:memory:b:".to_owned()];
        let merged = next_changes(&mut changes).await.unwrap();
        assert_eq!(merged, [Subscribe(both), Unsubscribe(vec!["sm:memory:a:".to_owned()])]);
        drop(subscriptions);
        assert_eq!(next_changes(&mut changes).await, None);
    }
}
