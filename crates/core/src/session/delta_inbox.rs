//! Deltas of other writers that have arrived and cannot be applied yet, in the order of arrival. Whether a delta fits the
//! document is decided by the replica.

use super::ids::AttributeId;
use crate::id_map::IdMap;
use crate::ids::{Revision, WriterId};
use crate::protocol::Delta;
use std::collections::VecDeque;

/// The most deltas that are kept for one attribute. Where more come, the document is read instead.
const MAX_QUEUED: usize = 64;

/// Identifies the deltas that arrived together, because they were committed together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct DeltaGroupId(u64);

#[derive(Debug)]
struct QueuedDelta {
    delta: Delta,
    group: DeltaGroupId,
}

/// The deltas of each attribute in the order in which they arrived, and which of them belong together: a delta group is
/// applied when the delta of every attribute in it is the first in its queue, so that a reader never sees half of a commit.
#[derive(Debug)]
pub(super) struct DeltaInbox {
    /// By the attribute's id, up to the highest that has had a delta.
    queues: Vec<VecDeque<QueuedDelta>>,
    /// The attributes of each group of several, until one of them is cleared.
    groups: IdMap<DeltaGroupId, Vec<AttributeId>>,
    last_group: DeltaGroupId,
}

impl DeltaInbox {
    pub(super) fn new() -> Self {
        Self { queues: Vec::new(), groups: IdMap::default(), last_group: DeltaGroupId(0) }
    }

    /// An id for the deltas that have arrived together.
    pub(super) fn next_group(&mut self) -> DeltaGroupId {
        self.last_group.0 += 1;
        self.last_group
    }

    /// Whether another delta of this attribute would be one too many.
    pub(super) fn is_full(&self, id: AttributeId) -> bool {
        self.queue(id).is_some_and(|queue| queue.len() == MAX_QUEUED)
    }

    pub(super) fn is_empty(&self, id: AttributeId) -> bool {
        self.queue(id).is_none_or(VecDeque::is_empty)
    }

    /// Adds a delta behind those of the attribute.
    pub(super) fn add(&mut self, id: AttributeId, delta: Delta, group: DeltaGroupId) {
        if self.queues.len() <= id.index() {
            self.queues.resize_with(id.index() + 1, VecDeque::new);
        }
        self.queues[id.index()].push_back(QueuedDelta { delta, group });
    }

    /// Binds the deltas of a group together. `attributes` are those that have one.
    pub(super) fn bind(&mut self, group: DeltaGroupId, attributes: &[AttributeId]) {
        if attributes.len() > 1 {
            self.groups.insert(group, attributes.to_vec());
        }
    }

    /// The first delta of an attribute, and its group.
    pub(super) fn first(&self, id: AttributeId) -> Option<(&Delta, DeltaGroupId)> {
        let QueuedDelta { delta, group } = self.queue(id)?.front()?;
        Some((delta, *group))
    }

    /// Whether the deltas of an attribute lead from one revision to another without a gap, and none of them is of `writer`.
    pub(super) fn leads(&self, id: AttributeId, from: Revision, to: Revision, writer: &WriterId) -> bool {
        let deltas = self.queue(id).into_iter().flatten().map(|queued| &queued.delta);
        let mut revision = from;
        for delta in deltas.skip_while(|delta| delta.revision <= from) {
            if revision == to {
                break;
            }
            if delta.base != revision || delta.writer == *writer {
                return false;
            }
            revision = delta.revision;
        }
        revision == to
    }

    /// The first deltas of an attribute, as far as none of them belongs with one of another attribute.
    pub(super) fn first_alone(&self, id: AttributeId) -> Vec<&Delta> {
        let queue = self.queue(id).into_iter().flatten();
        queue.take_while(|queued| self.attributes_of(queued.group).is_none()).map(|queued| &queued.delta).collect()
    }

    /// The attributes whose deltas belong together in this group. None for a delta that belongs with no other.
    pub(super) fn attributes_of(&self, group: DeltaGroupId) -> Option<&[AttributeId]> {
        self.groups.get(group).map(Vec::as_slice)
    }

    /// Releases the deltas of a group from each other.
    pub(super) fn unbind(&mut self, group: DeltaGroupId) {
        self.groups.remove(group);
    }

    /// Removes and returns the first delta of an attribute.
    pub(super) fn pop(&mut self, id: AttributeId) -> Option<Delta> {
        let first = self.queues.get_mut(id.index())?.pop_front()?;
        Some(first.delta)
    }

    /// Removes the deltas of an attribute, whose document is read instead. Returns the attributes that have deltas which were
    /// committed together with one of these: those must not be applied alone.
    pub(super) fn clear_attribute(&mut self, id: AttributeId) -> Vec<AttributeId> {
        let mut others = Vec::new();
        let Some(queue) = self.queues.get_mut(id.index()) else { return others };
        for QueuedDelta { group, .. } in queue.drain(..) {
            let together = self.groups.remove(group).into_iter().flatten();
            others.extend(together.filter(|other| *other != id));
        }
        others
    }

    /// Removes everything: deltas are missed while there is no connection.
    pub(super) fn clear(&mut self) {
        self.queues.clear();
        self.groups.clear();
    }

    /// The attributes that have deltas.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        let used = self.queues.iter().enumerate().filter(|(_, queue)| !queue.is_empty());
        used.map(|(index, _)| AttributeId::new(index))
    }

    fn queue(&self, id: AttributeId) -> Option<&VecDeque<QueuedDelta>> {
        self.queues.get(id.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_len::ByteLen;

    fn delta(revision: u64) -> Delta {
        Delta {
            key: "memory:x".into(),
            writer: WriterId("w".into()),
            base: Revision(revision - 1),
            revision: Revision(revision),
            len: ByteLen(30),
            mutations: "[]".into(),
        }
    }

    #[test]
    fn deltas_of_an_attribute_stay_in_order() {
        let mut inbox = DeltaInbox::new();
        let id = AttributeId::new(0);
        for revision in [2, 3] {
            let group = inbox.next_group();
            inbox.add(id, delta(revision), group);
            inbox.bind(group, &[id]);
        }
        assert_eq!(inbox.first(id).map(|(first, _)| first.revision), Some(Revision(2)));
        let (_, group) = inbox.first(id).unwrap();
        assert_eq!(inbox.attributes_of(group), None, "a delta by itself waits for no other");
        assert_eq!(inbox.pop(id), Some(delta(2)));
        assert_eq!(inbox.pop(id), Some(delta(3)));
        assert!(inbox.is_empty(id));
        assert_eq!(inbox.pop(id), None);
    }

    #[test]
    fn a_group_ends_where_one_of_its_attributes_is_read_instead() {
        let mut inbox = DeltaInbox::new();
        let [a, b] = [0, 1].map(AttributeId::new);
        let group = inbox.next_group();
        for id in [a, b] {
            inbox.add(id, delta(2), group);
        }
        inbox.bind(group, &[a, b]);
        assert_eq!(inbox.attributes_of(group), Some(&[a, b][..]));
        assert_eq!(inbox.clear_attribute(a), [b]);
        assert_eq!(inbox.attributes_of(group), None);
        assert_eq!(inbox.attributes().collect::<Vec<_>>(), [b]);
    }

    #[test]
    fn the_number_of_deltas_is_limited() {
        let mut inbox = DeltaInbox::new();
        let id = AttributeId::new(0);
        for _ in 0..MAX_QUEUED {
            assert!(!inbox.is_full(id));
            let group = inbox.next_group();
            inbox.add(id, delta(2), group);
        }
        assert!(inbox.is_full(id));
        inbox.clear();
        assert!(inbox.is_empty(id));
    }
}
