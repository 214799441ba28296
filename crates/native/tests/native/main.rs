//! Memories on real servers and real files, with other processes. No test sleeps; each waits for the condition that it
//! needs.

mod cluster;
mod dedup_keys;
mod file;
mod journal;
mod memory;
mod panics;
mod peer;
mod redis;
mod refused_writes;
mod script;
mod server;
