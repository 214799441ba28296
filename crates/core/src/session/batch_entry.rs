//! Batch entries: mutations that the host has already applied to its own copies of the values.

use crate::ids::GroupId;
use crate::mutation::Mutation;

/// One entry of a batch. The entries of a batch are applied in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BatchEntry {
    /// A mutation that is committed on its own: the attribute's name, and the mutation.
    Mutation(String, Mutation),
    /// Mutations that are committed together.
    Group(GroupMutations),
}

/// Mutations of one or several attributes that are committed together or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMutations {
    /// An id that this session has not used before.
    pub id: GroupId,
    /// Whether any other change of an attribute that the group changes or reads aborts the group, as a transaction
    /// requires. The mutations of a group that is not strict merge with those of other writers.
    pub strict: bool,
    /// Whether the group relies on the set of all names, too, as a transaction does that enumerated the attributes.
    pub relies_on_names: bool,
    /// Names of the attributes that the group relies on and does not change.
    pub reads: Vec<String>,
    /// Attribute names and mutations, in order.
    pub mutations: Vec<(String, Mutation)>,
}
