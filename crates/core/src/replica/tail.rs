//! A list that many append to: acknowledged without knowing what else is in it, and caught up with from its end.

use super::pending::{OpenCommit, SealedCommit};
use super::{Before, Change, Rebased, Replica};
use crate::document::{Base, HEAD, List, Node, tail};
use crate::ids::{Revision, Sequence};
use crate::merge::{self, Transform};
use crate::mutation::{JsonList, Mutation, Step};
use crate::session::Now;

/// How much of what a replica has must be found again before the end it knows.
const EVIDENCE: usize = 64;

const EMPTY_LIST: &str = "[]";

/// Elements that the server put at the end of a list that had changed. Behind those of the confirmed list they
/// are in this replica's too, though others may be between.
#[derive(Debug)]
pub(super) struct Landed {
    /// How many.
    count: usize,
    /// Since when.
    since: Now,
}

impl Replica {
    /// The server has put the elements of an append, and of all before it, at the end of a list that is not the
    /// one it was built on. False where that commit is not pending.
    pub fn appended(&mut self, sequence: Sequence, revision: Option<Revision>, now: Now) -> bool {
        let Some(last) = self.sealed.iter().position(|commit| commit.command.sequence == sequence) else {
            return false;
        };
        let count = |mutation: &Mutation| match mutation {
            Mutation::Append { path, values } if path.is_empty() => Some(values.count),
            _ => None,
        };
        let sums = self.sealed.range(..=last).flat_map(SealedCommit::sums);
        self.sums.extend(sums.map(|(number, _)| (number, Ok(None))));
        let done = self.sealed.drain(..=last).flat_map(|commit| commit.made);
        let counts: Option<Vec<usize>> = done.map(|made| count(&made.mutation)).collect();
        self.remembered = Some(now);
        self.highest = self.highest.max(revision);
        match counts {
            _ if self.confirmed.is_none() => {}
            Some(counts) => {
                let landed = self.landed.get_or_insert(Landed { count: 0, since: now });
                landed.count += counts.iter().sum::<usize>();
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
        let count = self.landed.as_ref().map_or(0, |landed| landed.count);
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
            let change = (!patch.is_empty()).then_some(Change::Patched(patch));
            Some(Rebased { change, regression: None, conflicts })
        } else {
            let new = self.value.clone();
            let conflicts = self.put_back(lifted, &mut Transform::new(old.as_ref(), new.as_ref()), now);
            Some(self.rebased(&before, conflicts))
        }
    }

    /// The elements that pending mutations, all of them appends, have put at the end.
    fn pending_elements(&self) -> Vec<Node> {
        let sealed = self.sealed.iter().flat_map(|commit| &commit.made);
        let open = self.open.iter().flat_map(|open| &open.made);
        let count = sealed.chain(open).map(|made| match &made.mutation {
            Mutation::Append { values, .. } => values.count,
            _ => 0,
        });
        let count: usize = count.sum();
        match &self.value {
            Some(Node::List(list)) => (list.len() - count..list.len()).filter_map(|n| list.get(n).cloned()).collect(),
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
