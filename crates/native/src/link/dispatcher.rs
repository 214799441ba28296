//! Distribution of answers and notices among the sessions that share a link.

use super::{Delivery, SessionId};
use crate::lock::lock;
use crate::mailbox::Mailbox;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::{DeltaDelivery, Invalidations, namespace_of, namespace_of_channel};
use synced_memory_core::session::Input;

/// Puts each delivery of a link into the mailboxes of the sessions that it concerns. Each session gets its deliveries
/// in the order in which the link made them.
#[derive(Debug, Default)]
pub(crate) struct Dispatcher(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    mailboxes: HashMap<SessionId, Arc<Mailbox>>,
    by_namespace: HashMap<Box<str>, Vec<SessionId>>,
    last_id: u64,
    /// The last notices about the connection, for sessions that join later.
    notifications: (DeltaDelivery, Invalidations),
    /// None until the first notice about the connection.
    connection: Option<Result<(), SyncError>>,
    /// Why the link has ended.
    failure: Option<SyncError>,
}

impl Dispatcher {
    /// Add a session with keys under this prefix. Its mailbox gets the state of the connection, if that is known.
    pub(super) fn join(&self, prefix: &str, mailbox: Arc<Mailbox>) -> SessionId {
        let mut sessions = lock(&self.0);
        if let Some(error) = &sessions.failure {
            mailbox.fail(error.clone());
        }
        let state = match &sessions.connection {
            None => None,
            Some(Ok(())) => Some(Input::Connected),
            Some(Err(error)) => Some(Input::Disconnected(error.clone())),
        };
        let (deltas, invalidations) = sessions.notifications;
        mailbox.deliver(state.into_iter().flat_map(|state| [Input::Notifications(deltas, invalidations), state]));
        sessions.last_id += 1;
        let id = SessionId(sessions.last_id);
        sessions.mailboxes.insert(id, mailbox);
        sessions.by_namespace.entry(namespace_of(prefix).into()).or_default().push(id);
        id
    }

    /// Remove a session, which joined with this prefix.
    pub(super) fn leave(&self, id: SessionId, prefix: &str) {
        let mut sessions = lock(&self.0);
        sessions.mailboxes.remove(&id);
        let namespace = namespace_of(prefix);
        let Some(ids) = sessions.by_namespace.get_mut(namespace) else { return };
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            sessions.by_namespace.remove(namespace);
        }
    }

    /// True if the last notice about the connection was that it is lost.
    pub(super) fn is_disconnected(&self) -> bool {
        matches!(lock(&self.0).connection, Some(Err(_)))
    }

    /// End all sessions, because the link panicked and carries out nothing more. Sessions that join later end too.
    pub(super) fn fail(&self, error: &SyncError) {
        let mut sessions = lock(&self.0);
        sessions.failure = Some(error.clone());
        for mailbox in sessions.mailboxes.values() {
            mailbox.fail(error.clone());
        }
    }

    /// True if the link has ended.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.0).failure.is_some()
    }

    /// Wake the thread that drives this session, shortly before a delivery to it.
    pub(crate) fn wake(&self, id: SessionId) {
        if let Some(mailbox) = lock(&self.0).mailboxes.get(&id) {
            mailbox.wake();
        }
    }

    /// Distribute deliveries. Answers to sessions that have left are dropped.
    pub(crate) fn deliver(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut sessions = lock(&self.0);
        let mut batches = Batches::default();
        for delivery in deliveries {
            match delivery {
                Delivery::Answer(origin, answer) => {
                    batches.add(origin.session, Input::Answer(origin.request, answer));
                }
                Delivery::Notice(notice) => sessions.distribute(notice, &mut batches),
            }
        }
        for (id, inputs) in batches.0 {
            if let Some(mailbox) = sessions.mailboxes.get(&id) {
                mailbox.deliver(inputs);
            }
        }
    }
}

/// The inputs of each session, in order.
#[derive(Default)]
struct Batches(HashMap<SessionId, Vec<Input>>);

impl Batches {
    fn add(&mut self, id: SessionId, input: Input) {
        self.0.entry(id).or_default().push(input);
    }
}

impl Sessions {
    /// Deltas, messages and changed keys go to the sessions of their namespace, everything else goes to all sessions.
    fn distribute(&mut self, notice: Input, batches: &mut Batches) {
        match notice {
            Input::Deltas(deltas) => {
                // One session committed the whole group, so all its keys have one namespace.
                let Some(first) = deltas.first() else { return };
                for id in self.in_namespace_of(&first.key) {
                    batches.add(id, Input::Deltas(deltas.clone()));
                }
            }
            Input::Message { channel, message } => {
                let Some(namespace) = namespace_of_channel(&channel) else { return };
                for id in self.by_namespace.get(namespace).into_iter().flatten() {
                    batches.add(*id, Input::Message { channel: Arc::clone(&channel), message: Arc::clone(&message) });
                }
            }
            Input::Changed(keys) => {
                let mut changed: HashMap<SessionId, Vec<String>> = HashMap::new();
                for key in keys {
                    for id in self.in_namespace_of(&key) {
                        changed.entry(id).or_default().push(key.clone());
                    }
                }
                for (id, keys) in changed {
                    batches.add(id, Input::Changed(keys));
                }
            }
            notice => {
                match &notice {
                    Input::Notifications(deltas, invalidations) => self.notifications = (*deltas, *invalidations),
                    Input::Connected => self.connection = Some(Ok(())),
                    Input::Disconnected(error) => self.connection = Some(Err(error.clone())),
                    _ => {}
                }
                for id in self.mailboxes.keys() {
                    batches.add(*id, notice.clone());
                }
            }
        }
    }

    fn in_namespace_of(&self, key: &str) -> impl Iterator<Item = SessionId> {
        self.by_namespace.get(namespace_of(key)).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;
    use synced_memory_core::byte_len::ByteLen;
    use synced_memory_core::error::ErrorCode;
    use synced_memory_core::ids::{Revision, WriterId};
    use synced_memory_core::protocol::{Answer, CommitOutcome, Delta, Lifetime, RequestId};

    fn mailbox() -> Arc<Mailbox> {
        Arc::new(Mailbox::new(|| ()))
    }

    fn changed(keys: &[&str]) -> Input {
        Input::Changed(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    fn deltas(keys: &[&str]) -> Input {
        let delta = |key: &&str| Delta {
            key: (*key).to_owned(),
            writer: WriterId("w".into()),
            base: Revision(1),
            revision: Revision(2),
            len: ByteLen(30),
            mutations: String::new(),
        };
        Input::Deltas(keys.iter().map(delta).collect())
    }

    #[test]
    fn each_session_gets_the_changes_of_its_namespace_and_its_own_answers() {
        let dispatcher = Dispatcher::default();
        let [root, scope, same_scope] = [mailbox(), mailbox(), mailbox()];
        dispatcher.join("memory:", Arc::clone(&root));
        let scope_id = dispatcher.join("memory:a:", Arc::clone(&scope));
        dispatcher.join("memory:a:", Arc::clone(&same_scope));

        let answer = Answer::Lifetime(Lifetime::Absent);
        let origin = Origin { session: scope_id, request: RequestId(7) };
        dispatcher.deliver([
            Delivery::Notice(changed(&["memory:x", "memory:a:y", "memory:b:z"])),
            Delivery::Answer(origin, answer.clone()),
        ]);
        assert_eq!(root.take_all(), [changed(&["memory:x"])]);
        let both = changed(&["memory:a:y"]);
        assert_eq!(scope.take_all(), [both.clone(), Input::Answer(RequestId(7), answer.clone())]);
        assert_eq!(same_scope.take_all(), [both]);

        dispatcher.leave(scope_id, "memory:a:");
        dispatcher.deliver([Delivery::Answer(origin, answer), Delivery::Notice(changed(&["memory:a:y"]))]);
        assert!(scope.take_all().is_empty() && root.take_all().is_empty());
        assert_eq!(same_scope.take_all(), [changed(&["memory:a:y"])]);
    }

    #[test]
    fn deltas_stay_before_the_answers_that_follow_them() {
        let dispatcher = Dispatcher::default();
        let [writer, reader] = [mailbox(), mailbox()];
        let session = dispatcher.join("memory:", Arc::clone(&writer));
        dispatcher.join("memory:", Arc::clone(&reader));
        let applied = |request| {
            let origin = Origin { session, request: RequestId(request) };
            Delivery::Answer(origin, Answer::Committed(CommitOutcome::Applied))
        };
        dispatcher.deliver([
            Delivery::Notice(deltas(&["memory:a"])),
            applied(1),
            Delivery::Notice(deltas(&["memory:b", "memory:c"])),
            applied(2),
        ]);
        // Deliveries of a later call go behind those that the session has not drained yet.
        dispatcher.deliver([Delivery::Notice(deltas(&["memory:d"])), applied(3)]);
        let answer = |request| Input::Answer(RequestId(request), Answer::Committed(CommitOutcome::Applied));
        let group = deltas(&["memory:b", "memory:c"]);
        assert_eq!(
            writer.take_all(),
            [deltas(&["memory:a"]), answer(1), group.clone(), answer(2), deltas(&["memory:d"]), answer(3)]
        );
        assert_eq!(reader.take_all(), [deltas(&["memory:a"]), group, deltas(&["memory:d"])]);
    }

    #[test]
    fn deltas_reach_every_session_of_their_namespace_and_no_other() {
        let dispatcher = Dispatcher::default();
        let [root, scope, other_scope] = [mailbox(), mailbox(), mailbox()];
        dispatcher.join("memory:", Arc::clone(&root));
        dispatcher.join("memory:a:", Arc::clone(&scope));
        dispatcher.join("memory:b:", Arc::clone(&other_scope));
        let group = deltas(&["memory:a:x", "memory:a:y"]);
        dispatcher.deliver([
            Delivery::Notice(group.clone()),
            Delivery::Notice(deltas(&["memory:z"])),
            Delivery::Notice(deltas(&["memory:unknown:x"])),
            Delivery::Notice(deltas(&[])),
        ]);
        assert_eq!(scope.take_all(), [group], "a group stays one input");
        assert_eq!(root.take_all(), [deltas(&["memory:z"])]);
        assert!(other_scope.take_all().is_empty());
    }

    #[test]
    fn a_message_reaches_the_sessions_of_its_channel_whatever_is_in_it() {
        let dispatcher = Dispatcher::default();
        let [root, scope] = [mailbox(), mailbox()];
        dispatcher.join("memory:", Arc::clone(&root));
        dispatcher.join("memory:a:", Arc::clone(&scope));
        let message =
            |channel: &str| Input::Message { channel: channel.into(), message: b"memory:x".as_slice().into() };
        let channels = ["sm:memory:a:", "sm:memory:b:", "memory:a:"];
        dispatcher.deliver(channels.map(|channel| Delivery::Notice(message(channel))));
        assert_eq!(scope.take_all(), [message("sm:memory:a:")]);
        assert!(root.take_all().is_empty());
    }

    #[test]
    fn requests_of_two_sessions_with_one_number_get_their_own_answers() {
        let dispatcher = Dispatcher::default();
        let mailboxes = [mailbox(), mailbox()];
        let ids = mailboxes.each_ref().map(|mailbox| dispatcher.join("memory:", Arc::clone(mailbox)));
        let answer = |count| Answer::Replicas(count);
        let to = |session, count| Delivery::Answer(Origin { session, request: RequestId(1) }, answer(count));
        dispatcher.deliver([to(ids[1], 11), to(ids[0], 10), to(ids[1], 12)]);
        assert_eq!(mailboxes[0].take_all(), [Input::Answer(RequestId(1), answer(10))]);
        let later = [11, 12].map(|count| Input::Answer(RequestId(1), answer(count)));
        assert_eq!(mailboxes[1].take_all(), later);
    }

    #[test]
    fn a_session_that_joins_late_gets_the_state_of_the_connection() {
        let dispatcher = Dispatcher::default();
        let early = mailbox();
        dispatcher.join("a:", Arc::clone(&early));
        assert!(early.take_all().is_empty());
        let notifications = Input::Notifications(DeltaDelivery::OutOfBand, Invalidations::Broadcast);
        dispatcher.deliver([Delivery::Notice(notifications.clone()), Delivery::Notice(Input::Connected)]);
        let later = mailbox();
        dispatcher.join("b:", Arc::clone(&later));
        assert_eq!(later.take_all(), [notifications.clone(), Input::Connected]);
        assert_eq!(early.take_all(), [notifications.clone(), Input::Connected]);
        let lost = Input::Disconnected(SyncError::new(ErrorCode::Unreachable, "gone"));
        dispatcher.deliver([Delivery::Notice(lost.clone())]);
        assert!(dispatcher.is_disconnected());
        let latest = mailbox();
        dispatcher.join("b:", Arc::clone(&latest));
        assert_eq!(latest.take_all(), [notifications, lost]);
    }
}
