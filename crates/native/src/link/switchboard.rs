//! What a link has to say, to the sessions whom it concerns.

use super::{Delivery, SessionId};
use crate::mailbox::Mailbox;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use synced_memory_core::command::{Changes, Commits, Input};
use synced_memory_core::error::SyncError;

/// Where a key is, or the keys with a prefix are: names of attributes hold no colon, so that a session's are all in one
/// place.
pub(crate) fn place(key_or_prefix: &str) -> &str {
    &key_or_prefix[..key_or_prefix.rfind(':').map_or(0, |colon| colon + 1)]
}

#[derive(Debug, Default)]
pub(crate) struct Switchboard(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    mailboxes: HashMap<SessionId, Arc<Mailbox>>,
    /// The sessions of each place.
    places: HashMap<Box<str>, Vec<SessionId>>,
    last: u64,
    /// What the backend tells by itself.
    hears: (Commits, Changes),
    /// None before the first news of it.
    connected: Option<Result<(), SyncError>>,
}

impl Switchboard {
    /// Another session, which is told how the connection is.
    pub(super) fn join(&self, prefix: &str, mailbox: Arc<Mailbox>) -> SessionId {
        let mut sessions = self.lock();
        let news = match &sessions.connected {
            None => None,
            Some(Ok(())) => Some(Input::Connected),
            Some(Err(error)) => Some(Input::Disconnected(error.clone())),
        };
        let (commits, changes) = sessions.hears;
        mailbox.deliver(news.into_iter().flat_map(|news| [Input::Hears(commits, changes), news]));
        sessions.last += 1;
        let id = SessionId(sessions.last);
        sessions.mailboxes.insert(id, mailbox);
        sessions.places.entry(place(prefix).into()).or_default().push(id);
        id
    }

    pub(super) fn leave(&self, id: SessionId, prefix: &str) {
        let mut sessions = self.lock();
        sessions.mailboxes.remove(&id);
        let Some(there) = sessions.places.get_mut(place(prefix)) else { return };
        there.retain(|other| *other != id);
        if there.is_empty() {
            sessions.places.remove(place(prefix));
        }
    }

    /// Is it known to be cut off?
    pub(super) fn is_disconnected(&self) -> bool {
        matches!(self.lock().connected, Some(Err(_)))
    }

    /// Wake who drains this session: something for it is about to be handed on.
    pub(crate) fn wake(&self, id: SessionId) {
        if let Some(mailbox) = self.lock().mailboxes.get(&id) {
            mailbox.wake();
        }
    }

    /// Hand these on, each session's in order.
    pub(crate) fn deliver(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut sessions = self.lock();
        let mut batches = Batches::default();
        for delivery in deliveries {
            match delivery {
                Delivery::Answer(origin, answer) => {
                    batches.add(origin.session, Input::Answer(origin.request, answer));
                }
                Delivery::News(news) => sessions.spread(news, &mut batches),
            }
        }
        for (id, inputs) in batches.0 {
            // Answers to a session that has left have nobody who waits for them.
            if let Some(mailbox) = sessions.mailboxes.get(&id) {
                mailbox.deliver(inputs);
            }
        }
    }

    /// Nobody can panic while holding the lock other than for want of memory: the maps are whole.
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Batches(HashMap<SessionId, Vec<Input>>);

impl Batches {
    fn add(&mut self, id: SessionId, input: Input) {
        self.0.entry(id).or_default().push(input);
    }
}

impl Sessions {
    fn spread(&mut self, news: Input, batches: &mut Batches) {
        match news {
            Input::Announced(told) => {
                // What is committed together is one session's, and so in one place.
                let Some(first) = told.first() else { return };
                for id in self.in_place_of(&first.key) {
                    batches.add(id, Input::Announced(told.clone()));
                }
            }
            Input::Changed(keys) => {
                let mut changed: HashMap<SessionId, Vec<String>> = HashMap::new();
                for key in keys {
                    for id in self.in_place_of(&key) {
                        changed.entry(id).or_default().push(key.clone());
                    }
                }
                for (id, keys) in changed {
                    batches.add(id, Input::Changed(keys));
                }
            }
            news => {
                match &news {
                    Input::Hears(commits, changes) => self.hears = (*commits, *changes),
                    Input::Connected => self.connected = Some(Ok(())),
                    Input::Disconnected(error) => self.connected = Some(Err(error.clone())),
                    _ => {}
                }
                for id in self.mailboxes.keys() {
                    batches.add(*id, news.clone());
                }
            }
        }
    }

    fn in_place_of(&self, key: &str) -> impl Iterator<Item = SessionId> {
        self.places.get(place(key)).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;
    use synced_memory_core::command::{Answer, Lifetime, RequestId};
    use synced_memory_core::error::ErrorCode;

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(|| ()))
    }

    fn changed(keys: &[&str]) -> Input {
        Input::Changed(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn keys_and_prefixes_have_one_place() {
        assert_eq!(place("memory:tasks"), "memory:");
        assert_eq!(place("memory:a:"), "memory:a:");
        assert_eq!(place("memory:a:b-"), place("memory:a:b-tasks"));
        assert_eq!(place("app-"), place("app-tasks"));
    }

    #[test]
    fn everybody_gets_his_own() {
        let board = Switchboard::default();
        let [root, scope, same] = [mailbox(), mailbox(), mailbox()];
        board.join("memory:", Arc::clone(&root));
        let scope_id = board.join("memory:a:", Arc::clone(&scope));
        board.join("memory:a:", Arc::clone(&same));

        let answer = Answer::Lifetime(Lifetime::Absent);
        let origin = Origin { session: scope_id, request: RequestId(7) };
        board.deliver([
            Delivery::News(changed(&["memory:x", "memory:a:y", "memory:b:z"])),
            Delivery::Answer(origin, answer.clone()),
        ]);
        assert_eq!(root.take_all(), [changed(&["memory:x"])]);
        let both = changed(&["memory:a:y"]);
        assert_eq!(scope.take_all(), [both.clone(), Input::Answer(RequestId(7), answer.clone())]);
        assert_eq!(same.take_all(), [both]);

        board.leave(scope_id, "memory:a:");
        board.deliver([Delivery::Answer(origin, answer), Delivery::News(changed(&["memory:a:y"]))]);
        assert!(scope.take_all().is_empty() && root.take_all().is_empty());
        assert_eq!(same.take_all(), [changed(&["memory:a:y"])]);
    }

    #[test]
    fn who_comes_later_is_told_how_it_is() {
        let board = Switchboard::default();
        let early = mailbox();
        board.join("a:", Arc::clone(&early));
        assert!(early.take_all().is_empty());
        let hears = Input::Hears(Commits::Beside, Changes::OfAll);
        board.deliver([Delivery::News(hears.clone()), Delivery::News(Input::Connected)]);
        let later = mailbox();
        board.join("b:", Arc::clone(&later));
        assert_eq!(later.take_all(), [hears.clone(), Input::Connected]);
        assert_eq!(early.take_all(), [hears.clone(), Input::Connected]);
        let lost = Input::Disconnected(SyncError::new(ErrorCode::Unavailable, "gone"));
        board.deliver([Delivery::News(lost.clone())]);
        assert!(board.is_disconnected());
        let latest = mailbox();
        board.join("b:", Arc::clone(&latest));
        assert_eq!(latest.take_all(), [hears, lost]);
    }
}
