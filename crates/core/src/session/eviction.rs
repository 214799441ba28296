//! The eviction policy of the server: when to read it, and the warning about it.

use super::request_table::Purpose;
use super::{Event, Session};
use crate::byte_len::ByteLen;
use crate::config::TransportLifetime;
use crate::error::{ErrorCode, SyncError};
use crate::protocol::{Answer, Command, EvictionPolicy};
use crate::time::Now;

/// The eviction policy as far as it is known, and whether to read it.
#[derive(Debug, Default)]
pub(super) struct EvictionState {
    policy: Option<EvictionPolicy>,
    /// Whether the session has been ready on some connection: the first read must not delay that.
    is_ready: bool,
    is_read_due: bool,
    /// Whether commits that may have been applied wait for it.
    is_awaited: bool,
}

impl EvictionState {
    /// A connection has begun.
    pub(super) fn connect(&mut self) {
        self.is_read_due = self.is_ready || self.is_awaited;
    }

    /// Commits of an earlier process have to be sent again, whose outcome may depend on the policy.
    pub(super) fn await_policy_if(&mut self, is_restored: bool) {
        self.is_awaited |= is_restored;
    }

    /// Whether nothing about an attribute may be sent yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// All that was asked for is loaded.
    pub(super) fn set_ready(&mut self) {
        if !std::mem::replace(&mut self.is_ready, true) {
            self.is_read_due = true;
        }
    }
}

impl Session {
    /// The eviction policy of the server. None: unknown.
    pub fn eviction_policy(&self) -> Option<EvictionPolicy> {
        self.eviction.policy
    }

    /// Reads the policy, where that is due: before commits are sent again, whose outcome may depend on it.
    pub(super) fn send_eviction_policy(&mut self, now: Now) {
        let is_due = std::mem::take(&mut self.eviction.is_read_due);
        if is_due && self.config.transport_lifetime == TransportLifetime::Process {
            let prefix = self.config.prefix.clone();
            self.send(Purpose::ReadEvictionPolicy, Command::EvictionPolicy { prefix }, ByteLen(0), now);
        }
    }

    /// A refusal is silent: many services allow no one to read the policy.
    pub(super) fn handle_eviction_policy(&mut self, answer: &Answer) {
        self.eviction.is_awaited = false;
        let policy = match answer {
            Answer::EvictionPolicy(policy) => *policy,
            Answer::Busy(_) | Answer::ReplyLost(_) => return,
            _ => None,
        };
        if std::mem::replace(&mut self.eviction.policy, policy) == policy {
            return;
        }
        self.attributes.set_eviction_policy(policy);
        let danger = match policy {
            Some(EvictionPolicy::ExpiringKeys) => {
                "keys that expire when its memory is full (maxmemory-policy volatile-*): the idempotency keys of commits, \
                 without which the outcome of a commit whose reply was lost can be unknown"
            }
            Some(EvictionPolicy::AllKeys) => {
                "any key when its memory is full (maxmemory-policy allkeys-*): acknowledged documents, and the idempotency \
                 keys of commits"
            }
            Some(EvictionPolicy::NoEviction) | None => return,
        };
        let message = format!("the server may evict {danger}; set maxmemory-policy to noeviction");
        self.events.push(Event::Warning(SyncError::new(ErrorCode::Eviction, message)));
    }
}
