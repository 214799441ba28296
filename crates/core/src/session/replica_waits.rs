//! Waits for replicas of the server that have not been sent yet.

use crate::ids::ReplicationId;

/// A wait until `count` replicas have every commit that was acknowledged before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ReplicaWait {
    pub(super) id: ReplicationId,
    pub(super) count: u32,
    /// The longest time that the server waits, in milliseconds.
    pub(super) wait_ms: u64,
}

/// Waits for replicas, until they are sent. A wait that was sent and whose answer was lost has failed: it is not sent
/// again.
#[derive(Debug)]
pub(super) struct ReplicaWaits {
    queued: Vec<ReplicaWait>,
    last_id: ReplicationId,
}

impl ReplicaWaits {
    pub(super) fn new() -> Self {
        Self { queued: Vec::new(), last_id: ReplicationId(0) }
    }

    pub(super) fn add(&mut self, count: u32, wait_ms: u64) -> ReplicationId {
        self.last_id.0 += 1;
        self.queued.push(ReplicaWait { id: self.last_id, count, wait_ms });
        self.last_id
    }

    /// Removes and returns all waits, oldest first.
    pub(super) fn take(&mut self) -> Vec<ReplicaWait> {
        std::mem::take(&mut self.queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_sent_once() {
        let mut waits = ReplicaWaits::new();
        let ids = [waits.add(1, 100), waits.add(2, 200)];
        assert_eq!(waits.take().iter().map(|wait| wait.id).collect::<Vec<_>>(), ids);
        assert_eq!(waits.take(), []);
        assert_eq!(waits.add(1, 100), ReplicationId(3));
    }
}
