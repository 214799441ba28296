//! Requests to catch up with the backend, each done once everything it names has been fetched after it was made.

use std::collections::BTreeSet;

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
    /// Attributes still to be fetched.
    names: BTreeSet<String>,
    /// The names themselves are still being listed.
    listing: bool,
}

impl Refreshes {
    pub(super) fn begin(&mut self, names: BTreeSet<String>, listing: bool) -> Ticket {
        self.newest.0 += 1;
        self.open.push(Refresh { ticket: self.newest, names, listing });
        self.newest
    }

    pub(super) fn newest(&self) -> Ticket {
        self.newest
    }

    /// The listing brought a name that nobody knew.
    pub(super) fn listed(&mut self, name: &str) {
        for refresh in self.open.iter_mut().filter(|refresh| refresh.listing) {
            refresh.names.insert(name.to_owned());
        }
    }

    pub(super) fn listing_done(&mut self) {
        for refresh in &mut self.open {
            refresh.listing = false;
        }
    }

    /// An attribute is as current as it was when `ticket` was the newest.
    pub(super) fn fetched(&mut self, name: &str, ticket: Ticket) {
        for refresh in self.open.iter_mut().filter(|refresh| refresh.ticket <= ticket) {
            refresh.names.remove(name);
        }
    }

    /// The refreshes that are done, oldest first.
    pub(super) fn take_done(&mut self) -> Vec<Ticket> {
        let done = |refresh: &Refresh| refresh.names.is_empty() && !refresh.listing;
        let tickets = self.open.iter().filter(|refresh| done(refresh)).map(|refresh| refresh.ticket).collect();
        self.open.retain(|refresh| !done(refresh));
        tickets
    }
}
