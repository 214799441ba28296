//! The pending groups of a session.

use super::ids::AttributeId;
use crate::document::Guard;
use crate::error::SyncError;
use crate::id_map::IdMap;
use crate::ids::{GroupId, MutationNumber, RefreshId};
use crate::protocol::NamesLog;

/// A group that is pending: mutations of several attributes that are committed together or not at all. One without
/// mutations only checks the attributes that it relies on.
#[derive(Debug)]
pub(super) struct Group {
    /// Whether any other change of an attribute that the group changes or reads aborts it.
    pub(super) is_strict: bool,
    /// The attributes that it relies on and does not change.
    pub(super) reads: Vec<AttributeId>,
    /// The log of names that it relies on; None where it does not rely on the set of names.
    pub(super) names: Option<NamesLog>,
    /// The attributes that it changes, each once.
    pub(super) changes: Vec<AttributeId>,
    /// Its first mutation; without mutations, the last one that was made before it.
    pub(super) first: MutationNumber,
    /// The checks of the stored documents that it relied on when it was first sent. It is sent again with these, because the
    /// replicas that it read may have followed other writers meanwhile.
    pub(super) first_checks: Option<GroupChecks>,
    /// Whether it was sent on the present connection and not answered.
    pub(super) is_in_flight: bool,
    /// The attributes in the request in flight, in the order of the answer: those with a commit, then those with a check.
    pub(super) sent: Vec<AttributeId>,
}

impl Group {
    /// The attributes that it changes or reads.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.changes.iter().chain(&self.reads).copied()
    }
}

/// The checks of a group beside those of the documents that it changes: it is committed only if they hold.
#[derive(Clone, Debug)]
pub(super) struct GroupChecks {
    /// The keys of the documents that it reads.
    pub(super) documents: Vec<(String, Guard)>,
    /// The names key, where it relies on the set of names.
    pub(super) names: Option<(String, Guard)>,
}

impl GroupChecks {
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.names.is_none()
    }
}

/// A strict group that was rolled back, and is reported as aborted once it can be tried again.
#[derive(Debug)]
pub(super) struct FailedGroup {
    pub(super) id: GroupId,
    pub(super) error: SyncError,
    /// The refresh of what it relied on; None where there is none, or none any more.
    pub(super) refresh: Option<RefreshId>,
    /// The attributes that it changed or read.
    pub(super) attributes: Vec<AttributeId>,
}

/// The pending groups by id, and the groups of each attribute in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct GroupTable {
    groups: IdMap<GroupId, Group>,
    by_attribute: IdMap<AttributeId, Vec<GroupId>>,
    without_attributes: Vec<GroupId>,
    failed: Vec<FailedGroup>,
}

impl GroupTable {
    pub(super) fn insert(&mut self, id: GroupId, group: Group) {
        for attribute in group.attributes() {
            self.by_attribute.entry(attribute, Vec::new).push(id);
        }
        if group.attributes().next().is_none() {
            self.without_attributes.push(id);
        }
        self.groups.insert(id, group);
    }

    /// Removes and returns a group. None if it is not pending any more.
    pub(super) fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.groups.remove(id)?;
        self.without_attributes.retain(|of| *of != id);
        for attribute in group.attributes() {
            let Some(groups) = self.by_attribute.get_mut(attribute) else { continue };
            groups.retain(|of| *of != id);
            if groups.is_empty() {
                self.by_attribute.remove(attribute);
            }
        }
        Some(group)
    }

    pub(super) fn add_failed(&mut self, group: FailedGroup) {
        self.failed.push(group);
    }

    /// A refresh is complete.
    pub(super) fn complete_refresh(&mut self, refresh: RefreshId) {
        for group in &mut self.failed {
            group.refresh.take_if(|of| *of == refresh);
        }
    }

    /// Removes and returns the failed groups that await no refresh, and of whose attributes none is waiting.
    pub(super) fn take_failed(
        &mut self,
        is_waiting: impl Fn(AttributeId) -> bool,
    ) -> impl Iterator<Item = FailedGroup> {
        self.failed
            .extract_if(.., move |group| group.refresh.is_none() && !group.attributes.iter().any(|id| is_waiting(*id)))
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// The answer to the request in flight of a group will not come.
    pub(super) fn end_request(&mut self, id: GroupId) {
        if let Some(group) = self.groups.get_mut(id) {
            group.is_in_flight = false;
        }
    }

    pub(super) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(id)
    }

    /// The groups that rely on the set of names alone.
    pub(super) fn without_attributes(&self) -> &[GroupId] {
        &self.without_attributes
    }

    /// The groups that change or read an attribute, oldest first.
    pub(super) fn of_attribute(&self, id: AttributeId) -> &[GroupId] {
        self.by_attribute.get(id).map_or(&[], Vec::as_slice)
    }

    /// The attributes that pending groups change or read.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.by_attribute.iter().map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_their_attributes() {
        let [a, b, c] = [0, 1, 2].map(AttributeId::new);
        let group = |changes: &[AttributeId], reads: &[AttributeId]| Group {
            is_strict: true,
            reads: reads.to_vec(),
            names: None,
            changes: changes.to_vec(),
            first: MutationNumber(1),
            first_checks: None,
            is_in_flight: false,
            sent: Vec::new(),
        };
        let mut groups = GroupTable::default();
        let (first, second) = (GroupId(7), GroupId(3));
        groups.insert(first, group(&[a, b], &[c]));
        groups.insert(second, group(&[b], &[]));
        assert_eq!(groups.of_attribute(a), [first]);
        assert_eq!(groups.of_attribute(b), [first, second], "in the order in which they were made, whatever their ids");
        assert_eq!(groups.of_attribute(c), [first]);
        assert!(groups.remove(first).is_some());
        assert!(groups.remove(first).is_none());
        assert_eq!(groups.of_attribute(c), []);
        assert_eq!(groups.attributes().collect::<Vec<_>>(), [b]);
    }
}
