//! The sync semantics of synced-memory, without sockets, clocks, threads or randomness.
//!
//! A [`session::Session`] holds the [`replica::Replica`]s of one memory. The host passes it mutations and the
//! backend's answers, then drains its output.
#![forbid(unsafe_code)]

pub mod backend;
pub mod boundary;
pub mod byte_len;
pub mod codec;
pub mod config;
pub mod document;
pub mod error;
pub mod history;
pub mod id_map;
pub mod ids;
pub mod journal;
pub mod merge;
pub mod mutation;
pub mod panic;
pub mod protocol;
pub mod replica;
pub mod session;
pub mod splice;
pub mod time;
pub mod writer_label;
