//! Commands and replies as JavaScript values.

use js_sys::{Array, ArrayBuffer, BigInt, Reflect, Uint8Array};
use synced_memory_core::protocol::{RespCommand, RespReply};
use wasm_bindgen::{JsCast, JsValue};

/// A command as an array of its arguments: a string where the argument is UTF-8, else a `Uint8Array`.
pub(crate) fn command_to_js(command: &RespCommand) -> Array {
    let argument = |bytes: &Vec<u8>| match std::str::from_utf8(bytes) {
        Ok(text) => JsValue::from_str(text),
        Err(_) => Uint8Array::from(bytes.as_slice()).into(),
    };
    command.iter().map(argument).collect()
}

/// None where the value is no reply: transports are written by users.
pub(crate) fn reply_from_js(value: &JsValue) -> Option<RespReply> {
    if value.is_null() {
        return Some(RespReply::Nil);
    }
    if let Some(text) = value.as_string() {
        return Some(RespReply::Text(text.into_bytes()));
    }
    if let Some(number) = value.as_f64() {
        return safe_integer(number).map(RespReply::Int);
    }
    if let Some(integer) = value.dyn_ref::<BigInt>() {
        return i64::try_from(integer.clone()).ok().map(RespReply::Int);
    }
    if Array::is_array(value) {
        return value
            .unchecked_ref::<Array>()
            .iter()
            .map(|each| reply_from_js(&each))
            .collect::<Option<_>>()
            .map(RespReply::List);
    }
    // `instanceof` is false for an array of another realm, such as a test runner's.
    if ArrayBuffer::is_view(value) {
        return Some(RespReply::Text(value.unchecked_ref::<Uint8Array>().to_vec()));
    }
    Reflect::get(value, &"message".into()).ok()?.as_string().map(RespReply::Error)
}

/// The integer that a JavaScript number holds exactly; None for fractions and beyond 2^53.
#[allow(clippy::cast_possible_truncation, reason = "checked before")]
fn safe_integer(number: f64) -> Option<i64> {
    let is_safe = number.fract() == 0.0 && number.abs() <= js_sys::Number::MAX_SAFE_INTEGER;
    is_safe.then_some(number as i64)
}
