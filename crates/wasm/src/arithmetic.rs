//! Addition as JavaScript does it: the engine is there, and its number formatting need not be shipped again.

use js_sys::{BigInt, Number};
use wasm_bindgen::JsValue;

/// Adds two JSON numbers; see [`Add`](synced_memory_core::document::Add).
pub(crate) fn add(a: &str, b: &str, are_integers: bool) -> Option<String> {
    let (a, b) = (JsValue::from_str(a), JsValue::from_str(b));
    if are_integers {
        let sum = BigInt::new(&a).ok()? + BigInt::new(&b).ok()?;
        return sum.to_string(10).ok().map(String::from);
    }
    let sum = a.unchecked_into_f64() + b.unchecked_into_f64();
    if !sum.is_finite() {
        return None;
    }
    Number::from(sum).to_string_with_radix(10).ok().map(String::from)
}
