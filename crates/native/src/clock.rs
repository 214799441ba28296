//! The host's clocks and its randomness, which the core has none of.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::session::Now;

/// Where `monotonic_ms` counts from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { unix_ns: truncate(unix.as_nanos()), monotonic_ms: monotonic_ms() }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    now().unix_ns / 1_000_000
}

pub(crate) fn monotonic_ms() -> u64 {
    truncate(START.elapsed().as_millis())
}

/// The instant at which `monotonic_ms()` reaches `ms`.
pub(crate) fn instant(ms: u64) -> Instant {
    *START + Duration::from_millis(ms)
}

/// Between half of `longest` and all of it, so that many clients do not try in step.
pub(crate) fn jittered(longest: Duration) -> Duration {
    let part = u32::from(getrandom::u32().unwrap_or_default().to_le_bytes()[0]);
    longest / 2 + longest * part / 512
}

pub(crate) fn random_u64() -> Result<u64, SyncError> {
    getrandom::u64()
        .map_err(|error| SyncError::new(ErrorCode::Internal, format!("the system gives no random bytes: {error}")))
}

fn truncate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
