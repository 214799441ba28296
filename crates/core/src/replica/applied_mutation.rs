//! Pending mutations, applied and unapplied.

use crate::byte_len::ByteLen;
use crate::document::Node;
use crate::ids::MutationNumber;
use crate::mutation::{JsonList, Mutation, Step, Undo, assignment, removed_count, undo};
use std::borrow::Cow;

/// About what an allocation takes beside its bytes.
const ALLOCATION: usize = 32;

/// A mutation that has been applied to the optimistic document.
#[derive(Debug)]
pub(super) struct AppliedMutation {
    /// The number of the mutation, or of the earlier one that it replaced in its commit.
    pub(super) number: MutationNumber,
    pub(super) mutation: Mutation,
    pub(super) undo: Undo,
}

/// A pending mutation that is not applied at present.
#[derive(Debug)]
pub(super) struct NumberedMutation {
    pub(super) number: MutationNumber,
    pub(super) mutation: Mutation,
    /// The number of values that the mutation removed when it was last applied: see [`removed_count`].
    pub(super) removed: usize,
}

impl AppliedMutation {
    /// About the memory that the mutation takes, with the values that it brings and what is kept to undo it.
    pub(super) fn size(&self) -> ByteLen {
        let beside = size_of::<Self>() - size_of::<Mutation>() + ALLOCATION;
        self.mutation.size() + self.mutation.values_size() + self.undo.size() + ByteLen(beside)
    }

    /// The mutation for other replicas: a `take` becomes the removal of the element that it took.
    pub(super) fn announced(&self) -> Cow<'_, Mutation> {
        match (&self.mutation, &self.undo) {
            (Mutation::Take { path, .. }, Undo::Taken { index, .. }) => Cow::Owned(removal(path, *index)),
            (mutation, _) => Cow::Borrowed(mutation),
        }
    }

    /// The mutation for a reader that has the document as it was before: an increment becomes the assignment of the sum, a
    /// `take` the removal of the element that it took.
    pub(super) fn into_patch(self) -> Mutation {
        match (self.mutation, self.undo) {
            (Mutation::Take { path, .. }, Undo::Taken { index, .. }) => removal(&path, index),
            (Mutation::Increment { path, .. }, Undo::Number { after, .. }) => assignment(&path, &after),
            (mutation, _) => mutation,
        }
    }
}

fn removal(path: &[Step], index: usize) -> Mutation {
    Mutation::Splice { path: path.to_vec(), index, remove: 1, values: JsonList::default() }
}

/// Unapply the mutations that were applied last.
pub(super) fn unapply(value: &mut Option<Node>, applied: Vec<AppliedMutation>) -> Vec<NumberedMutation> {
    let mut mutations = Vec::with_capacity(applied.len());
    for AppliedMutation { number, mutation, undo: how } in applied.into_iter().rev() {
        let removed = removed_count(&mutation, &how);
        undo(value, &mutation, how);
        mutations.push(NumberedMutation { number, mutation, removed });
    }
    mutations.reverse();
    mutations
}
