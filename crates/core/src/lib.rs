//! The sync semantics of synced-memory, without sockets, clocks, threads or randomness.
//!
//! A [`session::Session`] holds the [`replica::Replica`]s of one memory. The host hands it mutations
//! and what the backend said, then drains it:
//!
//! **after every call that takes `now`, drain `poll_command`, `poll_event` and `poll_timeout` until each is empty.**
#![forbid(unsafe_code)]

pub mod backend;
pub mod command;
pub mod document;
pub mod error;
pub mod ids;
pub mod merge;
pub mod mutation;
pub mod numbered;
pub mod replica;
pub mod resp;
pub mod session;
pub mod splice;
pub mod wire;
