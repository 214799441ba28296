//! Whether one attribute waits before its next command, because the backend was too busy.

/// The wait before the next attempt, and the number of failures in a row.
#[derive(Debug, Default)]
pub(super) struct RetryState {
    is_waiting: bool,
    attempts: u32,
}

impl RetryState {
    /// While it waits, nothing is sent.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Whether the backend was too busy since the last success.
    pub(super) fn has_failed(&self) -> bool {
        self.attempts > 0
    }

    /// Begins a wait after a failure. Returns the number of failures in a row; None where it waits already.
    pub(super) fn begin_wait(&mut self) -> Option<u32> {
        if std::mem::replace(&mut self.is_waiting, true) {
            return None;
        }
        self.attempts += 1;
        Some(self.attempts)
    }

    /// The wait is over.
    pub(super) fn end_wait(&mut self) {
        self.is_waiting = false;
    }

    /// The backend has done something for this attribute.
    pub(super) fn succeed(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_commands_in_flight_count_once() {
        let mut retry = RetryState::default();
        assert!(!retry.has_failed());
        assert_eq!(retry.begin_wait(), Some(1));
        assert_eq!(retry.begin_wait(), None);
        retry.end_wait();
        assert_eq!(retry.begin_wait(), Some(2));
        retry.succeed();
        assert!(retry.is_waiting() && !retry.has_failed());
    }
}
