//! The ids that a session gives to its parts. They mean nothing outside the session.

/// Identifies an attribute within its session until it is evicted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct AttributeId(u32);

impl AttributeId {
    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("memory ends before ids do"))
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Identifies the documents that share a group mark within a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct MarkDomainId(pub(super) usize);
