//! The clocks of the host and its randomness. The core has neither.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::time::{Instant, Now};

/// The zero of the monotonic clock.
static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

/// Both clocks.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { unix_ns: saturate(unix.as_nanos()), monotonic: monotonic() }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    now().unix_ns / 1_000_000
}

/// The monotonic clock.
pub(crate) fn monotonic() -> Instant {
    Instant(saturate(START.elapsed().as_millis()))
}

/// Converts an instant of the core for tokio's timers.
pub(crate) fn to_std(Instant(ms): Instant) -> std::time::Instant {
    *START + Duration::from_millis(ms)
}

/// Random bits from the operating system.
pub(crate) fn random_u64() -> Result<u64, SyncError> {
    getrandom::u64()
        .map_err(|error| SyncError::new(ErrorCode::Internal, format!("the system gives no random bytes: {error}")))
}

/// A random id of 128 bits, as 22 characters of URL-safe base64. Ids are parts of side keys, so each character counts.
pub(crate) fn random_id() -> Result<String, SyncError> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = u128::from(random_u64()?) << 64 | u128::from(random_u64()?);
    Ok((0..22).map(|place| char::from(DIGITS[(bits >> (6 * place) & 63) as usize])).collect())
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_differ() {
        let (one, other) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, other);
        for id in [one, other] {
            let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(id.len() == 22 && id.bytes().all(is_digit), "{id}");
        }
    }
}
