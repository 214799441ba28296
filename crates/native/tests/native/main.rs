//! Memories against real servers, real files and other processes. No test sleeps: each waits for what it wants.

mod file;
mod memory;
mod peer;
mod redis;
mod script;
mod server;
