//! The reads of one attribute's stored document.

use crate::byte_len::ByteOffset;

/// The amount of a stored document to read. A greater kind reads more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum FetchKind {
    /// Whether the stored document is still the confirmed one.
    Probe,
    /// The end of a list.
    Tail,
    /// Everything.
    Load,
}

/// The fetch in flight and the one that follows it. At most one is in flight.
#[derive(Debug, Default)]
pub(super) struct FetchState {
    requested: Option<FetchKind>,
    in_flight: Option<FetchKind>,
    tail_offset: ByteOffset,
}

impl FetchState {
    /// Requests a fetch, after the one in flight. Requests add up to the greatest of them.
    pub(super) fn request(&mut self, kind: FetchKind) {
        self.requested = self.requested.max(Some(kind));
    }

    /// The fetch that is requested and not in flight.
    pub(super) fn requested(&self) -> Option<FetchKind> {
        self.requested
    }

    /// The fetch in flight.
    pub(super) fn in_flight(&self) -> Option<FetchKind> {
        self.in_flight
    }

    /// Whether neither is, or will be, read more than a probe.
    pub(super) fn reads_nothing(&self) -> bool {
        self.in_flight.is_none() && self.requested < Some(FetchKind::Tail)
    }

    /// The requested fetch goes out as this kind. `tail_offset` is where a tail begins in the stored text.
    pub(super) fn begin(&mut self, kind: FetchKind, tail_offset: ByteOffset) {
        self.requested = None;
        self.in_flight = Some(kind);
        self.tail_offset = tail_offset;
    }

    /// The fetch in flight has been answered, or its answer is lost.
    pub(super) fn end(&mut self) {
        self.in_flight = None;
    }

    /// The fetch in flight has been answered, and the answer does not count: requests it again.
    pub(super) fn repeat(&mut self) {
        self.requested = self.requested.max(self.in_flight.take());
    }

    /// Offset of the last tail that was fetched.
    pub(super) fn tail_offset(&self) -> ByteOffset {
        self.tail_offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_add_up_while_a_fetch_is_in_flight() {
        let mut fetch = FetchState::default();
        fetch.request(FetchKind::Probe);
        assert!(fetch.reads_nothing());
        fetch.begin(FetchKind::Tail, ByteOffset(90));
        assert_eq!(
            (fetch.requested(), fetch.in_flight(), fetch.tail_offset()),
            (None, Some(FetchKind::Tail), ByteOffset(90))
        );
        fetch.request(FetchKind::Load);
        fetch.request(FetchKind::Probe);
        fetch.end();
        assert_eq!((fetch.requested(), fetch.in_flight()), (Some(FetchKind::Load), None));
        assert!(!fetch.reads_nothing());
    }

    #[test]
    fn a_fetch_can_be_repeated() {
        let mut fetch = FetchState::default();
        fetch.begin(FetchKind::Tail, ByteOffset(90));
        fetch.request(FetchKind::Probe);
        fetch.repeat();
        assert_eq!((fetch.requested(), fetch.in_flight()), (Some(FetchKind::Tail), None));
    }
}
