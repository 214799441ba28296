//! Requests to catch up with the backend, each done once everything it names has been fetched after it was made.

use super::attributes::{Attributes, Id};

/// Names one refresh; later ones are greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticket(pub u64);

#[derive(Debug, Default)]
pub(super) struct Refreshes {
    newest: Ticket,
    open: Vec<Refresh>,
}

#[derive(Debug)]
struct Refresh {
    ticket: Ticket,
    /// Attributes to be fetched. The last one is looked at until it has been, then the one before it.
    waits_for: Vec<Id>,
    /// The names themselves are still being listed.
    listing: bool,
}

impl Refreshes {
    pub(super) fn begin(&mut self, waits_for: Vec<Id>, listing: bool) -> Ticket {
        self.newest.0 += 1;
        self.open.push(Refresh { ticket: self.newest, waits_for, listing });
        self.newest
    }

    pub(super) fn newest(&self) -> Ticket {
        self.newest
    }

    /// The listing brought a name that nobody knew.
    pub(super) fn listed(&mut self, id: Id) {
        for refresh in self.open.iter_mut().filter(|refresh| refresh.listing) {
            refresh.waits_for.push(id);
        }
    }

    pub(super) fn listing_done(&mut self) {
        for refresh in &mut self.open {
            refresh.listing = false;
        }
    }

    /// All that somebody waits for.
    pub(super) fn waits_for(&self) -> impl Iterator<Item = Id> {
        self.open.iter().flat_map(|refresh| refresh.waits_for.iter().copied())
    }

    /// The refreshes that are done, oldest first.
    pub(super) fn take_done(&mut self, attributes: &Attributes) -> Vec<Ticket> {
        let mut done = Vec::new();
        self.open.retain_mut(|Refresh { ticket, waits_for, listing }| {
            while waits_for.pop_if(|id| attributes[*id].current_as_of >= *ticket).is_some() {}
            let is_done = waits_for.is_empty() && !*listing;
            if is_done {
                done.push(*ticket);
            }
            !is_done
        });
        done
    }
}
