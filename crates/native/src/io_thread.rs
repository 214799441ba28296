//! The thread that all connections of this process share. It moves bytes and keeps time.

use std::future::pending;
use std::sync::OnceLock;
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::runtime::{Builder, Handle};

/// The runtime of the thread, which the first call starts.
pub(crate) fn io_thread() -> Result<&'static Handle, SyncError> {
    static IO_THREAD: OnceLock<std::io::Result<Handle>> = OnceLock::new();
    IO_THREAD.get_or_init(start).as_ref().map_err(|error| {
        let message = format!("the I/O thread cannot be started: {error}; allow this process one more thread");
        SyncError::new(ErrorCode::Internal, message)
    })
}

fn start() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name("synced-memory-io".into()).spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(handle)
}
