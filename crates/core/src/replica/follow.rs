//! What others' commits did, taken in without reading the document again.

use super::pending::{Made, lift};
use super::rebase::{Before, created};
use super::{Change, Rebased, Replica};
use crate::command::Announcement;
use crate::document::{Base, HEAD, Node, tail};
use crate::ids::Revision;
use crate::merge::Transform;
use crate::mutation::Mutation;
use crate::session::Now;
use crate::wire;

/// What an announcement is to a replica.
pub enum Followed {
    /// It brought this.
    With(Rebased),
    /// It is known already.
    Old,
    /// Something is missing in between, or it cannot be followed: what is stored must be read.
    Gap,
}

impl Replica {
    /// Take in what somebody else committed. Nothing of this replica's own may be in flight.
    pub fn follow(&mut self, told: &Announcement, now: Now) -> Followed {
        let known = self.revision.unwrap_or(Revision(0));
        let is_nothing = self.confirmed == Some(Base::Absent);
        if told.base != known || (known == Revision(0)) != is_nothing {
            return if self.has_heard(told) { Followed::Old } else { Followed::Gap };
        }
        if is_nothing && Some(told.revision) <= self.highest {
            // It may be what was deleted since.
            return Followed::Gap;
        }
        let Ok(batch) = wire::decode_batch(&told.mutations) else { return Followed::Gap };
        let count = batch.len();

        // Where nothing is pending, and no whole value changes, the mutations are the change.
        let is_whole = |mutation: &Mutation| {
            matches!(mutation, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete)
        };
        let is_patch = self.first_pending().is_none() && !batch.iter().any(|(_, mutation)| is_whole(mutation));
        let copy = |value: &Option<Node>| value.as_ref().filter(|_| !is_patch).cloned();
        let before = Before { value: copy(&self.value), error: self.unreadable.clone(), ..self.before() };
        let lifted = self.lift_from(0);
        let error = self.unreadable.clone();
        if is_nothing && self.value.is_some() {
            // What the server lost, about to be stored again: nobody else made that.
            self.put_back(lifted, &mut Transform::unchanged(), now);
            return Followed::Gap;
        }
        let old = copy(&self.value).or_else(|| created(&lifted));
        let mut made = Vec::with_capacity(batch.len());
        for (_, mutation) in batch {
            let Ok((_, undo)) = self.locate(&mutation, usize::MAX).map(|(located, _)| self.apply(&mutation, located))
            else {
                break;
            };
            made.push(Made { number: 0, mutation, undo });
        }
        let Some(base) = self.base_after(told).filter(|_| made.len() == count) else {
            lift(&mut self.value, made);
            self.unreadable = error;
            self.put_back(lifted, &mut Transform::unchanged(), now);
            return Followed::Gap;
        };
        self.revision = (base != Base::Absent).then_some(told.revision);
        self.highest = self.highest.max(self.revision);
        self.confirmed = Some(base);
        self.replaced = None;
        if is_patch {
            let patch = made.into_iter().map(Made::into_patch).collect();
            return Followed::With(Rebased {
                change: Some(Change::Patched(patch)),
                regression: None,
                conflicts: Vec::new(),
            });
        }
        let new = self.value.clone();
        let conflicts = self.put_back(lifted, &mut Transform::new(old.as_ref(), new.as_ref()), now);
        Followed::With(self.rebased(&before, conflicts))
    }

    /// Was it known before it was told?
    pub fn has_heard(&self, told: &Announcement) -> bool {
        let known = self.revision.unwrap_or(Revision(0));
        told.base < known && told.revision <= known
    }

    /// What is stored after a commit that made this value. None where it cannot be that value.
    fn base_after(&self, told: &Announcement) -> Option<Base> {
        let Some(value) = &self.value else { return (told.revision == Revision(0)).then_some(Base::Absent) };
        let value_len = value.text_len();
        let slack = told.len.checked_sub(HEAD.len() + value_len + tail(told.revision).len())?;
        Some(Base::Canonical { value_len, revision: told.revision, slack })
    }
}
