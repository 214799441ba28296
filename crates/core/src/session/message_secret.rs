//! The secret that the session's delta messages are signed with.

use super::read_throttle::ReadThrottle;
use crate::protocol::{Secret, is_signed};
use crate::time::Now;

/// The shortest and the longest time between two readings of the secret because of messages that it does not verify, in
/// milliseconds.
const FIRST_REREAD_MS: u64 = 1_000;
const MAX_REREAD_MS: u64 = 60_000;

/// The secret as it was read last, and when to read it again: with each connection, and, at a bounded rate, where a message
/// cannot be verified. A server that lost its data has another secret than before.
#[derive(Debug)]
pub(super) struct MessageSecret {
    /// None before it is read, and where this user may not read it: then every message is only a hint, and this session signs none.
    known: Option<Secret>,
    is_requested: bool,
    throttle: ReadThrottle,
}

impl MessageSecret {
    pub(super) fn new() -> Self {
        Self { known: None, is_requested: false, throttle: ReadThrottle::new(FIRST_REREAD_MS, MAX_REREAD_MS) }
    }

    /// The secret to sign with.
    pub(super) fn known(&self) -> Option<&Secret> {
        self.known.as_ref()
    }

    /// Whether a message was made by a writer that knows the secret.
    pub(super) fn verifies(&self, message: &[u8]) -> bool {
        self.known.as_ref().is_some_and(|secret| is_signed(message, secret))
    }

    /// The secret is to be read, because there is a new connection.
    pub(super) fn request(&mut self) {
        self.is_requested = true;
    }

    /// A message could not be verified: the secret is read again, if that was not done a moment ago.
    pub(super) fn request_again(&mut self, now: Now) {
        // A later message asks again.
        self.is_requested |= self.throttle.try_now(now);
    }

    /// Whether the secret is to be read now.
    pub(super) fn take_request(&mut self) -> bool {
        std::mem::take(&mut self.is_requested)
    }

    /// The secret has been read; None where that was refused.
    pub(super) fn set(&mut self, secret: Option<Secret>) {
        if secret.is_some() && secret != self.known {
            self.throttle.reset();
        }
        self.known = secret;
    }
}
