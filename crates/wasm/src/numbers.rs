//! Numbers of JavaScript.

use js_sys::{BigInt, JsString, Number};
use wasm_bindgen::JsValue;

/// See [`Add`](synced_memory_core::document::Add).
pub(crate) fn add(a: &str, b: &str, are_integers: bool) -> Option<String> {
    let (a, b) = (JsValue::from_str(a), JsValue::from_str(b));
    if are_integers {
        let sum = BigInt::new(&a).ok()? + BigInt::new(&b).ok()?;
        return sum.to_string(10).ok().map(|text| ascii(&text));
    }
    let sum = a.unchecked_into_f64() + b.unchecked_into_f64();
    let text = Number::from(sum).to_string_with_radix(10).ok()?;
    sum.is_finite().then(|| ascii(&text))
}

/// Unit by unit: what converts whole strings would be more JavaScript than all the rest.
fn ascii(text: &JsString) -> String {
    (0..text.length()).map(|at| text.char_code_at(at) as u8 as char).collect()
}
