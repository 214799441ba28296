//! The history of a document: a bounded stream with an entry for each of its last commits, kept beside it.

mod describe;
mod entry;
mod travel;

pub use describe::describe_page;
pub(crate) use entry::{ENTRY_OVERHEAD, MAX_ENTRY_TEXT};
pub use entry::{HistoryCounts, HistoryEntry, HistoryPage, MAX_HISTORY_LEN};
pub use travel::value_at;
