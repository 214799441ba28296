//! A replica as a journal keeps it: its state is written, and another process restores it.

use super::Replica;
use super::applied_mutation::{AppliedMutation, NumberedMutation};
use super::change::DroppedMutations;
use super::optimistic::OptimisticDocument;
use super::pending::{Delivery, Form, Seal, Unapplied};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Layout, Node};
use crate::ids::{GroupId, MutationNumber, Sequence};
use crate::journal::{AttributeState, JournalledAcknowledgement, JournalledCommit, JournalledGroup, JournalledSeal};
use crate::merge::Transform;
use crate::mutation::{Mutation, undo};
use crate::time::Now;

/// The differences between a replica and what the records of its journal lead to.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct JournalGap {
    base: BaseGap,
    /// Pending mutations were dropped, or it was forgotten what is acknowledged.
    pub(super) is_reduced: bool,
}

/// How the value without the pending mutations differs from the one that the records of the journal lead to.
#[derive(PartialEq, Eq, Debug, Default)]
enum BaseGap {
    /// By acknowledged commits at most.
    None,
    /// By these mutations. The pending mutations may differ, too.
    Changed(BaseChange),
    /// It is another value, or there is no record yet.
    #[default]
    Replaced,
}

/// The mutations that have changed the value without the pending mutations, since the last record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BaseChange {
    /// The last commit that was acknowledged before.
    pub(crate) after: Option<Sequence>,
    /// The mutations in order, those of commits that were acknowledged meanwhile included.
    pub(crate) mutations: Vec<Mutation>,
    size: ByteLen,
}

/// A layout that no stored text has: a commit that is built on it is stale.
fn unknown_layout() -> Layout {
    let tail = b"what is stored is unknown";
    Layout::Foreign { len: ByteLen(tail.len()), at: ByteOffset::START, tail: tail.to_vec() }
}

/// The journal is written.
impl Replica {
    /// Whether a new state has to be written before a mutation or a seal is.
    pub fn has_left_journal(&self) -> bool {
        self.journal_gap.base != BaseGap::None || self.journal_gap.is_reduced
    }

    /// The change of the value without the pending mutations, if a record of it leads to the replica. None where the whole
    /// state is needed.
    pub(crate) fn journalled_change(&self) -> Option<&BaseChange> {
        match &self.journal_gap.base {
            BaseGap::Changed(change) => Some(change),
            BaseGap::None | BaseGap::Replaced => None,
        }
    }

    /// The pending mutations are about to change, or the value below them, in a way that the journal has no record of.
    pub(super) fn open_journal_gap(&mut self) {
        if self.journal_gap.base == BaseGap::None {
            let after = self.confirmed.acknowledgement().map(|acknowledged| acknowledged.sequence);
            self.journal_gap.base = BaseGap::Changed(BaseChange { after, mutations: Vec::new(), size: ByteLen(0) });
        }
    }

    /// These mutations have changed the value without the pending mutations. They are not kept where they are longer than the
    /// value: then its state is no longer to write.
    pub(super) fn note_base_change<'a>(&mut self, mutations: impl Iterator<Item = &'a Mutation>) {
        self.open_journal_gap();
        self.extend_base_change(mutations);
    }

    /// The backend has applied a commit: its mutations are part of the value without the pending ones.
    pub(super) fn extend_base_change<'a>(&mut self, mutations: impl Iterator<Item = &'a Mutation>) {
        let BaseGap::Changed(change) = &mut self.journal_gap.base else { return };
        for mutation in mutations {
            change.size += mutation.size();
            change.mutations.push(mutation.clone());
        }
        if change.size > self.document.text_len() {
            self.journal_gap.base = BaseGap::Replaced;
        }
    }

    /// The value without the pending mutations is another one.
    pub(super) fn leave_journal(&mut self) {
        self.journal_gap.base = BaseGap::Replaced;
    }

    /// Whether a new state has to be written at once: the journal has pending mutations that the replica has not.
    pub fn has_dropped_journalled(&self) -> bool {
        self.journal_gap.is_reduced
    }

    /// The state has been written.
    pub fn return_to_journal(&mut self) {
        self.journal_gap = JournalGap { base: BaseGap::None, is_reduced: false };
    }

    /// The acknowledgement to write, where it is not the one with sequence `written`.
    pub(crate) fn new_acknowledgement(&self, written: Option<Sequence>) -> Option<JournalledAcknowledgement> {
        self.confirmed.acknowledgement().filter(|acknowledged| Some(acknowledged.sequence) != written)
    }

    /// The layout of what is stored, where the journal has the value without the pending mutations.
    pub(crate) fn acknowledged_layout(&self) -> Option<&Layout> {
        self.confirmed.layout().filter(|_| !self.has_left_journal() && self.has_known_base())
    }

    /// The number of the first mutation that is not sealed.
    pub fn first_open(&self) -> Option<MutationNumber> {
        self.pending.open().front().map(|open| open.first)
    }

    /// The value without the pending mutations. Costs the size of the document.
    pub(crate) fn value_without_pending(&self) -> Option<Node> {
        let mut value = self.value().cloned();
        for commit in self.pending.open().iter().rev() {
            undo_all(&mut value, &commit.mutations);
        }
        for commit in self.pending.sealed().iter().rev() {
            undo_all(&mut value, &commit.mutations);
        }
        value
    }

    /// The state to write, without its value. `is_strict` tells whether a group is a transaction, `now_ns` is the time in
    /// nanoseconds since 1970.
    pub(crate) fn journal_state(&self, name: &str, is_strict: impl Fn(GroupId) -> bool, now_ns: u64) -> AttributeState {
        let group = |group: Option<GroupId>| group.map(|id| JournalledGroup { id: id.0, is_strict: is_strict(id) });
        let sealed = self.pending.sealed().iter().map(|commit| JournalledCommit {
            seal: Some(JournalledSeal {
                sequence: commit.command.sequence,
                revision: matches!(commit.form, Form::Original | Form::Restored).then_some(commit.command.revision),
                at_ns: commit.delivery.first_sent().map_or(now_ns, |sent| sent.unix_ns),
            }),
            group: group(commit.group),
            mutations: numbered(&commit.mutations),
        });
        let open = self.pending.open().iter().map(|commit| JournalledCommit {
            seal: None,
            group: group(commit.group),
            mutations: numbered(&commit.mutations),
        });
        AttributeState {
            name: name.to_owned(),
            value: None,
            layout: self.confirmed.layout().filter(|_| self.has_known_base()).cloned(),
            revision: self.revision(),
            highest: self.confirmed.highest(),
            acknowledged: self.confirmed.acknowledgement(),
            commits: sealed.chain(open).filter(|commit| !commit.mutations.is_empty()).collect(),
        }
    }
}

fn undo_all(value: &mut Option<Node>, applied: &[AppliedMutation]) {
    for AppliedMutation { mutation, undo: how, .. } in applied.iter().rev() {
        undo(value, mutation, how.clone());
    }
}

fn numbered(applied: &[AppliedMutation]) -> Vec<(MutationNumber, Mutation)> {
    applied.iter().map(|applied| (applied.number, applied.mutation.clone())).collect()
}

/// The journal is read.
impl Replica {
    /// Go on from a journalled state. Nothing is known of the attribute yet. The sealed commits may have been applied.
    /// Returns the mutations that have nothing to change any more: none, unless the journal was damaged.
    pub(crate) fn restore(&mut self, state: AttributeState, now: Now) -> DroppedMutations {
        let AttributeState { value, layout, revision, highest, acknowledged, commits, .. } = state;
        let has_sealed = commits.iter().any(|commit| commit.seal.is_some());
        let base = layout.or_else(|| (value.is_some() || has_sealed).then(unknown_layout));
        self.document = OptimisticDocument::new(value, None);
        if let Some(base) = base {
            self.confirmed.set(base, revision);
        }
        self.confirmed.raise_highest(highest.max(revision));
        if let Some(JournalledAcknowledgement { sequence, at_ns }) = acknowledged {
            self.confirmed.note_acknowledgement(sequence, Now { unix_ns: at_ns, ..now });
        }
        let max_size = self.config.max_commit_size;
        let unapplied = commits.into_iter().flat_map(|commit| split(commit, max_size, now)).collect();
        let dropped = self.reapply(unapplied, &mut Transform::identity(), now);
        for commit in self.pending.sealed_mut() {
            commit.form = Form::Restored;
        }
        self.return_to_journal();
        dropped
    }
}

/// A commit to reapply; several where it is too large for one.
fn split(JournalledCommit { seal, group, mutations }: JournalledCommit, max: ByteLen, now: Now) -> Vec<Unapplied> {
    let sealed = seal.map(|JournalledSeal { sequence, revision, at_ns }| Seal {
        sequence,
        delivery: Delivery::ReplyLost { first_sent: Now { unix_ns: at_ns, ..now } },
        has_lost_reply: true,
        revision,
    });
    let may_split = sealed.is_none() && group.is_none();
    let (mut commits, mut size) = (Vec::<Unapplied>::new(), ByteLen(0));
    let mut sealed = sealed;
    for (number, mutation) in mutations {
        if commits.is_empty() || (may_split && size > max) {
            size = ByteLen(0);
            let (sealed, mutations) = (sealed.take(), Vec::new());
            let group = group.as_ref().map(|group| GroupId(group.id));
            commits.push(Unapplied { first: number, last: number, group, sealed, mutations });
        }
        size += mutation.size() + mutation.values_size();
        if let Some(last) = commits.last_mut() {
            last.last = number;
            last.mutations.push(NumberedMutation { number, mutation, removed: 0 });
        }
    }
    commits
}
