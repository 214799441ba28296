//! Takes in the deltas of other writers' commits, without reading documents again.

use super::Replica;
use super::applied_mutation::AppliedMutation;
use super::change::{Change, Rebased};
use super::pending::{Unapplied, appended_elements, created_value};
use crate::byte_len::ByteLen;
use crate::codec;
use crate::document::{self, Layout};
use crate::ids::{MutationNumber, Revision};
use crate::merge::{HostPatch, Transform};
use crate::mutation::Mutation;
use crate::protocol::Delta;
use crate::time::Now;

/// The result of taking in a delta.
#[derive(Debug)]
pub enum DeltaResult {
    /// The delta was applied.
    Applied(Rebased),
    /// The confirmed document includes the delta already.
    Known,
    /// Deltas are missing in between, or the delta cannot be applied: the stored document must be read.
    Gap,
}

/// Whether a delta does nothing but append to a list.
fn is_append(delta: &Delta) -> bool {
    let mutations = codec::decode_mutations(&delta.mutations);
    mutations.is_ok_and(|mutations| appended_elements(mutations.iter()).is_some())
}

impl Replica {
    /// Whether the confirmed document includes a delta already.
    pub fn includes(&self, delta: &Delta) -> bool {
        self.confirmed.includes(delta)
    }

    /// Whether the document that a delta creates may have been deleted since.
    pub fn may_be_undone_creation(&self, delta: &Delta) -> bool {
        self.confirmed.may_be_undone_creation(delta)
    }

    /// The document was read, and is absent: it was deleted after all creations until now.
    pub fn note_absence(&mut self, now: Now) {
        self.confirmed.raise_creation_floor(Revision(now.unix_ns));
    }

    /// A delta has come before the document is loaded.
    pub fn note_early_delta(&mut self, delta: &Delta) {
        self.confirmed.raise_creation_floor(delta.base.max(delta.revision));
    }

    /// Whether a delta can be applied now, if its mutations fit the document.
    pub fn can_apply(&self, delta: &Delta) -> bool {
        if self.can_apply_remote_append() {
            let is_next = Some(delta.base) == self.revision();
            return is_next && (delta.writer == self.config.writer || is_append(delta));
        }
        self.is_next(delta)
            && !self.may_be_undone_creation(delta)
            && delta.len <= document::max_stored_len(self.config.max_document_bytes)
            && codec::decode_mutations(&delta.mutations).is_ok()
    }

    /// Whether a delta is of another writer's commit to the confirmed document. One of an own commit shows that a copy of it has
    /// arrived late: the document is read, so that the commit is not taken for one of another writer.
    fn is_next(&self, delta: &Delta) -> bool {
        self.confirmed.precedes(delta) && delta.writer != self.config.writer
    }

    /// Take in the delta of another writer's commit. None of this replica's commits may be unanswered.
    pub fn apply_delta(&mut self, delta: &Delta, now: Now) -> DeltaResult {
        if !self.is_next(delta) {
            return if self.includes(delta) { DeltaResult::Known } else { DeltaResult::Gap };
        }
        if self.may_be_undone_creation(delta) {
            return DeltaResult::Gap;
        }
        if delta.len > document::max_stored_len(self.config.max_document_bytes) {
            return DeltaResult::Gap;
        }
        let Ok(mutations) = codec::decode_mutations(&delta.mutations) else { return DeltaResult::Gap };
        if self.pending.is_empty() && !mutations.iter().any(is_whole) {
            // Without pending mutations, those of the delta are the change.
            let Some(applied) = self.apply_confirmed(delta, mutations) else { return DeltaResult::Gap };
            let patch = applied.into_iter().map(AppliedMutation::into_patch).collect();
            return DeltaResult::Applied(Rebased { change: Some(Change::Patched(patch)), ..Rebased::default() });
        }
        if let Some(patch) = self.host_patch(&mutations) {
            return self.apply_independent(delta, mutations, patch, now);
        }

        let (before, revision_before) = (self.document.snapshot(), self.revision());
        let unapplied = self.unapply_from(0);
        let old = self.value().cloned().or_else(|| created_value(&unapplied));
        if self.apply_confirmed(delta, mutations).is_none() {
            self.reapply(unapplied, &mut Transform::identity(), now);
            return DeltaResult::Gap;
        }
        let new = self.value().cloned();
        let dropped = self.reapply(unapplied, &mut Transform::new(old.as_ref(), new.as_ref()), now);
        DeltaResult::Applied(self.rebased(&before, revision_before, dropped))
    }

    /// Take in the deltas of commits that followed each other, all at once: pending mutations are unapplied and reapplied once.
    /// Returns how many of them, from the first on, were applied, and the result. None where the replica has not changed:
    /// there is nothing pending, a pending mutation does not stay as it is, or the first delta cannot be applied.
    pub fn apply_deltas(&mut self, deltas: &[&Delta], now: Now) -> Option<(usize, Rebased)> {
        let first = deltas.first()?;
        if deltas.len() < 2 || self.pending.is_empty() || self.confirmed.is_absent() || !self.is_next(first) {
            return None;
        }
        let (mut decoded, mut base) = (Vec::new(), first.base);
        for delta in deltas {
            let is_next = delta.base == base && delta.writer != self.config.writer;
            if !is_next || delta.len > document::max_stored_len(self.config.max_document_bytes) {
                break;
            }
            let Ok(mutations) = codec::decode_mutations(&delta.mutations) else { break };
            base = delta.revision;
            decoded.push(mutations);
        }
        let patch = self.host_patch(&decoded.concat())?;
        let unapplied = self.unapply_from(0);
        let (count, mut applied) = (decoded.len(), 0);
        for (delta, mutations) in deltas.iter().zip(decoded) {
            if self.apply_confirmed(delta, mutations).is_none() {
                break;
            }
            applied += 1;
        }
        // A patch that is known is that of all deltas.
        let patch = Some(patch).filter(|patch| applied == count || matches!(patch, HostPatch::Compared(_)));
        let rebased = self.reapply_unchanged(unapplied, patch, now);
        (applied > 0).then_some((applied, rebased))
    }

    /// How a host gets over a delta over which all pending mutations stay as they are. None where one does not.
    fn host_patch(&self, delta: &[Mutation]) -> Option<HostPatch> {
        if self.pending.has_takes_of_nothing() {
            return None;
        }
        HostPatch::of(self.value(), delta, self.pending.mutations())
    }

    /// Reapply pending mutations that stay as they are.
    fn reapply_unchanged(&mut self, unapplied: Vec<Unapplied>, patch: Option<HostPatch>, now: Now) -> Rebased {
        let dropped = self.reapply(unapplied, &mut Transform::identity(), now);
        let patch = patch.filter(|_| dropped.conflicts.is_empty());
        let patch = patch.and_then(|patch| patch.into_mutations(self.value()));
        let change = patch.map_or_else(|| self.document.replacement(), Change::Patched);
        Rebased { change: Some(change), regression: None, dropped, writer: None, unrecorded: None }
    }

    /// Apply a delta over which all pending mutations stay as they are.
    fn apply_independent(
        &mut self,
        delta: &Delta,
        mutations: Vec<Mutation>,
        patch: HostPatch,
        now: Now,
    ) -> DeltaResult {
        let unapplied = self.unapply_from(0);
        let is_applied = self.apply_confirmed(delta, mutations).is_some();
        let patch = Some(patch).filter(|patch| is_applied || matches!(patch, HostPatch::Compared(_)));
        let rebased = self.reapply_unchanged(unapplied, patch, now);
        if is_applied { DeltaResult::Applied(rebased) } else { DeltaResult::Gap }
    }

    /// Apply a delta's mutations to the confirmed document. No pending mutations are applied. None where they do not make
    /// the document that the delta describes; then nothing is changed.
    fn apply_confirmed(&mut self, delta: &Delta, mutations: Vec<Mutation>) -> Option<Vec<AppliedMutation>> {
        if self.confirmed.is_absent() && self.value().is_some() {
            // The server has lost this value, and pending mutations store it again: the delta is not of a commit to it.
            return None;
        }
        let count = mutations.len();
        let mut applied = Vec::with_capacity(count);
        for mutation in mutations {
            let effect = self.document.effect_of(&mutation, ByteLen(usize::MAX), self.config.add);
            let Ok(effect) = effect else { break };
            let undo = self.document.apply(&mutation, effect.values);
            applied.push(AppliedMutation { number: MutationNumber::default(), mutation, undo });
        }
        let Some(layout) = self.layout_after(delta).filter(|_| applied.len() == count) else {
            self.document.unapply(applied);
            self.document.restore_unreadable();
            return None;
        };
        let revision = (layout != Layout::Absent).then_some(delta.revision);
        self.confirmed.set(layout, revision);
        self.document.confirm_replacement();
        self.note_base_change(applied.iter().map(|applied| &applied.mutation));
        Some(applied)
    }

    /// The layout of what is stored after a commit that made the present value. None where the delta does not describe that
    /// value.
    fn layout_after(&self, delta: &Delta) -> Option<Layout> {
        match self.value() {
            None => (delta.revision == Revision::NONE).then_some(Layout::Absent),
            Some(value) => Layout::canonical(value.text_len(), delta.revision, delta.len),
        }
    }
}

fn is_whole(mutation: &Mutation) -> bool {
    matches!(mutation, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::WriterId;
    use crate::replica::test_support::{at, loaded, mutate, text};

    const STORED: &str = "{\"value\":[1],\"last_modified\":5}";

    /// A delta that makes a document of `value_len` bytes, stored without slack.
    fn delta(base: u64, revision: u64, value_len: usize, mutations: &str) -> Delta {
        Delta {
            key: "memory:x".into(),
            writer: WriterId("other".into()),
            base: Revision(base),
            revision: Revision(revision),
            len: crate::document::canonical_len(ByteLen(value_len), Revision(revision)),
            mutations: mutations.into(),
        }
    }

    #[test]
    fn the_mutations_of_a_delta_are_the_change_where_nothing_is_pending() {
        let mut replica = loaded(STORED);
        let result = replica.apply_delta(&delta(5, 6, 5, r#"[["append","",[],[2]]]"#), at(1));
        let DeltaResult::Applied(Rebased { change: Some(Change::Patched(patch)), .. }) = result else {
            panic!("{result:?}")
        };
        assert!(matches!(patch.as_slice(), [Mutation::Append { .. }]));
        assert_eq!((text(&replica).as_str(), replica.revision()), ("[1,2]", Some(Revision(6))));
    }

    #[test]
    fn pending_mutations_are_transformed_over_a_delta() {
        let mut replica = loaded(STORED);
        mutate(&mut replica, 1, r#"[["replace","x",[],0,7]]"#);
        let result = replica.apply_delta(&delta(5, 6, 5, r#"[["splice","",[],0,0,[0]]]"#), at(1));
        assert!(matches!(result, DeltaResult::Applied(_)));
        assert_eq!(text(&replica), "[0,7]");
    }

    #[test]
    fn deltas_that_follow_each_other_are_one_change() {
        let delta = |base: u64, value: &str, mutations: &str| delta(base, base + 1, value.len(), mutations);
        let deltas = [
            delta(5, r#"{"k":1,"a":1}"#, r#"[["set","",[],"a",1]]"#),
            delta(6, r#"{"k":1,"a":1,"b":1}"#, r#"[["set","",[],"b",1]]"#),
            delta(7, r#"{"k":1,"b":1}"#, r#"[["unset","",[],"a"]]"#),
            delta(8, r#"{"k":1}"#, r#"[["set","",[],"c",1]]"#),
        ];
        let mut replica = loaded(r#"{"value":{"k":1},"last_modified":5}"#);
        mutate(&mut replica, 1, r#"[["set","x",[],"own",1]]"#);
        let (count, rebased) = replica.apply_deltas(&deltas.each_ref(), at(1)).unwrap();
        assert_eq!(count, 3, "the last one does not describe the document that it makes");
        let Some(Change::Patched(patch)) = rebased.change else { panic!("{rebased:?}") };
        assert_eq!(patch.len(), 3, "{patch:?}");
        assert_eq!((text(&replica).as_str(), replica.revision()), (r#"{"k":1,"b":1,"own":1}"#, Some(Revision(8))));
        assert!(replica.apply_deltas(&[&deltas[0], &deltas[1]], at(1)).is_none(), "they are known");
    }

    #[test]
    fn a_delta_that_does_not_lead_on_changes_nothing() {
        let mut replica = loaded(STORED);
        mutate(&mut replica, 1, r#"[["append","x",[],[7]]]"#);
        for (delta, is_known) in [
            (delta(4, 5, 5, r#"[["append","",[],[2]]]"#), true),
            (delta(6, 7, 5, r#"[["append","",[],[2]]]"#), false),
            (delta(5, 6, 4, r#"[["append","",[],[2]]]"#), false),
            (delta(5, 6, 5, r#"[["append","",[],[2]],["append","",[9],[2]]]"#), false),
            (delta(5, 6, 5, "no mutations"), false),
        ] {
            let result = replica.apply_delta(&delta, at(1));
            assert_eq!(matches!(result, DeltaResult::Known), is_known, "{delta:?}");
            assert_eq!((text(&replica).as_str(), replica.revision()), ("[1,7]", Some(Revision(5))), "{delta:?}");
        }
    }

    #[test]
    fn the_delta_of_an_old_creation_does_not_bring_a_deleted_document_back() {
        let mut replica = loaded(STORED);
        replica.rebase(&crate::document::Stored::Absent, at(1));
        let creation = |revision| delta(0, revision, 3, r#"[["assign","",[1]]]"#);
        assert!(matches!(replica.apply_delta(&creation(5), at(1)), DeltaResult::Gap));
        assert!(matches!(replica.apply_delta(&creation(6), at(1)), DeltaResult::Applied(_)));
    }
}
