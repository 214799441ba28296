//! Locking a mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lock a mutex that may be poisoned. Nothing in this crate panics while it holds a lock, except for want of memory,
/// so the value is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
