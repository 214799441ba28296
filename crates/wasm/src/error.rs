//! Errors of the core as JavaScript `Error`s.

use synced_memory_core::error::SyncError;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// An `Error` with a stable `code`.
    #[wasm_bindgen(extends = js_sys::Error)]
    type CodedError;

    #[wasm_bindgen(method, setter)]
    fn set_code(this: &CodedError, code: &str);
}

/// An error of the core on its way to JavaScript, which throws it as an `Error` with `code` and `message`.
#[derive(Debug)]
pub struct ThrownError(SyncError);

impl From<SyncError> for ThrownError {
    fn from(error: SyncError) -> Self {
        Self(error)
    }
}

impl From<ThrownError> for JsValue {
    fn from(ThrownError(SyncError { code, message }): ThrownError) -> Self {
        let error: CodedError = js_sys::Error::new(&message).unchecked_into();
        error.set_code(code.as_str());
        error.into()
    }
}
