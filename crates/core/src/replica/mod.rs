//! This process's copy of one attribute: the stored document plus pending mutations, applied optimistically.

mod follow;
mod group;
mod pending;
mod rebase;
mod tail;

use crate::command::{Commit, Delta, Probed, REMEMBER_SECONDS};
use crate::document::{Add, Base, Guard, Node};
use crate::error::{ErrorCode, SyncError};
use crate::ids::{Revision, Sequence};
use crate::merge::Transform;
use crate::mutation::{self, Json, Located, Mutation, Undo};
use crate::session::{Config, Now};
use crate::splice::{self, Edit, Plan};
use compact_str::CompactString;
use pending::{Lifted, OpenCommit, SealedCommit};
use rebase::Before;
use std::collections::VecDeque;
use std::sync::Arc;
use tail::Landed;

pub use follow::Followed;

/// Commits of one attribute that may be in flight at once: enough to keep the wire busy. What comes
/// faster gathers in the open commit.
const MAX_IN_FLIGHT: usize = 4;
/// The end of what is stored tells its revision, and how much room is left behind it.
const TELLING_BYTES: usize = 96;
/// Bytes of one attribute's commits that may be in flight at once, past the first commit.
const MAX_IN_FLIGHT_BYTES: usize = 1 << 20;

/// One attribute.
#[derive(Debug)]
pub struct Replica {
    key: String,
    config: Arc<Config>,
    /// The optimistic document: what is confirmed, and every pending mutation.
    value: Option<Node>,
    /// Why the stored bytes are not a document, until someone assigns.
    unreadable: Option<SyncError>,
    /// The same, where pending mutations replace them: it comes back should those be taken back.
    replaced: Option<SyncError>,
    /// What the server has, as far as it told us. None: never loaded.
    confirmed: Option<Base>,
    /// The revision of `confirmed`.
    revision: Option<Revision>,
    /// The highest revision seen or given out: the next is above it even where the clock stands still.
    highest: Option<Revision>,
    sealed: Vec<SealedCommit>,
    /// Not sent yet, in order. Only a group's, and what comes before and after one, are commits of their own.
    open: VecDeque<OpenCommit>,
    /// Groups of which a mutation was dropped.
    broken: Vec<u64>,
    /// What was appended to another list than the confirmed one.
    landed: Option<Landed>,
    /// When the server last said that it applied a commit of ours.
    remembered: Option<Now>,
    /// What became of increments, until somebody asks.
    sums: Vec<(u64, Sum)>,
}

/// What an increment made of its number; None where it was applied and nobody knows to what. Else why it was not.
pub type Sum = Result<Option<CompactString>, SyncError>;

/// What a rebase did.
#[derive(Debug)]
pub struct Rebased {
    /// How the optimistic document changed; None where it did not.
    pub change: Option<Change>,
    /// The confirmed revision went back, from the first to the second: the server lost something.
    pub regression: Option<(Revision, Revision)>,
    /// Mutations that had nothing left to change, and why.
    pub conflicts: Vec<(Mutation, SyncError)>,
}

/// A change of the optimistic document that this process did not make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The attribute has this value, and had none.
    Loaded(Json),
    /// These mutations lead from the old value to the new.
    Patched(Vec<Mutation>),
    /// The attribute is gone.
    Gone,
    /// What is stored is not a document.
    Unreadable(SyncError),
}

/// Getters.
impl Replica {
    /// A replica of which nothing is known yet, but for the highest revision that it may have had.
    pub fn new(key: String, config: Arc<Config>, highest: Option<Revision>) -> Self {
        Self {
            key,
            config,
            value: None,
            unreadable: None,
            replaced: None,
            confirmed: None,
            revision: None,
            highest,
            sealed: Vec::new(),
            open: VecDeque::new(),
            broken: Vec::new(),
            landed: None,
            remembered: None,
            sums: Vec::new(),
        }
    }

    /// The key on the server.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The optimistic document.
    pub fn value(&self) -> Option<&Node> {
        self.value.as_ref()
    }

    /// The confirmed revision.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Has the server told what it has?
    pub fn is_loaded(&self) -> bool {
        self.confirmed.is_some()
    }

    /// Is nothing there, and will whoever makes it anew `now` or later get a higher revision than it ever had? Nothing may be
    /// pending.
    pub fn is_forgettable(&self, now: Now) -> bool {
        self.confirmed == Some(Base::Absent)
            && self.value.is_none()
            && self.unreadable.is_none()
            && self.sums.is_empty()
            && self.highest < Some(Revision(now.unix_ns))
    }

    /// Is it known what the pending mutations were put on?
    pub fn is_in_step(&self) -> bool {
        self.is_loaded() && self.landed.is_none()
    }

    /// The number of the oldest mutation that is neither acknowledged nor given up.
    pub fn first_pending(&self) -> Option<u64> {
        self.sealed.first().map(|commit| commit.first).or(self.open.front().map(|open| open.first))
    }

    /// About how many bytes the pending mutations take.
    pub fn pending_bytes(&self) -> usize {
        let sealed = self.sealed.iter().flat_map(|commit| &commit.made);
        let open = self.open.iter().flat_map(|open| &open.made);
        sealed.chain(open).map(|made| made.mutation.bytes()).sum()
    }

    /// Are there commits that the server may have applied without our knowing?
    pub fn has_unanswered(&self) -> bool {
        self.sealed.iter().any(|commit| commit.maybe_applied.is_some())
    }

    /// Must some of them be sent again?
    pub fn must_send_again(&self) -> bool {
        self.sealed.iter().any(|commit| !commit.in_flight && commit.maybe_applied.is_some())
    }

    /// Is the answer to this commit still to come?
    pub fn is_in_flight(&self, sequence: Sequence) -> bool {
        self.sealed.iter().any(|commit| commit.command.sequence == sequence && commit.in_flight)
    }

    /// Is this the oldest pending commit? Only its answer tells what is stored.
    pub fn is_first(&self, sequence: Sequence) -> bool {
        self.sealed.first().is_some_and(|commit| commit.command.sequence == sequence)
    }

    /// The bytes that tell whether what is stored is still what was confirmed, or which revision took its place: how far
    /// before the end, and how many.
    pub fn telling_bytes(&self) -> (usize, usize) {
        match self.confirmed.as_ref().map(Base::guard) {
            Some(Guard::Text { len, at, tail }) if len - at > TELLING_BYTES => (len - at, tail.len().max(1)),
            _ => (TELLING_BYTES, TELLING_BYTES),
        }
    }

    /// Does a glance at the telling bytes say that nothing has changed since it was confirmed?
    pub fn is_current(&self, probed: &Probed) -> bool {
        match (self.confirmed.as_ref().map(Base::guard), probed) {
            (Some(Guard::Absent), Probed::Absent) => true,
            (Some(Guard::Text { len, at, tail }), Probed::Text { len: stored_len, bytes }) => {
                let start = if len - at > TELLING_BYTES { 0 } else { (bytes.len() + at).saturating_sub(len) };
                len == *stored_len && bytes[start..].starts_with(&tail)
            }
            _ => false,
        }
    }
}

/// Local mutations.
impl Replica {
    /// Nobody has told what the server has, and most likely it is nothing: the first commit finds out.
    pub fn assume_absent(&mut self) {
        self.confirmed = Some(Base::Absent);
    }

    /// Apply a local mutation, of a group or by itself. Gives the document's length in bytes afterwards.
    pub fn mutate(
        &mut self,
        number: u64,
        mutation: Mutation,
        max_bytes: usize,
        group: Option<u64>,
    ) -> Result<usize, SyncError> {
        let (located, len) = self.locate(&mutation, max_bytes)?;
        let (edit, undo) = self.apply(&mutation, located);
        if self.open.back().is_none_or(|open| open.group != group) {
            self.open.push_back(OpenCommit::new(number, group));
        }
        if let Some(open) = self.open.back_mut() {
            open.push(number, mutation, edit, undo);
        }
        Ok(len)
    }

    /// Where a mutation would change the document, and its length in bytes afterwards.
    pub fn locate(&self, mutation: &Mutation, max_bytes: usize) -> Result<(Located, usize), SyncError> {
        let replaces_all = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        if let Some(error) = self.unreadable.as_ref().filter(|_| !replaces_all) {
            return Err(error.clone());
        }
        locate(self.value.as_ref(), mutation, max_bytes, self.config.add)
    }

    fn apply(&mut self, mutation: &Mutation, located: Located) -> (Edit, Undo) {
        if self.unreadable.is_some() {
            self.replaced = self.unreadable.take();
        }
        mutation::apply(&mut self.value, mutation, located)
    }
}

/// Commits.
impl Replica {
    /// The next commit to send, if one can go now. `next_sequence` is asked only where mutations are
    /// sent for the first time.
    pub fn next_commit(&mut self, now: Now, next_sequence: impl FnOnce() -> Sequence) -> Option<Arc<Commit>> {
        let sizes = self.sealed.iter().filter(|commit| commit.in_flight).map(|commit| commit.command.plan.bytes());
        let (count, bytes) = sizes.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        if count >= MAX_IN_FLIGHT || (count > 0 && bytes >= MAX_IN_FLIGHT_BYTES) {
            return None;
        }
        if self.sealed.first().is_some_and(|commit| commit.group.is_some()) {
            // A group goes out by itself.
            return None;
        }
        let (can_build, can_append) = (self.is_in_step(), self.is_loaded());
        let index = if let Some(index) = self.sealed.iter().position(|commit| !commit.in_flight) {
            index
        } else {
            let may_go = |open: &&OpenCommit| open.group.is_none() && (can_build || (can_append && open.is_append()));
            self.open.front().filter(may_go)?;
            self.seal_next(next_sequence(), now);
            self.sealed.len() - 1
        };
        let commit = &mut self.sealed[index];
        if !(can_build || (can_append && commit.is_append()) || commit.maybe_applied.is_some()) {
            return None;
        }
        commit.in_flight = true;
        commit.maybe_applied.get_or_insert(now);
        Some(commit.command.clone())
    }

    /// Fix the next commit. It is planned on the document without what comes after it.
    fn seal_next(&mut self, sequence: Sequence, now: Now) {
        let later = if self.open.len() > 1 { self.lift_from(self.sealed.len() + 1) } else { Vec::new() };
        if let Some(open) = std::mem::take(&mut self.open).pop_front() {
            self.seal(sequence, open, now.unix_ns);
        }
        self.put_back(later, &mut Transform::unchanged(), now);
    }

    /// Fix a commit and plan its edit of what is stored once all commits before it have been applied.
    fn seal(&mut self, sequence: Sequence, open: OpenCommit, now_ns: u64) {
        let before = self.sealed.last();
        let base = before.map_or(self.confirmed.as_ref(), |commit| Some(&commit.result)).unwrap_or(&Base::Absent);
        let mut revision = Revision::after(self.highest, now_ns);
        // Others must not come to the same revision, be it from the same clock or, where a server lost the latest (a
        // fail-over, a restored backup), from the same old revision,
        revision.0 += self.config.writer.spread() % 1_000;
        // and what was there before may have gone on elsewhere, by a clock like this one.
        if *base == Base::Absent && self.highest.is_some() {
            revision.0 += self.config.writer.spread();
        }
        let (plan, result) = match (base, open.appended().filter(|_| open.group.is_none()), &self.value) {
            (Base::Canonical { .. }, Some(elements), Some(value)) => {
                let Guard::Text { len, .. } = base.guard() else { return };
                (Plan::Append(elements), splice::appended(value.text_len(), revision, len))
            }
            _ => splice::plan(base, &open.edits, self.value.as_ref(), revision),
        };
        let delta = self.config.announces.then(|| Delta {
            base: self.sealed.last().map_or(self.revision, SealedCommit::result_revision).unwrap_or(Revision(0)),
            // Where the document is stored again, they were not made on nothing.
            mutations: if *base == Base::Absent && !open.begins_whole() { String::new() } else { open.told() },
        });
        let command = Arc::new(Commit {
            delta,
            key: self.key.clone(),
            writer: self.config.writer.clone(),
            sequence,
            after: before.map(|commit| commit.command.sequence),
            guard: base.guard(),
            plan,
            revision,
            ttl_ms: self.config.ttl_ms,
        });
        self.highest = Some(revision);
        let OpenCommit { first, made, group, .. } = open;
        self.sealed.push(SealedCommit {
            first,
            made,
            group,
            command,
            result,
            in_flight: false,
            maybe_applied: None,
            rebased: false,
            unsure: false,
        });
    }

    /// The server has applied a commit, and so all before it. False where that commit is not pending.
    pub fn applied(&mut self, sequence: Sequence, now: Now) -> bool {
        if self.landed.is_some() {
            // Without knowing what it was applied to.
            return self.appended(sequence, None, now);
        }
        let Some(commit) = self.take_up_to(sequence, true) else { return false };
        self.remembered = Some(now);
        if self.confirmed.is_none() {
            return true;
        }
        self.revision = (commit.result != Base::Absent).then_some(commit.command.revision);
        self.confirmed = Some(commit.result);
        true
    }

    /// The same, but it was an earlier sending that the server applied, and nobody knows to what.
    pub fn applied_before(&mut self, sequence: Sequence, now: Now) -> bool {
        let is_it = |commit: &&SealedCommit| commit.command.sequence == sequence;
        match self.sealed.iter().find(is_it) {
            None => false,
            // Maybe on its own result, or a copy came late, after the server had refused it.
            Some(commit) if commit.rebased => {
                self.take_up_to(sequence, false);
                self.remembered = Some(now);
                self.forget_confirmed();
                true
            }
            Some(commit) if commit.is_append() => self.appended(sequence, None, now),
            Some(_) => self.applied(sequence, now),
        }
    }

    /// What is stored must be loaded.
    fn forget_confirmed(&mut self) {
        self.confirmed = None;
        self.landed = None;
    }

    /// Take out the commits up to this one, which are applied; `as_built`, to what they were built on last.
    fn take_up_to(&mut self, sequence: Sequence, as_built: bool) -> Option<SealedCommit> {
        let index = self.sealed.iter().position(|commit| commit.command.sequence == sequence)?;
        for commit in &self.sealed[..=index] {
            let is_known = as_built || !commit.unsure;
            self.sums.extend(commit.sums().map(|(number, sum)| (number, Ok(is_known.then(|| sum.clone())))));
        }
        self.replaced = None;
        // Most attributes rest most of the time: what took the commits is not kept.
        let later = self.sealed.split_off(index + 1);
        std::mem::replace(&mut self.sealed, later).pop()
    }

    /// What became of increments since this was asked last, by the numbers of their mutations.
    pub fn take_sums(&mut self) -> Vec<(u64, Sum)> {
        std::mem::take(&mut self.sums)
    }

    /// The first commit that was sent so long ago that the server may have forgotten whether it applied it.
    pub fn outlived(&self, now: Now) -> Option<Sequence> {
        let waiting = self.sealed.iter().filter(|commit| !commit.in_flight);
        let mut outlived = waiting.filter(|commit| commit.maybe_applied.is_some_and(|sent| !is_remembered(sent, now)));
        outlived.next().map(|commit| commit.command.sequence)
    }

    /// Must the server remember a sequence of this writer, unless it lost its data?
    pub fn must_be_remembered(&self, now: Now) -> bool {
        self.remembered.is_some_and(|at| is_remembered(at, now))
    }

    /// The server could not apply this commit, nor any that build on it: they have to be sent again.
    pub fn unsend(&mut self, sequence: Sequence) {
        for commit in self.sealed.iter_mut().skip_while(|commit| commit.command.sequence != sequence) {
            commit.in_flight = false;
            commit.maybe_applied = None;
        }
    }

    /// The connection is gone: everything has to be sent again.
    pub fn unsend_all(&mut self) {
        for commit in &mut self.sealed {
            commit.in_flight = false;
        }
    }

    /// Take back a commit that the server refused for good. Gives the number of its first mutation, and what
    /// that did to the document. None where that commit is not pending.
    pub fn reject(&mut self, sequence: Sequence, error: &SyncError, now: Now) -> Option<(u64, Rebased)> {
        let index = self.sealed.iter().position(|commit| commit.command.sequence == sequence)?;
        let (removed, rebased) = self.remove(index, now);
        let removed = removed?;
        self.refuse_sums(&removed.mutations, error);
        Some((removed.first, rebased))
    }

    fn refuse_sums(&mut self, mutations: &[(u64, Mutation)], error: &SyncError) {
        let increments = mutations.iter().filter(|(_, mutation)| matches!(mutation, Mutation::Increment { .. }));
        self.sums.extend(increments.map(|(number, _)| (*number, Err(error.clone()))));
    }

    /// Take back one pending commit, as if somebody had undone it. The index goes on from sealed to open ones.
    fn remove(&mut self, index: usize, now: Now) -> (Option<Lifted>, Rebased) {
        let before = Before { value: self.value.clone(), ..self.before() };
        let was_sealed = index < self.sealed.len();
        let later = self.lift_from(index + 1);
        let with_it = self.value.clone();
        let removed = self.lift_from(index).pop();
        // What has not been sent is built on nothing yet: those before it stay where they are.
        let earlier = if was_sealed { self.lift_from(0) } else { Vec::new() };
        // Back on: those before it as they were, those after it without it.
        let mut conflicts = self.put_back(earlier, &mut Transform::unchanged(), now);
        let without_it = self.value.clone();
        let mut transform = Transform::new(with_it.as_ref(), without_it.as_ref());
        conflicts.extend(self.put_back(later, &mut transform, now));
        if self.landed.is_some() {
            self.forget_confirmed();
        }
        if self.first_pending().is_none() && self.confirmed == Some(Base::Absent) {
            // Were it what the server lost, nobody would store it again.
            self.value = None;
        }
        (removed, self.rebased(&before, conflicts))
    }

    /// The attribute cannot be read any more. Gives the number of the first mutation that was pending.
    pub fn give_up(&mut self, error: SyncError) -> Option<u64> {
        let first = self.first_pending();
        for commit in self.lift_from(0) {
            self.refuse_sums(&commit.mutations, &error);
        }
        let sums = std::mem::take(&mut self.sums);
        *self = Self {
            unreadable: Some(error),
            sums,
            ..Self::new(std::mem::take(&mut self.key), Arc::clone(&self.config), self.highest)
        };
        first
    }
}

/// Where a mutation would change a document, and the document's length in bytes afterwards.
pub fn locate(
    value: Option<&Node>,
    mutation: &Mutation,
    max_bytes: usize,
    add: Add,
) -> Result<(Located, usize), SyncError> {
    let located = mutation::locate(value, mutation, add)?;
    let edit = &located.edit;
    let len = value.map_or(0, Node::text_len) - edit.remove + edit.insert.len();
    if len > max_bytes && edit.insert.len() > edit.remove {
        return Err(SyncError::new(
            ErrorCode::TooLarge,
            format!(
                "the document would have {len} bytes, more than maxDocumentBytes ({max_bytes}); \
                 raise it or split the document over several attributes"
            ),
        ));
    }
    Ok((located, len))
}

/// Is what the server learnt at one time still known to it? An hour is left for clocks that disagree.
fn is_remembered(since: Now, now: Now) -> bool {
    let by_monotonic = now.monotonic_ms.saturating_sub(since.monotonic_ms) / 1000;
    // Not all monotonic clocks count the time that a machine sleeps.
    let by_unix = now.unix_ns.saturating_sub(since.unix_ns) / 1_000_000_000;
    by_monotonic.max(by_unix) < u64::from(REMEMBER_SECONDS - 60 * 60)
}
