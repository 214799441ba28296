//! The changes that a backend announces by itself.

use crate::byte_len::ByteLen;
use crate::ids::{Revision, WriterId};

/// The effect of one commit on one document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delta {
    /// The full key of the document.
    pub key: String,
    /// The writer of the commit.
    pub writer: WriterId,
    /// The revision before the commit, [`Revision::NONE`] where nothing was stored.
    pub base: Revision,
    /// The revision after the commit, [`Revision::NONE`] where it deleted the document.
    pub revision: Revision,
    /// The length of the stored text after the commit.
    pub len: ByteLen,
    /// The mutations, as in [`Announcement`](super::Announcement).
    pub mutations: String,
}

impl Delta {
    /// The notice that a writer has left the reservation queue of a document that it has only checked, and that others wait there.
    /// It has the form of a delta, and changes nothing.
    pub(crate) fn end_of_turn(key: String, writer: WriterId) -> Self {
        Self { key, writer, base: Revision::NONE, revision: Revision::NONE, len: ByteLen(0), mutations: String::new() }
    }

    /// Whether it is the notice of [`end_of_turn`](Self::end_of_turn).
    pub fn is_end_of_turn(&self) -> bool {
        self.base == Revision::NONE && self.revision == Revision::NONE && self.mutations.is_empty()
    }

    /// Whether the revision is above the base, or there is none because the document was deleted. Every delta of a commit
    /// that its writer has announced does this.
    pub(crate) fn rises(&self) -> bool {
        self.revision > self.base || self.revision == Revision::NONE
    }
}

/// How the deltas of other writers' commits arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DeltaDelivery {
    /// No deltas arrive.
    #[default]
    None,
    /// All deltas arrive, in order with the answers: a delta of an earlier commit arrives before the answer.
    InOrder,
    /// All deltas arrive on a connection of their own, so an answer may overtake them. Each is followed by the
    /// invalidation of its key.
    OutOfBand,
    /// All deltas arrive on a connection of their own, and both an answer and the invalidation of its key may overtake one:
    /// those come from the node of the key, deltas over the bus of a cluster.
    Unordered,
}

/// The changes that a backend announces by key only, of all writers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Invalidations {
    /// No invalidations arrive.
    #[default]
    None,
    /// The keys that this session has read are invalidated when they change.
    Tracked,
    /// All keys of the memory are invalidated when they change.
    Broadcast,
}
