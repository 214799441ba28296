//! The entries of a history as text for hosts.

use super::entry::{HistoryEntry, HistoryPage};
use crate::document::quoted;
use crate::mutation::Json;
use crate::writer_label::WriterName;
use std::fmt::Write;

/// A page as a JSON array: the number of malformed entries, then of each entry, the newest first,
/// `[ms,revision,base,[id,…label],hasText,mutations]`. Revisions are strings; null stands for a foreign writer, and the
/// [mutations](crate::codec) are null where they are too long for an entry.
pub fn encode_page(page: &HistoryPage) -> Json {
    let mut out = format!("[{}", page.malformed);
    for HistoryEntry { at_ms, revision, base, writer, mutations, text } in &page.entries {
        let writer = match writer.as_ref().and_then(WriterName::read) {
            Some(WriterName { id, label: Some(label) }) => format!("[{},{}]", quoted(id), quoted(&label)),
            Some(WriterName { id, label: None }) => format!("[{}]", quoted(id)),
            None => "null".to_owned(),
        };
        let mutations = if mutations.is_empty() { "null" } else { mutations };
        let has_text = text.is_some();
        // A string takes every text.
        let _ = write!(out, ",[{at_ms},\"{revision}\",\"{base}\",{writer},{has_text},{mutations}]");
    }
    out.push(']');
    Json(out.into())
}
