//! Builds commits of pending mutations: seals the next one, and unapplies and reapplies all of them.

use super::Replica;
use super::applied_mutation::NumberedMutation;
use super::change::{Conflict, DroppedMutations, Moot};
use super::pending::{OpenCommit, Seal, SealedCommit, Unapplied};
use crate::byte_len::ByteLen;
use crate::config::TransportLifetime;
use crate::document::{Guard, Layout};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{MutationNumber, Revision, Sequence};
use crate::merge::{Transform, Transformed};
use crate::mutation::{Effect, JsonList, Mutation, removed_count};
use crate::protocol::{Announcement, Commit, ContentionTerms, EvictionPolicy, names_key};
use crate::splice::{self, Plan, PlannedChange};
use crate::time::Now;

impl Replica {
    /// Seal the first open commit. Unless its change is one of edits, there are no mutations of later commits in the document
    /// while it is planned.
    pub(super) fn seal_next(&mut self, sequence: Sequence, now: Now) {
        let next = self.pending.sealed().len();
        let has_later = self.pending.open().len() > 1;
        if has_later && self.can_seal_below_others() {
            if let Some(open) = self.pending.take_open() {
                self.seal(sequence, open, None, now);
            }
            return;
        }
        let later = if has_later { self.pending.unapply_from(next + 1, &mut self.document) } else { Vec::new() };
        if let Some(open) = self.pending.take_open() {
            self.seal(sequence, open, None, now);
        }
        self.reapply(later, &mut Transform::identity(), now);
    }

    /// Whether the change of the first open commit can be planned without the value that it makes.
    fn can_seal_below_others(&self) -> bool {
        let is_canonical = matches!(self.layout_before_open(), Layout::Canonical { .. });
        let first = self.pending.open().front();
        is_canonical && first.is_some_and(|open| open.value_len.is_some() && open.edits.edits().is_some())
    }

    /// The layout of what is stored once all sealed commits have been applied.
    fn layout_before_open(&self) -> &Layout {
        let last = self.pending.sealed().last();
        last.map_or(self.confirmed.layout(), |commit| Some(&commit.layout)).unwrap_or(&Layout::Absent)
    }

    /// Unapply the pending commits from `index` on, which counts sealed ones, then open ones.
    pub(super) fn unapply_from(&mut self, index: usize) -> Vec<Unapplied> {
        self.open_journal_gap();
        self.pending.unapply_from(index, &mut self.document)
    }

    /// Apply pending mutations to the document as it is now. Returns the mutations that have nothing to change any more.
    pub(super) fn reapply(
        &mut self,
        unapplied: Vec<Unapplied>,
        transform: &mut Transform<'_>,
        now: Now,
    ) -> DroppedMutations {
        let mut dropped = DroppedMutations::default();
        for Unapplied { first, last, group, sealed, mutations } in unapplied {
            let mut open = OpenCommit::new(first, group);
            open.last = last;
            let conflicts_before = dropped.conflicts.len();
            for numbered in mutations {
                self.reapply_one(numbered, transform, &mut open, &mut dropped);
            }
            if dropped.conflicts.len() > conflicts_before {
                dropped.groups.extend(group);
            }
            if open.mutations.is_empty() {
                continue;
            }
            open.value_len = Some(self.document.text_len());
            match sealed {
                Some(Seal { sequence, delivery, has_lost_reply, revision }) => {
                    self.seal(sequence, open, revision, now);
                    let must_have_dedup_key = self.must_have_dedup_key(now);
                    if let Some(commit) = self.pending.sealed_mut().last_mut() {
                        commit.note_rebuilt(delivery, has_lost_reply);
                        if commit.has_lost_reply && commit.command.after.is_none() && must_have_dedup_key {
                            // The document that it is built on now may have what an earlier form has changed.
                            commit.require_dedup_key();
                        }
                    }
                }
                None => self.pending.push_open(open),
            }
        }
        dropped
    }

    fn reapply_one(
        &mut self,
        NumberedMutation { number, mutation, removed }: NumberedMutation,
        transform: &mut Transform<'_>,
        open: &mut OpenCommit,
        dropped: &mut DroppedMutations,
    ) {
        let removal = (removed > 0).then(|| without_values(&mutation));
        let conflicts_before = dropped.conflicts.len();
        let mut removed_now = 0;
        match transform.transform(mutation) {
            Transformed::Mutations(mutations) => {
                self.journal_gap.is_reduced |= mutations.is_empty();
                for mutation in mutations {
                    removed_now += self.reapply_transformed(number, mutation, open, dropped);
                }
            }
            Transformed::NothingToTake => {
                self.journal_gap.is_reduced = true;
                self.mutation_results.complete_with_nothing(number);
            }
            Transformed::Dropped { mutation, reason } => {
                let error = self.document.read_error().cloned();
                let error = error.unwrap_or_else(|| SyncError::new(ErrorCode::NotFound, reason));
                self.drop_mutation(number, mutation, error, dropped);
            }
        }
        if let Some(removal) = removal
            && removed_now < removed
            && dropped.conflicts.len() == conflicts_before
        {
            dropped.moots.push(Moot::new(removal, removed, removed - removed_now));
        }
    }

    /// Returns the number of values that the mutation has removed.
    fn reapply_transformed(
        &mut self,
        number: MutationNumber,
        mutation: Mutation,
        open: &mut OpenCommit,
        dropped: &mut DroppedMutations,
    ) -> usize {
        match self.document.effect_of(&mutation, ByteLen(usize::MAX), self.config.add) {
            // Another writer did the same: the key to remove is gone, the value to create is there. (A deletion of
            // unreadable bytes has no effect on a value either.)
            Ok(effect) if effect.is_empty() && self.document.read_error().is_none() => {
                self.journal_gap.is_reduced = true;
                if matches!(mutation, Mutation::Take { .. }) {
                    self.mutation_results.complete_with_nothing(number);
                }
                0
            }
            Ok(Effect { edit, values }) => {
                let undo = self.document.apply(&mutation, values);
                let removed = removed_count(&mutation, &undo);
                open.push(number, mutation, edit, undo);
                removed
            }
            Err(error) => {
                self.drop_mutation(number, mutation, error, dropped);
                0
            }
        }
    }

    fn drop_mutation(
        &mut self,
        number: MutationNumber,
        mutation: Mutation,
        error: SyncError,
        dropped: &mut DroppedMutations,
    ) {
        self.journal_gap.is_reduced = true;
        self.mutation_results.fail(number, &mutation, &error);
        dropped.conflicts.push(Conflict { mutation, error });
    }

    /// Seal a commit: plan its change of what is stored once all sealed commits have been applied. Its mutations are the last
    /// that are applied, or it [can be sealed](Self::can_seal_below_others) without that. `revision` is the one that it makes,
    /// where that is fixed and above those before it.
    fn seal(&mut self, sequence: Sequence, open: OpenCommit, revision: Option<Revision>, now: Now) {
        let previous = self.pending.sealed().last();
        let base = self.layout_before_open();
        let base_revision = previous.map_or(self.confirmed.revision(), SealedCommit::resulting_revision);
        // A commit before it may have been planned anew since its revision was fixed.
        let before = previous.map_or(self.confirmed.revision(), |commit| Some(commit.command.revision));
        let revision = revision
            .filter(|revision| Some(*revision) > before)
            .unwrap_or_else(|| self.confirmed.next_revision(base, &self.config.writer, now.unix_ns));
        let guard = base.guard();
        let has_dedup_key = previous.is_some() || self.must_have_dedup_key(now);
        // A copy that arrives late is appended again where it needs no guard and the dedup key is gone.
        let may_append_unguarded = has_dedup_key
            || self.eviction_policy == Some(EvictionPolicy::NoEviction)
            || self.config.transport_lifetime == TransportLifetime::Request;
        let elements = open.appended_elements().filter(|_| open.group.is_none() && may_append_unguarded);
        let has_later = !self.pending.open().is_empty();
        let value_len = open.value_len.filter(|_| has_later).unwrap_or(self.document.text_len());
        let PlannedChange { plan, layout } = match (base, &guard, elements) {
            (Layout::Canonical { .. }, Guard::Text { len, .. }, Some(elements)) if self.value().is_some() => {
                splice::plan_append(elements.text.into(), *len, value_len, revision)
            }
            _ => {
                let edits =
                    if has_later { splice::plan_edits(base, &open.edits, None, value_len, revision) } else { None };
                edits.unwrap_or_else(|| splice::plan(base, &open.edits, self.value(), revision))
            }
        };
        let announcement = self.config.publishes_deltas.then(|| Announcement {
            base: base_revision.unwrap_or(Revision::NONE),
            // Mutations that were made on another document do not lead from none to this one.
            mutations: if *base == Layout::Absent && !open.begins_whole() {
                String::new()
            } else {
                open.announced_mutations()
            },
        });
        let is_noted = (*base == Layout::Absent) != (plan == Plan::Delete) && self.config.notes_names;
        let names_key = is_noted.then(|| names_key(&self.config.prefix));
        let command = Commit {
            key: self.key.clone(),
            writer: self.config.writer.clone(),
            sequence,
            after: previous.map(|commit| commit.command.sequence),
            needs_dedup_key: previous.is_none() && has_dedup_key && matches!(plan, Plan::Append(_)),
            dedup_key_seconds: self.config.dedup_key_seconds,
            guard,
            plan,
            revision,
            ttl_ms: self.config.ttl_ms,
            names_key,
            announcement,
            max_entries: self.config.max_entries(&self.key),
            terms: ContentionTerms::default(),
        };
        self.confirmed.raise_highest(Some(revision));
        self.pending.push_sealed(SealedCommit::new(open, command, layout));
    }
}

fn without_values(mutation: &Mutation) -> Mutation {
    match mutation {
        Mutation::Splice { path, index, remove, .. } => {
            Mutation::Splice { path: path.clone(), index: *index, remove: *remove, values: JsonList::default() }
        }
        other => other.clone(),
    }
}
