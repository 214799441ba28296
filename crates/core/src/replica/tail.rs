//! A list that many append to: acknowledged without knowing what else is in it, and caught up with from its end.

use super::pending::{OpenCommit, SealedCommit, appended, appended_count};
use super::rebase::Before;
use super::{Change, Followed, Rebased, Replica};
use crate::command::Announcement;
use crate::document::{Base, HEAD, List, Node, tail};
use crate::ids::{Revision, Sequence};
use crate::merge::{self, Transform};
use crate::mutation::{JsonList, Mutation, Step};
use crate::session::Now;
use crate::wire;

/// How much of what a replica has must be found again before the end it knows.
const EVIDENCE: usize = 64;

const EMPTY_LIST: &str = "[]";

/// Elements that the server put at the end of a list that had changed. Behind those of the confirmed list they
/// are in this replica's too, though others may be between.
#[derive(Debug)]
pub(super) struct Landed {
    /// How many each commit has put there, and the revision that it made; None where that is not known.
    commits: Vec<(usize, Option<Revision>)>,
    /// Since when.
    since: Now,
}

impl Landed {
    fn count(&self) -> usize {
        self.commits.iter().map(|(count, _)| count).sum()
    }
}

impl Replica {
    /// The server has put the elements of an append, and of all before it, at the end of a list that is not the
    /// one it was built on. False where that commit is not pending.
    pub fn appended(&mut self, sequence: Sequence, revision: Option<Revision>, now: Now) -> bool {
        let Some(last) = self.sealed.iter().position(|commit| commit.command.sequence == sequence) else {
            return false;
        };
        let sums = self.sealed[..=last].iter().flat_map(SealedCommit::sums);
        self.sums.extend(sums.map(|(number, _)| (number, Ok(None))));
        let mut commits = Some(Vec::new());
        let later = self.sealed.split_off(last + 1);
        for commit in std::mem::replace(&mut self.sealed, later) {
            let revision = revision.filter(|_| commit.command.sequence == sequence);
            match (&mut commits, commit.appended()) {
                (Some(commits), Some(count)) => commits.push((count, revision)),
                _ => commits = None,
            }
        }
        self.remembered = Some(now);
        self.highest = self.highest.max(revision);
        match commits {
            _ if self.confirmed.is_none() => {}
            Some(commits) => {
                let landed = self.landed.get_or_insert(Landed { commits: Vec::new(), since: now });
                landed.commits.extend(commits);
            }
            // Something else was among them: what is stored must be loaded.
            None => self.forget_confirmed(),
        }
        true
    }

    /// Since when this replica has not known what its appends landed on.
    pub fn behind_since(&self) -> Option<Now> {
        self.landed.as_ref().map(|landed| landed.since)
    }

    /// Do the pending mutations only append to the list that is the whole value?
    pub fn only_appends(&self) -> bool {
        self.sealed.iter().all(SealedCommit::is_append) && self.open.iter().all(OpenCommit::is_append)
    }

    /// Where to read from to catch up with what was appended. None where the whole must be loaded.
    pub fn tail_at(&self) -> Option<usize> {
        let (Some(Base::Canonical { value_len, .. }), Some(Node::List(_))) = (&self.confirmed, &self.value) else {
            return None;
        };
        let bracket = HEAD.len() + value_len - 1;
        Some(bracket - bracket.min(EVIDENCE))
    }

    /// The server has these bytes from `at` on, which `tail_at` gave before, and the last run of appends goes from
    /// the first to the second revision. None where this does not say what was appended.
    pub fn catch_up(
        &mut self,
        at: usize,
        bytes: &[u8],
        appends: Option<(Revision, Revision)>,
        now: Now,
    ) -> Option<Rebased> {
        let Some(Base::Canonical { value_len, revision, .. }) = self.confirmed else { return None };
        let (_, newest) = appends.filter(|(oldest, newest)| (oldest..=newest).contains(&&revision))?;
        let (evidence, text) = bytes.split_at_checked((HEAD.len() + value_len - 1).checked_sub(at)?)?;
        let (elements, slack) = read_end(text, newest, value_len == EMPTY_LIST.len())?;

        // Only the end changes, but mutations of other kinds may name what is before it.
        let only_appends = self.only_appends();
        let unless_only = |value: &Option<Node>| value.as_ref().filter(|_| !only_appends).cloned();
        let before = Before { value: unless_only(&self.value), ..self.before() };
        let pending = if only_appends { self.pending_elements() } else { Vec::new() };
        let lifted = self.lift_from(0);
        let old = unless_only(&self.value);
        let count = self.landed.as_ref().map_or(0, Landed::count);
        let Some(Node::List(list)) = &mut self.value else { return None };
        let at = list.len().saturating_sub(count);
        let own = list.splice(at, list.len() - at, Vec::new());
        if last_bytes(list, evidence.len()).as_bytes() != evidence {
            // It is another list after all, and is loaded next.
            list.splice(at, 0, own);
            self.forget_confirmed();
            self.put_back(lifted, &mut Transform::unchanged(), now);
            return None;
        }
        list.splice(at, 0, elements.clone());
        self.landed = None;
        let value_len = self.value.as_ref().map_or(0, Node::text_len);
        self.confirmed = Some(Base::Canonical { value_len, revision: newest, slack });
        self.revision = Some(newest);
        self.highest = self.highest.max(self.revision);
        if only_appends {
            let conflicts = self.put_back(lifted, &mut Transform::unchanged(), now);
            let old_end = own.into_iter().chain(pending.iter().cloned()).collect();
            let new_end = elements.into_iter().chain(pending).collect();
            let patch = diff_of_ends(at, old_end, new_end);
            // Where it is all there, the revision is news.
            Some(Rebased { change: Some(Change::Patched(patch)), regression: None, conflicts })
        } else {
            let new = self.value.clone();
            let conflicts = self.put_back(lifted, &mut Transform::new(old.as_ref(), new.as_ref()), now);
            Some(self.rebased(&before, conflicts))
        }
    }

    /// Can what it landed on be taken in as it is told, also while appends are in flight? See `follow_behind`.
    pub fn can_follow_behind(&self) -> bool {
        self.landed.is_some() && self.only_appends() && self.open.iter().all(|open| open.group.is_none())
    }

    /// Are there appends of which it is not known where they are?
    pub fn may_have_landed(&self) -> bool {
        (self.landed.is_some() || self.has_unanswered()) && self.only_appends()
    }

    /// Is it the oldest commit that has landed that made this revision, as far as that is known?
    pub fn has_landed(&self, revision: Revision) -> bool {
        let oldest = self.landed.as_ref().and_then(|landed| landed.commits.first());
        oldest.is_some_and(|(_, made)| made.is_none_or(|made| made == revision))
    }

    /// The latest revision that is known to be above what is confirmed.
    pub fn landed_revision(&self) -> Option<Revision> {
        self.landed.as_ref()?.commits.iter().rev().find_map(|(_, revision)| *revision)
    }

    /// Take in the next commit above what is confirmed: somebody's appends come in before those of this replica that have
    /// landed, and its own are where they are already. Appends that are in flight stay behind all of them: they count
    /// from the end. Only where `can_follow_behind`.
    pub fn follow_behind(&mut self, told: &Announcement) -> Followed {
        if Some(told.base) != self.revision {
            return if self.has_heard(told) { Followed::Old } else { Followed::Gap };
        }
        let pending = self.pending_count();
        let (Some(Base::Canonical { value_len, .. }), Some(landed)) = (&self.confirmed, &mut self.landed) else {
            return Followed::Gap;
        };
        let Some(Node::List(list)) = &mut self.value else { return Followed::Gap };
        let Some(at) = list.len().checked_sub(landed.count() + pending) else { return Followed::Gap };
        let is_own = told.writer == self.config.writer;
        let (values, elements) = if is_own {
            let Some((count, _)) = landed.commits.first() else { return Followed::Gap };
            (None, (at..at + count).filter_map(|n| list.get(n)).map(Node::text_len).collect::<Vec<_>>())
        } else {
            let Ok(batch) = wire::decode_batch(&told.mutations) else { return Followed::Gap };
            let values = appended(batch.iter().map(|(_, mutation)| mutation)).filter(|values| values.count > 0);
            let Some(values) = values else { return Followed::Gap };
            let Ok(elements) = Node::parse_list(&values.text, 1) else { return Followed::Gap };
            let lengths = elements.iter().map(Node::text_len).collect();
            (Some((values, elements)), lengths)
        };
        // A comma before each, but before the first of all.
        let grown = elements.iter().map(|len| len + 1).sum::<usize>() - usize::from(at == 0 && !elements.is_empty());
        let value_len = value_len + grown;
        let text_len = HEAD.len() + value_len + tail(told.revision).len();
        let Some(slack) = told.len.checked_sub(text_len) else { return Followed::Gap };
        let mut patch = Vec::new();
        match values {
            None => drop(landed.commits.remove(0)),
            Some((values, elements)) => {
                list.splice(at, 0, elements);
                patch.push(Mutation::Splice { path: Vec::new(), index: at, remove: 0, values });
                for open in &mut self.open {
                    open.edits.shift(grown);
                }
            }
        }
        if landed.commits.is_empty() {
            self.landed = None;
        }
        self.confirmed = Some(Base::Canonical { value_len, revision: told.revision, slack });
        self.revision = Some(told.revision);
        self.highest = self.highest.max(self.revision);
        Followed::With(Rebased { change: Some(Change::Patched(patch)), regression: None, conflicts: Vec::new() })
    }

    /// How many elements pending mutations, all of them appends, have put at the end.
    fn pending_count(&self) -> usize {
        let sealed = self.sealed.iter().filter_map(SealedCommit::appended);
        let open = self.open.iter().filter_map(|open| appended_count(&open.made));
        sealed.sum::<usize>() + open.sum::<usize>()
    }

    /// The elements that pending mutations, all of them appends, have put at the end.
    fn pending_elements(&self) -> Vec<Node> {
        let count = self.pending_count();
        match &self.value {
            Some(Node::List(list)) => {
                let mut elements: Vec<Node> = list.iter().rev().take(count).cloned().collect();
                elements.reverse();
                elements
            }
            _ => Vec::new(),
        }
    }
}

/// The elements in what follows a list that was appended to, and the slack behind.
fn read_end(text: &[u8], revision: Revision, was_empty: bool) -> Option<(Vec<Node>, usize)> {
    let text = std::str::from_utf8(text).ok()?;
    let stored = text.trim_end_matches(' ');
    let elements = stored.strip_suffix(&tail(revision))?.strip_suffix(']')?;
    let elements = if was_empty || elements.is_empty() { elements } else { elements.strip_prefix(',')? };
    Some((Node::parse_list(elements, 1).ok()?, text.len() - stored.len()))
}

/// The last bytes of a list's text before its closing bracket; of an empty list, of all stored text before it.
fn last_bytes(list: &List, count: usize) -> String {
    let mut elements: Vec<String> = Vec::new();
    let mut len = 0;
    for element in list.iter().rev() {
        let text = element.to_text();
        len += text.len() + 1;
        elements.push(text);
        if len > count {
            break;
        }
    }
    elements.reverse();
    let text = format!("{HEAD}[{}", elements.join(","));
    // Where elements are left out, what they begin with does not reach back so far.
    let start = (0..=text.len().saturating_sub(count)).rev().find(|start| text.is_char_boundary(*start));
    text[start.unwrap_or(0)..].to_owned()
}

/// Mutations of a whole list that turn its end, from `at` on, into another.
fn diff_of_ends(at: usize, old: List, new: List) -> Vec<Mutation> {
    let (old_len, new_len) = (old.len(), new.len());
    let new = Node::List(Box::new(new));
    let mut patch = merge::diff(Some(&Node::List(Box::new(old))), Some(&new));
    for mutation in &mut patch {
        match mutation {
            Mutation::Splice { path, index, .. } | Mutation::Replace { path, index, .. } if path.is_empty() => {
                *index += at;
            }
            Mutation::Permute { path, .. } if path.is_empty() => {
                let text = new.to_text();
                let values = JsonList { text: text[1..text.len() - 1].into(), count: new_len };
                *mutation = Mutation::Splice { path: Vec::new(), index: at, remove: old_len, values };
            }
            other => {
                if let Some(Step::Index(index)) = other.path_mut().first_mut() {
                    *index += at;
                }
            }
        }
    }
    patch
}
