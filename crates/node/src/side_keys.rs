//! The side keys of a memory as a JavaScript object.

use napi_derive::napi;
use synced_memory_core::session::DedupKeys;

/// The side keys of one memory; engine/engine.ts describes them.
#[napi(object, object_from_js = false)]
pub struct SideKeys {
    pub pattern: String,
    pub count: i64,
    pub bytes: i64,
    pub seconds: u32,
    pub seconds_after_close: u32,
}

impl From<DedupKeys> for SideKeys {
    fn from(DedupKeys { pattern, count, bytes, seconds, seconds_after_release }: DedupKeys) -> Self {
        Self {
            pattern,
            count: crate::number(count),
            bytes: crate::number(bytes.0),
            seconds,
            seconds_after_close: seconds_after_release,
        }
    }
}
