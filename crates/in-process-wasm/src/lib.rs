//! The WebAssembly binding of the server in the process: converts between JavaScript and the core.
//!
//! It is a module of its own, so that programs that have a real server do not load it. The host in JavaScript owns the
//! clock, the timer for expiries and the clients that listen.

mod values;

use js_sys::Array;
use synced_memory_core::backend;
use wasm_bindgen::prelude::wasm_bindgen;

/// A third of the code size of the standard library's allocator, and faster.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r"
/** A command: its name and arguments. */
type ServerCommand = readonly (string | Uint8Array)[];

/** A reply to one command. Strings come as bytes; an error is an object with its message. */
type ServerReply = null | number | Uint8Array | ServerReply[] | { readonly message: string };

/** An event for clients that listen: a message on a channel, or documents that changed without one. */
type ServerNotification =
  | { readonly channel: string; readonly text: string }
  | { readonly changed: string[] };
";

/// A server in the process, with its keys in the memory of this module.
///
/// Times are in milliseconds since 1970, and never go back. After each call that takes one, the host takes the
/// notifications and sets its timer to `nextExpiry`.
#[wasm_bindgen]
#[derive(Default)]
pub struct InProcessServer {
    server: backend::InProcessServer,
}

#[wasm_bindgen]
impl InProcessServer {
    /// A server without keys.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Executes commands in order. Returns one reply for each.
    #[wasm_bindgen(unchecked_return_type = "ServerReply[]")]
    pub fn execute(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "readonly ServerCommand[]")] commands: &Array,
        now_ms: f64,
    ) -> Array {
        let now = whole(now_ms);
        let execute = |command| values::reply_to_js(&self.server.execute(&values::command_from_js(&command), now));
        commands.iter().map(execute).collect()
    }

    /// Deletes the documents that have expired.
    pub fn expire(&mut self, now_ms: f64) {
        self.server.expire(whole(now_ms));
    }

    /// The time at which the next document expires, and `expire` has to be called.
    #[wasm_bindgen(js_name = nextExpiry)]
    #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 milliseconds it is never")]
    pub fn next_expiry(&mut self) -> Option<f64> {
        self.server.next_expiry().map(|at| at as f64)
    }

    /// Takes the events since the last call, in order.
    #[wasm_bindgen(js_name = takeNotifications, unchecked_return_type = "ServerNotification[]")]
    pub fn take_notifications(&mut self) -> Array {
        let notifications = std::iter::from_fn(|| self.server.poll_notification());
        notifications.map(|notification| values::notification_to_js(&notification)).collect()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates")]
fn whole(ms: f64) -> u64 {
    ms as u64
}
