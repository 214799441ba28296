//! Texts that cross the boundary between a host and JavaScript: batches of mutations and events, both JSON.
//!
//! # Marks
//!
//! `JSON.parse` rounds integers beyond 2^53 - 1, and does not accept `NaN`, `Infinity` and `-Infinity`, which documents may
//! hold. In the text of events such a number is marked: it is the string `"\u0000n<number>"`. A string that begins with
//! U+0000 gets the mark `\u0000s` in front. A reviver turns both back.

mod batch;
mod events;
mod unsafe_numbers;

pub use batch::{decode_batch, decode_mutation};
pub use events::EventWriter;
