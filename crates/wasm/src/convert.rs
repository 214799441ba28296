//! Values of JavaScript and values of the core.

use js_sys::{Array, BigInt, Error, Number, Reflect, Uint8Array};
use synced_memory_core::error::SyncError;
use synced_memory_core::resp::{Args, Reply};
use synced_memory_core::session::Now;
use wasm_bindgen::{JsCast, JsValue};

/// A JavaScript error with the code.
pub(crate) fn thrown(error: &SyncError) -> JsValue {
    let thrown = Error::new(&error.message);
    // Setting a property of a fresh error does not fail.
    let _ = Reflect::set(&thrown, &"code".into(), &error.code.as_str().into());
    thrown.into()
}

pub(crate) fn now(unix_ms: f64, monotonic_ms: f64) -> Now {
    // Whole milliseconds: the product of the float would have noise below.
    Now { unix_ns: whole(unix_ms) * 1_000_000, monotonic_ms: whole(monotonic_ms) }
}

/// Times, lengths, tickets and requests stay far below 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// See [`whole`].
#[allow(clippy::cast_precision_loss, reason = "see `whole`")]
pub(crate) fn numbers(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}

pub(crate) fn commands(commands: Vec<Args>) -> Array {
    commands.into_iter().map(|args| args.into_iter().map(argument).collect::<Array>()).collect()
}

fn argument(bytes: Vec<u8>) -> JsValue {
    match String::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(error) => Uint8Array::from(error.as_bytes()).into(),
    }
}

/// Replies whose shape the host has checked: null, numbers, strings, bytes, arrays and errors.
pub(crate) fn replies(values: &Array) -> Vec<Reply> {
    values.iter().map(|value| reply(&value)).collect()
}

fn reply(value: &JsValue) -> Reply {
    if value.is_null() {
        Reply::Nil
    } else if let Some(number) = value.as_f64() {
        #[allow(clippy::cast_possible_truncation, reason = "the host checks that it is a safe integer")]
        Reply::Int(number as i64)
    } else if let Some(text) = value.as_string() {
        Reply::Text(text.into_bytes())
    } else if Array::is_array(value) {
        Reply::List(replies(value.unchecked_ref()))
    } else if let Ok(message) = Reflect::get(value, &"message".into())
        && let Some(message) = message.as_string()
    {
        Reply::Error(message)
    } else {
        Reply::Text(Uint8Array::new(value).to_vec())
    }
}

/// See [`Add`](synced_memory_core::document::Add).
pub(crate) fn add(a: &str, b: &str, are_integers: bool) -> Option<String> {
    let (a, b) = (JsValue::from_str(a), JsValue::from_str(b));
    if are_integers {
        let sum = BigInt::new(&a).ok()? + BigInt::new(&b).ok()?;
        return sum.to_string(10).ok().map(Into::into);
    }
    let sum = a.unchecked_into_f64() + b.unchecked_into_f64();
    sum.is_finite().then(|| Number::from(sum).to_string_with_radix(10).ok().map(Into::into))?
}
