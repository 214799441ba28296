//! The wasm build: free functions on integer handles that convert and call.
//!
//! The host in JavaScript has the transport, the clocks, the timers and the randomness; every call that may send
//! something is told the time. Batches and events cross as one JSON text each, commands and replies as arrays.

mod convert;
mod line;

use convert::{now, numbers, thrown};
use js_sys::Array;
use line::Line;
use std::cell::RefCell;
use synced_memory_core::command::{Changes, Commits, Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::numbered::Numbered;
use synced_memory_core::resp;
use synced_memory_core::session::Config;
use synced_memory_core::wire::{EventWriter, decode_batch, decode_entries};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

type Result<T> = std::result::Result<T, JsValue>;

thread_local! {
    static LINES: RefCell<Lines> = RefCell::default();
}

#[derive(Default)]
struct Lines {
    open: Numbered<Box<Line>>,
    last_handle: u32,
}

/// Make a memory that is not connected. Without `names` it has all attributes; without `look_every_ms` it does not look for
/// what nobody tells; `writer` and `seed` are random, the writer never used before.
#[wasm_bindgen]
pub fn open(
    prefix: String,
    names: Option<Vec<String>>,
    max_document_bytes: f64,
    ttl_ms: Option<f64>,
    look_every_ms: Option<f64>,
    writer: &str,
    seed: f64,
) -> u32 {
    let writer = WriterId(writer.into());
    // Who listens beside is told, whatever carries this memory's commands.
    let config = Config {
        prefix,
        names,
        writer,
        max_document_bytes: usize::try_from(convert::whole(max_document_bytes)).unwrap_or(usize::MAX),
        announces: true,
        look_every_ms: look_every_ms.map(convert::whole),
        ttl_ms: ttl_ms.map(convert::whole),
        seed: seed.to_bits(),
        add: convert::add,
    };
    LINES.with_borrow_mut(|lines| {
        lines.last_handle += 1;
        lines.open.insert(lines.last_handle.into(), Box::new(Line::new(config)));
        lines.last_handle
    })
}

/// Apply a batch of local mutations in order. Gives the length in bytes of the document that the last one changed.
#[wasm_bindgen]
pub fn submit(handle: u32, batch: &str, unix_ms: f64, monotonic_ms: f64) -> Result<f64> {
    with(handle, |line| {
        let mut len = 0;
        for entry in decode_entries(batch)? {
            len = line.session.submit(entry, now(unix_ms, monotonic_ms))?;
        }
        Ok(numbers(len))
    })
}

/// Throws where `submit` of a batch of this one mutation would.
#[wasm_bindgen]
pub fn check(handle: u32, mutation: &str) -> Result<()> {
    with(handle, |line| {
        decode_batch(&format!("[{mutation}]"))?
            .iter()
            .try_for_each(|(name, mutation)| line.session.check(name, mutation))
    })
}

/// About how many bytes the mutations take that are not acknowledged. Costs their number.
#[wasm_bindgen(js_name = pendingBytes)]
pub fn pending_bytes(handle: u32) -> Result<f64> {
    with(handle, |line| Ok(numbers(line.session.pending_bytes())))
}

/// Catch up with the backend: with these attributes, or with all. Gives the ticket that `refreshed` reports.
#[wasm_bindgen]
#[allow(clippy::needless_pass_by_value, reason = "wasm-bindgen gives it away")]
pub fn refresh(handle: u32, names: Option<Vec<String>>) -> Result<f64> {
    with(handle, |line| Ok(numbers(line.session.refresh(names.as_deref()).0)))
}

/// Ask replicas whether they have everything that has been acknowledged, for at most `wait_ms`. Gives the number that
/// `replicated` reports.
#[wasm_bindgen]
pub fn replicate(handle: u32, wanted: u32, wait_ms: u32) -> Result<f64> {
    with(handle, |line| Ok(numbers(line.session.replicate(wanted, wait_ms.into()))))
}

/// Let an attribute expire after `ms` milliseconds. Gives the number that `lifetime` reports.
#[wasm_bindgen]
pub fn expire(handle: u32, name: &str, ms: f64) -> Result<f64> {
    with(handle, |line| line.session.expire(name, convert::whole(ms)).map(numbers))
}

/// Let an attribute stay. Gives the number that `lifetime` reports.
#[wasm_bindgen]
pub fn persist(handle: u32, name: &str) -> Result<f64> {
    with(handle, |line| line.session.persist(name).map(numbers))
}

/// Ask how long an attribute stays. Gives the number that `lifetime` reports.
#[wasm_bindgen]
pub fn ttl(handle: u32, name: &str) -> Result<f64> {
    with(handle, |line| line.session.ttl(name).map(numbers))
}

/// The transport may be used (again): what it was asked for before will not be answered any more.
#[wasm_bindgen]
pub fn connected(handle: u32, unix_ms: f64, monotonic_ms: f64) -> Result<()> {
    with(handle, |line| {
        line.forget();
        line.is_connected = true;
        line.session.handle(now(unix_ms, monotonic_ms), Input::Connected);
        Ok(())
    })
}

/// The transport cannot be used, because of a login or of anything else; the host keeps trying.
#[wasm_bindgen]
pub fn disconnected(handle: u32, login: bool, message: String, unix_ms: f64, monotonic_ms: f64) -> Result<()> {
    let code = if login { ErrorCode::Auth } else { ErrorCode::Unavailable };
    with(handle, |line| {
        line.forget();
        line.is_connected = false;
        line.session.handle(now(unix_ms, monotonic_ms), Input::Disconnected(SyncError::new(code, message)));
        Ok(())
    })
}

/// The channel on which commits of a memory with this prefix are told.
#[wasm_bindgen]
pub fn channel(prefix: &str) -> String {
    resp::channel(prefix)
}

/// From now on the messages of the memory's channel come to `heard`, or they do so no more.
#[wasm_bindgen]
pub fn listening(handle: u32, is_so: bool, unix_ms: f64, monotonic_ms: f64) -> Result<()> {
    let commits = if is_so { Commits::Beside } else { Commits::Unheard };
    with(handle, |line| {
        let now = now(unix_ms, monotonic_ms);
        line.session.handle(now, Input::Hears(commits, Changes::Unheard));
        // Nobody has told what was committed until then.
        if is_so && line.is_connected {
            line.session.handle(now, Input::ChangedAll);
        }
        Ok(())
    })
}

/// A message of the memory's channel.
#[wasm_bindgen]
pub fn heard(handle: u32, message: &str, unix_ms: f64, monotonic_ms: f64) -> Result<()> {
    let told = resp::read_announcements(message.as_bytes());
    with(handle, |line| {
        if !told.is_empty() {
            line.session.handle(now(unix_ms, monotonic_ms), Input::Announced(told));
        }
        Ok(())
    })
}

/// Somebody changed these keys in a way that no message tells.
#[wasm_bindgen]
pub fn changed(handle: u32, keys: Vec<String>, unix_ms: f64, monotonic_ms: f64) -> Result<()> {
    with(handle, |line| {
        line.session.handle(now(unix_ms, monotonic_ms), Input::Changed(keys));
        Ok(())
    })
}

/// The time that `timeout` gave has come. True where a reply is overdue: the host gives the request up.
#[wasm_bindgen]
pub fn tick(handle: u32, unix_ms: f64, monotonic_ms: f64) -> Result<bool> {
    with(handle, |line| {
        line.session.handle(now(unix_ms, monotonic_ms), Input::Tick);
        Ok(line.session.poll_reset())
    })
}

/// What to send now, in order, in one request: `[request, [command, …], …]`, a command being an array of strings and,
/// where they are not UTF-8, bytes.
#[wasm_bindgen]
pub fn commands(handle: u32, unix_ms: f64, monotonic_ms: f64) -> Result<Array> {
    with(handle, |line| {
        let out = Array::new();
        line.commands(now(unix_ms, monotonic_ms), |request, commands| {
            out.push(&numbers(request.0).into());
            out.push(&convert::commands(commands));
        });
        Ok(out)
    })
}

/// The replies to one request's commands. False where they are no answer to them: the host gives the request up.
#[wasm_bindgen]
pub fn answer(handle: u32, request: f64, replies: &Array, unix_ms: f64, monotonic_ms: f64) -> Result<bool> {
    let replies = convert::replies(replies);
    with(handle, |line| Ok(line.answer(RequestId(convert::whole(request)), replies, now(unix_ms, monotonic_ms))))
}

/// Events in the wire format, or an empty string.
#[wasm_bindgen]
pub fn events(handle: u32) -> Result<String> {
    with(handle, |line| {
        let mut writer = EventWriter::new();
        while let Some(event) = line.session.poll_event() {
            writer.write(&event);
        }
        Ok(writer.finish())
    })
}

/// Would `events` give something?
#[wasm_bindgen(js_name = hasEvents)]
pub fn has_events(handle: u32) -> Result<bool> {
    with(handle, |line| Ok(line.session.has_events()))
}

/// The monotonic milliseconds at which `tick` is wanted.
#[wasm_bindgen]
pub fn timeout(handle: u32) -> Result<Option<f64>> {
    with(handle, |line| Ok(line.session.poll_timeout().map(numbers)))
}

/// Close a memory. What is not acknowledged is lost. Closing twice is fine.
#[wasm_bindgen]
pub fn close(handle: u32) {
    let line = LINES.with_borrow_mut(|lines| lines.open.remove(handle.into()));
    drop(line);
}

fn with<T>(handle: u32, call: impl FnOnce(&mut Line) -> std::result::Result<T, SyncError>) -> Result<T> {
    LINES.with_borrow_mut(|lines| match lines.open.get_mut(handle.into()) {
        Some(line) => call(line).map_err(|error| thrown(&error)),
        None => Err(thrown(&SyncError::new(ErrorCode::Closed, "the memory has been closed; open it again"))),
    })
}
