//! Mutations that have not been sent.

use crate::byte_len::ByteLen;
use crate::codec;
use crate::ids::{GroupId, MutationNumber};
use crate::mutation::{JsonList, Mutation, Undo};
use crate::replica::applied_mutation::{AppliedMutation, unapply};
use crate::splice::{Edit, EditSet};
use std::borrow::Cow;

/// Mutations that take more memory than this are not announced with a commit: most replicas that hear of the commit do not
/// want them yet.
const MAX_ANNOUNCED_SIZE: ByteLen = ByteLen(16 * 1024);

/// The number of mutations that are searched, from the last one back, for one that a new mutation can replace.
const COALESCE_OVER: usize = 16;

/// A commit that takes up new mutations.
#[derive(Debug)]
pub(in crate::replica) struct OpenCommit {
    /// The number of the first mutation that was added, which a later one may have made irrelevant.
    pub(in crate::replica) first: MutationNumber,
    /// The number of the last mutation that was added.
    pub(in crate::replica) last: MutationNumber,
    /// In the order in which they are applied.
    pub(in crate::replica) mutations: Vec<AppliedMutation>,
    /// Their edits of the value's text, composed.
    pub(in crate::replica) edits: EditSet,
    /// The length of the value's text after the commit. Set once another commit is opened behind it.
    pub(in crate::replica) value_len: Option<ByteLen>,
    /// About the memory that the mutations take, with what is kept to undo them.
    size: ByteLen,
    /// The number of elements that the mutations append to the list that is the whole value. None where they do anything
    /// else.
    appended: Option<usize>,
    /// The group that the mutations belong to.
    pub(in crate::replica) group: Option<GroupId>,
}

impl OpenCommit {
    pub(in crate::replica) fn new(first: MutationNumber, group: Option<GroupId>) -> Self {
        Self {
            first,
            last: first,
            mutations: Vec::new(),
            edits: EditSet::new(),
            value_len: None,
            size: ByteLen(0),
            appended: Some(0),
            group,
        }
    }

    /// About the memory that the commit takes.
    pub(in crate::replica) fn size(&self) -> ByteLen {
        self.size + self.edits.text_len()
    }

    /// Whether further mutations are for another commit, so that no command grows without bound.
    pub(in crate::replica) fn is_full(&self, max_size: ByteLen) -> bool {
        self.size > max_size && self.group.is_none() && self.edits.edits().is_some()
    }

    /// Add a mutation that has just been applied.
    pub(in crate::replica) fn push(&mut self, number: MutationNumber, mutation: Mutation, edit: Edit, undo: Undo) {
        self.last = self.last.max(number);
        let is_whole = matches!(mutation, Mutation::Assign { .. } | Mutation::Delete);
        if is_whole && !self.mutations.iter().any(|applied| applied.mutation.has_result()) {
            // A new whole value makes the earlier mutations irrelevant, but for results that a caller awaits.
            let mut before = match undo {
                Undo::Whole(before) => before,
                _ => None,
            };
            unapply(&mut before, std::mem::take(&mut self.mutations));
            let applied = AppliedMutation { number, mutation, undo: Undo::Whole(before) };
            (self.size, self.appended) = (applied.size(), None);
            self.mutations.push(applied);
            self.edits = EditSet::rewrite();
            return;
        }
        if is_whole {
            self.edits = EditSet::rewrite();
        } else {
            self.edits.push(edit);
        }
        self.appended = appended_by(&mutation).and_then(|count| Some(self.appended? + count));
        let size = mutation.size() + mutation.values_size();
        if let Some(before) = self.replaced_by(&mutation) {
            let replaced = std::mem::replace(before, mutation);
            self.size = self.size + size - (replaced.size() + replaced.values_size());
        } else {
            let applied = AppliedMutation { number, mutation, undo };
            self.size += applied.size();
            self.mutations.push(applied);
        }
    }

    /// The mutation that a new one replaces: it sets the same key or element, and the mutations since then set others of
    /// the same container.
    fn replaced_by(&mut self, new: &Mutation) -> Option<&mut Mutation> {
        let recent = self.mutations.iter_mut().rev().take(COALESCE_OVER).map(|applied| &mut applied.mutation);
        for before in recent {
            let is_same = match (&*before, new) {
                (Mutation::Set { path, key, .. }, Mutation::Set { path: new_path, key: new_key, .. })
                    if path == new_path =>
                {
                    key == new_key
                }
                (Mutation::Replace { path, index, .. }, Mutation::Replace { path: new_path, index: new_index, .. })
                    if path == new_path =>
                {
                    index == new_index
                }
                _ => return None,
            };
            if is_same {
                return Some(before);
            }
        }
        None
    }

    /// The elements that the commit appends to the list that is the whole value. None where it does anything else.
    pub(in crate::replica) fn appended_elements(&self) -> Option<JsonList> {
        appended_elements(self.mutations.iter().map(|applied| &applied.mutation))
    }

    /// The number of those elements.
    pub(in crate::replica) fn appended_count(&self) -> Option<usize> {
        self.appended
    }

    /// Whether the commit only appends to the list that is the whole value.
    pub(in crate::replica) fn is_append(&self) -> bool {
        self.appended_count().is_some()
    }

    /// Whether the first mutation sets or deletes the whole value.
    pub(in crate::replica) fn begins_whole(&self) -> bool {
        let first = self.mutations.first().map(|applied| &applied.mutation);
        first.is_some_and(|first| matches!(first, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete))
    }

    /// The mutations as text for other replicas; empty where the text would be long.
    pub(in crate::replica) fn announced_mutations(&self) -> String {
        announced_text(self.mutations.iter().map(AppliedMutation::announced))
    }
}

/// Mutations as text for other replicas and for histories; empty where the text would be long.
pub(in crate::replica) fn announced_text<'a>(mutations: impl Iterator<Item = Cow<'a, Mutation>> + Clone) -> String {
    let size: ByteLen = mutations.clone().map(|mutation| mutation.size()).sum();
    if size > MAX_ANNOUNCED_SIZE { String::new() } else { codec::encode_mutations(mutations) }
}

/// The number of elements that a mutation appends to the list that is the whole value. None where it does anything else.
fn appended_by(mutation: &Mutation) -> Option<usize> {
    match mutation {
        Mutation::Append { path, values } if path.is_empty() => Some(values.count),
        _ => None,
    }
}

/// The elements that mutations append to the list that is the whole value. None where they do anything else.
pub(in crate::replica) fn appended_elements<'a>(mutations: impl Iterator<Item = &'a Mutation>) -> Option<JsonList> {
    let (mut text, mut count) = (String::new(), 0);
    for mutation in mutations {
        match mutation {
            Mutation::Append { path, values } if path.is_empty() && values.count > 0 => {
                if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(&values.text);
                count += values.count;
            }
            _ => return None,
        }
    }
    Some(JsonList { text: text.into(), count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Node, add};
    use crate::mutation::{Effect, apply, effect_of};

    /// An open commit, the value that it was made on, and the value after it.
    struct Pending {
        commit: OpenCommit,
        value: Option<Node>,
    }

    fn pending(value: &str, batch: &str) -> Pending {
        let mut value = Some(Node::parse(value).unwrap());
        let mut commit = OpenCommit::new(MutationNumber(1), None);
        for (number, mutation) in (1..).zip(codec::decode_mutations(batch).unwrap()) {
            let Effect { edit, values } = effect_of(value.as_ref(), &mutation, add).unwrap();
            let undo = apply(&mut value, &mutation, values);
            commit.push(MutationNumber(number), mutation, edit, undo);
        }
        Pending { commit, value }
    }

    fn unapplied(Pending { commit, mut value }: Pending) -> String {
        unapply(&mut value, commit.mutations);
        value.unwrap().to_text()
    }

    #[test]
    fn a_later_value_of_a_key_replaces_an_earlier_one() {
        let pending =
            pending(r#"{"a":0,"b":0}"#, r#"[["set","x",[],"a",1],["set","x",[],"b",2],["set","x",[],"a",3]]"#);
        assert_eq!(pending.commit.announced_mutations(), r#"[["set","",[],"a",3],["set","",[],"b",2]]"#);
        assert_eq!(unapplied(pending), r#"{"a":0,"b":0}"#);
    }

    #[test]
    fn another_mutation_in_between_keeps_both_values() {
        let pending = pending("[1,2]", r#"[["replace","x",[],0,5],["append","x",[],[3]],["replace","x",[],0,6]]"#);
        assert_eq!(pending.commit.mutations.len(), 3);
        assert_eq!(unapplied(pending), "[1,2]");
    }

    #[test]
    fn a_whole_value_makes_all_but_increments_irrelevant() {
        let assigned = pending("[1]", r#"[["append","x",[],[2]],["assign","x",7]]"#);
        assert_eq!(assigned.commit.mutations.len(), 1);
        assert!(assigned.commit.begins_whole() && assigned.commit.edits.edits().is_none());
        assert_eq!(unapplied(assigned), "[1]");
        let incremented = pending("5", r#"[["increment","x",[],2],["assign","x",1]]"#);
        assert_eq!(incremented.commit.mutations.len(), 2);
        assert_eq!(unapplied(incremented), "5");
    }

    #[test]
    fn appends_are_told_from_other_mutations() {
        let appends = pending("[1]", r#"[["append","x",[],[2]],["append","x",[],[3,4]]]"#);
        assert_eq!(appends.commit.appended_elements().unwrap(), JsonList { text: "2,3,4".into(), count: 3 });
        assert!(appends.commit.is_append());
        let others = pending("[1]", r#"[["append","x",[],[2]],["splice","x",[],0,1,[]]]"#);
        assert_eq!((others.commit.appended_elements(), others.commit.is_append()), (None, false));
    }

    #[test]
    fn long_mutations_are_not_announced() {
        let long = pending("[]", &format!(r#"[["append","x",[],["{}"]]]"#, "a".repeat(20_000)));
        assert_eq!(long.commit.announced_mutations(), "");
    }
}
