//! The reservation queue of a document: the writers that have reserved its next commits.

use super::store::{Store, StoredReservations};
use crate::ids::WriterId;
use crate::protocol::Turn;

/// The longest text of a queue to which a writer is added.
const MAX_LEN: usize = 8192;

/// The time of the first writer in a queue, in milliseconds.
fn first_ms(queue: &str) -> Option<u64> {
    queue.split([' ', ';']).nth(1)?.parse().ok()
}

/// The reservation queue of a document as one writer sees it, during one command.
pub(super) struct Reservations<'a> {
    key: &'a str,
    writer: &'a WriterId,
    now: u64,
    stored: Option<StoredReservations>,
}

impl<'a> Reservations<'a> {
    /// The queue at the time `now`.
    pub(super) fn load<S: Store>(
        store: &mut S,
        key: &'a str,
        writer: &'a WriterId,
        now: u64,
    ) -> Result<Self, S::Error> {
        // After the clock has been put back, the end of a reservation would be too far away.
        let is_valid = |stored: &StoredReservations| {
            let most = first_ms(&stored.queue).unwrap_or(0);
            (1..=most).contains(&stored.expires_at.saturating_sub(now))
        };
        let stored = store.reservations(key)?.filter(is_valid);
        Ok(Self { key, writer, now, stored })
    }

    fn queue(&self) -> &str {
        self.stored.as_ref().map_or("", |stored| &stored.queue)
    }

    fn writers(&self) -> impl Iterator<Item = &str> {
        self.queue().split_terminator(';').map(|entry| entry.split(' ').next().unwrap_or_default())
    }

    fn has_writer(&self) -> bool {
        self.writers().any(|writer| writer == self.writer.0)
    }

    /// The place of the writer. None where no other writer comes before it.
    pub(super) fn turn(&self) -> Option<Turn> {
        let writers_ahead = self.writers().take_while(|writer| *writer != self.writer.0).count();
        let StoredReservations { expires_at, .. } = self.stored.as_ref().filter(|_| writers_ahead > 0)?;
        let remaining_ms = u32::try_from(expires_at.saturating_sub(self.now).max(1)).unwrap_or(u32::MAX);
        Some(Turn { remaining_ms, writers_ahead: u32::try_from(writers_ahead).unwrap_or(u32::MAX) })
    }

    /// Adds the writer at the end, unless it is in the queue. `ms`: for so long it reserves the next commit.
    pub(super) fn reserve<S: Store>(&self, store: &mut S, ms: Option<u32>) -> Result<(), S::Error> {
        let Some(ms) = ms.filter(|_| !self.has_writer() && self.queue().len() <= MAX_LEN) else { return Ok(()) };
        let queue = format!("{}{} {ms};", self.queue(), self.writer.0);
        let expires_at = self.stored.as_ref().map_or(self.now + u64::from(ms), |stored| stored.expires_at);
        store.set_reservations(self.key, Some(StoredReservations { queue, expires_at }))
    }

    /// The writer, which is the first in the queue if it is in it, has committed. Returns whether it has left the queue to others.
    pub(super) fn end<S: Store>(&self, store: &mut S) -> Result<bool, S::Error> {
        let Some((_, rest)) = self.queue().split_once(';').filter(|_| self.has_writer()) else { return Ok(false) };
        let next = first_ms(rest).map(|ms| StoredReservations { queue: rest.to_owned(), expires_at: self.now + ms });
        let is_left_to_others = next.is_some();
        store.set_reservations(self.key, next)?;
        Ok(is_left_to_others)
    }
}
