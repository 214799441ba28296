//! Pending mutations are taken off what is stored, and put on something else again.

use super::pending::{Lifted, OpenCommit, SealedCommit, lift};
use super::{Change, Rebased, Replica};
use crate::document::{self, Base, Content, Guard, Node, Stored};
use crate::error::{ErrorCode, SyncError};
use crate::ids::Revision;
use crate::merge::{self, Carried, Transform};
use crate::mutation::{Json, Mutation};
use crate::session::Now;

/// The optimistic document before something else than a local mutation happened to it.
pub(super) struct Before {
    pub(super) value: Option<Node>,
    pub(super) error: Option<SyncError>,
    pub(super) revision: Option<Revision>,
}

impl Replica {
    /// The server has this: carry the pending mutations over to it.
    pub fn rebase(&mut self, stored: &Stored, now: Now) -> Rebased {
        if *stored == Stored::Absent && self.confirmed == Some(Base::Absent) {
            // Also where pending commits are about to store it again; they may have been built on one that is gone.
            self.build_again(now);
            return Rebased { change: None, regression: None, conflicts: Vec::new() };
        }
        let (new, error, base, revision) = match document::read(stored) {
            Content::Absent => (None, None, Base::Absent, None),
            Content::Document { value, revision, base } => (Some(value), None, base, Some(revision)),
            Content::Unreadable { error, base } => (None, Some(error), base, None),
        };
        let pending = self.first_pending().is_some();
        let before = Before {
            value: if pending { self.value.clone() } else { None },
            error: self.unreadable.clone(),
            revision: std::mem::replace(&mut self.revision, revision),
        };
        let lifted = self.lift_from(0);
        self.unreadable = error;
        self.landed = None;
        let old = std::mem::replace(&mut self.value, new);
        self.confirmed = Some(base);
        self.highest = self.highest.max(revision);
        if !pending {
            return self.rebased(&Before { value: old, ..before }, Vec::new());
        }
        // What was made only because nothing was there yet is compared with what is there after all.
        let old = old.or_else(|| created(&lifted));
        let new = self.value.clone();
        let conflicts = self.put_back(lifted, &mut Transform::new(old.as_ref(), new.as_ref()), now);
        self.rebased(&before, conflicts)
    }

    /// Build the pending commits on the confirmed document again: the first of them on nothing else.
    pub fn build_again(&mut self, now: Now) {
        let lifted = self.lift_from(0);
        if let (Some(_), Some(Guard::Text { len, at, tail })) =
            (self.landed.take(), self.confirmed.as_ref().map(Base::guard))
        {
            // The value has more than that: should it be stored again after all, it has to be written anew as a whole.
            self.confirmed = Some(Base::Foreign { len, at, tail });
        }
        self.put_back(lifted, &mut Transform::unchanged(), now);
    }

    /// The server lost the document, and nobody deleted it: the pending commits store it again.
    pub fn recreate(&mut self, now: Now) -> Rebased {
        let before = Before { value: self.value.clone(), ..self.before() };
        let lifted = self.lift_from(0);
        self.confirmed = Some(Base::Absent);
        self.unreadable = None;
        self.landed = None;
        self.remembered = None;
        let conflicts = self.put_back(lifted, &mut Transform::unchanged(), now);
        if self.first_pending().is_none() {
            // They change nothing: nobody stores it again.
            self.forget_confirmed();
            return self.rebase(&Stored::Absent, now);
        }
        let regression = self.revision.take().map(|revision| (revision, Revision(0)));
        Rebased { regression, ..self.rebased(&before, conflicts) }
    }

    pub(super) fn before(&self) -> Before {
        Before { value: None, error: None, revision: self.revision }
    }

    /// Take pending mutations off the document, those of the commits from `index` on, sealed ones first.
    pub(super) fn lift_from(&mut self, index: usize) -> Vec<Lifted> {
        let mut lifted = Vec::new();
        while self.sealed.len() + self.open.len() > index
            && let Some(OpenCommit { first, made, group, .. }) = self.open.pop_back()
        {
            let mutations = lift(&mut self.value, made);
            lifted.push(Lifted { first, sequence: None, maybe_applied: None, group, mutations });
        }
        while self.sealed.len() > index
            && let Some(SealedCommit { first, made, command, maybe_applied, group, .. }) = self.sealed.pop()
        {
            let mutations = lift(&mut self.value, made);
            lifted.push(Lifted { first, sequence: Some(command.sequence), maybe_applied, group, mutations });
        }
        if index == 0 && self.replaced.is_some() {
            self.unreadable = self.replaced.take();
        }
        lifted.reverse();
        lifted
    }

    /// Put pending mutations on the document as it is now. Gives those that have nothing to change any more.
    pub(super) fn put_back(
        &mut self,
        lifted: Vec<Lifted>,
        transform: &mut Transform<'_>,
        now: Now,
    ) -> Vec<(Mutation, SyncError)> {
        let mut conflicts = Vec::new();
        for Lifted { first, sequence, maybe_applied, group, mutations } in lifted {
            let mut open = OpenCommit::new(first, group);
            let conflicts_before = conflicts.len();
            for (number, mutation) in mutations {
                match transform.carry(mutation) {
                    Carried::As(carried) => {
                        for mutation in carried {
                            self.make(number, mutation, &mut open, &mut conflicts);
                        }
                    }
                    Carried::Lost(mutation, why) => {
                        let why = || SyncError::new(ErrorCode::NotFound, why);
                        let why = self.unreadable.clone().unwrap_or_else(why);
                        self.drop_mutation(number, mutation, why, &mut conflicts);
                    }
                }
            }
            if conflicts.len() > conflicts_before {
                self.broken.extend(group);
            }
            if open.made.is_empty() {
                continue;
            }
            match sequence {
                Some(sequence) => {
                    self.seal(sequence, open, now.unix_ns);
                    if let Some(commit) = self.sealed.last_mut() {
                        commit.maybe_applied = maybe_applied;
                        commit.rebased = true;
                        commit.unsure = maybe_applied.is_some();
                    }
                }
                None => self.open.push_back(open),
            }
        }
        conflicts
    }

    fn make(
        &mut self,
        number: u64,
        mutation: Mutation,
        open: &mut OpenCommit,
        conflicts: &mut Vec<(Mutation, SyncError)>,
    ) {
        match self.locate(&mutation, usize::MAX) {
            // Somebody else was first: the key to take out is gone, what to create is there. (To delete what is no document
            // changes nothing either, but that there is such.)
            Ok((located, _)) if located.is_empty() && self.unreadable.is_none() => {}
            Ok((located, _)) => {
                let (edit, undo) = self.apply(&mutation, located);
                open.push(number, mutation, edit, undo);
            }
            Err(error) => self.drop_mutation(number, mutation, error, conflicts),
        }
    }

    fn drop_mutation(
        &mut self,
        number: u64,
        mutation: Mutation,
        why: SyncError,
        conflicts: &mut Vec<(Mutation, SyncError)>,
    ) {
        if matches!(mutation, Mutation::Increment { .. }) {
            self.sums.push((number, Err(why.clone())));
        }
        conflicts.push((mutation, why));
    }

    pub(super) fn rebased(&self, before: &Before, conflicts: Vec<(Mutation, SyncError)>) -> Rebased {
        let regression = before.revision.zip(self.revision).filter(|(before, now)| now < before);
        // Another revision of the same is told, too, and that there is none any more of what was deleted here.
        let is_same = || {
            let is_gone = self.value.is_none() && self.revision.is_none();
            let change = if is_gone { Change::Gone } else { Change::Patched(Vec::new()) };
            (before.revision != self.revision).then_some(change)
        };
        let change = self.change_since(before.value.as_ref(), before.error.as_ref()).or_else(is_same);
        Rebased { change, regression, conflicts }
    }

    /// What leads a host to the optimistic document that has something else.
    pub fn as_loaded(&self) -> Change {
        self.change_since(None, None).unwrap_or(Change::Gone)
    }

    pub(super) fn change_since(&self, old: Option<&Node>, old_error: Option<&SyncError>) -> Option<Change> {
        match (old, &self.value, &self.unreadable) {
            (_, None, Some(error)) => (old_error != Some(error)).then(|| Change::Unreadable(error.clone())),
            (None, None, None) => old_error.map(|_| Change::Gone),
            (Some(_), None, None) => Some(Change::Gone),
            (None, Some(new), _) => Some(Change::Loaded(Json(new.to_text().into()))),
            (Some(old), Some(new), _) => {
                let patch = merge::diff(Some(old), Some(new));
                (!patch.is_empty()).then_some(Change::Patched(patch))
            }
        }
    }
}

/// The value of an attribute that pending mutations begin by creating.
pub(super) fn created(lifted: &[Lifted]) -> Option<Node> {
    match lifted.first()?.mutations.first()? {
        (_, Mutation::Create { value }) => Node::parse(&value.0).ok(),
        _ => None,
    }
}
