//! The WebAssembly binding: converts between JavaScript and the core, and does no I/O.
//!
//! The host in JavaScript owns the transport, the clock, the timers and the randomness. It drives one [`Session`] per memory.
//! A trap ends the whole instance of the module; [`panic_message`] then says why.

mod arithmetic;
mod error;
mod options;
mod panic;
mod pipeline;
mod resp;
mod session;

pub use panic::{panic_message, provoke_panic};
pub use session::Session;

/// A third of the code size of the standard library's allocator, and faster.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
