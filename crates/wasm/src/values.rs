//! What the host puts before a call.

use std::vec::IntoIter;
use synced_memory_core::resp::Reply;

/// What [`Put::make`] makes. npm/synced-memory/src/wasm/core.ts has the same numbers.
mod made {
    /// Null.
    pub(super) const NIL: u32 = 0;
    /// A whole number.
    pub(super) const NUMBER: u32 = 1;
    /// A refusal, of the text that was put last.
    pub(super) const ERROR: u32 = 2;
    /// A list of so many values that were put last.
    pub(super) const LIST: u32 = 3;
}

/// Values for the next call, put one after another.
#[derive(Default)]
pub(crate) struct Put(Vec<Reply>);

impl Put {
    pub(crate) fn text(&mut self, bytes: Vec<u8>) {
        self.0.push(Reply::Text(bytes));
    }

    pub(crate) fn make(&mut self, what: u32, number: f64) {
        let value = match what {
            made::NIL => Reply::Nil,
            made::NUMBER => Reply::Int(number as i64),
            made::ERROR => Reply::Error(text(self.0.pop())),
            made::LIST => Reply::List(self.0.split_off(self.0.len().saturating_sub(number as usize))),
            _ => return,
        };
        self.0.push(value);
    }

    /// All of them, for a call.
    pub(crate) fn take(&mut self) -> Values {
        Values(std::mem::take(&mut self.0).into_iter())
    }
}

/// The values of one call, each of the kind that it should be: both sides are one package.
pub(crate) struct Values(IntoIter<Reply>);

impl Values {
    pub(crate) fn text(&mut self) -> String {
        text(self.0.next())
    }

    /// None for null.
    pub(crate) fn number(&mut self) -> Option<u64> {
        match self.0.next() {
            Some(Reply::Int(number)) => number.try_into().ok(),
            _ => None,
        }
    }

    /// None for null.
    pub(crate) fn texts(&mut self) -> Option<Vec<String>> {
        match self.0.next() {
            Some(Reply::List(texts)) => Some(texts.into_iter().map(|value| text(Some(value))).collect()),
            _ => None,
        }
    }

    pub(crate) fn rest(self) -> Vec<Reply> {
        self.0.collect()
    }
}

fn text(value: Option<Reply>) -> String {
    match value {
        Some(Reply::Text(bytes)) => String::from_utf8(bytes).unwrap_or_default(),
        _ => String::new(),
    }
}
