//! The session of one memory, as JavaScript drives it.
#![allow(clippy::needless_pass_by_value, reason = "wasm-bindgen hands arrays over by value")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "numbers cross as those of JavaScript: times, lengths and tickets stay below 2^53"
)]

use crate::error::ThrownError;
use crate::options::{
    Capabilities, ChangeSource, JsCapabilities, JsSessionOptions, JsSideKeys, SessionOptions, SideKeys,
};
use crate::pipeline::{Pipeline, Request};
use js_sys::Array;
use synced_memory_core::boundary::{EventWriter, decode_batch, decode_mutation};
use synced_memory_core::config::Config;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::ids::Revision;
use synced_memory_core::protocol::{self, DeltaDelivery, Invalidations, MAX_MESSAGE_BYTES};
use synced_memory_core::session::{self, Event, Input, Output};
use synced_memory_core::time::{Instant, Now};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

/// The session of one memory over one transport.
///
/// Calls that need the time take it as two numbers: `unix_ms` since 1970, and `monotonic_ms`, which never goes back. After every
/// call that changes the session the host calls `poll`, and then looks at `hasEvents` and `timeout`.
#[wasm_bindgen]
pub struct Session {
    core: session::Session,
    pipeline: Pipeline,
    /// Events that the host has not taken.
    events: Vec<Event>,
    timeout: Option<Instant>,
    channel: String,
    changes: ChangeSource,
    is_connected: bool,
    receives_deltas: bool,
}

/// The state.
#[wasm_bindgen]
impl Session {
    /// A session that is not connected.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsSessionOptions) -> Result<Self, ThrownError> {
        let options: SessionOptions = serde_wasm_bindgen::from_value(options.into()).map_err(internal)?;
        Ok(Self {
            channel: protocol::channel(&options.prefix),
            changes: options.change_source(),
            core: session::Session::new(Config::from(options)),
            pipeline: Pipeline::default(),
            events: Vec::new(),
            timeout: None,
            is_connected: false,
            receives_deltas: false,
        })
    }

    /// The channel of the memory: its messages go to `handleMessage`.
    #[wasm_bindgen(getter)]
    pub fn channel(&self) -> String {
        self.channel.clone()
    }

    /// The number of characters of a message that are of use.
    #[wasm_bindgen(getter, js_name = maxMessageLength)]
    pub fn max_message_length(&self) -> f64 {
        MAX_MESSAGE_BYTES as f64
    }

    /// The abilities of the transport as of now.
    pub fn capabilities(&self) -> Result<JsCapabilities, ThrownError> {
        let capabilities =
            Capabilities { topology: "transport", resp: None, deltas: self.receives_deltas, changes: self.changes };
        // A null stays null.
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
        let object = serde::Serialize::serialize(&capabilities, &serializer).map_err(internal)?;
        Ok(object.unchecked_into())
    }

    /// The side keys of this writer that the server has, as far as the session knows. Takes time in proportion to the number of
    /// attributes.
    #[wasm_bindgen(js_name = sideKeys)]
    pub fn side_keys(&self, unix_ms: f64, monotonic_ms: f64) -> Result<JsSideKeys, ThrownError> {
        let keys = SideKeys::from(self.core.dedup_keys(time(unix_ms, monotonic_ms)));
        let object = serde_wasm_bindgen::to_value(&keys).map_err(internal)?;
        Ok(object.unchecked_into())
    }

    /// The approximate size of the unacknowledged mutations, in bytes. Takes time in proportion to their number.
    #[wasm_bindgen(js_name = pendingBytes)]
    pub fn pending_bytes(&self) -> f64 {
        self.core.pending_size().0 as f64
    }
}

/// Calls of the memory.
#[wasm_bindgen]
impl Session {
    /// Applies a batch of local mutations in order. Throws where a group cannot be applied as a whole; a mutation outside a group
    /// is reported as `rejected` instead.
    pub fn submit(&mut self, batch: &str, unix_ms: f64, monotonic_ms: f64) -> Result<(), ThrownError> {
        for entry in decode_batch(batch)? {
            self.core.submit(entry, time(unix_ms, monotonic_ms))?;
        }
        Ok(())
    }

    /// Throws where `submit` would reject this one mutation.
    pub fn check(&self, mutation: &str) -> Result<(), ThrownError> {
        let (name, mutation) = decode_mutation(mutation)?;
        Ok(self.core.check(&name, &mutation)?)
    }

    /// Reads the current state of these attributes from the backend, or of all and of new ones. Returns the ticket that the event
    /// `refreshed` reports.
    pub fn refresh(
        &mut self,
        #[wasm_bindgen(unchecked_optional_param_type = "readonly string[]")] names: Option<Vec<String>>,
    ) -> f64 {
        self.core.refresh(names.as_deref()).0 as f64
    }

    /// Asks the server whether `wanted` replicas have every acknowledged mutation, for at most `wait_ms`. Returns the number of
    /// the event `replicated` to come.
    pub fn replicate(&mut self, wanted: u32, wait_ms: f64) -> f64 {
        self.core.replicate(wanted, wait_ms as u64).0 as f64
    }

    /// Gives an attribute a lifetime of `ms`, after its earlier mutations. Returns the number of the event `lifetime` to come.
    pub fn expire(&mut self, name: &str, ms: f64) -> Result<f64, ThrownError> {
        Ok(self.core.expire(name, ms as u64)?.0 as f64)
    }

    /// Removes the lifetime of an attribute. Returns the number of the event `lifetime` to come.
    pub fn persist(&mut self, name: &str) -> Result<f64, ThrownError> {
        Ok(self.core.persist(name)?.0 as f64)
    }

    /// Asks for the lifetime of an attribute. Returns the number of the event `lifetime` to come.
    pub fn ttl(&mut self, name: &str) -> Result<f64, ThrownError> {
        Ok(self.core.ttl(name)?.0 as f64)
    }

    /// Asks who has the memory open. Returns the number of the event `writers` to come.
    pub fn writers(&mut self) -> f64 {
        self.core.writers().0 as f64
    }

    /// Asks for at most `limit` of the newest entries of an attribute's history, after its earlier mutations. Returns the number of
    /// the event `history` to come.
    pub fn history(&mut self, name: &str, limit: u32) -> Result<f64, ThrownError> {
        Ok(self.core.history(name, limit)?.0 as f64)
    }

    /// Asks for the value that an attribute had at a revision, after its earlier mutations. Returns the number of the event
    /// `history` to come.
    #[wasm_bindgen(js_name = valueAt)]
    pub fn value_at(&mut self, name: &str, revision: u64) -> Result<f64, ThrownError> {
        Ok(self.core.value_at(name, Revision(revision))?.0 as f64)
    }

    /// Lets the server forget this writer soon, before the memory is closed. Returns whether the event `released` will follow.
    pub fn release(&mut self, unix_ms: f64, monotonic_ms: f64) -> bool {
        self.core.release(time(unix_ms, monotonic_ms))
    }
}

/// Input from the transport and the clock.
#[wasm_bindgen]
impl Session {
    /// The transport can be used (again). Replies to earlier commands will not come.
    #[wasm_bindgen(js_name = handleConnected)]
    pub fn handle_connected(&mut self, unix_ms: f64, monotonic_ms: f64) {
        self.pipeline.clear();
        self.is_connected = true;
        self.core.handle(time(unix_ms, monotonic_ms), Input::Connected);
    }

    /// The transport cannot be used; the host keeps trying.
    #[wasm_bindgen(js_name = handleDisconnected)]
    pub fn handle_disconnected(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "ConnectionErrorCode")] code: &str,
        message: String,
        unix_ms: f64,
        monotonic_ms: f64,
    ) {
        let mut codes = ErrorCode::LASTING_CONNECTION_ERRORS.into_iter().chain([ErrorCode::Busy]);
        let code = codes.find(|known| known.as_str() == code).unwrap_or(ErrorCode::Unreachable);
        self.pipeline.clear();
        self.is_connected = false;
        let error = SyncError::new(code, message);
        self.core.handle(time(unix_ms, monotonic_ms), Input::Disconnected(error));
    }

    /// From now on every message of the channel goes to `handleMessage`, or no longer does.
    #[wasm_bindgen(js_name = handleSubscription)]
    pub fn handle_subscription(&mut self, is_active: bool, unix_ms: f64, monotonic_ms: f64) {
        let now = time(unix_ms, monotonic_ms);
        self.receives_deltas = is_active;
        let deltas = if is_active { DeltaDelivery::OutOfBand } else { DeltaDelivery::None };
        self.core.handle(now, Input::Notifications(deltas, Invalidations::None));
        // The deltas of earlier commits did not arrive.
        if is_active && self.is_connected {
            self.core.handle(now, Input::ChangedAll);
        }
    }

    /// A message of the channel has arrived. What is beyond `maxMessageLength` may be left out.
    #[wasm_bindgen(js_name = handleMessage)]
    pub fn handle_message(&mut self, text: &str, unix_ms: f64, monotonic_ms: f64) {
        let message = &text.as_bytes()[..text.len().min(MAX_MESSAGE_BYTES)];
        let input = Input::Message { channel: self.channel.as_str().into(), message: message.into() };
        self.core.handle(time(unix_ms, monotonic_ms), input);
    }

    /// Some process changed these keys, by something that no delta announces.
    #[wasm_bindgen(js_name = handleChangedKeys)]
    pub fn handle_changed_keys(&mut self, keys: Vec<String>, unix_ms: f64, monotonic_ms: f64) {
        self.core.handle(time(unix_ms, monotonic_ms), Input::Changed(keys));
    }

    /// The replies to the commands that `poll` returned last, one for each. Throws where the host must give the connection up:
    /// `ERR_AUTH` for a refused login, `ERR_UNREACHABLE` for values that are not the replies to those commands.
    #[wasm_bindgen(js_name = handleReplies)]
    pub fn handle_replies(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "readonly Reply[]")] replies: Vec<JsValue>,
        unix_ms: f64,
        monotonic_ms: f64,
    ) -> Result<(), ThrownError> {
        Ok(self.pipeline.receive(&mut self.core, &replies, time(unix_ms, monotonic_ms))?)
    }

    /// The time of `timeout` has come. Returns true where replies are overdue: the host must give the connection up.
    #[wasm_bindgen(js_name = handleTimeout)]
    pub fn handle_timeout(&mut self, unix_ms: f64, monotonic_ms: f64) -> bool {
        let now = time(unix_ms, monotonic_ms);
        self.core.handle(now, Input::Tick);
        self.drain(None, now)
    }
}

/// Output to the transport, the timer and the memory.
#[wasm_bindgen]
impl Session {
    /// The commands of the next request, in order; undefined where there is nothing to send. `can_send` says whether the
    /// transport takes a request now: mutations gather while it does not.
    #[wasm_bindgen(unchecked_return_type = "Command[] | undefined")]
    pub fn poll(&mut self, can_send: bool, unix_ms: f64, monotonic_ms: f64) -> Option<Array> {
        let mut request = can_send.then(|| self.pipeline.begin_request());
        self.drain(request.as_mut(), time(unix_ms, monotonic_ms));
        request.map(|request| request.commands).filter(|commands| commands.length() > 0)
    }

    /// Are there events to take?
    #[wasm_bindgen(js_name = hasEvents)]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The events so far as JSON texts, as crates/core/src/boundary/events.rs writes them. The memory applies them before its next
    /// call.
    #[wasm_bindgen(js_name = takeEvents)]
    pub fn take_events(&mut self) -> Vec<String> {
        let mut writer = EventWriter::new();
        for event in self.events.drain(..) {
            writer.write(&event);
        }
        self.core.confirm_events();
        writer.finish()
    }

    /// The monotonic time in milliseconds at which the host calls `handleTimeout`; undefined for never.
    pub fn timeout(&self) -> Option<f64> {
        self.timeout.map(|Instant(at_ms)| at_ms as f64)
    }
}

impl Session {
    /// Drains the core: commands into the request while that has room, events into the queue. Returns true where replies are
    /// overdue.
    fn drain(&mut self, mut request: Option<&mut Request>, now: Now) -> bool {
        let mut is_overdue = false;
        loop {
            self.core.set_sending(request.as_ref().is_some_and(|request| request.has_room()));
            match self.core.poll_output(now) {
                Output::Command(id, command) => {
                    // The core outputs none where there is no request.
                    let Some(request) = &mut request else { continue };
                    self.pipeline.add(request, id, command);
                }
                // This build has no files to keep a journal in.
                Output::Journal(_) => {}
                Output::Event(event) => self.events.push(event),
                Output::Reset => is_overdue = true,
                Output::Timeout(at) => {
                    self.timeout = at;
                    return is_overdue;
                }
            }
        }
    }
}

fn time(unix_ms: f64, monotonic_ms: f64) -> Now {
    // Whole milliseconds: a float cannot hold nanoseconds since 1970 exactly.
    Now { unix_ns: unix_ms as u64 * 1_000_000, monotonic: Instant(monotonic_ms as u64) }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn internal(error: serde_wasm_bindgen::Error) -> SyncError {
    SyncError::new(ErrorCode::Internal, error.to_string())
}
