//! Appends whose elements have an unknown place in the stored list.

use crate::ids::Revision;
use crate::time::Now;

/// Appends that the server has applied to a list that had changed, in the order in which it applied them. Their elements
/// come after those of the confirmed list here as well as on the server, where elements of other writers may be among them.
/// There is at least one.
#[derive(Debug)]
pub(super) struct UnplacedAppends {
    appends: Vec<UnplacedAppend>,
    since: Now,
}

/// An append whose elements have an unknown place.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnplacedAppend {
    /// The number of elements.
    pub(super) count: usize,
    /// The revision of the list with them, where that is known.
    pub(super) revision: Option<Revision>,
}

impl UnplacedAppends {
    pub(super) fn new(now: Now) -> Self {
        Self { appends: Vec::new(), since: now }
    }

    pub(super) fn extend(&mut self, appends: Vec<UnplacedAppend>) {
        self.appends.extend(appends);
    }

    /// Since when there are any.
    pub(super) fn since(&self) -> Now {
        self.since
    }

    /// The number of all elements.
    pub(super) fn count(&self) -> usize {
        self.appends.iter().map(|append| append.count).sum()
    }

    /// The append that comes first after the confirmed list.
    pub(super) fn first(&self) -> Option<UnplacedAppend> {
        self.appends.first().copied()
    }

    /// The latest revision that is known.
    pub(super) fn last_revision(&self) -> Option<Revision> {
        self.appends.iter().rev().find_map(|append| append.revision)
    }

    /// The place of the first append is known. False where there are no more.
    #[must_use]
    pub(super) fn remove_first(&mut self) -> bool {
        self.appends.remove(0);
        !self.appends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::test_support::at;

    #[test]
    fn appends_leave_in_the_order_in_which_the_server_applied_them() {
        let mut unplaced = UnplacedAppends::new(at(3));
        let append = |count, revision: Option<u64>| UnplacedAppend { count, revision: revision.map(Revision) };
        unplaced.extend(vec![append(2, None), append(1, Some(7)), append(4, None)]);
        assert_eq!((unplaced.count(), unplaced.last_revision()), (7, Some(Revision(7))));
        assert_eq!(unplaced.first().map(|first| first.count), Some(2));
        assert!(unplaced.remove_first());
        assert_eq!(unplaced.first().and_then(|first| first.revision), Some(Revision(7)));
        assert!(unplaced.remove_first());
        assert_eq!((unplaced.count(), unplaced.last_revision()), (4, None));
        assert!(!unplaced.remove_first());
    }
}
