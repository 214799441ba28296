//! How current the confirmed document of one attribute is known to be.

use crate::ids::{RefreshId, Revision};
use crate::time::Instant;

/// The knowledge about the stored document that goes beyond the confirmed one.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    /// The newest refresh for which the confirmed document is current enough.
    pub(super) current_as_of: RefreshId,
    /// Whether the confirmed document was seen on the present connection. Only then is the server known to have the same
    /// past as the replica, so that the end of a list says what was appended.
    pub(super) is_verified: bool,
    /// Whether the key was invalidated by a change that no delta has announced.
    pub(super) is_invalidated: bool,
    /// Whether the next invalidation of the key is most likely that of a delta that has arrived already.
    pub(super) expects_invalidation: bool,
    /// The stored revision, where its delta has not arrived.
    pub(super) awaited_delta: Option<AwaitedDelta>,
}

/// A revision that is stored, and whose delta is most likely on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AwaitedDelta {
    /// [`Revision::NONE`] where the document was deleted.
    pub(super) revision: Revision,
    /// The newest refresh that the revision serves.
    pub(super) refresh: RefreshId,
    /// If the delta has not arrived by then, the document is read.
    pub(super) deadline: Instant,
}

impl Freshness {
    /// The confirmed document serves this refresh.
    pub(super) fn serve(&mut self, refresh: RefreshId) {
        self.current_as_of = self.current_as_of.max(refresh);
    }

    /// The stored document has been read and is the confirmed one now.
    pub(super) fn set_read(&mut self) {
        self.is_verified = true;
        self.is_invalidated = false;
    }

    /// The connection is over.
    pub(super) fn end_connection(&mut self) {
        self.is_verified = false;
        self.awaited_delta = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_refresh_does_not_make_a_document_older() {
        let mut freshness = Freshness::default();
        freshness.serve(RefreshId(3));
        freshness.serve(RefreshId(2));
        assert_eq!(freshness.current_as_of, RefreshId(3));
    }

    #[test]
    fn a_document_is_verified_on_one_connection() {
        let mut freshness = Freshness { is_invalidated: true, ..Freshness::default() };
        freshness.set_read();
        assert!(freshness.is_verified && !freshness.is_invalidated);
        freshness.awaited_delta =
            Some(AwaitedDelta { revision: Revision(2), refresh: RefreshId(1), deadline: Instant(200) });
        freshness.end_connection();
        assert!(!freshness.is_verified);
        assert_eq!(freshness.awaited_delta, None);
    }
}
