//! The open memories of the current JavaScript thread, by handle.

use crate::{Result, thrown};
use napi::Error;
use std::cell::RefCell;
use std::collections::HashMap;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_native::{Memory, catch_panic};

thread_local! {
    static SESSIONS: RefCell<Sessions> = RefCell::default();
}

#[derive(Default)]
struct Sessions {
    memories: HashMap<u32, Memory>,
    last_handle: u32,
}

/// Opens a memory under a new handle. `open` receives the handle and the memory `beside`, where one is named.
pub(crate) fn open(
    beside: Option<u32>,
    open: impl FnOnce(u32, Option<&Memory>) -> std::result::Result<Memory, SyncError>,
) -> Result<u32> {
    SESSIONS.with_borrow_mut(|sessions| {
        let parent = beside.map(|parent| sessions.memories.get(&parent).ok_or_else(closed)).transpose()?;
        let handle = sessions.last_handle + 1;
        let memory = open(handle, parent).map_err(thrown)?;
        sessions.last_handle = handle;
        sessions.memories.insert(handle, memory);
        Ok(handle)
    })
}

/// Calls a memory.
///
/// A panic in the call, or on a thread that does I/O for the memory, ends this memory: it is closed, and the code of the error is
/// `ERR_INTERNAL`. Other memories go on.
pub(crate) fn with<T>(handle: u32, call: impl FnOnce(&mut Memory) -> std::result::Result<T, SyncError>) -> Result<T> {
    SESSIONS.with_borrow_mut(|sessions| {
        let memory = sessions.memories.get_mut(&handle).ok_or_else(closed)?;
        catch_panic(|| call(memory)).map_err(|error| {
            if error.code == ErrorCode::Internal {
                discard(sessions.memories.remove(&handle));
            }
            thrown(error)
        })
    })
}

/// Closes a memory; one that is closed already stays so.
pub(crate) fn close(handle: u32) {
    let Some(memory) = SESSIONS.with_borrow_mut(|sessions| sessions.memories.remove(&handle)) else { return };
    let _ = catch_panic(|| {
        memory.close();
        Ok(())
    });
}

/// Drops a memory, whatever state it is in.
fn discard(memory: Option<Memory>) {
    let _ = catch_panic(|| {
        drop(memory);
        Ok(())
    });
}

fn closed() -> Error<&'static str> {
    thrown(SyncError::new(ErrorCode::Closed, "the memory has been closed; open it again"))
}
