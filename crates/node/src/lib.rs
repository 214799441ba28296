//! The Node-API addon: free functions on integer handles that convert and call.
//!
//! Each JavaScript thread has its own memories; batches and events cross as one JSON text each.
#![allow(clippy::needless_pass_by_value, reason = "napi hands strings over by value")]

use mimalloc::MiMalloc;
use napi::Error;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeCallContext, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use synced_memory_core::command::{Changes, Commits};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::wire::{EventWriter, decode_entries, decode_mutation};
use synced_memory_native::{Capabilities, Memory, OpenOptions};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// An error whose status becomes the JavaScript error's `code`.
type Result<T> = napi::Result<T, &'static str>;

/// Called on any thread when `drain` of a memory has something.
type Wake = Arc<dyn Fn(u32) + Send + Sync>;

thread_local! {
    static WAKES: RefCell<Vec<Wake>> = RefCell::default();
    static MEMORIES: RefCell<HashMap<u32, Memory>> = RefCell::default();
    static LAST_HANDLE: Cell<u32> = const { Cell::new(0) };
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    url: String,
    base: String,
    prefix: String,
    names: Option<Vec<String>>,
    max_document_bytes: usize,
    ttl_ms: Option<u64>,
    #[serde(default)]
    tls: Tls,
    beside: Option<u32>,
}

#[derive(Deserialize, Default)]
struct Tls {
    ca: Option<String>,
    cert: Option<String>,
    key: Option<String>,
}

/// From now on `wake` is called with the handles of memories of which `drain` has something, of those that are opened with
/// the number that this gives; never within another call. One function for many: each costs the event loop something at
/// every turn.
#[napi(catch_unwind)]
pub fn listen(wake: Function<Vec<u32>, ()>) -> Result<u32> {
    let ready: Arc<Mutex<Vec<u32>>> = Arc::default();
    let taken = Arc::clone(&ready);
    // Weak: an open memory does not keep the process alive.
    let wake = wake
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .build_callback(move |_: ThreadsafeCallContext<()>| {
            Ok(std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner)))
        })
        .map_err(|error| thrown(SyncError::new(ErrorCode::Internal, error.reason.clone())))?;
    let wake: Wake = Arc::new(move |handle| {
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        // Who is woken for what is about to arrive is woken again when it has.
        if ready.last() == Some(&handle) {
            return;
        }
        ready.push(handle);
        if ready.len() == 1 {
            // Refused only while the thread ends.
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    });
    WAKES.with_borrow_mut(|wakes| {
        wakes.push(wake);
        Ok(u32::try_from(wakes.len() - 1).unwrap_or(u32::MAX))
    })
}

/// Open a memory. `options` is JSON: `{url, base, prefix, names?, maxDocumentBytes, ttlMs?, tls?: {ca?, cert?, key?},
/// beside?}`, where `beside` is the handle of an open memory of the same URL; `listener` is what `listen` gave.
#[napi(catch_unwind)]
pub fn open(options: String, listener: u32) -> Result<u32> {
    let Options { url, base, prefix, names, max_document_bytes, ttl_ms, tls, beside } = parse(&options)?;
    let wake_all = WAKES.with_borrow(|wakes| wakes.get(listener as usize).cloned());
    let wake_all = wake_all.ok_or_else(|| thrown(SyncError::new(ErrorCode::Internal, "open without listen")))?;
    let tls = synced_memory_native::Tls { ca: tls.ca, client: tls.cert.zip(tls.key) };
    let options = OpenOptions { url, base, prefix, names, max_document_bytes, ttl_ms, tls };
    let handle = LAST_HANDLE.get() + 1;
    let wake = move || wake_all(handle);
    let memory = match beside {
        Some(parent) => with(parent, |parent| parent.open_beside(options, wake))?,
        None => Memory::open(options, wake).map_err(thrown)?,
    };
    LAST_HANDLE.set(handle);
    MEMORIES.with_borrow_mut(|memories| memories.insert(handle, memory));
    Ok(handle)
}

/// Apply a batch of local mutations in order.
#[napi(catch_unwind)]
pub fn submit(handle: u32, batch: String) -> Result<()> {
    with(handle, |memory| memory.submit(decode_entries(&batch)?))
}

/// Throws where `submit` would reject this one mutation.
#[napi(catch_unwind)]
pub fn check(handle: u32, mutation: String) -> Result<()> {
    with(handle, |memory| {
        let (name, mutation) = decode_mutation(&mutation)?;
        memory.check(&name, &mutation)
    })
}

/// About how many bytes the mutations take that are not acknowledged. Costs their number.
#[napi(catch_unwind)]
pub fn pending_bytes(handle: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.pending_bytes())).map(number)
}

/// Catch up with the backend: `names` is a JSON array, or empty for all. Gives the ticket that `refreshed` reports.
#[napi(catch_unwind)]
pub fn refresh(handle: u32, names: String) -> Result<i64> {
    let names: Option<Vec<String>> = if names.is_empty() { None } else { Some(parse(&names)?) };
    with(handle, |memory| Ok(memory.refresh(names.as_deref()))).map(number)
}

/// Ask replicas whether they have everything that has been acknowledged, for at most `wait_ms`. Gives the number that
/// `replicated` reports.
#[napi(catch_unwind)]
pub fn replicate(handle: u32, wanted: u32, wait_ms: u32) -> Result<i64> {
    with(handle, |memory| Ok(memory.replicate(wanted, wait_ms))).map(number)
}

/// Let an attribute expire after `ms` milliseconds. Gives the number that `lifetime` reports.
#[napi(catch_unwind)]
pub fn expire(handle: u32, name: String, ms: i64) -> Result<i64> {
    with(handle, |memory| memory.expire(&name, ms.unsigned_abs())).map(number)
}

/// Let an attribute stay. Gives the number that `lifetime` reports.
#[napi(catch_unwind)]
pub fn persist(handle: u32, name: String) -> Result<i64> {
    with(handle, |memory| memory.persist(&name)).map(number)
}

/// Ask how long an attribute stays. Gives the number that `lifetime` reports.
#[napi(catch_unwind)]
pub fn ttl(handle: u32, name: String) -> Result<i64> {
    with(handle, |memory| memory.ttl(&name)).map(number)
}

/// What the backend turned out to be able to do, as JSON: `{topology, resp, deltas, changes}`.
#[napi(catch_unwind)]
pub fn capabilities(handle: u32) -> Result<String> {
    with(handle, |memory| {
        let Capabilities { topology, resp, commits, changes } = memory.capabilities();
        let deltas = commits != Commits::Unheard;
        let changes = match changes {
            Changes::OfAll => "broadcast",
            Changes::OfRead => "tracking",
            Changes::Unheard => "probing",
        };
        let resp = resp.map_or_else(|| "null".to_owned(), |version| version.to_string());
        Ok(format!(r#"{{"topology":"{topology}","resp":{resp},"deltas":{deltas},"changes":"{changes}"}}"#))
    })
}

/// Take in what the I/O thread brought. Gives events in the wire format, or an empty string.
#[napi(catch_unwind)]
pub fn drain(handle: u32) -> Result<String> {
    let events = with(handle, |memory| Ok(memory.drain()))?;
    let mut writer = EventWriter::new();
    for event in &events {
        writer.write(event);
    }
    Ok(writer.finish())
}

/// Block until `drain` may have something; false on timeout.
#[napi(catch_unwind)]
pub fn wait(handle: u32, timeout_ms: f64) -> Result<bool> {
    let timeout = Duration::try_from_secs_f64(timeout_ms / 1000.0).unwrap_or_default();
    with(handle, |memory| Ok(memory.wait(timeout)))
}

/// Close a memory. What is not acknowledged is lost. Closing twice is fine.
#[napi(catch_unwind)]
pub fn close(handle: u32) {
    let memory = MEMORIES.with_borrow_mut(|memories| memories.remove(&handle));
    drop(memory);
}

fn with<T>(handle: u32, call: impl FnOnce(&mut Memory) -> std::result::Result<T, SyncError>) -> Result<T> {
    MEMORIES.with_borrow_mut(|memories| match memories.get_mut(&handle) {
        Some(memory) => call(memory).map_err(thrown),
        None => Err(thrown(SyncError::new(ErrorCode::Closed, "the memory has been closed; open it again"))),
    })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    // serde_json's messages name fields, never values, unless a type is wrong: those are of our own making.
    serde_json::from_str(text)
        .map_err(|error| thrown(SyncError::new(ErrorCode::Options, format!("the addon was called wrongly: {error}"))))
}

fn thrown(error: SyncError) -> Error<&'static str> {
    Error::new(error.code.as_str(), error.message)
}

/// Lengths and tickets stay far below 2^53.
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}
