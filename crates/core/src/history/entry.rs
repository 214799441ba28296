//! The entries of a history.
//!
//! On a server, an entry of the stream has these fields, all of them texts:
//!
//! | field | content |
//! | --- | --- |
//! | `revision` | the revision that the commit made, `0` where it deleted the document |
//! | `base` | the revision that it was built on, `0` where there was no document |
//! | `writer` | the id of the writer; empty for a change of a foreign writer, which another process has recorded |
//! | `mutations` | the [mutations](crate::codec), as in a delta message; empty where they are too long for one |
//! | `counts` | see [`HistoryCounts`] |
//! | `text` | in some entries the stored text of the document before the commit; else empty |
//!
//! The id of the entry, which the server chooses, begins with the time in milliseconds. Whoever may write side keys can add
//! entries: they are read as input from strangers.

use crate::byte_len::ByteLen;
use crate::codec::decode_mutations;
use crate::ids::{Revision, WriterId, parse_unsigned};
use crate::mutation::Mutation;
use crate::writer_label::WriterName;

/// The length of all entries of a history, as [`HistoryCounts`] counts it, above which the oldest go.
pub const MAX_HISTORY_LEN: ByteLen = ByteLen(8 << 20);

/// The longest text of a document that an entry holds.
pub(crate) const MAX_ENTRY_TEXT: ByteLen = ByteLen(1 << 20);

/// The length that an entry counts beside its mutations and its text.
pub(crate) const ENTRY_OVERHEAD: u64 = 100;

/// One entry of a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryEntry {
    /// The time at which the backend has added the entry, in milliseconds since 1970, by its clock.
    pub at_ms: u64,
    /// The revision that the commit made, [`Revision::NONE`] where it deleted the document.
    pub revision: Revision,
    /// The revision that the commit was built on, [`Revision::NONE`] where there was no document.
    pub base: Revision,
    /// The writer. None for a change of a foreign writer, which another process has recorded.
    pub writer: Option<WriterId>,
    /// The mutations as [text](crate::codec), empty where they are too long.
    pub mutations: String,
    /// The stored text of the document before the commit, where the entry has it.
    pub text: Option<String>,
}

/// The newest entries of a history.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HistoryPage {
    /// The entries, the newest first.
    pub entries: Vec<HistoryEntry>,
    /// The number of others, which are no entries of this protocol.
    pub malformed: usize,
}

/// The numbers that an entry holds, by which the next one decides whether it needs the text of the document, and which entries
/// have become too old. On a server they are decimal and separated by spaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HistoryCounts {
    /// The number of entries since the newest one from which on the document can be had, that one included where it has the
    /// document before it.
    pub entries: u64,
    /// The length of their mutations.
    pub len: u64,
    /// The length of all entries so far, those that are gone included.
    pub total: u64,
}

impl HistoryEntry {
    /// Reads an entry from the id and the fields of an entry of the stream: revision, base, writer, mutations and text. None
    /// where they are malformed.
    pub(crate) fn from_fields(fields: [Option<String>; 6]) -> Option<Self> {
        let [id, revision, base, writer, mutations, text] = fields;
        let (writer, mutations, text) = (writer?, mutations?, text?);
        let entry = Self {
            at_ms: parse_unsigned(id?.split('-').next()?)?,
            revision: Revision(parse_unsigned(&revision?)?),
            base: Revision(parse_unsigned(&base?)?),
            writer: (!writer.is_empty()).then(|| WriterId(writer.into())),
            mutations,
            text: (!text.is_empty()).then_some(text),
        };
        let has_writer = entry.writer.as_ref().is_none_or(|writer| WriterName::read(writer).is_some());
        let is_short = entry.text_len() <= MAX_ENTRY_TEXT;
        (has_writer && is_short && entry.decode_mutations().is_some()).then_some(entry)
    }

    /// The mutations; none where they are too long for an entry. None where their text is malformed.
    pub(crate) fn decode_mutations(&self) -> Option<Vec<Mutation>> {
        if self.mutations.is_empty() { Some(Vec::new()) } else { decode_mutations(&self.mutations).ok() }
    }

    pub(crate) fn text_len(&self) -> ByteLen {
        ByteLen(self.text.as_ref().map_or(0, String::len))
    }
}
