//! The backends that are not a server: the embedded file, the memory of this process, and the server in the process
//! that tests and simulations run on. They share the commit rules that `commit.lua` and `group.lua` apply on a server.

mod commit_rules;
mod execute;
mod expiring_strings;
mod history_rules;
mod history_streams;
mod in_process_server;
mod keyspace;
mod memory_store;
mod reservations;
mod store;

pub use execute::{Execution, execute};
pub use in_process_server::{InProcessServer, Notification};
pub use memory_store::MemoryStore;
pub use store::{NewestEntry, Store, StoredReservations};
