//! The wasm build: four functions that convert and call.
//!
//! The host in JavaScript has the transport, the clocks, the timers and the randomness. It puts values, one by one, and
//! calls: [`call`] does what [`asks`] lists, gives a number, and leaves texts to be taken. That nothing but numbers and bytes
//! crosses keeps the JavaScript side, which every page and every function at the edge loads, at a few lines.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers cross as those of JavaScript: times, lengths, tickets and what servers count stay below 2^53"
)]

mod asks;
mod line;
mod numbers;
mod values;

use line::Line;
use std::cell::RefCell;
use std::collections::VecDeque;
use synced_memory_core::command::{Input, RequestId};
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::WriterId;
use synced_memory_core::numbered::Numbered;
use synced_memory_core::resp;
use synced_memory_core::session::{ABSENT_KEPT, Config, Now};
use synced_memory_core::wire::{EventWriter, decode_entries, decode_mutation};
use values::{Put, Values};
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    static CORE: RefCell<Core> = RefCell::default();
}

#[derive(Default)]
struct Core {
    lines: Numbered<Box<Line>>,
    last_handle: u32,
    put: Put,
    /// Texts that the last call left.
    left: VecDeque<Vec<u8>>,
}

/// Put a text for the next call.
#[wasm_bindgen]
pub fn put(text: Box<[u8]>) {
    CORE.with_borrow_mut(|core| core.put.text(text.into()));
}

/// Put something else for the next call: 0 null, 1 this whole number, 2 in place of the last text that error, 3 in place of
/// the last so many values a list of them.
#[wasm_bindgen]
pub fn make(what: u32, number: f64) {
    CORE.with_borrow_mut(|core| core.put.make(what, number));
}

/// Do something with a memory, or for 0 with the core itself. Takes what was put, gives a number, and leaves texts for `take`;
/// where it is refused, gives NaN and leaves code and message.
#[wasm_bindgen]
pub fn call(handle: u32, ask: u32, unix_ms: f64, monotonic_ms: f64) -> f64 {
    // Whole milliseconds: the product of the float would have noise below.
    let now = Now { unix_ns: unix_ms as u64 * 1_000_000, monotonic_ms: monotonic_ms as u64 };
    CORE.with_borrow_mut(|core| {
        let values = core.put.take();
        core.left.clear();
        let refused = match core.call(handle, ask, values, now) {
            Ok(number) => return number,
            Err(error) => error,
        };
        core.left.extend([refused.code.as_str().into(), refused.message.into_owned().into()]);
        f64::NAN
    })
}

/// Take the next text that the last call left, as UTF-8 (what [`asks::REQUESTS`] leaves is more than text); empty where there is
/// none.
#[wasm_bindgen]
pub fn take() -> Vec<u8> {
    CORE.with_borrow_mut(|core| core.left.pop_front()).unwrap_or_default()
}

impl Core {
    fn call(&mut self, handle: u32, ask: u32, mut values: Values, now: Now) -> Result<f64, SyncError> {
        match ask {
            asks::OPEN => return Ok(self.open(values)),
            asks::CLOSE => {
                self.lines.remove(handle.into());
                return Ok(0.0);
            }
            _ => {}
        }
        let Some(line) = self.lines.get_mut(handle.into()) else {
            return Err(SyncError::new(ErrorCode::Closed, "the memory has been closed; open it again"));
        };
        let session = &mut line.session;
        let given = match ask {
            asks::SUBMIT => {
                for entry in decode_entries(&values.text())? {
                    session.submit(entry, now)?;
                }
                0
            }
            asks::CHECK => {
                let (name, mutation) = decode_mutation(&values.text())?;
                session.check(&name, &mutation)?;
                0
            }
            asks::PENDING_BYTES => session.pending_bytes() as u64,
            asks::REFRESH => session.refresh(values.texts().as_deref()).0,
            asks::REPLICATE => {
                let wanted = values.number().and_then(|number| number.try_into().ok());
                session.replicate(wanted.unwrap_or(u32::MAX), values.number().unwrap_or(0))
            }
            asks::EXPIRE => session.expire(&values.text(), values.number().unwrap_or(0))?,
            asks::PERSIST => session.persist(&values.text())?,
            asks::TTL => session.ttl(&values.text())?,
            asks::CONNECTED => {
                line.connected(now);
                0
            }
            asks::DISCONNECTED => {
                let message = values.text();
                let code = if values.number() == Some(1) { ErrorCode::Auth } else { ErrorCode::Unavailable };
                line.disconnected(SyncError::new(code, message), now);
                0
            }
            asks::LISTENING => {
                line.listens(values.number() == Some(1), now);
                0
            }
            asks::HEARD => {
                let told = resp::read_announcements(values.text().as_bytes());
                if !told.is_empty() {
                    session.handle(now, Input::Announced(told));
                }
                0
            }
            asks::CHANGED => {
                session.handle(now, Input::Changed(values.texts().unwrap_or_default()));
                0
            }
            asks::REQUESTS => {
                self.left.push_back(line.requests(now));
                0
            }
            asks::ANSWER => {
                let request = RequestId(values.number().unwrap_or(0));
                line.answer(request, values.rest(), now).into()
            }
            asks::EVENTS => {
                let mut writer = EventWriter::new();
                while let Some(event) = session.poll_event() {
                    writer.write(&event);
                }
                self.left.push_back(writer.finish().into_bytes());
                0
            }
            asks::DUE if session.has_events() => return Ok(-1.0),
            asks::DUE => match session.poll_timeout() {
                Some(at) => at,
                None => return Ok(f64::INFINITY),
            },
            asks::TICK => {
                session.handle(now, Input::Tick);
                session.poll_reset().into()
            }
            _ => return Err(SyncError::new(ErrorCode::Internal, "the wasm module is of another version")),
        };
        Ok(given as f64)
    }

    fn open(&mut self, mut values: Values) -> f64 {
        let prefix = values.text();
        self.left.push_back(resp::channel(&prefix).into());
        // What a struct's fields are given is evaluated in the order in which they stand: that of `asks::OPEN`.
        let config = Config {
            prefix,
            writer: WriterId(values.text().as_str().into()),
            max_document_bytes: values.number().and_then(|bytes| bytes.try_into().ok()).unwrap_or(usize::MAX),
            ttl_ms: values.number(),
            look_every_ms: values.number(),
            names: values.texts(),
            seed: values.number().unwrap_or(0),
            // Who listens beside is told, whatever carries this memory's commands.
            announces: true,
            add: numbers::add,
            absent_kept: ABSENT_KEPT,
        };
        self.last_handle += 1;
        self.lines.insert(self.last_handle.into(), Box::new(Line::new(config)));
        self.last_handle.into()
    }
}
