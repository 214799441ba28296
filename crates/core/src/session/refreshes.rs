//! Requests of the host to catch up with the backend.

use super::ids::AttributeId;
use super::name_listing::NameListing;
use crate::ids::RefreshId;

/// The refreshes that are not complete, oldest first. A refresh is complete once every attribute that it names has been
/// fetched by a request that was made after it, and the names have been listed where it asks for that.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    newest: RefreshId,
    open: Vec<Refresh>,
    /// The refresh that begins with a connection. The session is connected once it is complete.
    catch_up: Option<RefreshId>,
    /// Whether the backend refused the last listing for good.
    is_listing_refused: bool,
    /// Whether the backend could not list the names since the last listing ended.
    is_listing_delayed: bool,
    /// The listing of the names. Polls start it, too.
    pub(super) listing: NameListing,
}

#[derive(Debug)]
struct Refresh {
    id: RefreshId,
    /// The attributes to be fetched. The last one is checked until it has been fetched, then the one before it.
    awaited: Vec<AttributeId>,
    awaits_listing: bool,
    /// Whether it awaited the listing, and that has ended.
    is_listed: bool,
}

impl Refreshes {
    /// Begins a refresh of these attributes. Where it `awaits_listing`, the listing starts again and adds what it finds.
    pub(super) fn begin(&mut self, awaited: Vec<AttributeId>, awaits_listing: bool) -> RefreshId {
        if awaits_listing {
            self.listing.start();
        }
        self.newest.0 += 1;
        self.open.push(Refresh { id: self.newest, awaited, awaits_listing, is_listed: false });
        self.newest
    }

    /// Makes a refresh the one that begins with the connection.
    pub(super) fn set_catch_up(&mut self, refresh: RefreshId) {
        self.catch_up = Some(refresh);
    }

    /// The connection is over. The refreshes go on with the next one.
    pub(super) fn end_connection(&mut self) {
        self.catch_up = None;
        self.listing.stop();
    }

    pub(super) fn is_catching_up(&self) -> bool {
        self.catch_up.is_some()
    }

    /// The newest refresh: a request that is made now serves all refreshes up to it.
    pub(super) fn newest(&self) -> RefreshId {
        self.newest
    }

    /// Adds an attribute that the listing has found to the refreshes that await the listing.
    pub(super) fn add_listed(&mut self, id: AttributeId) {
        for refresh in self.open.iter_mut().filter(|refresh| refresh.awaits_listing) {
            refresh.awaited.push(id);
        }
    }

    /// Goes on with the listing at the cursor that came with a page, or ends it.
    pub(super) fn go_on_listing(&mut self, cursor: String) {
        if !self.listing.go_on(cursor) {
            self.end_listing(false);
        }
    }

    /// The backend cannot list the names now. Returns whether that is the first time since the last listing ended.
    pub(super) fn delay_listing(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listing_delayed, true)
    }

    /// The backend refuses to list the names, for good.
    pub(super) fn refuse_listing(&mut self) {
        self.end_listing(true);
    }

    /// Whether the backend refused the last listing for good: the set of names is unknown.
    pub(super) fn is_listing_refused(&self) -> bool {
        self.is_listing_refused
    }

    /// The names have been listed, or cannot be.
    fn end_listing(&mut self, is_refused: bool) {
        self.is_listing_refused = is_refused;
        self.is_listing_delayed = false;
        for refresh in &mut self.open {
            refresh.is_listed |= std::mem::take(&mut refresh.awaits_listing);
        }
    }

    /// The attributes that refreshes await. An attribute can occur more than once.
    pub(super) fn awaited(&self) -> impl Iterator<Item = AttributeId> {
        self.open.iter().flat_map(|refresh| refresh.awaited.iter().copied())
    }

    /// Removes and returns the refreshes that are complete, oldest first. `current_as_of` gives the newest refresh that a
    /// fetch of an attribute has served.
    pub(super) fn take_complete(&mut self, current_as_of: impl Fn(AttributeId) -> RefreshId) -> Vec<CompleteRefresh> {
        let mut complete = Vec::new();
        let catch_up = &mut self.catch_up;
        self.open.retain_mut(|Refresh { id, awaited, awaits_listing, is_listed }| {
            while awaited.pop_if(|attribute| current_as_of(*attribute) >= *id).is_some() {}
            let is_complete = awaited.is_empty() && !*awaits_listing;
            if is_complete {
                let is_catch_up = catch_up.take_if(|catch_up| *catch_up == *id).is_some();
                complete.push(CompleteRefresh { id: *id, is_catch_up, is_listed: *is_listed });
            }
            !is_complete
        });
        complete
    }
}

/// A refresh that is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CompleteRefresh {
    pub(super) id: RefreshId,
    /// Whether it is the one that began with the connection.
    pub(super) is_catch_up: bool,
    /// Whether it listed the names.
    pub(super) is_listed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(refreshes: &mut Refreshes, current_as_of: [u64; 3]) -> Vec<RefreshId> {
        let complete = refreshes.take_complete(|id| RefreshId(current_as_of[id.index()]));
        complete.iter().map(|refresh| refresh.id).collect()
    }

    #[test]
    fn a_refresh_awaits_fetches_that_were_made_after_it() {
        let mut refreshes = Refreshes::default();
        let [a, b, _] = [0, 1, 2].map(AttributeId::new);
        assert_eq!(refreshes.begin(vec![a, b], false), RefreshId(1));
        assert_eq!(refreshes.begin(vec![b], false), RefreshId(2));
        assert_eq!(complete(&mut refreshes, [0, 0, 0]), []);
        assert_eq!(refreshes.awaited().count(), 3);
        assert_eq!(complete(&mut refreshes, [0, 1, 0]), []);
        assert_eq!(complete(&mut refreshes, [1, 1, 0]), [RefreshId(1)]);
        assert_eq!(complete(&mut refreshes, [1, 2, 0]), [RefreshId(2)]);
    }

    #[test]
    fn a_refresh_of_everything_awaits_what_the_listing_finds() {
        let mut refreshes = Refreshes::default();
        let [a, _, c] = [0, 1, 2].map(AttributeId::new);
        refreshes.begin(vec![a], true);
        assert_eq!(complete(&mut refreshes, [1, 0, 0]), []);
        refreshes.add_listed(c);
        refreshes.end_listing(false);
        assert_eq!(complete(&mut refreshes, [1, 0, 0]), []);
        assert_eq!(complete(&mut refreshes, [1, 0, 1]), [RefreshId(1)]);
    }

    #[test]
    fn catching_up_ends_with_its_refresh() {
        let mut refreshes = Refreshes::default();
        let id = refreshes.begin(Vec::new(), true);
        refreshes.set_catch_up(id);
        refreshes.begin(Vec::new(), false);
        assert_eq!(complete(&mut refreshes, [0; 3]), [RefreshId(2)]);
        assert!(refreshes.is_catching_up());
        refreshes.end_listing(false);
        let all = refreshes.take_complete(|_| RefreshId(0));
        assert_eq!(all, [CompleteRefresh { id, is_catch_up: true, is_listed: true }]);
        assert!(!refreshes.is_catching_up());
    }
}
