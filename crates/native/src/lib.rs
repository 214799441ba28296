//! Native I/O for `synced-memory-core`: Redis-compatible servers, the embedded file, the in-process store.
//!
//! A [`Memory`] drives a session on the thread that calls it; other threads only move bytes between
//! its [`Mailbox`] and the backend.
#![forbid(unsafe_code)]

mod clock;
mod io;
mod link;
mod mailbox;
mod memory;
mod url;

pub use link::Capabilities;
pub use mailbox::Mailbox;
pub use memory::{Memory, OpenOptions, Tls};
