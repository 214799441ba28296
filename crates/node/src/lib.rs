//! The Node-API addon: free functions on integer handles that convert and call.
//!
//! A call of a free function on an integer costs 26 to 200 ns, one of a class method 284 to 380 ns. Batches and events cross as
//! one JSON text each, options and capabilities as objects. The types of all of it are generated into
//! npm/synced-memory/src/engine/addon/addon.d.ts.
#![allow(clippy::needless_pass_by_value, reason = "napi hands strings over by value")]
#![allow(missing_docs, reason = "fields of objects are described where TypeScript reads them")]

mod capabilities;
mod options;
mod sessions;
mod side_keys;
mod wake;

use capabilities::Capabilities;
use mimalloc::MiMalloc;
use napi::Error;
use napi::bindgen_prelude::{BigInt, Function};
use napi_derive::napi;
use options::{OpenOptions, RestoredState};
use sessions::with;
use side_keys::SideKeys;
use std::cell::RefCell;
use std::time::Duration;
use synced_memory_core::boundary::{EventWriter, decode_batch, decode_mutation};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::Revision;
use synced_memory_native::{self as native, Memory};
use wake::Waker;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// An error whose status becomes the JavaScript error's `code`.
type Result<T> = napi::Result<T, &'static str>;

thread_local! {
    static WAKERS: RefCell<Vec<Waker>> = RefCell::default();
}

/// Registers a function that is called with the handles of sessions that may have events, and returns the number that `open`
/// takes. It is never called within another call.
#[napi(catch_unwind)]
pub fn listen(
    #[napi(ts_arg_type = "(handles: readonly number[]) => void")] wake: Function<Vec<u32>, ()>,
) -> Result<u32> {
    let waker = Waker::new(&wake)?;
    WAKERS.with_borrow_mut(|wakers| {
        wakers.push(waker);
        Ok(u32::try_from(wakers.len() - 1).unwrap_or(u32::MAX))
    })
}

/// Opens a session and returns its handle. `listener` is a number that `listen` returned; `beside` is the handle of an open
/// session of the same URL, whose connection the new one shares.
#[napi(catch_unwind)]
pub fn open(options: OpenOptions, listener: u32, beside: Option<u32>) -> Result<u32> {
    let waker = WAKERS.with_borrow(|wakers| wakers.get(listener as usize).cloned());
    let waker = waker.ok_or_else(|| thrown(SyncError::new(ErrorCode::Options, "no such listener")))?;
    sessions::open(beside, |handle, beside| {
        let wake = move || waker.wake(handle);
        match beside {
            Some(beside) => beside.open_beside(options.into(), wake),
            None => Memory::open(options.into(), wake),
        }
    })
}

/// See `CoreSession.submit`.
#[napi]
pub fn submit(handle: u32, batch: String) -> Result<()> {
    with(handle, |memory| memory.submit(decode_batch(&batch)?))
}

/// See `CoreSession.check`.
#[napi]
pub fn check(handle: u32, mutation: String) -> Result<()> {
    with(handle, |memory| {
        let (name, mutation) = decode_mutation(&mutation)?;
        memory.check(&name, &mutation)
    })
}

/// See `CoreSession.pendingBytes`.
#[napi]
pub fn pending_bytes(handle: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.pending_bytes())).map(number)
}

/// See `CoreSession.refresh`.
#[napi]
pub fn refresh(handle: u32, #[napi(ts_arg_type = "readonly string[]")] names: Option<Vec<String>>) -> Result<i64> {
    with(handle, |memory| Ok(memory.refresh(names.as_deref()).0)).map(number)
}

/// See `CoreSession.replicate`.
#[napi]
pub fn replicate(handle: u32, wanted: u32, wait_ms: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.replicate(wanted, wait_ms).0)).map(number)
}

/// See `CoreSession.expire`.
#[napi]
pub fn expire(handle: u32, name: String, ms: i64) -> Result<i64> {
    with(handle, |memory| Ok(memory.expire(&name, ms.unsigned_abs())?.0)).map(number)
}

/// See `CoreSession.persist`.
#[napi]
pub fn persist(handle: u32, name: String) -> Result<i64> {
    with(handle, |memory| Ok(memory.persist(&name)?.0)).map(number)
}

/// See `CoreSession.ttl`.
#[napi]
pub fn ttl(handle: u32, name: String) -> Result<i64> {
    with(handle, |memory| Ok(memory.ttl(&name)?.0)).map(number)
}

/// See `CoreSession.writers`.
#[napi]
pub fn writers(handle: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.writers().0)).map(number)
}

/// See `CoreSession.history`.
#[napi]
pub fn history(handle: u32, name: String, limit: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.history(&name, limit)?.0)).map(number)
}

/// See `CoreSession.valueAt`.
#[napi]
pub fn value_at(handle: u32, name: String, revision: BigInt) -> Result<i64> {
    with(handle, |memory| Ok(memory.value_at(&name, Revision(revision.get_u64().1))?.0)).map(number)
}

/// See `CoreSession.sideKeys`.
#[napi]
pub fn side_keys(handle: u32) -> Result<SideKeys> {
    with(handle, |memory| Ok(memory.dedup_keys().into()))
}

/// See `CoreSession.release`.
#[napi]
pub fn release(handle: u32) -> Result<bool> {
    with(handle, |memory| Ok(memory.release()))
}

/// See `CoreSession.restored`.
#[napi]
pub fn restored(handle: u32) -> Result<RestoredState> {
    with(handle, |memory| Ok(memory.restored()))
        .map(|native::RestoredState { mutations, names }| RestoredState { mutations: number(mutations.0), names })
}

/// See `CoreSession.hasUnwrittenJournal`.
#[napi]
pub fn has_unwritten_journal(handle: u32) -> Result<bool> {
    with(handle, |memory| Ok(memory.has_unwritten_journal()))
}

/// See `CoreSession.capabilities`.
#[napi]
pub fn capabilities(handle: u32) -> Result<Capabilities> {
    with(handle, |memory| Ok(memory.capabilities().into()))
}

/// See `CoreSession.drain`.
#[napi]
pub fn drain(handle: u32) -> Result<Vec<String>> {
    with(handle, |memory| {
        let mut writer = EventWriter::new();
        for event in memory.drain()? {
            writer.write(&event);
        }
        let mut texts = writer.finish();
        if texts.is_empty() && memory.has_arrived() {
            texts.push("=[]".to_owned());
        }
        Ok(texts)
    })
}

/// Blocks the thread until `drain` may have events; false after `timeout_ms` without any.
#[napi]
pub fn wait(handle: u32, timeout_ms: f64) -> Result<bool> {
    let timeout = Duration::try_from_secs_f64(timeout_ms / 1000.0).unwrap_or_default();
    with(handle, |memory| Ok(memory.wait(timeout)))
}

/// See `CoreSession.close`. Closing a closed session does nothing.
#[napi]
pub fn close(handle: u32) {
    sessions::close(handle);
}

/// Panics in a call about this session. Only debug builds export it: for the tests of panics.
#[cfg(debug_assertions)]
#[napi(skip_typescript)]
#[allow(clippy::missing_panics_doc, reason = "it does nothing else")]
pub fn panic(handle: u32) -> Result<()> {
    with(handle, |_| panic!("a test asked for this panic"))
}

fn thrown(error: SyncError) -> Error<&'static str> {
    Error::new(error.code.as_str(), error.message)
}

/// Lengths and tickets stay far below 2^53.
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
