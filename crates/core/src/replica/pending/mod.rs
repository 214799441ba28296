//! The queue of pending commits.

mod open_commit;
mod sealed_commit;

pub(super) use open_commit::{OpenCommit, announced_text, appended_elements};
pub(super) use sealed_commit::{Delivery, Form, SealedCommit};

use super::applied_mutation::{AppliedMutation, NumberedMutation};
use super::confirmed::is_dedup_key_alive;
use super::optimistic::OptimisticDocument;
use crate::byte_len::ByteLen;
use crate::document::Node;
use crate::ids::{GroupId, MutationNumber, Revision, Sequence};
use crate::mutation::{Mutation, Undo};
use crate::time::Now;
use std::collections::VecDeque;

/// The most commits of one attribute in flight. Mutations that are made meanwhile gather in the open commit.
const MAX_IN_FLIGHT: usize = 4;

/// The most bytes of one attribute's commits in flight, unless it is a single commit.
const MAX_IN_FLIGHT_LEN: ByteLen = ByteLen(1 << 20);

/// The commits of one attribute that are not acknowledged, in the order in which they are applied: sealed ones, then open
/// ones. All of their mutations are applied to the optimistic document.
#[derive(Debug, Default)]
pub(super) struct PendingCommits {
    sealed: Vec<SealedCommit>,
    /// More than one where mutations belong to groups, of which each is a commit of its own, or are too many for one.
    open: VecDeque<OpenCommit>,
}

/// A pending commit whose mutations are not applied at present.
#[derive(Debug)]
pub(super) struct Unapplied {
    pub(super) first: MutationNumber,
    pub(super) last: MutationNumber,
    pub(super) group: Option<GroupId>,
    /// None for an open commit.
    pub(super) sealed: Option<Seal>,
    pub(super) mutations: Vec<NumberedMutation>,
}

/// The parts of a sealed commit that remain when it is planned again.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) sequence: Sequence,
    pub(super) delivery: Delivery,
    pub(super) has_lost_reply: bool,
    /// The revision that it has to make, where that is fixed.
    pub(super) revision: Option<Revision>,
}

/// Queries.
impl PendingCommits {
    pub(super) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    /// The number of the oldest mutation.
    pub(super) fn first_number(&self) -> Option<MutationNumber> {
        self.sealed.first().map(|commit| commit.first).or(self.open.front().map(|open| open.first))
    }

    /// About the memory that the mutations take, with what is kept to undo and to send them. Costs the number of commits.
    pub(super) fn size(&self) -> ByteLen {
        let sealed = self.sealed.iter().map(SealedCommit::size);
        sealed.chain(self.open.iter().map(OpenCommit::size)).sum()
    }

    /// All mutations, in order.
    pub(super) fn mutations(&self) -> impl Iterator<Item = &Mutation> + Clone {
        self.applied().map(|applied| &applied.mutation)
    }

    fn applied(&self) -> impl Iterator<Item = &AppliedMutation> + Clone {
        let sealed = self.sealed.iter().flat_map(|commit| &commit.mutations);
        sealed.chain(self.open.iter().flat_map(|open| &open.mutations))
    }

    /// Whether a take has found no element, and would take one if there were one.
    pub(super) fn has_takes_of_nothing(&self) -> bool {
        self.applied()
            .any(|applied| matches!((&applied.mutation, &applied.undo), (Mutation::Take { .. }, Undo::Nothing)))
    }

    pub(super) fn sealed(&self) -> &[SealedCommit] {
        &self.sealed
    }

    pub(super) fn sealed_mut(&mut self) -> &mut [SealedCommit] {
        &mut self.sealed
    }

    pub(super) fn open(&self) -> &VecDeque<OpenCommit> {
        &self.open
    }

    /// The sealed commit with this sequence.
    pub(super) fn find(&self, sequence: Sequence) -> Option<&SealedCommit> {
        self.sealed.iter().find(|commit| commit.command.sequence == sequence)
    }

    /// The index of the sealed commit with this sequence.
    pub(super) fn position(&self, sequence: Sequence) -> Option<usize> {
        self.sealed.iter().position(|commit| commit.command.sequence == sequence)
    }

    /// The index of a group's commit, sealed or open.
    pub(super) fn position_of_group(&self, group: GroupId) -> Option<usize> {
        let sealed = self.sealed.iter().map(|commit| commit.group);
        sealed.chain(self.open.iter().map(|open| open.group)).position(|of| of == Some(group))
    }

    /// The sealed commit of a group.
    pub(super) fn find_group(&self, group: GroupId) -> Option<&SealedCommit> {
        self.sealed.iter().find(|commit| commit.group == Some(group))
    }

    /// Whether the server may have applied any of the commits.
    pub(super) fn has_unanswered(&self) -> bool {
        self.sealed.iter().any(|commit| commit.delivery.is_unanswered())
    }

    /// Whether there are commits whose replies were lost.
    pub(super) fn has_lost_replies(&self) -> bool {
        self.sealed.iter().any(|commit| matches!(commit.delivery, Delivery::ReplyLost { .. }))
    }

    /// Whether the limits allow another commit in flight.
    pub(super) fn has_room_in_flight(&self) -> bool {
        let in_flight = self.sealed.iter().filter(|commit| commit.delivery.is_in_flight());
        let (mut count, mut len) = (0, ByteLen(0));
        for commit in in_flight {
            count += 1;
            len += commit.command.plan.command_len();
        }
        count == 0 || (count < MAX_IN_FLIGHT && len < MAX_IN_FLIGHT_LEN)
    }

    /// Whether all mutations only append to the list that is the whole value.
    pub(super) fn only_append(&self) -> bool {
        self.sealed.iter().all(SealedCommit::is_append) && self.open.iter().all(OpenCommit::is_append)
    }

    /// The number of elements that the mutations append. They must only append.
    pub(super) fn appended_count(&self) -> usize {
        let sealed = self.sealed.iter().filter_map(SealedCommit::appended_count);
        let open = self.open.iter().filter_map(OpenCommit::appended_count);
        sealed.sum::<usize>() + open.sum::<usize>()
    }

    /// The first commit whose reply was lost so long ago that its dedup key may have expired. `lifetime` is that of such a key,
    /// in seconds.
    pub(super) fn first_expired(&self, lifetime: u32, now: Now) -> Option<Sequence> {
        let is_expired = |delivery: Delivery| match delivery {
            Delivery::ReplyLost { first_sent } => !is_dedup_key_alive(first_sent, lifetime, now),
            _ => false,
        };
        self.sealed.iter().find(|commit| is_expired(commit.delivery)).map(|commit| commit.command.sequence)
    }
}

/// Changes.
impl PendingCommits {
    /// The open commit for a new mutation. `value_len` is the length of the value's text before it, `max_size` the size from
    /// which on a commit takes up no more.
    pub(super) fn open_for(
        &mut self,
        number: MutationNumber,
        group: Option<GroupId>,
        value_len: ByteLen,
        max_size: ByteLen,
    ) -> &mut OpenCommit {
        if self.open.back().is_none_or(|open| open.group != group || open.is_full(max_size)) {
            if let Some(last) = self.open.back_mut() {
                last.value_len = Some(value_len);
            }
            self.open.push_back(OpenCommit::new(number, group));
        }
        self.open.back_mut().expect("there is an open commit now")
    }

    pub(super) fn push_open(&mut self, open: OpenCommit) {
        self.open.push_back(open);
    }

    pub(super) fn push_sealed(&mut self, commit: SealedCommit) {
        self.sealed.push(commit);
    }

    /// Remove the first open commit.
    pub(super) fn take_open(&mut self) -> Option<OpenCommit> {
        let open = self.open.pop_front();
        if self.open.is_empty() {
            // Most attributes are at rest most of the time: the buffer is not kept.
            self.open = VecDeque::new();
        }
        open
    }

    /// Remove the sealed commits up to this one.
    pub(super) fn take_up_to(&mut self, sequence: Sequence) -> Option<Vec<SealedCommit>> {
        let last = self.position(sequence)?;
        let later = self.sealed.split_off(last + 1);
        Some(std::mem::replace(&mut self.sealed, later))
    }

    /// Unapply and remove the commits from `index` on, which counts sealed ones, then open ones.
    pub(super) fn unapply_from(&mut self, index: usize, document: &mut OptimisticDocument) -> Vec<Unapplied> {
        let mut unapplied = Vec::new();
        while self.sealed.len() + self.open.len() > index
            && let Some(OpenCommit { first, last, mutations, group, .. }) = self.open.pop_back()
        {
            let mutations = document.unapply(mutations);
            unapplied.push(Unapplied { first, last, group, sealed: None, mutations });
        }
        while self.sealed.len() > index
            && let Some(SealedCommit { first, last, mutations, command, delivery, group, has_lost_reply, .. }) =
                self.sealed.pop()
        {
            let mutations = document.unapply(mutations);
            let sealed = Some(Seal { sequence: command.sequence, delivery, has_lost_reply, revision: None });
            unapplied.push(Unapplied { first, last, group, sealed, mutations });
        }
        if index == 0 {
            document.restore_unreadable();
        }
        unapplied.reverse();
        unapplied
    }

    /// The server has not applied this commit, nor any after it.
    pub(super) fn mark_unsent_from(&mut self, sequence: Sequence) {
        for commit in self.sealed.iter_mut().skip_while(|commit| commit.command.sequence != sequence) {
            commit.delivery = Delivery::Unsent;
        }
    }

    /// The server has not executed this commit this time, nor any after it.
    pub(super) fn mark_refused_from(&mut self, sequence: Sequence) {
        for commit in self.sealed.iter_mut().skip_while(|commit| commit.command.sequence != sequence) {
            commit.note_refusal();
        }
    }

    /// The server has not executed this commit this time, nor any after it that needs it. If it has executed an earlier sending
    /// of it, it may execute those after it: they stay in flight.
    pub(super) fn mark_not_executed(&mut self, sequence: Sequence) {
        for commit in self.sealed.iter_mut().skip_while(|commit| commit.command.sequence != sequence) {
            commit.note_refusal();
            if commit.has_lost_reply {
                return;
            }
        }
    }

    /// Replies that are outstanding cannot arrive any more.
    pub(super) fn mark_replies_lost(&mut self) {
        for commit in &mut self.sealed {
            commit.lose_reply();
        }
    }

    /// The list that all mutations append to has grown by `by` bytes before their elements.
    pub(super) fn shift_open_edits(&mut self, by: ByteLen) {
        for open in &mut self.open {
            open.edits.shift(by);
            open.value_len = open.value_len.map(|len| len + by);
        }
    }
}

/// The value of an attribute that unapplied mutations begin by creating.
pub(super) fn created_value(unapplied: &[Unapplied]) -> Option<Node> {
    match &unapplied.first()?.mutations.first()?.mutation {
        Mutation::Create { value } => Node::parse(&value.0).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DEDUP_KEY_SECONDS;
    use crate::replica::Replica;
    use crate::replica::test_support::{at, loaded, mutate, send, text};

    const STORED: &str = "{\"value\":[1],\"last_modified\":5}";

    /// A replica with this many commits in flight, whose sequences begin with 1.
    fn in_flight(count: u64) -> Replica {
        let mut replica = loaded(STORED);
        for n in 1..=count {
            mutate(&mut replica, n, r#"[["append","x",[],[2]]]"#);
            send(&mut replica, n);
        }
        replica
    }

    #[test]
    fn commits_in_flight_are_limited_in_number_and_length() {
        let mut replica = in_flight(3);
        assert!(replica.pending.has_room_in_flight());
        mutate(&mut replica, 4, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 4);
        assert!(!replica.pending.has_room_in_flight());
        let mut replica = loaded(STORED);
        for n in 1..=2 {
            mutate(&mut replica, n, &format!(r#"[["append","x",[],["{}"]]]"#, "a".repeat(600_000)));
            assert!(replica.pending.has_room_in_flight());
            send(&mut replica, n);
        }
        assert!(!replica.pending.has_room_in_flight());
    }

    #[test]
    fn a_commit_that_was_not_applied_is_sent_again_with_those_after_it() {
        let mut replica = in_flight(3);
        replica.pending.mark_unsent_from(Sequence(2));
        let states: Vec<_> = replica.pending.sealed().iter().map(|commit| commit.delivery.is_unanswered()).collect();
        assert_eq!(states, [true, false, false]);
        assert!(!replica.pending.has_lost_replies());
        replica.pending.mark_replies_lost();
        assert!(replica.pending.has_lost_replies());
        assert_eq!(replica.pending.first_number(), Some(MutationNumber(1)));
    }

    #[test]
    fn a_commit_behind_one_that_was_not_executed_stays_in_flight_if_an_earlier_sending_may_have_been() {
        let in_flight_after_refusal = |replica: &mut Replica| {
            replica.pending.mark_not_executed(Sequence(1));
            let sealed = replica.pending.sealed();
            sealed.iter().map(|commit| commit.delivery.is_in_flight()).collect::<Vec<_>>()
        };
        assert_eq!(in_flight_after_refusal(&mut in_flight(2)), [false, false], "never sent before");
        let mut replica = in_flight(1);
        replica.mark_replies_lost();
        send(&mut replica, 1);
        mutate(&mut replica, 2, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 2);
        assert_eq!(in_flight_after_refusal(&mut replica), [false, true]);
    }

    #[test]
    fn a_lost_reply_expires_with_the_dedup_key() {
        let mut replica = in_flight(2);
        let day = 24 * 60 * 60;
        let first_expired = |replica: &Replica, seconds| replica.pending.first_expired(DEDUP_KEY_SECONDS, at(seconds));
        assert_eq!(first_expired(&replica, day), None, "in flight");
        replica.pending.mark_replies_lost();
        assert_eq!(first_expired(&replica, day - 2 * 60 * 60), None);
        assert_eq!(first_expired(&replica, day), Some(Sequence(1)));
    }

    #[test]
    fn positions_count_sealed_commits_then_open_ones() {
        let mut replica = in_flight(2);
        let group = Some(GroupId(9));
        for mutation in crate::codec::decode_mutations(r#"[["append","x",[],[3]]]"#).unwrap() {
            replica.mutate(MutationNumber(3), mutation, ByteLen(1000), group).unwrap();
        }
        mutate(&mut replica, 4, r#"[["append","x",[],[4]]]"#);
        assert_eq!(replica.pending.position(Sequence(2)), Some(1));
        assert_eq!(replica.pending.position_of_group(GroupId(9)), Some(2));
        assert_eq!((replica.pending.only_append(), replica.pending.appended_count()), (true, 4));

        let Replica { pending, document, .. } = &mut replica;
        let unapplied = pending.unapply_from(1, document);
        let sealed: Vec<_> = unapplied.iter().map(|commit| commit.sealed.is_some()).collect();
        assert_eq!((sealed, unapplied[1].group), (vec![true, false, false], group));
        assert_eq!(text(&replica), "[1,2]");
    }

    #[test]
    fn taking_a_commit_takes_those_before_it() {
        let mut replica = in_flight(3);
        let taken = replica.pending.take_up_to(Sequence(2)).unwrap();
        assert_eq!(taken.iter().map(|commit| commit.command.sequence.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(replica.pending.sealed().len(), 1);
        assert!(replica.pending.take_up_to(Sequence(2)).is_none());
    }
}
