//! The results of operations on a replica: changes of the optimistic document.

use crate::error::SyncError;
use crate::ids::{GroupId, MutationNumber, Revision, WriterId};
use crate::mutation::{Json, Mutation};
use crate::protocol::ForeignChange;
use std::borrow::Cow;

/// A change of the optimistic document that the host did not make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The attribute, which had no value, has this value.
    Loaded(Json),
    /// These mutations lead from the old value to the new one.
    Patched(Vec<Mutation>),
    /// The attribute has no value any more.
    Gone,
    /// The stored bytes are not a document.
    Unreadable(SyncError),
}

/// The result of putting pending mutations on another confirmed document.
#[derive(Debug, Default)]
pub struct Rebased {
    /// How the optimistic document changed; None where it did not.
    pub change: Option<Change>,
    /// The confirmed revision went back: the server has lost something.
    pub regression: Option<Regression>,
    /// The pending mutations that were dropped.
    pub dropped: DroppedMutations,
    /// The writer of the only commit that it took over; None where it is unknown, or where there were several.
    pub writer: Option<WriterId>,
    /// The change of the confirmed document, where its history is recorded: whoever made it may not have recorded it.
    pub unrecorded: Option<ForeignChange>,
}

/// A confirmed revision that went back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Regression {
    /// The revision before.
    pub from: Revision,
    /// The revision after.
    pub to: Revision,
}

/// Pending mutations that had nothing left to change.
#[derive(Debug, Default)]
pub struct DroppedMutations {
    /// The mutations whose target is gone, and the reasons.
    pub conflicts: Vec<Conflict>,
    /// The removals that met what was gone already.
    pub moots: Vec<Moot>,
    /// The groups that they belong to.
    pub groups: Vec<GroupId>,
}

impl DroppedMutations {
    pub(super) fn extend(&mut self, more: Self) {
        self.conflicts.extend(more.conflicts);
        self.moots.extend(more.moots);
        self.groups.extend(more.groups);
    }
}

/// A pending mutation that had nothing left to change.
#[derive(Debug)]
pub struct Conflict {
    /// The mutation.
    pub mutation: Mutation,
    /// The reason.
    pub error: SyncError,
}

/// A pending removal of which nothing, or only a part, is left to do, because what it removes is gone already.
#[derive(Debug)]
pub struct Moot {
    /// The removal, without values that it inserts.
    pub removal: Mutation,
    /// Which part of what it removes is gone, for people.
    pub message: Cow<'static, str>,
}

impl Moot {
    /// A removal that had removed `count` values, of which `gone` are gone already.
    pub(super) fn new(removal: Mutation, count: usize, gone: usize) -> Self {
        let message = match &removal {
            Mutation::Delete => "another writer has deleted the attribute already".into(),
            Mutation::Unset { .. } => "another writer has removed the key already".into(),
            Mutation::Clear { .. } => "another writer has removed all keys already".into(),
            _ if count == 1 => "another writer has removed or replaced the element already".into(),
            _ => format!("another writer has removed or replaced {gone} of the {count} elements already").into(),
        };
        Self { removal, message }
    }
}

/// The result of giving up the commits whose outcomes are unknown.
#[derive(Debug)]
pub struct GivenUp {
    /// The number of the first mutation of each, but for those that would only have created a value.
    pub rejected: Vec<MutationNumber>,
    /// The change of the optimistic document.
    pub rebased: Rebased,
}

/// The result of taking back pending mutations that the server refused.
#[derive(Debug)]
pub struct RolledBack {
    /// The number of the first of them.
    pub first: MutationNumber,
    /// The mutations.
    pub mutations: Vec<Mutation>,
    /// The change of the optimistic document.
    pub rebased: Rebased,
}
