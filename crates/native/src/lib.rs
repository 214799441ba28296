//! Native I/O for `synced-memory-core`: Redis-compatible servers, the embedded file, the in-process store.
//!
//! A [`Memory`] drives a session on the thread that calls it. Other threads only move bytes between a queue of inputs
//! and the backend. Nothing depends on JavaScript: the addon for Node is one user of this crate.
//!
//! # Example
//!
//! Two memories share a store in this process. With a URL such as `redis://localhost` or `file:state.db` they would
//! share a server or a file, and could be in two processes.
//!
//! ```
//! use std::time::Duration;
//! use synced_memory_core::error::SyncError;
//! use synced_memory_core::mutation::{Json, JsonList, Mutation};
//! use synced_memory_core::session::BatchEntry;
//! use synced_memory_native::{Memory, OpenOptions};
//!
//! /// Takes in what arrives until a condition holds.
//! fn wait_until(memory: &mut Memory, condition: impl Fn(&Memory) -> bool) -> Result<(), SyncError> {
//!     loop {
//!         memory.drain()?; // gives events: connected, changed, acknowledged, …
//!         if condition(memory) {
//!             return Ok(());
//!         }
//!         memory.wait(Duration::from_secs(1));
//!     }
//! }
//!
//! fn text(memory: &Memory, name: &str) -> Option<String> {
//!     memory.session().value(name).map(|document| document.to_text())
//! }
//!
//! let options = OpenOptions::new("memory://example");
//! let mut writer = Memory::open(options.clone(), || ())?;
//! let mut reader = Memory::open(options, || ())?;
//!
//! let assign = Mutation::Assign { value: Json(r#"["draft"]"#.into()) };
//! let append = Mutation::Append { path: vec![], values: JsonList { text: r#""review""#.into(), count: 1 } };
//! writer.submit(vec![
//!     BatchEntry::Mutation("tasks".to_owned(), assign),
//!     BatchEntry::Mutation("tasks".to_owned(), append),
//! ])?;
//! let tasks = Some(r#"["draft","review"]"#.to_owned());
//! assert_eq!(text(&writer, "tasks"), tasks, "a mutation shows at once where it was made");
//! wait_until(&mut writer, |writer| writer.session().first_pending().is_none())?; // acknowledged
//! wait_until(&mut reader, |reader| text(reader, "tasks") == tasks)?;
//! # Ok::<(), SyncError>(())
//! ```
#![forbid(unsafe_code)]

mod alarm;
mod backend_capabilities;
mod backoff;
mod clock;
mod io_thread;
mod journal;
mod link;
mod lock;
mod mailbox;
mod memory;
mod options;
mod panics;
mod private_file;
mod tls;
mod url;

pub use backend_capabilities::{Capabilities, Topology};
pub use journal::JournalOptions;
pub use memory::{Memory, RestoredState};
pub use options::OpenOptions;
pub use panics::catch_panic;
pub use synced_memory_core::config::HistoryOptions;
pub use tls::TlsOptions;
