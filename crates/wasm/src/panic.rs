//! Panics: they trap and so end the instance. A hook keeps the message for the host.

use std::panic::PanicHookInfo;
use std::sync::Mutex;
use synced_memory_core::panic::panic_message as message_of;
use wasm_bindgen::prelude::wasm_bindgen;

static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

#[wasm_bindgen(start, skip_typescript)]
fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        if let Ok(mut message) = MESSAGE.try_lock() {
            *message = Some(describe(info));
        }
    }));
}

fn describe(info: &PanicHookInfo) -> String {
    let message = message_of(info.payload());
    match info.location() {
        Some(location) => format!("{message} ({}:{})", location.file(), location.line()),
        None => message.to_owned(),
    }
}

/// The message and source location of the panic that ended this instance; undefined where it ended otherwise. The only
/// function that may be called after a trap.
#[wasm_bindgen(js_name = panicMessage)]
pub fn panic_message() -> Option<String> {
    MESSAGE.try_lock().ok()?.take()
}

/// Panics. Only tests call it, through the generated glue, which the package does not export.
#[wasm_bindgen(js_name = provokePanic, skip_typescript)]
#[allow(clippy::missing_panics_doc, reason = "it does nothing else")]
pub fn provoke_panic(value: &str) {
    panic!("a test asked for this panic: {value}");
}
