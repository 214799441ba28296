//! The connection to the backend, as the host reports it.

use super::poll_schedule::PollSchedule;
use crate::protocol::{DeltaDelivery, Invalidations};
use crate::time::Now;

/// Whether commands can go, what the backend announces by itself, and when to poll for the rest.
#[derive(Debug)]
pub(super) struct Connection {
    is_connected: bool,
    /// Whether the host takes commands now.
    pub(super) is_sending: bool,
    pub(super) delta_delivery: DeltaDelivery,
    pub(super) invalidations: Invalidations,
    pub(super) polls: PollSchedule,
}

impl Connection {
    /// No connection. `poll_interval_ms` as in [`Config`](crate::config::Config).
    pub(super) fn new(poll_interval_ms: Option<u64>) -> Self {
        Self {
            is_connected: false,
            is_sending: true,
            delta_delivery: DeltaDelivery::default(),
            invalidations: Invalidations::default(),
            polls: PollSchedule::new(poll_interval_ms),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether commands may be output.
    pub(super) fn can_send(&self) -> bool {
        self.is_connected && self.is_sending
    }

    pub(super) fn connect(&mut self) {
        self.is_connected = true;
    }

    pub(super) fn disconnect(&mut self) {
        self.is_connected = false;
        self.polls.stop();
    }

    /// Plans the next poll, if there is a connection. `attributes` is their number.
    pub(super) fn plan_poll(&mut self, attributes: usize, now: Now) {
        if self.is_connected {
            self.polls.plan(self.invalidations, attributes, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    const NOW: Now = Now { unix_ns: 0, monotonic: Instant(0) };

    #[test]
    fn commands_go_while_there_is_a_connection_and_the_host_takes_them() {
        let mut connection = Connection::new(None);
        assert!(!connection.can_send());
        connection.connect();
        assert!(connection.can_send());
        connection.is_sending = false;
        assert!(!connection.can_send());
    }

    #[test]
    fn polls_are_planned_on_a_connection_only() {
        let mut connection = Connection::new(Some(1_000));
        connection.plan_poll(0, NOW);
        assert_eq!(connection.polls.next(), None);
        connection.connect();
        connection.plan_poll(0, NOW);
        assert_eq!(connection.polls.next(), Some(Instant(1_000)));
        connection.disconnect();
        assert_eq!(connection.polls.next(), None);
    }
}
