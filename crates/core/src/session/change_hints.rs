//! Hints about changes: messages that say which documents have changed, and that any client may have published. They lead to
//! reads, at a bounded rate.

use super::Session;
use super::fetch_state::FetchKind;
use super::ids::AttributeId;
use super::read_throttle::{ReadThrottle, Throttled};
use super::request_table::Purpose;
use super::timers::Timer;
use crate::time::{Instant, Now};

/// The shortest and the longest time between two reads of one attribute because of hints, in milliseconds. Each read that
/// finds nothing new doubles it.
const FIRST_READ_MS: u64 = 20;
const MAX_READ_MS: u64 = 2_000;
/// The same for reads of everything, and for listings of the names.
const FIRST_REFRESH_MS: u64 = 1_000;
const MAX_REFRESH_MS: u64 = 60_000;
/// The average time between two reads of a session because of hints, in milliseconds.
const READ_SPACING_MS: u64 = 1;
/// The number of such reads that may go at once.
const MAX_READ_BURST: u64 = 64;

/// The limits on the reads of a session that hints lead to. Those on the reads of one attribute are with the attribute.
#[derive(Debug)]
pub(super) struct ChangeHints {
    /// The granted reads, of [`READ_SPACING_MS`] each, take up the time until here.
    granted_until: Instant,
    refresh: ReadThrottle,
    listing: ReadThrottle,
}

impl ChangeHints {
    pub(super) fn new() -> Self {
        let throttle = || ReadThrottle::new(FIRST_REFRESH_MS, MAX_REFRESH_MS);
        Self { granted_until: Instant::default(), refresh: throttle(), listing: throttle() }
    }

    /// The limit on the reads of one attribute.
    pub(super) fn throttle_of_attribute() -> ReadThrottle {
        ReadThrottle::new(FIRST_READ_MS, MAX_READ_MS)
    }

    /// The earliest time of the next read.
    fn earliest(&self, now: Now) -> Instant {
        let ahead = self.granted_until.ms_since(now.monotonic);
        now.monotonic.plus_ms(ahead.saturating_sub(MAX_READ_BURST * READ_SPACING_MS))
    }

    fn grant(&mut self, now: Now) {
        self.granted_until = self.granted_until.max(now.monotonic).plus_ms(READ_SPACING_MS);
    }

    fn end_connection(&mut self) {
        self.refresh.end_connection();
        self.listing.end_connection();
    }
}

impl Session {
    /// The documents under these keys may have changed.
    pub(super) fn handle_hints(&mut self, keys: &[String], now: Now) {
        let mut has_unknown = false;
        for key in keys {
            match self.attributes.find_key(key) {
                Some(id) => self.handle_hint(id, FetchKind::Probe, now),
                None => has_unknown |= self.attributes.may_have_key(key),
            }
        }
        if has_unknown {
            // A listing finds a new attribute. Adding each name in a message could fill the memory: the message may be forged.
            match self.hints.listing.throttle(now.monotonic, now) {
                Throttled::Now => self.list_names(),
                Throttled::At(at) => self.timers.add(at, Timer::HintedListing),
                Throttled::Waits => {}
            }
        }
    }

    /// This attribute may have changed. It is fetched in this way now. If the limit forbids that, it is probed later.
    pub(super) fn handle_hint(&mut self, id: AttributeId, kind: FetchKind, now: Now) {
        let earliest = self.hints.earliest(now);
        match self.attributes[id].hints.throttle(earliest, now) {
            Throttled::Now => self.request_fetch(id, kind),
            Throttled::At(at) => self.timers.add(at, Timer::HintedRead(id)),
            Throttled::Waits => return,
        }
        self.hints.grant(now);
    }

    /// Any document may have changed.
    pub(super) fn handle_hint_about_all(&mut self, now: Now) {
        match self.hints.refresh.throttle(now.monotonic, now) {
            Throttled::Now => self.refresh_by_hints(now),
            Throttled::At(at) => self.timers.add(at, Timer::HintedRefresh),
            Throttled::Waits => {}
        }
    }

    fn refresh_by_hints(&mut self, now: Now) {
        for id in self.attributes.ids() {
            self.handle_hint(id, FetchKind::Probe, now);
        }
        self.list_names();
    }

    fn list_names(&mut self) {
        let is_listing = self.refreshes.listing.is_due() || self.requests.contains(&Purpose::ListNames);
        if self.config.names.is_none() && !is_listing {
            self.refreshes.listing.start();
        }
    }

    /// The wait before a hinted read of this attribute is over.
    pub(super) fn end_hinted_read_wait(&mut self, id: AttributeId, now: Now) {
        self.attributes[id].hints.end_wait(now);
        self.request_fetch(id, FetchKind::Probe);
    }

    /// The wait before a hinted read of everything is over.
    pub(super) fn end_hinted_refresh_wait(&mut self, now: Now) {
        self.hints.refresh.end_wait(now);
        self.refresh_by_hints(now);
    }

    /// The wait before a hinted listing is over.
    pub(super) fn end_hinted_listing_wait(&mut self, now: Now) {
        self.hints.listing.end_wait(now);
        self.list_names();
    }

    /// The connection is over, and timers with it.
    pub(super) fn end_hints(&mut self) {
        self.hints.end_connection();
    }
}
