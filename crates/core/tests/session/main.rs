//! Sessions against the in-process backend, over connections that the tests control.

mod appends;
mod commits;
mod contention;
mod delta_messages;
mod evicted_keys;
mod forged_messages;
mod groups;
mod increments;
mod journal;
mod journal_of_foreign_changes;
mod lost_replies;
mod stored;
#[path = "../support/mod.rs"]
mod support;
mod takes;
mod whole_groups;

use support::Client;
use synced_memory_core::backend::MemoryStore;

/// An empty server and two sessions that are connected to it.
fn pair() -> (MemoryStore, Client, Client) {
    let mut server = MemoryStore::default();
    let a = Client::connected("a", &mut server);
    let b = Client::connected("b", &mut server);
    (server, a, b)
}
