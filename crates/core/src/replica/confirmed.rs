//! The confirmed document: the server's state as far as this replica knows it.

use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Guard, Layout};
use crate::ids::{Revision, Sequence, WriterId};
use crate::journal::JournalledAcknowledgement;
use crate::protocol::{Delta, ProbeResult};
use crate::time::Now;

/// The number of bytes that a probe of a short tail reads: they hold the revision, and most slack.
const PROBE_LEN: ByteLen = ByteLen(96);

/// The confirmed state of one attribute, without the value.
#[derive(Debug)]
pub(super) struct Confirmed {
    /// None: unknown.
    layout: Option<Layout>,
    /// The revision of the document; None where there is none. Stays the last known one when the layout becomes unknown.
    revision: Option<Revision>,
    /// The highest revision that was confirmed or planned. The next one is above it, even where the clock stands still.
    highest: Option<Revision>,
    /// A creation that is not above this revision may have been deleted since: the time at which the document was last read and
    /// absent, or the highest revision in a delta that came before it was loaded.
    creation_floor: Option<Revision>,
    /// The last commit of this writer that the server acknowledged.
    acknowledged: Option<Acknowledged>,
    /// Whether the server no longer had that commit in its dedup key: what is stored has to be compared.
    is_loss_suspected: bool,
}

/// An acknowledged commit.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    sequence: Sequence,
    /// When the reply arrived.
    at: Now,
}

/// The bytes at the end of stored text that a probe reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeWindow {
    /// The distance of the first byte from the end.
    pub before_end: ByteLen,
    /// The number of bytes, at least one.
    pub len: ByteLen,
}

impl Confirmed {
    /// Nothing is known but the highest revision that the attribute may have had.
    pub(super) fn unknown(highest: Option<Revision>) -> Self {
        Self {
            layout: None,
            revision: None,
            highest,
            creation_floor: None,
            acknowledged: None,
            is_loss_suspected: false,
        }
    }

    /// The layout of what is stored. None: unknown.
    pub(super) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    pub(super) fn is_known(&self) -> bool {
        self.layout.is_some()
    }

    /// Whether it is known that there is no such key.
    pub(super) fn is_absent(&self) -> bool {
        self.layout == Some(Layout::Absent)
    }

    /// The revision; None where there is no document.
    pub(super) fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// The highest revision that was confirmed or planned.
    pub(super) fn highest(&self) -> Option<Revision> {
        self.highest
    }

    /// The server has this.
    pub(super) fn set(&mut self, layout: Layout, revision: Option<Revision>) {
        self.layout = Some(layout);
        self.revision = revision;
        self.raise_highest(revision);
    }

    /// The server has something with this layout, whose revision does not matter yet.
    pub(super) fn set_layout(&mut self, layout: Layout) {
        self.layout = Some(layout);
    }

    /// The revision is lost.
    pub(super) fn take_revision(&mut self) -> Option<Revision> {
        self.revision.take()
    }

    /// The server's document must be loaded.
    pub(super) fn forget(&mut self) {
        self.layout = None;
    }

    /// Creations from now on have revisions above this one, or may have been deleted since.
    pub(super) fn raise_creation_floor(&mut self, revision: Revision) {
        self.creation_floor = self.creation_floor.max(Some(revision));
    }

    /// Whether a delta may be of a creation that was deleted since: it is not above every revision that the document may
    /// have had. Writers with clocks behind this one make such deltas, too.
    pub(super) fn may_be_undone_creation(&self, delta: &Delta) -> bool {
        delta.base == Revision::NONE
            && self.is_absent()
            && Some(delta.revision) <= self.highest.max(self.creation_floor)
    }

    /// Revisions from now on are above this one.
    pub(super) fn raise_highest(&mut self, revision: Option<Revision>) {
        self.highest = self.highest.max(revision);
    }

    /// The revision of the next commit, which is built on `base`.
    pub(super) fn next_revision(&self, base: &Layout, writer: &WriterId, now_ns: u64) -> Revision {
        let mut revision = Revision::after(self.highest, now_ns);
        // Two writers must not plan the same revision: their clocks may be the same, and after the loss of the latest
        // commits (a fail-over, a restored backup) they may go on from the same revision.
        revision.0 += writer.revision_offset() % 1_000;
        if *base == Layout::Absent && self.highest.is_some() {
            // Another server may have gone on with the document that was there before, by a clock like this one.
            revision.0 += writer.revision_offset();
        }
        revision
    }

    /// The server has acknowledged a commit of this writer.
    pub(super) fn note_acknowledgement(&mut self, sequence: Sequence, now: Now) {
        self.acknowledged = Some(Acknowledged { sequence, at: now });
    }

    /// That acknowledgement, for a journal.
    pub(super) fn acknowledgement(&self) -> Option<JournalledAcknowledgement> {
        let Acknowledged { sequence, at } = self.acknowledged?;
        Some(JournalledAcknowledgement { sequence, at_ns: at.unix_ns })
    }

    /// The server does not have this writer's dedup key any more.
    pub(super) fn forget_acknowledgement(&mut self) {
        self.acknowledged = None;
    }

    /// The last acknowledged commit whose sequence the server must still have in its dedup key, unless it evicted the key or
    /// lost its data. `lifetime` is that of a dedup key, in seconds.
    pub(super) fn acknowledged_sequence(&self, lifetime: u32, now: Now) -> Option<Sequence> {
        let acknowledged =
            self.acknowledged.filter(|acknowledged| is_dedup_key_alive(acknowledged.at, lifetime, now))?;
        Some(acknowledged.sequence)
    }

    /// The server may have lost an acknowledged commit: the next document that it has is compared with this one.
    pub(super) fn suspect_loss(&mut self) {
        self.is_loss_suspected = true;
    }

    /// Whether a loss was suspected. That is settled with this call.
    pub(super) fn take_loss_suspicion(&mut self) -> bool {
        if self.is_loss_suspected {
            self.forget_acknowledgement();
        }
        std::mem::take(&mut self.is_loss_suspected)
    }

    /// Whether a delta is of a commit that is in the confirmed document already.
    pub(super) fn includes(&self, delta: &Delta) -> bool {
        let known = self.revision.unwrap_or(Revision::NONE);
        delta.base < known && delta.revision <= known
    }

    /// Whether a delta is of the commit after the confirmed revision.
    pub(super) fn precedes(&self, delta: &Delta) -> bool {
        let known = self.revision.unwrap_or(Revision::NONE);
        delta.base == known && (known == Revision::NONE) == self.is_absent()
    }

    /// The bytes to probe: they show whether the server still has what is confirmed, or else the revision of what it has.
    pub(super) fn probe_window(&self) -> ProbeWindow {
        match self.layout.as_ref().map(Layout::guard) {
            Some(Guard::Text { len, at, tail }) if is_long_tail(len, at) => {
                ProbeWindow { before_end: tail_start_before_end(len, at), len: ByteLen(tail.len().max(1)) }
            }
            _ => ProbeWindow { before_end: PROBE_LEN, len: PROBE_LEN },
        }
    }

    /// Whether a probe shows that the server still has what is confirmed.
    pub(super) fn matches(&self, probe: &ProbeResult) -> bool {
        match (self.layout.as_ref().map(Layout::guard), probe) {
            (Some(Guard::Absent), ProbeResult::Absent) => true,
            (Some(Guard::Text { len, at, tail }), ProbeResult::Text { len: stored_len, bytes }) => {
                let is_long = is_long_tail(len, at);
                let start = if is_long { 0 } else { bytes.len().saturating_sub(tail_start_before_end(len, at).0) };
                len == *stored_len && bytes[start..].starts_with(&tail)
            }
            _ => false,
        }
    }
}

/// Whether the tail and the slack are more than a probe of [`PROBE_LEN`] reads.
fn is_long_tail(len: ByteLen, tail_at: ByteOffset) -> bool {
    tail_start_before_end(len, tail_at) > PROBE_LEN
}

fn tail_start_before_end(len: ByteLen, tail_at: ByteOffset) -> ByteLen {
    ByteOffset::START + len - tail_at
}

/// Whether a dedup key that the server wrote at one time, to stay for `lifetime` seconds, must still be there. One part in 24
/// of the lifetime is left for clocks that differ.
pub(super) fn is_dedup_key_alive(written: Now, lifetime: u32, now: Now) -> bool {
    now.ms_since(written) / 1000 < u64::from(lifetime - lifetime / 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn canonical(value_len: usize, revision: u64, slack: usize) -> Layout {
        Layout::Canonical { value_len: ByteLen(value_len), revision: Revision(revision), slack: ByteLen(slack) }
    }

    #[test]
    fn revisions_rise_where_the_clock_stands_still() {
        let writer = WriterId("w".into());
        let mut confirmed = Confirmed::unknown(None);
        let first = confirmed.next_revision(&Layout::Absent, &writer, 5_000_000);
        confirmed.raise_highest(Some(first));
        let second = confirmed.next_revision(&canonical(2, 5, 0), &writer, 5_000_000);
        assert!(second > first);
        confirmed.set(canonical(2, 1 << 40, 0), Some(Revision(1 << 40)));
        confirmed.set(canonical(2, 7, 0), Some(Revision(7)));
        assert_eq!((confirmed.revision(), confirmed.highest()), (Some(Revision(7)), Some(Revision(1 << 40))));
    }

    #[test]
    fn a_probe_matches_what_is_confirmed_alone() {
        let mut confirmed = Confirmed::unknown(None);
        assert!(!confirmed.matches(&ProbeResult::Absent));
        let foreign = Layout::Foreign { len: ByteLen(500), at: ByteOffset(300), tail: vec![b'x'; 200] };
        for (layout, stored) in [
            (canonical(3, 5, 2), b"{\"value\":[1],\"last_modified\":5}  ".to_vec()),
            (foreign, [vec![b'y'; 300], vec![b'x'; 200]].concat()),
        ] {
            confirmed.set(layout, Some(Revision(5)));
            let ProbeWindow { before_end, len } = confirmed.probe_window();
            let start = stored.len().saturating_sub(before_end.0);
            let end = (start + len.0).min(stored.len());
            let probe =
                |stored: &[u8]| ProbeResult::Text { len: ByteLen(stored.len()), bytes: stored[start..end].to_vec() };
            assert!(confirmed.matches(&probe(&stored)));
            assert!(!confirmed.matches(&ProbeResult::Absent));
            assert!(
                !confirmed
                    .matches(&ProbeResult::Text { len: ByteLen(stored.len() + 1), bytes: stored[start..end].to_vec() })
            );
            let mut other = stored.clone();
            other[end - 10] = b'7';
            assert!(!confirmed.matches(&probe(&other)));
        }
    }

    #[test]
    fn a_dedup_key_is_alive_for_a_day_by_every_clock() {
        let hours = |hours: u64| Now { unix_ns: 0, monotonic: Instant(hours * 3_600_000) };
        let acknowledged = |confirmed: &Confirmed, now| confirmed.acknowledged_sequence(24 * 60 * 60, now);
        let mut confirmed = Confirmed::unknown(None);
        assert_eq!(acknowledged(&confirmed, hours(0)), None);
        confirmed.note_acknowledgement(Sequence(7), hours(1));
        assert_eq!(acknowledged(&confirmed, hours(23)), Some(Sequence(7)));
        assert_eq!(acknowledged(&confirmed, hours(24)), None);
        assert_eq!(acknowledged(&confirmed, Now { unix_ns: 24 * 3_600_000_000_000, ..hours(1) }), None);
        assert_eq!(confirmed.acknowledged_sequence(15 * 60, hours(2)), None);
    }
}
