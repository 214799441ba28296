//! Panics as errors: a panic ends the memories that it concerns, and nothing else of the process.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::panic::panic_message;

/// Make a call, and turn a panic in it into an error with its message. Errors: `Internal` for a panic, and those of the
/// call. The values that the call was changing must not be used afterwards.
pub fn catch_panic<T>(call: impl FnOnce() -> Result<T, SyncError>) -> Result<T, SyncError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| Err(to_error(payload.as_ref())))
}

/// Runs a future to its end. A panic becomes an error with its message.
pub(crate) async fn catch_panic_of<T>(future: impl Future<Output = T>) -> Result<T, SyncError> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_panic(|| Ok(future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn to_error(payload: &(dyn Any + Send)) -> SyncError {
    SyncError::new(ErrorCode::Internal, panic_message(payload).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = catch_panic::<()>(|| panic!("index {} is out of range", 7)).unwrap_err();
        assert_eq!((error.code, &*error.message), (ErrorCode::Internal, "index 7 is out of range"));
        let refused = SyncError::new(ErrorCode::Closed, "closed");
        assert_eq!(catch_panic::<()>(|| Err(refused.clone())), Err(refused));
        assert_eq!(catch_panic(|| Ok(1)), Ok(1));
    }

    #[tokio::test]
    async fn a_future_that_panics_after_it_has_waited_ends() {
        let waiting = async {
            tokio::task::yield_now().await;
            panic!("late");
        };
        assert_eq!(catch_panic_of::<()>(waiting).await.unwrap_err().message, "late");
        assert_eq!(catch_panic_of(async { 1 }).await, Ok(1));
    }
}
