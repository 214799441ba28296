//! The mutations that lead a host over a delta over which all pending mutations stay as they are.

use super::queue_patch::queue_patch;
use super::touched::{CapturedParts, TouchedParts};
use crate::document::Node;
use crate::mutation::Mutation;

/// How the mutations for the host are found. The cost is that of the mutations, not that of the document.
#[derive(Debug)]
pub enum HostPatch {
    /// They follow from the mutations of the delta and the pending ones.
    Known(Vec<Mutation>),
    /// They follow from a comparison of the places that the delta touches.
    Compared(CapturedParts),
}

impl HostPatch {
    /// The patch for a host that has `value`, the document with the pending mutations. None where one of those does not stay
    /// as it is.
    pub fn of<'a>(
        value: Option<&Node>,
        delta: &[Mutation],
        pending: impl Iterator<Item = &'a Mutation> + Clone,
    ) -> Option<Self> {
        if let Some(known) = queue_patch(value, delta, pending.clone()) {
            return Some(Self::Known(known));
        }
        TouchedParts::of(delta, pending)?.capture(value).map(Self::Compared)
    }

    /// The mutations, where the document is `value` now. None where they cannot be found.
    pub fn into_mutations(self, value: Option<&Node>) -> Option<Vec<Mutation>> {
        match self {
            Self::Known(mutations) => Some(mutations),
            Self::Compared(parts) => parts.diff(value),
        }
    }
}
