//! The contention for one attribute: how often other writers were ahead, and the wait before the next commit.

use crate::byte_len::ByteLen;
use crate::protocol::{ContentionTerms, DeltaDelivery, ReservationRequest, Turn};
use crate::time::{Instant, Now};

/// After this many lost races in a row, a commit that is stale again reserves the next one. Later commits do so at their first
/// loss, until one is applied without any loss.
const RESERVES_AFTER: u32 = 3;

/// A reservation lasts for this many round trips.
const RESERVED_ROUND_TRIPS: u64 = 3;
const MIN_RESERVATION_MS: u64 = 100;
const MAX_RESERVATION_MS: u64 = 1_000;

/// The longest random wait after a lost race, in milliseconds. Before that limit, it grows by one round trip with each race.
const MAX_BACKOFF_MS: u64 = 50;

/// The longest text that the answer to a stale commit brings where deltas lead to the stored document.
const TEXT_LIMIT: ByteLen = ByteLen(4 * 1024);

/// The lost races of one attribute, and the wait before its next commit.
#[derive(Debug, Default)]
pub(super) struct Contention {
    /// The number of lost races. A commit that is applied at once takes one off, and one that is applied after losses leaves
    /// at most [`RESERVES_AFTER`].
    losses: u32,
    /// Whether a race was lost since the last commit.
    is_lost: bool,
    wait: Option<Wait>,
    /// Whether a stale commit has shown that other writers have gone on, and their deltas or a fetch are to bring the rest.
    pub(super) is_behind: bool,
}

/// A wait before the next commit.
#[derive(Debug)]
struct Wait {
    until: Instant,
    /// The number of commits of other writers that end the wait before its time. None: none do.
    writers_ahead: Option<u32>,
    /// The time that a commit of another writer adds, in milliseconds: the next one has as much time.
    extension_ms: u64,
}

impl Contention {
    /// While it waits, no commit is sent.
    pub(super) fn is_waiting(&self) -> bool {
        self.wait.is_some()
    }

    /// Whether it waits for writers that have reserved the next commits.
    pub(super) fn is_waiting_for_turn(&self) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.writers_ahead.is_some())
    }

    /// The terms of the next commit. `round_trip_ms` is the measured time of one.
    pub(super) fn terms(&self, delivery: DeltaDelivery, round_trip_ms: u64) -> ContentionTerms {
        let ms = (round_trip_ms * RESERVED_ROUND_TRIPS).clamp(MIN_RESERVATION_MS, MAX_RESERVATION_MS);
        let ms = u32::try_from(ms).unwrap_or(u32::MAX);
        let text_limit =
            if delivery == DeltaDelivery::None { ContentionTerms::default().text_limit } else { TEXT_LIMIT };
        let has_lost_often = self.losses >= RESERVES_AFTER;
        let reservation =
            if has_lost_often { ReservationRequest::IfStale(ms) } else { ReservationRequest::IfReserved(ms) };
        ContentionTerms { text_limit, reservation }
    }

    /// A commit was stale. Returns the limit of a random wait before the next attempt, in milliseconds; 0 where the writer has
    /// reserved the next commit.
    pub(super) fn lose(&mut self, round_trip_ms: u64) -> u64 {
        let reserved = self.losses >= RESERVES_AFTER;
        self.count_loss();
        if reserved { 0 } else { (round_trip_ms * u64::from(self.losses)).min(MAX_BACKOFF_MS) }
    }

    /// Other writers have reserved the next commits: waits for them, at most until the reservation ends.
    pub(super) fn wait_for_turn(&mut self, turn: Turn, jitter_ms: u64, now: Now) -> Instant {
        self.count_loss();
        let extension_ms = u64::from(turn.remaining_ms) + jitter_ms;
        let until = now.monotonic.plus_ms(extension_ms);
        self.wait = Some(Wait { until, writers_ahead: Some(turn.writers_ahead), extension_ms });
        until
    }

    /// Waits after a lost race.
    pub(super) fn wait_for(&mut self, ms: u64, now: Now) -> Instant {
        let until = now.monotonic.plus_ms(ms);
        self.wait = Some(Wait { until, writers_ahead: None, extension_ms: 0 });
        until
    }

    /// Another writer has committed, or has ended its turn without a change. Returns the new end of the wait for it; None where there is none, or no more.
    pub(super) fn note_commit_of_other(&mut self, now: Now) -> Option<Instant> {
        let wait = self.wait.as_mut()?;
        let writers_ahead = wait.writers_ahead.as_mut()?;
        *writers_ahead = writers_ahead.saturating_sub(1);
        if *writers_ahead == 0 {
            self.wait = None;
            return None;
        }
        wait.until = now.monotonic.plus_ms(wait.extension_ms);
        Some(wait.until)
    }

    /// Ends the wait, if its time is over.
    pub(super) fn end_wait(&mut self, now: Now) {
        self.wait.take_if(|wait| wait.until <= now.monotonic);
    }

    /// A commit was applied.
    pub(super) fn win(&mut self) {
        let is_lost = std::mem::take(&mut self.is_lost);
        self.losses = if is_lost { self.losses.min(RESERVES_AFTER) } else { self.losses.saturating_sub(1) };
        self.wait = None;
    }

    fn count_loss(&mut self) {
        self.losses = self.losses.saturating_add(1);
        self.is_lost = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_ns: 0, monotonic: Instant(ms) }
    }

    fn reservation(contention: &Contention, round_trip_ms: u64) -> ReservationRequest {
        contention.terms(DeltaDelivery::InOrder, round_trip_ms).reservation
    }

    #[test]
    fn a_writer_that_has_lost_three_races_reserves_the_next_commit() {
        let mut contention = Contention::default();
        assert_eq!((contention.lose(10), contention.lose(10)), (10, 20));
        assert_eq!(reservation(&contention, 10), ReservationRequest::IfReserved(100));
        assert_eq!(contention.lose(40), 50, "a wait has a limit");
        assert_eq!(reservation(&contention, 70), ReservationRequest::IfStale(210));
        assert_eq!(reservation(&contention, 7_000), ReservationRequest::IfStale(1_000));
        assert_eq!(contention.lose(10), 0, "it has reserved the next commit");
        contention.win();
        assert_eq!(reservation(&contention, 10), ReservationRequest::IfStale(100), "the contention goes on");
        contention.win();
        assert_eq!(reservation(&contention, 10), ReservationRequest::IfReserved(100), "a commit went through at once");
    }

    #[test]
    fn a_wait_ends_with_the_commits_of_the_writers_ahead_or_with_its_time() {
        let mut contention = Contention::default();
        let turn = Turn { remaining_ms: 100, writers_ahead: 2 };
        assert_eq!(contention.wait_for_turn(turn, 5, at(0)), Instant(105));
        assert_eq!(contention.note_commit_of_other(at(50)), Some(Instant(155)), "the next one has as much time");
        contention.end_wait(at(105));
        assert!(contention.is_waiting());
        assert_eq!(contention.note_commit_of_other(at(120)), None);
        assert!(!contention.is_waiting());
        contention.wait_for(20, at(200));
        assert_eq!(contention.note_commit_of_other(at(210)), None);
        assert!(contention.is_waiting(), "it does not wait for commits");
        contention.end_wait(at(220));
        assert!(!contention.is_waiting());
    }

    #[test]
    fn a_whole_text_is_wanted_only_where_no_deltas_arrive() {
        let limit = |delivery| Contention::default().terms(delivery, 1).text_limit;
        assert_eq!(limit(DeltaDelivery::OutOfBand), TEXT_LIMIT);
        assert!(limit(DeltaDelivery::None) > ByteLen(1 << 30));
    }
}
