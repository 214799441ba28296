//! The notifications of a cluster: deltas over one subscription, invalidations from every node.

use crate::lock::lock;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;
use synced_memory_core::protocol::{DeltaDelivery, Invalidations};
use synced_memory_core::session::Input;
use tokio::sync::watch;

/// The time for which invalidations are held back. A delta crosses the cluster's bus and may arrive after the invalidation of its
/// key, which a session would take for a change without a delta.
pub(super) const INVALIDATION_DELAY: Duration = Duration::from_millis(10);

/// The notifications that arrive now, and the invalidations that are held back.
#[derive(Default)]
pub(super) struct NotificationState {
    support: watch::Sender<Support>,
    held: Mutex<BTreeSet<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Support {
    /// None until the first attempt to subscribe, and after the loss of a subscription until the next attempt.
    deltas: Option<DeltaDelivery>,
    invalidations: Invalidations,
}

impl NotificationState {
    /// Note how deltas arrive; None while that is undecided. Gives the notice for sessions.
    pub(super) fn set_deltas(&self, deltas: Option<DeltaDelivery>) -> Input {
        self.support.send_modify(|support| support.deltas = deltas);
        self.notice()
    }

    /// Note how the nodes announce changed keys. Gives the notice for sessions.
    pub(super) fn set_invalidations(&self, invalidations: Invalidations) -> Input {
        self.support.send_modify(|support| support.invalidations = invalidations);
        self.notice()
    }

    /// The present delivery of deltas.
    pub(super) fn deltas(&self) -> DeltaDelivery {
        self.support.borrow().deltas.unwrap_or_default()
    }

    /// Wait until there is a subscription, or an attempt to subscribe has failed.
    pub(super) async fn deltas_decided(&self) {
        let mut support = self.support.subscribe();
        // The sender lives as long as `self`.
        let _ = support.wait_for(|support| support.deltas.is_some()).await;
    }

    /// Hold keys back. True if there were none before, so that the caller has to release them in time.
    pub(super) fn hold(&self, keys: Vec<String>) -> bool {
        let mut held = lock(&self.held);
        let was_empty = held.is_empty();
        held.extend(keys);
        was_empty && !held.is_empty()
    }

    /// The keys that were held back, each once.
    pub(super) fn release(&self) -> Input {
        Input::Changed(std::mem::take(&mut *lock(&self.held)).into_iter().collect())
    }

    fn notice(&self) -> Input {
        let Support { deltas, invalidations } = *self.support.borrow();
        Input::Notifications(deltas.unwrap_or_default(), invalidations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_and_invalidations_are_reported_together() {
        let state = NotificationState::default();
        let notice = state.set_invalidations(Invalidations::Broadcast);
        assert_eq!(notice, Input::Notifications(DeltaDelivery::None, Invalidations::Broadcast));
        let notice = state.set_deltas(Some(DeltaDelivery::Unordered));
        assert_eq!(notice, Input::Notifications(DeltaDelivery::Unordered, Invalidations::Broadcast));
        let notice = state.set_deltas(None);
        assert_eq!(notice, Input::Notifications(DeltaDelivery::None, Invalidations::Broadcast));
    }

    #[test]
    fn held_keys_are_released_once() {
        let state = NotificationState::default();
        let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(!state.hold(vec![]));
        assert!(state.hold(keys(&["memory:a", "memory:b"])));
        assert!(!state.hold(keys(&["memory:b"])));
        assert_eq!(state.release(), Input::Changed(keys(&["memory:a", "memory:b"])));
        assert!(state.hold(keys(&["memory:b"])));
    }
}
