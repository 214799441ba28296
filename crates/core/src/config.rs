//! The configuration of a session.

use crate::byte_len::ByteLen;
use crate::document::Add;
use crate::ids::WriterId;
use crate::protocol::{DEDUP_KEY_SECONDS, REQUEST_DEDUP_KEY_SECONDS, Secret};

/// The usual value of [`Config::max_commit_size`]: about the memory that a commit's mutations take, and more than their text.
/// Mutations that rewrite the whole text of a document stay together: their number does not make the command longer.
pub const MAX_COMMIT_SIZE: ByteLen = ByteLen(1 << 20);

/// The usual value of [`Config::max_absent_attributes`].
pub const MAX_ABSENT_ATTRIBUTES: usize = 256;

/// The time for which a transport can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TransportLifetime {
    /// As long as the process. The session reads the server's eviction policy, and shortens the life of its dedup keys when it
    /// closes.
    #[default]
    Process,
    /// For one request. The session makes no request that is not needed for its commits.
    Request,
}

impl TransportLifetime {
    /// The usual value of [`Config::dedup_key_seconds`]. Where `ttl_ms` lets every attribute expire that the session changes, its
    /// side keys outlive it by a quarter of an hour at most: a commit is not sent again after that time either.
    pub fn dedup_key_seconds(self, ttl_ms: Option<u64>) -> u32 {
        let longest = match self {
            Self::Process => DEDUP_KEY_SECONDS,
            Self::Request => REQUEST_DEDUP_KEY_SECONDS,
        };
        let of_attribute = ttl_ms.and_then(|ms| u32::try_from(ms.div_ceil(1000)).ok()).unwrap_or(u32::MAX);
        longest.min(of_attribute.saturating_add(REQUEST_DEDUP_KEY_SECONDS))
    }
}

/// The configuration of a session.
#[derive(Clone, Debug)]
pub struct Config {
    /// The prefix of this memory's keys: `memory:` or `memory:<scope>:`.
    pub prefix: String,
    /// The secret of delta messages; None: messages are neither signed nor verified.
    pub secret: Option<SecretOptions>,
    /// The attributes to load; None: all that are there.
    pub names: Option<Vec<String>>,
    /// Random, never used before.
    pub writer: WriterId,
    /// The name of the host, where the writer is in the [list](crate::protocol::WritersList) of those that have the memory open.
    /// None: it is not.
    pub host: Option<String>,
    /// The most bytes that one document may have.
    pub max_document_bytes: ByteLen,
    /// The size of pending mutations from which on a commit takes up no more; see [`MAX_COMMIT_SIZE`].
    pub max_commit_size: ByteLen,
    /// True if the backend publishes deltas of commits.
    pub publishes_deltas: bool,
    /// Whether creations and deletions of attributes are noted in the log of names, which transactions that enumerate need.
    /// False on a cluster where the prefix has no hash tag, because the log is in another slot than the documents.
    pub notes_names: bool,
    /// Milliseconds between two polls for changes that the backend does not announce. None: no polls.
    pub poll_interval_ms: Option<u64>,
    /// The lifetime of this writer's dedup keys, in seconds. A commit whose reply was lost is not sent again once its dedup key
    /// may have expired.
    pub dedup_key_seconds: u32,
    /// The lifetime of the transport.
    pub transport_lifetime: TransportLifetime,
    /// Every commit lets its attribute expire after so many milliseconds.
    pub ttl_ms: Option<u64>,
    /// The histories that are recorded; None: none.
    pub history: Option<HistoryOptions>,
    /// Random, for the jitter of retries.
    pub seed: u64,
    /// The function that adds numbers for increments.
    pub add: Add,
    /// The number of attributes that may be added after an eviction, beside an eighth of those that were left, before absent
    /// ones are evicted again.
    pub max_absent_attributes: usize,
}

impl Config {
    /// The most entries of the history of the document under a key. None where it is not recorded.
    pub fn max_entries(&self, key: &str) -> Option<u32> {
        let HistoryOptions { max_entries, names } = self.history.as_ref()?;
        let name = key.strip_prefix(&self.prefix)?;
        let is_recorded = names.as_ref().is_none_or(|names| names.iter().any(|recorded| recorded == name));
        is_recorded.then_some(*max_entries)
    }
}

/// The histories that a session records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryOptions {
    /// The most entries of one history. A server may keep about a hundred more.
    pub max_entries: u32,
    /// The attributes; None: all.
    pub names: Option<Vec<String>>,
}

/// Where the secret of delta messages is, and a new one.
#[derive(Clone, Debug)]
pub struct SecretOptions {
    /// The prefix of the memories that share the secret: that of this memory, or of the memory whose scope it is.
    pub prefix: String,
    /// The secret where there is none yet: at least 128 random bits.
    pub candidate: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dedup_keys_outlive_an_attribute_that_expires_by_a_quarter_of_an_hour() {
        let (process, request) = (TransportLifetime::Process, TransportLifetime::Request);
        assert_eq!([process, request].map(|lifetime| lifetime.dedup_key_seconds(None)), [24 * 60 * 60, 15 * 60]);
        assert_eq!([process, request].map(|lifetime| lifetime.dedup_key_seconds(Some(59_001))), [16 * 60, 15 * 60]);
        assert_eq!(process.dedup_key_seconds(Some(u64::MAX)), 24 * 60 * 60);
    }
}
