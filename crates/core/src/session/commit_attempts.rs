//! How often the commits of an attribute have been sent.

use crate::ids::Sequence;

/// The most commits that are counted at a time. There are more only where commits were given up.
const MAX_COUNTED: usize = 16;

/// How often each commit of one attribute that is not acknowledged has been sent.
#[derive(Debug, Default)]
pub(super) struct CommitAttempts(Vec<Attempts>);

#[derive(Debug)]
struct Attempts {
    sequence: Sequence,
    count: u32,
}

impl CommitAttempts {
    /// A commit is sent, for the first time or again.
    pub(super) fn count(&mut self, sequence: Sequence) {
        if let Some(attempts) = self.0.iter_mut().find(|attempts| attempts.sequence == sequence) {
            attempts.count = attempts.count.saturating_add(1);
            return;
        }
        if self.0.len() == MAX_COUNTED {
            self.0.remove(0);
        }
        self.0.push(Attempts { sequence, count: 1 });
    }

    /// A commit is acknowledged, and with it all before it. Returns how often it was sent, at least once.
    pub(super) fn take(&mut self, sequence: Sequence) -> u32 {
        let count = self.0.iter().find(|attempts| attempts.sequence == sequence).map_or(1, |attempts| attempts.count);
        self.0.retain(|attempts| attempts.sequence > sequence);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_commit_is_counted_until_it_is_acknowledged() {
        let mut attempts = CommitAttempts::default();
        for sequence in [1, 2, 2, 3, 2] {
            attempts.count(Sequence(sequence));
        }
        assert_eq!([2, 2, 3, 4].map(|sequence| attempts.take(Sequence(sequence))), [3, 1, 1, 1]);
        for sequence in 0..100 {
            attempts.count(Sequence(sequence));
        }
        assert_eq!(attempts.0.len(), MAX_COUNTED);
    }
}
