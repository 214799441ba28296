//! The journal of a client: what survives its process.

use std::collections::BTreeMap;
use synced_memory_core::document::add;
use synced_memory_core::ids::Sequence;
use synced_memory_core::journal::{JournalReader, JournalledState};
use synced_memory_core::session::JournalWrite;

/// The number of sequences that are reserved at a time.
const RESERVED_SEQUENCES: u64 = 256;

/// A stored journal.
#[derive(Default)]
pub(crate) struct StoredJournal {
    states: BTreeMap<String, String>,
    log: Vec<String>,
    /// The highest sequence that is reserved.
    reserved: u64,
    /// The numbers of the mutations in it.
    numbering: Numbering,
    /// All mutations of the writer up to this one have been stored.
    last_stored: u64,
}

/// The content of a journal.
pub(crate) struct OpenedJournal {
    pub(crate) content: JournalledState,
    /// A sequence that is not below any that was used.
    pub(crate) last_sequence: Sequence,
    /// The numbers of the pending mutations, as their writer numbers them.
    pub(crate) pending: Vec<u64>,
    /// All mutations of the writer up to this one had been stored.
    pub(crate) last_stored: u64,
}

/// The numbers of a session's mutations, and those of its writer, which go on over restarts.
#[derive(Clone, Default)]
pub(crate) struct Numbering {
    /// The writer's numbers of the mutations that were restored. The session numbers those from 1.
    restored: Vec<u64>,
    /// The number of mutations that the writer had made before the session.
    made_before: u64,
}

impl StoredJournal {
    /// Stores a write of a session with this numbering, whose writer has made so many mutations.
    pub(crate) fn store(&mut self, write: JournalWrite, numbering: &Numbering, made: u64) {
        let JournalWrite { clears_log, states, log, last_sequence } = write;
        if clears_log {
            self.log.clear();
        }
        for (name, state) in states {
            match state {
                Some(state) => self.states.insert(name, state),
                None => self.states.remove(&name),
            };
        }
        self.log.push(log);
        if last_sequence.0 + RESERVED_SEQUENCES / 2 > self.reserved {
            self.reserved = last_sequence.0 + RESERVED_SEQUENCES;
        }
        self.numbering = numbering.clone();
        self.last_stored = made;
    }

    /// Opens the journal for another process.
    pub(crate) fn open(&mut self) -> OpenedJournal {
        let mut reader = JournalReader::new(add);
        self.states.values().for_each(|state| reader.read_state(state).expect("the text of a state"));
        self.log.iter().for_each(|records| reader.read_log(records).expect("the text of records"));
        let content = reader.finish();
        let pending = content.pending().into_iter().map(|number| self.numbering.of_writer(number.0)).collect();
        let last_sequence = Sequence(self.reserved);
        self.reserved += RESERVED_SEQUENCES;
        OpenedJournal { content, last_sequence, pending, last_stored: self.last_stored }
    }
}

impl Numbering {
    pub(crate) fn new(restored: Vec<u64>, made_before: u64) -> Self {
        Self { restored, made_before }
    }

    /// The writer's number of a mutation of the session.
    pub(crate) fn of_writer(&self, number: u64) -> u64 {
        let restored = self.restored.len() as u64;
        match usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).and_then(|at| self.restored.get(at))
        {
            Some(number) => *number,
            None if number == 0 => 0,
            None => number - restored + self.made_before,
        }
    }

    /// The session's number of its last mutation, where its writer has made so many.
    pub(crate) fn last(&self, made: u64) -> u64 {
        self.restored.len() as u64 + made - self.made_before
    }

    /// The writer's numbers of the restored mutations after the first `count`.
    pub(crate) fn restored_after(&self, count: u64) -> &[u64] {
        usize::try_from(count).ok().and_then(|count| self.restored.get(count..)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restored_mutations_keep_the_numbers_of_their_writer() {
        let first = Numbering::default();
        assert_eq!((first.of_writer(7), first.last(9)), (7, 9));
        let numbering = Numbering::new(vec![4, 6], 9);
        assert_eq!([0, 1, 2, 3, 4].map(|number| numbering.of_writer(number)), [0, 4, 6, 10, 11]);
        assert_eq!((numbering.last(9), numbering.last(11)), (2, 4));
        assert_eq!((numbering.restored_after(1), numbering.restored_after(5)), (&[6][..], &[][..]));
    }
}
