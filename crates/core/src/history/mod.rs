//! The history of a document: a bounded stream with an entry for each of its last commits, kept beside it.

mod encode_page;
mod entry;
mod value_at;

pub use encode_page::encode_page;
pub(crate) use entry::{ENTRY_OVERHEAD, MAX_ENTRY_TEXT};
pub use entry::{HistoryCounts, HistoryEntry, HistoryPage, MAX_HISTORY_LEN};
pub use value_at::value_at;
