//! The channels on which commits are announced in the places that somebody follows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use synced_memory_core::resp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What is to be heard over a connection.
#[derive(Clone)]
pub(crate) struct Listening {
    /// What all keys start with whose changes are of interest.
    pub(crate) base: String,
    pub(crate) channels: Arc<Channels>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Subscribe(String),
    Unsubscribe(String),
}

/// The channels that are wanted now, and who has to know when that changes.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Wanted>);

#[derive(Default)]
struct Wanted {
    /// How many want each.
    channels: HashMap<String, usize>,
    listeners: Vec<UnboundedSender<Wish>>,
}

impl Channels {
    pub(crate) fn follow(&self, place: &str) {
        let mut wanted = self.lock();
        let channel = resp::channel(place);
        let followers = wanted.channels.entry(channel.clone()).or_default();
        *followers += 1;
        if *followers == 1 {
            wanted.tell(|| Wish::Subscribe(channel.clone()));
        }
    }

    pub(crate) fn unfollow(&self, place: &str) {
        let mut wanted = self.lock();
        let channel = resp::channel(place);
        let Some(followers) = wanted.channels.get_mut(&channel) else { return };
        *followers -= 1;
        if *followers == 0 {
            wanted.channels.remove(&channel);
            wanted.tell(|| Wish::Unsubscribe(channel.clone()));
        }
    }

    /// What is wanted now, and what changes from now on.
    pub(super) fn listen(&self) -> (Vec<String>, UnboundedReceiver<Wish>) {
        let mut wanted = self.lock();
        let (sender, wishes) = unbounded_channel();
        wanted.listeners.push(sender);
        (wanted.channels.keys().cloned().collect(), wishes)
    }

    /// Nobody can panic while holding the lock other than for want of memory: the map is whole.
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    /// Listeners that are gone are forgotten.
    fn tell(&mut self, wish: impl Fn() -> Wish) {
        self.listeners.retain(|listener| listener.send(wish()).is_ok());
    }
}

/// Everything that is wished by now, at least one: those of one kind that follow each other go together. None where
/// nobody will wish for anything any more.
pub(super) async fn next_wishes(wishes: &mut UnboundedReceiver<Wish>) -> Option<Vec<(bool, Vec<String>)>> {
    let mut runs: Vec<(bool, Vec<String>)> = Vec::new();
    let mut next = Some(wishes.recv().await?);
    while let Some(wish) = next {
        let (subscribe, channel) = match wish {
            Wish::Subscribe(channel) => (true, channel),
            Wish::Unsubscribe(channel) => (false, channel),
        };
        match runs.last_mut() {
            Some((last, channels)) if *last == subscribe => channels.push(channel),
            _ => runs.push((subscribe, vec![channel])),
        }
        next = wishes.try_recv().ok();
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_are_told_what_changes() {
        let channels = Channels::default();
        channels.follow("memory:");
        let (now, mut wishes) = channels.listen();
        assert_eq!(now, ["sm:memory:"]);
        channels.follow("memory:");
        channels.unfollow("memory:");
        channels.follow("memory:a:");
        channels.follow("memory:b:");
        channels.unfollow("memory:a:");
        let runs = next_wishes(&mut wishes).await.unwrap();
        let both = vec!["sm:memory:a:".to_owned(), "sm:memory:b:".to_owned()];
        assert_eq!(runs, [(true, both), (false, vec!["sm:memory:a:".to_owned()])]);
        drop(channels);
        assert_eq!(next_wishes(&mut wishes).await, None);
    }
}
