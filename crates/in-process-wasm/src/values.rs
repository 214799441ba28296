//! Commands, replies and notifications as JavaScript values.

use js_sys::{Array, Object, Reflect, Uint8Array};
use synced_memory_core::backend::Notification;
use synced_memory_core::protocol::{RespCommand, RespReply};
use wasm_bindgen::{JsCast, JsValue};

/// Reads an array of strings and `Uint8Array`s.
pub(crate) fn command_from_js(command: &JsValue) -> RespCommand {
    let argument = |value: JsValue| match value.as_string() {
        Some(text) => text.into_bytes(),
        None => Uint8Array::new(&value).to_vec(),
    };
    command.unchecked_ref::<Array>().iter().map(argument).collect()
}

#[allow(clippy::cast_precision_loss, reason = "lengths, lifetimes and counts stay below 2^53")]
pub(crate) fn reply_to_js(reply: &RespReply) -> JsValue {
    match reply {
        RespReply::Nil => JsValue::NULL,
        RespReply::Int(number) => JsValue::from_f64(*number as f64),
        RespReply::Text(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        RespReply::List(replies) => replies.iter().map(reply_to_js).collect::<Array>().into(),
        RespReply::Error(message) => object([("message", message.into())]),
    }
}

pub(crate) fn notification_to_js(notification: &Notification) -> JsValue {
    match notification {
        Notification::Message { channel, message } => {
            let text = String::from_utf8_lossy(message);
            object([("channel", channel.into()), ("text", JsValue::from_str(&text))])
        }
        Notification::Changed { keys } => {
            object([("changed", keys.iter().map(JsValue::from).collect::<Array>().into())])
        }
    }
}

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A new object takes every property.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}
