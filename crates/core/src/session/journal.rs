//! Writing the journal of a session. `docs/journal.md` has the rules and their reasons.

use super::Session;
use super::ids::AttributeId;
use crate::byte_len::ByteLen;
use crate::error::{ErrorCode, SyncError};
use crate::ids::{GroupId, MutationNumber, Sequence};
use crate::journal::{
    self, AttributeState, JournalledAcknowledgement, JournalledGroup, JournalledSeal, ReplayedAttribute, Sealed,
    encode_acknowledged, encode_changed, encode_mutation_record, encode_sealed, encode_state,
};
use crate::mutation::Mutation;
use crate::protocol::Commit;
use crate::time::Now;
use std::collections::{BTreeMap, BTreeSet};

/// The log is not replaced by states before it has this many bytes.
const MIN_LOG_LEN: usize = 256 << 10;

/// A document is written again after one change from elsewhere for so many of its bytes.
const BYTES_PER_CHANGE: usize = 4096;

/// Something to store in a journal, as a whole or not at all. The parts are applied in the order of the fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalWrite {
    /// Whether the log is emptied.
    pub clears_log: bool,
    /// Names of attributes and their new states. None: the attribute has no state any more.
    pub states: Vec<(String, Option<String>)>,
    /// Records to add at the end of the log. May be empty.
    pub log: String,
    /// The highest sequence of a commit so far.
    pub last_sequence: Sequence,
}

/// An attribute that the journal has a state of: the state and the records after it lead to the replica, as far as
/// [`has_left_journal`](crate::replica::Replica::has_left_journal) does not say otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct JournalledAttribute {
    pub(super) acknowledged: Option<Sequence>,
}

/// The content of the next write.
#[derive(PartialEq, Eq, Debug, Default)]
struct NextWrite {
    clears_log: bool,
    states: Vec<(String, Option<String>)>,
    log: String,
}

/// The writing end of a journal.
#[derive(Debug)]
pub(super) struct SessionJournal {
    max_len: ByteLen,
    write: NextWrite,
    /// Whether the write has to be output. It need not be where it has nothing but acknowledgements: until they are written, the
    /// backend tells the same.
    is_due: bool,
    /// The time of the last output, in nanoseconds since 1970.
    unix_ns: u64,
    /// The length of the log, with what is to be written.
    log_len: usize,
    /// The length of each attribute's state outside of the log.
    state_lens: BTreeMap<String, usize>,
    states_len: usize,
    /// The attributes that the log has records of.
    in_log: BTreeSet<String>,
    /// The attributes of which the journal has pending mutations.
    pending: BTreeSet<AttributeId>,
    /// The attributes that were changed from elsewhere since their states were written, and the number of changes.
    changed: BTreeMap<AttributeId, usize>,
    is_full: bool,
    /// The last mutation that an earlier process has made.
    pub(super) last_restored: MutationNumber,
}

/// The length of the log before a mutation was written to it.
pub(super) struct WrittenMutation {
    log_len: usize,
}

impl Session {
    /// The mutation is about to be made. Errors: `JournalFull`, `NotSerializable`.
    pub(super) fn journal_mutation(
        &mut self,
        id: AttributeId,
        number: MutationNumber,
        mutation: &Mutation,
        group: Option<JournalledGroup>,
    ) -> Result<Option<WrittenMutation>, SyncError> {
        let Some(journal) = &self.journal else { return Ok(None) };
        if journal.is_full {
            return Err(journal_full(journal.max_len));
        }
        let attribute = &self.attributes[id];
        if attribute.journalled.is_none() || attribute.replica.has_left_journal() {
            self.journal_state(id);
        }
        let (Some(journal), attribute) = (&mut self.journal, &self.attributes[id]) else { return Ok(None) };
        let before = journal.write.log.len();
        encode_mutation_record(&attribute.name, number, group, mutation, &mut journal.write.log);
        if let Err(error) = check_decodes(&journal.write.log[before..]) {
            journal.write.log.truncate(before);
            return Err(error);
        }
        journal.note_written(&attribute.name, before);
        journal.pending.insert(id);
        Ok(Some(WrittenMutation { log_len: before }))
    }

    /// The mutation that was written last could not be made.
    pub(super) fn withdraw_journalled(&mut self, written: Option<WrittenMutation>) {
        if let (Some(journal), Some(WrittenMutation { log_len })) = (&mut self.journal, written) {
            journal.log_len -= journal.write.log.len() - log_len;
            journal.write.log.truncate(log_len);
        }
    }

    /// A commit was sealed, and is about to be sent for the first time.
    pub(super) fn journal_seal(&mut self, id: AttributeId, commit: &Commit) {
        if self.journal.is_none() {
            return;
        }
        let attribute = &self.attributes[id];
        if attribute.journalled.is_none() || attribute.replica.has_left_journal() {
            self.journal_state(id);
            return;
        }
        let (Some(journal), attribute) = (&mut self.journal, &self.attributes[id]) else { return };
        let before = journal.write.log.len();
        let (sequence, revision) = (commit.sequence, Some(commit.revision));
        let seal = JournalledSeal { sequence, revision, at_ns: journal.unix_ns };
        let sealed = Sealed { seal, before: attribute.replica.first_open() };
        encode_sealed(&attribute.name, &sealed, &mut journal.write.log);
        journal.note_written(&attribute.name, before);
    }

    /// Writes to the log what leads from the earlier records of an attribute to its state: what others have changed where that is
    /// known, else the whole state.
    fn journal_state(&mut self, id: AttributeId) {
        let attribute = &self.attributes[id];
        let change = attribute.replica.journalled_change().filter(|_| attribute.journalled.is_some());
        let state = if change.is_some() { self.state_without_value(id) } else { self.attribute_state(id) };
        let Some(journal) = &mut self.journal else { return };
        let before = journal.write.log.len();
        match change {
            Some(change) => encode_changed(&state, change.after, &change.mutations, &mut journal.write.log),
            None => encode_state(&state, &mut journal.write.log),
        }
        journal.note_written(&state.name, before);
        journal.set_pending(id, &state);
        self.set_journalled(id, &state);
    }

    /// Costs the size of the document.
    fn attribute_state(&self, id: AttributeId) -> AttributeState {
        AttributeState { value: self.attributes[id].replica.value_without_pending(), ..self.state_without_value(id) }
    }

    fn state_without_value(&self, id: AttributeId) -> AttributeState {
        let attribute = &self.attributes[id];
        let is_strict = |group: GroupId| self.groups.get(group).is_some_and(|group| group.is_strict);
        attribute.replica.journal_state(
            &attribute.name,
            is_strict,
            self.journal.as_ref().map_or(0, |journal| journal.unix_ns),
        )
    }

    fn set_journalled(&mut self, id: AttributeId, state: &AttributeState) {
        let attribute = &mut self.attributes[id];
        attribute.replica.return_to_journal();
        let acknowledged = state.acknowledged.map(|acknowledged| acknowledged.sequence);
        attribute.journalled = Some(JournalledAttribute { acknowledged });
        if let Some(journal) = &mut self.journal {
            journal.changed.remove(&id);
        }
    }

    /// An attribute was changed from elsewhere.
    pub(super) fn journal_change(&mut self, id: AttributeId) {
        if let Some(journal) = &mut self.journal {
            *journal.changed.entry(id).or_default() += 1;
        }
    }

    /// Removes and returns the write that has to be stored before anything else is output.
    pub(super) fn take_journal_write(&mut self, now: Now) -> Option<JournalWrite> {
        self.journal.as_mut()?.unix_ns = now.unix_ns;
        self.journal_outcomes();
        self.journal_due_changes();
        self.compact_journal();
        let journal = self.journal.as_mut()?;
        if !std::mem::take(&mut journal.is_due) {
            return None;
        }
        let NextWrite { clears_log, states, log } = std::mem::take(&mut journal.write);
        Some(JournalWrite { clears_log, states, log, last_sequence: self.issued.last_sequence() })
    }

    /// Writes what became of journalled mutations.
    fn journal_outcomes(&mut self) {
        let Some(journal) = &self.journal else { return };
        for id in journal.pending.iter().copied().collect::<Vec<_>>() {
            let attribute = &self.attributes[id];
            if attribute.replica.has_dropped_journalled() {
                self.journal_state(id);
                continue;
            }
            let written = attribute.journalled.and_then(|journalled| journalled.acknowledged);
            let Some(acknowledged) = attribute.replica.new_acknowledgement(written) else { continue };
            if attribute.replica.journalled_change().is_none() {
                self.journal_acknowledgement(id, acknowledged);
            } else if attribute.replica.first_pending().is_none() {
                // The change includes the acknowledged commits. Until it is written, the backend has the same to say.
                let is_due = self.journal.as_ref().is_some_and(|journal| journal.is_due);
                self.journal_state(id);
                if let Some(journal) = &mut self.journal {
                    journal.is_due = is_due;
                }
            }
        }
    }

    fn journal_acknowledgement(&mut self, id: AttributeId, acknowledged: JournalledAcknowledgement) {
        let attribute = &mut self.attributes[id];
        let Some(journal) = &mut self.journal else { return };
        attribute.journalled = Some(JournalledAttribute { acknowledged: Some(acknowledged.sequence) });
        let (before, is_due) = (journal.write.log.len(), journal.is_due);
        let (layout, revision) = (attribute.replica.acknowledged_layout(), attribute.replica.revision());
        encode_acknowledged(&attribute.name, acknowledged, layout, revision, &mut journal.write.log);
        journal.note_written(&attribute.name, before);
        journal.is_due = is_due;
        if attribute.replica.first_pending().is_none() {
            journal.pending.remove(&id);
        }
    }

    /// Writes the states of attributes that were changed from elsewhere, each once it has changed enough.
    fn journal_due_changes(&mut self) {
        let Some(journal) = &self.journal else { return };
        let is_due = |(id, count): &(&AttributeId, &usize)| {
            let len = self.attributes[**id].replica.value().map_or(0, |value| value.text_len().0);
            !journal.pending.contains(id) && **count * BYTES_PER_CHANGE >= len
        };
        let due: Vec<AttributeId> = journal.changed.iter().filter(is_due).map(|(id, _)| *id).collect();
        for id in due {
            self.journal_document(id);
        }
    }

    /// Completes the journal: writes the states of all attributes that were changed from elsewhere, and what is not due yet.
    pub(super) fn journal_changes(&mut self) {
        let changed = self.journal.as_ref().map(|journal| journal.changed.keys().copied().collect::<Vec<_>>());
        for id in changed.unwrap_or_default() {
            self.journal_document(id);
        }
        if let Some(journal) = &mut self.journal {
            journal.is_due |= journal.write != NextWrite::default();
        }
    }

    /// Writes the state of an attribute of which the journal has no pending mutations.
    fn journal_document(&mut self, id: AttributeId) {
        let attribute = &self.attributes[id];
        let is_in_log = self.journal.as_ref().is_some_and(|journal| journal.in_log.contains(&attribute.name));
        if is_in_log || (attribute.journalled.is_some() && attribute.replica.journalled_change().is_some()) {
            self.journal_state(id);
        } else {
            let state = self.attribute_state(id);
            if let Some(journal) = &mut self.journal {
                journal.set_state(&state);
            }
            self.set_journalled(id, &state);
        }
    }

    /// Replaces a long log by states, and forgets documents where the journal is too long.
    fn compact_journal(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let is_too_long = |journal: &SessionJournal| journal.log_len + journal.states_len > journal.max_len.0;
        let replaced: usize = journal.in_log.iter().filter_map(|name| journal.state_lens.get(name)).sum();
        if journal.log_len > MIN_LOG_LEN.max(2 * replaced) || (is_too_long(journal) && journal.log_len > 0) {
            self.replace_log();
        }
        let Some(journal) = &mut self.journal else { return };
        if is_too_long(journal) {
            let pending: BTreeSet<&str> = journal.pending.iter().map(|id| self.attributes[*id].name.as_str()).collect();
            let names: Vec<String> =
                journal.state_lens.keys().filter(|name| !pending.contains(name.as_str())).cloned().collect();
            for name in names {
                journal.remove_state(&name);
                if let Some(id) = self.attributes.find(&name) {
                    self.attributes[id].journalled = None;
                }
            }
        }
        journal.is_full = is_too_long(journal);
    }

    /// Writes the states of all attributes that the log has records of, and empties the log.
    pub(super) fn replace_log(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        journal.write.log.clear();
        (journal.log_len, journal.write.clears_log, journal.is_due) = (0, true, true);
        for name in std::mem::take(&mut journal.in_log) {
            let Some(id) = self.attributes.find(&name) else {
                if let Some(journal) = &mut self.journal {
                    journal.remove_state(&name);
                }
                continue;
            };
            let state = self.attribute_state(id);
            let Some(journal) = &mut self.journal else { return };
            journal.set_state(&state);
            journal.set_pending(id, &state);
            self.set_journalled(id, &state);
        }
    }
}

impl SessionJournal {
    /// A journal of at most about `max_len` bytes that holds these attributes.
    pub(super) fn new(attributes: &[ReplayedAttribute], max_len: ByteLen, now: Now) -> Self {
        let mut journal = Self {
            max_len,
            write: NextWrite::default(),
            is_due: false,
            unix_ns: now.unix_ns,
            log_len: 0,
            state_lens: BTreeMap::new(),
            states_len: 0,
            in_log: BTreeSet::new(),
            pending: BTreeSet::new(),
            changed: BTreeMap::new(),
            is_full: false,
            last_restored: MutationNumber::default(),
        };
        for ReplayedAttribute { state, stored_len } in attributes {
            journal.state_lens.insert(state.name.clone(), stored_len.unwrap_or(0));
            journal.states_len += stored_len.unwrap_or(0);
            if stored_len.is_none() {
                journal.in_log.insert(state.name.clone());
            }
        }
        journal
    }

    /// The attributes that something is going to be written about.
    pub(super) fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.pending.iter().chain(self.changed.keys()).copied()
    }

    /// The journal has the present state of every attribute.
    pub(super) fn forget_changes(&mut self) {
        self.changed.clear();
    }

    /// Records of an attribute were added to the log, which had this length before.
    fn note_written(&mut self, name: &str, len_before: usize) {
        self.log_len += self.write.log.len() - len_before;
        self.is_due = true;
        if !self.in_log.contains(name) {
            self.in_log.insert(name.to_owned());
        }
    }

    fn set_pending(&mut self, id: AttributeId, state: &AttributeState) {
        if state.commits.is_empty() {
            self.pending.remove(&id);
        } else {
            self.pending.insert(id);
        }
    }

    fn set_state(&mut self, state: &AttributeState) {
        if state.is_empty() {
            self.remove_state(&state.name);
            return;
        }
        let mut text = String::new();
        encode_state(state, &mut text);
        self.is_due = true;
        self.states_len += text.len();
        self.states_len -= self.state_lens.insert(state.name.clone(), text.len()).unwrap_or(0);
        self.write.states.push((state.name.clone(), Some(text)));
    }

    fn remove_state(&mut self, name: &str) {
        if let Some(len) = self.state_lens.remove(name) {
            (self.states_len, self.is_due) = (self.states_len - len, true);
            self.write.states.push((name.to_owned(), None));
        }
    }
}

/// Checks that records can be read again. They cannot where a value has one of the numbers that only Python writes, which begin
/// with these letters: others are not looked at.
fn check_decodes(records: &str) -> Result<(), SyncError> {
    if !records.contains(['N', 'I']) || journal::decodes(records) {
        return Ok(());
    }
    let message = "a journal cannot keep NaN, Infinity or -Infinity; assign null, or open the memory without a journal";
    Err(SyncError::new(ErrorCode::NotSerializable, message))
}

fn journal_full(max_len: ByteLen) -> SyncError {
    SyncError::new(
        ErrorCode::JournalFull,
        format!(
            "the journal has reached its limit of {max_len} bytes with mutations that are not acknowledged; wait until the server \
             can be reached, or raise the limit"
        ),
    )
}
