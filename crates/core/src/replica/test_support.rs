//! Replicas for unit tests.

use super::Replica;
use crate::byte_len::ByteLen;
use crate::codec::decode_mutations;
use crate::config::{Config, MAX_ABSENT_ATTRIBUTES, MAX_COMMIT_SIZE, TransportLifetime};
use crate::document::{Node, Stored, add};
use crate::ids::{MutationNumber, Sequence, WriterId};
use crate::protocol::{Commit, ContentionTerms, DEDUP_KEY_SECONDS, EvictionPolicy};
use crate::time::{Instant, Now};
use std::sync::Arc;

/// A moment, in seconds since the start of the test.
pub(super) fn at(seconds: u64) -> Now {
    Now { unix_ns: 1_763_000_000_000_000_000 + seconds * 1_000_000_000, monotonic: Instant(seconds * 1000) }
}

/// A replica that has loaded a stored document, from a server that evicts nothing.
pub(super) fn loaded(stored: &str) -> Replica {
    let config = Config {
        prefix: "memory:".into(),
        secret: None,
        names: None,
        writer: WriterId("own".into()),
        host: None,
        max_document_bytes: ByteLen(1 << 24),
        max_commit_size: MAX_COMMIT_SIZE,
        publishes_deltas: true,
        notes_names: true,
        poll_interval_ms: None,
        dedup_key_seconds: DEDUP_KEY_SECONDS,
        transport_lifetime: TransportLifetime::Process,
        ttl_ms: None,
        seed: 1,
        add,
        history: None,
        max_absent_attributes: MAX_ABSENT_ATTRIBUTES,
    };
    let mut replica = Replica::new("memory:x".into(), Arc::new(config), None);
    replica.set_eviction_policy(Some(EvictionPolicy::NoEviction));
    replica.rebase(&Stored::Text(stored.into()), at(0));
    replica
}

/// Apply local mutations, the first of which has this number.
pub(super) fn mutate(replica: &mut Replica, first: u64, mutations: &str) {
    for (number, mutation) in (first..).zip(decode_mutations(mutations).unwrap()) {
        replica.mutate(MutationNumber(number), mutation, ByteLen(1 << 24), None).unwrap();
    }
}

/// Send the next commit.
pub(super) fn send(replica: &mut Replica, sequence: u64) -> Arc<Commit> {
    replica.next_commit(at(1), ContentionTerms::default(), || Sequence(sequence)).expect("a commit can be sent")
}

/// The text of the optimistic document.
pub(super) fn text(replica: &Replica) -> String {
    replica.value().map_or_else(|| "-".to_owned(), Node::to_text)
}
