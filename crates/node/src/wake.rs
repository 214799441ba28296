//! Wakes a JavaScript thread for its sessions.

use crate::thrown;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeCallContext, ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::sync::{Arc, Mutex, PoisonError};
use synced_memory_core::error::{ErrorCode, SyncError};

/// Calls one JavaScript function with the handles of sessions that may have events.
///
/// It is one function for all sessions of its listener, because each function costs the event loop time at every turn. The
/// function is weak: it does not keep the process alive.
#[derive(Clone)]
pub(crate) struct Waker {
    function: Arc<WeakFunction>,
    woken: Arc<Mutex<Vec<u32>>>,
}

type WeakFunction = ThreadsafeFunction<(), (), Vec<u32>, napi::Status, false, true>;

impl Waker {
    pub(crate) fn new(wake: &Function<Vec<u32>, ()>) -> crate::Result<Self> {
        let woken: Arc<Mutex<Vec<u32>>> = Arc::default();
        let taken = Arc::clone(&woken);
        let function = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(move |_: ThreadsafeCallContext<()>| {
                Ok(std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner)))
            })
            .map_err(|error| thrown(SyncError::new(ErrorCode::Internal, error.reason.clone())))?;
        Ok(Self { function: Arc::new(function), woken })
    }

    /// Schedules one call for this handle and all that are added before it runs. Any thread may call this.
    pub(crate) fn wake(&self, handle: u32) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        // A link wakes a session once before an answer arrives and once after.
        if woken.last() == Some(&handle) {
            return;
        }
        woken.push(handle);
        if woken.len() == 1 {
            // The call is refused only while the JavaScript thread ends.
            let _ = self.function.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
