//! Numbers that a session hands out.

use crate::ids::{MutationNumber, Sequence};

/// Counts a session's mutations and commits, and remembers which mutations have been reported as settled.
#[derive(Debug)]
pub(super) struct IssuedNumbers {
    last_mutation: MutationNumber,
    /// All mutations up to this one have been reported as settled.
    settled: MutationNumber,
    last_sequence: Sequence,
}

impl IssuedNumbers {
    pub(super) fn new() -> Self {
        let before_first = MutationNumber::default();
        Self { last_mutation: before_first, settled: before_first, last_sequence: Sequence(0) }
    }

    /// The newest mutation.
    pub(super) fn last_mutation(&self) -> MutationNumber {
        self.last_mutation
    }

    /// Set the newest mutation: the next one after a mutation was made, an earlier one after a failed group was undone.
    pub(super) fn set_last_mutation(&mut self, number: MutationNumber) {
        self.last_mutation = number;
    }

    /// The newest settled mutation, where it has not been reported before. `first_pending` is the oldest mutation that is
    /// not settled.
    pub(super) fn advance_settled(&mut self, first_pending: Option<MutationNumber>) -> Option<MutationNumber> {
        let settled = first_pending.map_or(self.last_mutation, MutationNumber::previous);
        if settled <= self.settled {
            return None;
        }
        self.settled = settled;
        Some(settled)
    }

    /// The sequence of the next commit that is sent for the first time.
    pub(super) fn next_sequence(&self) -> Sequence {
        Sequence(self.last_sequence.0 + 1)
    }

    /// The highest sequence of a commit so far.
    pub(super) fn last_sequence(&self) -> Sequence {
        self.last_sequence
    }

    /// A commit with this sequence has been made, or is sent again.
    pub(super) fn use_sequence(&mut self, sequence: Sequence) {
        self.last_sequence = self.last_sequence.max(sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_mutation_is_reported_once() {
        let mut issued = IssuedNumbers::new();
        assert_eq!(issued.advance_settled(None), None);
        issued.set_last_mutation(MutationNumber(3));
        assert_eq!(issued.advance_settled(Some(MutationNumber(1))), None);
        assert_eq!(issued.advance_settled(Some(MutationNumber(3))), Some(MutationNumber(2)));
        assert_eq!(issued.advance_settled(Some(MutationNumber(3))), None);
        assert_eq!(issued.advance_settled(None), Some(MutationNumber(3)));
    }

    #[test]
    fn a_commit_that_is_sent_again_does_not_lower_the_sequence() {
        let mut issued = IssuedNumbers::new();
        issued.use_sequence(Sequence(1));
        issued.use_sequence(Sequence(2));
        issued.use_sequence(Sequence(1));
        assert_eq!(issued.next_sequence(), Sequence(3));
    }
}
