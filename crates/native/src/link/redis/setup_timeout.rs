//! The time limit of setting up a connection.

use redis::RedisResult;
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// The time limit of each step of setting up a connection, and of each later request beside the queued commands.
pub(super) const SETUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Give up after [`SETUP_TIMEOUT`], with an I/O error.
pub(super) async fn within_setup_timeout<T>(work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(SETUP_TIMEOUT, work).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}
