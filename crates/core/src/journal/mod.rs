//! The journal of a session: what another session needs in order to go on as the same writer after a crash. `docs/journal.md`
//! has the argument why every journalled mutation is applied exactly once.
//!
//! A journal has *states*, one for each attribute, and a *log* of records that came after them. A record is one of
//!
//! | record | meaning |
//! | --- | --- |
//! | state | everything about one attribute; it replaces all earlier records of that attribute |
//! | changed | another writer has changed the value by these mutations; all but the value is as in a state |
//! | mutation | a mutation was made, on the value that all earlier records lead to |
//! | sealed | the mutations up to some number have this sequence, and may be sent from now on |
//! | acknowledged | the backend has applied the commits up to this sequence |
//!
//! Records are text, which no host has to understand. The characters U+001E, which ends a record, and U+001F occur nowhere in JSON.

mod decode_records;
mod encode_records;
mod replay;

pub(crate) use encode_records::{
    Sealed, encode_acknowledged, encode_changed, encode_mutation_record, encode_sealed, encode_state,
};
pub(crate) use replay::ReplayedAttribute;
pub use replay::{JournalReader, JournalledState};

use crate::document::{Layout, Node};
use crate::ids::{MutationNumber, Revision, Sequence};
use crate::mutation::Mutation;

/// The character that ends a record.
const RECORD_END: char = '\u{1e}';

/// The character before the text of a value, which may hold numbers that JSON has not.
const VALUE_START: char = '\u{1f}';

/// Whether records can be decoded.
pub(crate) fn decodes(records: &str) -> bool {
    records.split_terminator(RECORD_END).all(|record| decode_records::decode_record(record).is_ok())
}

/// The state of one attribute in a journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct AttributeState {
    pub(crate) name: String,
    /// The value without the pending mutations.
    pub(crate) value: Option<Node>,
    /// The layout of what is stored. None where that is unknown, or is not the value.
    pub(crate) layout: Option<Layout>,
    /// The confirmed revision.
    pub(crate) revision: Option<Revision>,
    /// The highest revision that was confirmed or planned.
    pub(crate) highest: Option<Revision>,
    pub(crate) acknowledged: Option<JournalledAcknowledgement>,
    /// The pending commits, sealed ones first.
    pub(crate) commits: Vec<JournalledCommit>,
}

impl AttributeState {
    /// Whether there is nothing to go on from.
    pub(crate) fn is_empty(&self) -> bool {
        self.value.is_none() && self.commits.is_empty() && self.acknowledged.is_none()
    }
}

/// The last commit of the writer that the backend acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalledAcknowledgement {
    pub(crate) sequence: Sequence,
    /// When the reply arrived, in nanoseconds since 1970.
    pub(crate) at_ns: u64,
}

/// A pending commit in a journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct JournalledCommit {
    /// None for a commit that was not sealed.
    pub(crate) seal: Option<JournalledSeal>,
    pub(crate) group: Option<JournalledGroup>,
    /// At least one.
    pub(crate) mutations: Vec<(MutationNumber, Mutation)>,
}

/// The seal of a pending commit in a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalledSeal {
    pub(crate) sequence: Sequence,
    /// The revision that the commit makes where it is applied to what it was first built on. None where it was built anew since.
    pub(crate) revision: Option<Revision>,
    /// The time from which on it may have been sent, in nanoseconds since 1970.
    pub(crate) at_ns: u64,
}

/// The group of a pending commit in a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalledGroup {
    pub(crate) id: u64,
    /// Whether it is a transaction, which is not repeated.
    pub(crate) is_strict: bool,
}
