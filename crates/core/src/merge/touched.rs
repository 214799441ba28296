//! The parts of a document that a delta touches, and the mutations that lead a host over it while mutations are pending.
//!
//! The cost is that of the mutations, not that of the document: [`TouchedParts`] records values before the delta is applied
//! below the pending mutations, and compares the same places afterwards.

use super::diff::{self, diff_of_ends};
use crate::document::{Dict, List, Node};
use crate::mutation::{Mutation, Path, Step};
use compact_str::CompactString;
use std::collections::BTreeMap;

/// The places that a delta changes, and those next to them that pending mutations have changed.
#[derive(Debug)]
pub(super) struct TouchedParts {
    root: Part,
}

/// The effect of a delta on one node.
#[derive(Debug)]
enum Part {
    /// Nothing is known yet.
    Unopened,
    /// The node may have become any other.
    Whole,
    /// Only pending mutations have changed the node. Its value is the same afterwards, its place may not be.
    Kept,
    /// Values of a dict are touched.
    Dict(BTreeMap<CompactString, Part>),
    /// Elements of a list are touched, or values are added at its end.
    List(ListPart),
}

#[derive(Debug, Default)]
struct ListPart {
    elements: BTreeMap<usize, Part>,
    is_appended_to: bool,
    /// The number of elements that pending mutations append.
    pending: usize,
}

impl TouchedParts {
    /// The parts that the mutations of a delta touch, where every pending mutation stays as it is over them: it means the
    /// same before and after the delta. None where one does not, or where the delta changes the whole value.
    pub(super) fn of<'a>(delta: &[Mutation], pending: impl Iterator<Item = &'a Mutation>) -> Option<Self> {
        let mut root = Part::Unopened;
        for mutation in delta {
            root.touch(mutation)?;
        }
        for mutation in pending {
            if !delta.iter().all(|theirs| is_independent(mutation, theirs)) {
                return None;
            }
            root.touch_pending(mutation)?;
        }
        Some(Self { root })
    }

    /// The touched parts of a document, to be compared later. None where the document does not have them.
    pub(super) fn capture(self, value: Option<&Node>) -> Option<CapturedParts> {
        Some(CapturedParts { root: self.root.capture(value?)? })
    }
}

impl Part {
    fn touch(&mut self, mutation: &Mutation) -> Option<()> {
        let path = mutation.path();
        match mutation {
            Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete => None,
            Mutation::Set { key, .. } | Mutation::Unset { key, .. } => self.touch_at(path, |part| {
                part.dict()?.insert(key.clone(), Self::Whole);
                Some(())
            }),
            Mutation::Replace { index, .. } => self.touch_at(path, |part| {
                part.list()?.elements.insert(*index, Self::Whole);
                Some(())
            }),
            Mutation::Append { .. } => self.touch_at(path, |part| {
                part.list()?.is_appended_to = true;
                Some(())
            }),
            // The whole document would have to be compared.
            _ if path.is_empty() => None,
            _ => self.touch_at(path, |part| {
                *part = Self::Whole;
                Some(())
            }),
        }
    }

    /// Touches the part at a path, unless that is inside of a node that is compared as a whole. None where the path does not
    /// fit the parts that are known.
    fn touch_at(&mut self, path: &[Step], touch: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        if matches!(self, Self::Whole) {
            return Some(());
        }
        let Some((step, rest)) = path.split_first() else { return touch(self) };
        let inner = match step {
            Step::Key(key) => self.dict()?.entry(key.clone()).or_insert(Self::Unopened),
            Step::Index(index) => self.list()?.elements.entry(*index).or_insert(Self::Unopened),
        };
        inner.touch_at(rest, touch)
    }

    fn dict(&mut self) -> Option<&mut BTreeMap<CompactString, Self>> {
        if matches!(self, Self::Unopened) {
            *self = Self::Dict(BTreeMap::new());
        }
        match self {
            Self::Dict(parts) => Some(parts),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<&mut ListPart> {
        if matches!(self, Self::Unopened) {
            *self = Self::List(ListPart::default());
        }
        match self {
            Self::List(part) => Some(part),
            _ => None,
        }
    }

    /// Notes a pending mutation, as far as it is in containers that the delta changes.
    fn touch_pending(&mut self, mutation: &Mutation) -> Option<()> {
        let mut part = self;
        let own = match mutation {
            Mutation::Set { key, .. } | Mutation::Unset { key, .. } => Some(Step::Key(key.clone())),
            Mutation::Replace { index, .. } => Some(Step::Index(*index)),
            _ => None,
        };
        for step in mutation.path().iter().chain(&own) {
            part = match (part, step) {
                (Self::Whole | Self::Kept, _) => return Some(()),
                (Self::Dict(parts), Step::Key(key)) => parts.entry(key.clone()).or_insert(Self::Kept),
                (Self::List(list), Step::Index(index)) => match list.elements.get_mut(index) {
                    Some(part) => part,
                    // The element keeps its value and its index.
                    None => return Some(()),
                },
                _ => return None,
            };
        }
        match (mutation, part) {
            (_, Self::Kept) => {}
            (Mutation::Append { values, .. }, Self::List(list)) => list.pending += values.count,
            (_, part) => *part = Self::Whole,
        }
        Some(())
    }

    fn capture(self, node: &Node) -> Option<Captured> {
        Some(match (self, node) {
            (Self::Unopened | Self::Whole, _) => Captured::Whole(node.clone()),
            (Self::Kept, _) => Captured::Kept,
            (Self::Dict(parts), Node::Dict(dict)) => {
                let mut entries = Vec::with_capacity(parts.len());
                for (key, part) in parts {
                    let before = match (dict.position(&key), dict.get(&key)) {
                        (Some(position), Some(value)) => Some(CapturedEntry { position, value: part.capture(value)? }),
                        // The parts of a value that is not there cannot be compared.
                        _ if matches!(part, Self::Dict(_) | Self::List(_)) => return None,
                        _ => None,
                    };
                    entries.push((key, before));
                }
                Captured::Dict(entries)
            }
            (Self::List(ListPart { elements, is_appended_to, pending }), Node::List(list)) => {
                let end = if is_appended_to { list.len().checked_sub(pending)? } else { list.len() };
                let mut captured = Vec::with_capacity(elements.len());
                for (index, part) in elements.into_iter().take_while(|(index, _)| *index < end) {
                    captured.push((index, part.capture(list.get(index)?)?));
                }
                Captured::List { elements: captured, end, tail: elements_from(list, end) }
            }
            _ => return None,
        })
    }
}

/// Whether a pending mutation means the same before and after a mutation of another writer: its path and its indexes stay.
fn is_independent(ours: &Mutation, theirs: &Mutation) -> bool {
    use Mutation::{Append, Assign, Clear, Create, Delete, Increment, Permute, Replace, Set, Splice, Take, Unset};
    let path = ours.path();
    let changes_same_container = match ours {
        Assign { .. } | Create { .. } | Delete => return false,
        // These remove or move any of the values in the container.
        Clear { .. } | Splice { .. } | Permute { .. } | Take { .. } if theirs.path().starts_with(path) => return false,
        _ => path == theirs.path(),
    };
    match theirs {
        Assign { .. } | Create { .. } | Delete => false,
        Set { path: dict, key, .. } | Unset { path: dict, key } => {
            let keeps_number = matches!((ours, theirs), (Increment { .. }, Set { .. })) && path.len() == dict.len() + 1;
            keeps_number || !leads_through(path, dict, |step| matches!(step, Step::Key(of) if of == key))
        }
        Increment { path: number, .. } => !path.starts_with(number) || changes_same_container,
        Replace { path: list, index, .. } => {
            !leads_through(path, list, |step| matches!(step, Step::Index(of) if of == index))
        }
        Append { path: list, .. } => {
            if changes_same_container {
                matches!(ours, Append { .. })
            } else {
                !path.starts_with(list)
            }
        }
        Clear { path: dict } => !leads_through(path, dict, |_| true),
        Splice { path: list, .. } | Permute { path: list, .. } | Take { path: list, .. } => !path.starts_with(list),
    }
}

/// Whether a path leads through a container to a child of it.
fn leads_through(path: &[Step], container: &[Step], is_child: impl Fn(&Step) -> bool) -> bool {
    path.starts_with(container) && path.get(container.len()).is_some_and(is_child)
}

/// The touched parts of a document as they were before a delta.
#[derive(Debug)]
pub struct CapturedParts {
    root: Captured,
}

#[derive(Debug)]
enum Captured {
    Whole(Node),
    Kept,
    Dict(Vec<(CompactString, Option<CapturedEntry>)>),
    List {
        elements: Vec<(usize, Captured)>,
        /// The index from which on the list is compared as a whole.
        end: usize,
        /// The elements from there on.
        tail: List,
    },
}

#[derive(Debug)]
struct CapturedEntry {
    /// The number of keys before it.
    position: usize,
    value: Captured,
}

impl CapturedParts {
    /// The mutations that lead from the document as it was to the document as it is. None where they cannot be found from the
    /// touched parts.
    pub fn diff(self, value: Option<&Node>) -> Option<Vec<Mutation>> {
        let mut mutations = Vec::new();
        self.root.diff(value?, &mut Vec::new(), &mut mutations)?;
        Some(mutations)
    }
}

impl Captured {
    fn diff(self, node: &Node, path: &mut Path, mutations: &mut Vec<Mutation>) -> Option<()> {
        match (self, node) {
            (Self::Kept, _) => {}
            (Self::Whole(before), _) => return diff::diff_at(&before, node, path, mutations),
            (Self::Dict(entries), Node::Dict(dict)) => return diff_dict(entries, dict, path, mutations),
            (Self::List { elements, end, tail }, Node::List(list)) => {
                for (index, before) in elements {
                    path.push(Step::Index(index));
                    before.diff(list.get(index)?, path, mutations)?;
                    path.pop();
                }
                mutations.extend(diff_of_ends(path, end, &tail, &elements_from(list, end)));
            }
            _ => return None,
        }
        Some(())
    }
}

/// A touched key that is in the dict.
struct Present {
    key: CompactString,
    position: usize,
    before: Option<CapturedEntry>,
}

/// Keys stay where they are as far as they can. A key that comes behind one that was added is removed and added again: new
/// keys come last.
fn diff_dict(
    entries: Vec<(CompactString, Option<CapturedEntry>)>,
    dict: &Dict,
    path: &mut Path,
    mutations: &mut Vec<Mutation>,
) -> Option<()> {
    let mut positions_before: Vec<usize> =
        entries.iter().filter_map(|(_, before)| Some(before.as_ref()?.position)).collect();
    positions_before.sort_unstable();
    let mut present = Vec::with_capacity(entries.len());
    for (key, before) in entries {
        match dict.position(&key) {
            Some(position) => present.push(Present { key, position, before }),
            None if before.is_some() => mutations.push(Mutation::Unset { path: path.clone(), key }),
            None => {}
        }
    }
    present.sort_unstable_by_key(|entry| entry.position);
    let touched = present.len();
    let mut last_before = None;
    let mut entries = present.into_iter().enumerate().peekable();
    let stays = |(touched_before, entry): &(usize, Present), last_before: &mut Option<usize>| {
        let Some(before) = &entry.before else { return false };
        // The keys that nobody has touched keep their order.
        let untouched_before =
            before.position - positions_before.partition_point(|position| *position < before.position);
        let is_in_order = *last_before < Some(before.position) && untouched_before == entry.position - touched_before;
        *last_before = Some(before.position);
        is_in_order
    };
    while let Some((_, entry)) = entries.next_if(|entry| stays(entry, &mut last_before)) {
        path.push(Step::Key(entry.key.clone()));
        entry.before?.value.diff(dict.get(&entry.key)?, path, mutations)?;
        path.pop();
    }
    let Some((touched_before, first)) = entries.next() else { return Some(()) };
    let (start, untouched_before) = (first.position, first.position - touched_before);
    let rest: Vec<Present> = std::iter::once(first).chain(entries.map(|(_, entry)| entry)).collect();
    let is_new = |key: &CompactString| rest.iter().any(|entry| entry.before.is_none() && entry.key == *key);
    let added: Vec<(CompactString, bool)> = if dict.len() == touched + untouched_before {
        rest.iter().map(|entry| (entry.key.clone(), entry.before.is_some())).collect()
    } else {
        // A key has come back between others: all behind it are added again.
        dict.iter().skip(start).map(|(key, _)| (key.clone(), !is_new(key))).collect()
    };
    for (key, _) in added.iter().filter(|(_, was_there)| *was_there) {
        mutations.push(Mutation::Unset { path: path.clone(), key: key.clone() });
    }
    for (key, _) in added {
        let value = diff::json(dict.get(&key)?);
        mutations.push(Mutation::Set { path: path.clone(), key, value });
    }
    Some(())
}

fn elements_from(list: &List, start: usize) -> List {
    let mut elements: Vec<Node> = list.iter().rev().take(list.len().saturating_sub(start)).cloned().collect();
    elements.reverse();
    elements.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::byte_len::ByteLen;
    use crate::codec::decode_mutations;
    use crate::document::add;
    use crate::replica::effect_within;

    fn apply(value: &mut Option<Node>, mutations: &[Mutation]) -> bool {
        mutations.iter().all(|mutation| {
            let effect = effect_within(value.as_ref(), mutation, ByteLen(usize::MAX), add);
            effect.map(|effect| crate::mutation::apply(value, mutation, effect.values)).is_ok()
        })
    }

    /// The mutations that lead a host from the document with the pending mutations to the one that has the delta, too. None
    /// where they are not found from the touched parts.
    fn patch(document: &str, theirs: &str, ours: &str) -> Option<Vec<Mutation>> {
        let [theirs, ours] = [theirs, ours].map(|text| decode_mutations(text).unwrap());
        let (mut before, mut after) = (Node::parse(document).ok(), Node::parse(document).ok());
        assert!(apply(&mut before, &ours), "{ours:?}");
        if !apply(&mut after, &theirs) || !apply(&mut after, &ours) {
            return None;
        }
        let captured = TouchedParts::of(&theirs, ours.iter())?.capture(before.as_ref())?;
        let patch = captured.diff(after.as_ref())?;
        assert!(apply(&mut before, &patch), "{patch:?}");
        let [before, after] = [before, after].map(|value| value.unwrap().to_text());
        assert_eq!(before, after, "{document}, theirs {theirs:?}, ours {ours:?}, patch {patch:?}");
        Some(patch)
    }

    #[test]
    fn a_foreign_key_beside_a_pending_one_is_at_most_three_mutations() {
        let document = format!("{{{}}}", (0..2_000).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(","));
        let count = |theirs, ours| patch(&document, theirs, ours).unwrap().len();
        assert_eq!(count(r#"[["set","",[],"new",1]]"#, r#"[["set","",[],"own",1]]"#), 3);
        assert_eq!(count(r#"[["set","",[],"k7",1]]"#, r#"[["set","",[],"own",1]]"#), 1);
        assert_eq!(count(r#"[["set","",[],"k7",1]]"#, r#"[["set","",[],"k8",1]]"#), 1);
        assert_eq!(count(r#"[["set","",[],"new",1]]"#, r#"[["set","",[],"k8",1]]"#), 1);
        assert_eq!(count(r#"[["unset","",[],"k7"]]"#, r#"[["unset","",[],"k8"]]"#), 1);
    }

    #[test]
    fn elements_that_are_appended_before_pending_ones_are_inserted() {
        let patch = patch(r#"{"l":[1,2]}"#, r#"[["append","",["l"],[3]]]"#, r#"[["append","",["l"],[7,8]]]"#).unwrap();
        let values = crate::mutation::JsonList { text: "3".into(), count: 1 };
        assert_eq!(patch, [Mutation::Splice { path: vec![Step::Key("l".into())], index: 2, remove: 0, values }]);
    }

    #[test]
    fn mutations_that_depend_on_each_other_are_left_to_the_transformation() {
        let document = r#"{"a":{"b":1},"l":[1,[2]]}"#;
        for (theirs, ours) in [
            (r#"[["unset","",[],"a"]]"#, r#"[["set","",["a"],"c",1]]"#),
            (r#"[["splice","",["l"],0,1,[]]]"#, r#"[["replace","",["l"],1,7]]"#),
            (r#"[["append","",["l"],[3]]]"#, r#"[["splice","",["l"],0,1,[]]]"#),
            (r#"[["set","",["a"],"c",1]]"#, r#"[["clear","",["a"]]]"#),
            (r#"[["unset","",["a"],"b"]]"#, r#"[["increment","",["a","b"],1]]"#),
            (r#"[["assign","",{}]]"#, r#"[["set","",[],"c",1]]"#),
        ] {
            let [decoded, pending] = [theirs, ours].map(|text| decode_mutations(text).unwrap());
            assert!(TouchedParts::of(&decoded, pending.iter()).is_none(), "{theirs} {ours}");
            assert!(apply(&mut Node::parse(document).ok(), &pending));
        }
    }

    /// A pseudo-random number below `count`.
    fn pick(state: &mut u64, count: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % count
    }

    fn random_mutations(state: &mut u64) -> String {
        let mutations = (0..=pick(state, 3)).map(|_| {
            let path = ["[]", "[\"d\"]", "[\"d\",\"e\"]"][usize::try_from(pick(state, 3)).unwrap()];
            let list = ["[\"l\"]", "[\"d\",\"m\"]"][usize::try_from(pick(state, 2)).unwrap()];
            let (key, value) =
                (["a", "b", "x", "y", "z", "d", "n"][usize::try_from(pick(state, 7)).unwrap()], pick(state, 9));
            match pick(state, 8) {
                0..=2 => format!(r#"["set","",{path},"{key}",{value}]"#),
                3 => format!(r#"["unset","",{path},"{key}"]"#),
                4 => format!(r#"["append","",{list},[{value}]]"#),
                5 => format!(r#"["replace","",{list},{},{value}]"#, pick(state, 2)),
                6 => format!(r#"["splice","",{list},{},{},[{value}]]"#, pick(state, 2), pick(state, 2)),
                _ => format!(r#"["increment","",["n"],{value}]"#),
            }
        });
        format!("[{}]", mutations.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn the_patch_leads_to_the_document_after_random_mutations() {
        let document = r#"{"a":1,"d":{"a":1,"e":{"b":2,"y":3},"m":[1,2],"x":0},"l":[1,2,{"q":1}],"n":5,"b":{"y":1}}"#;
        let (mut state, mut found) = (7, 0);
        for _ in 0..5_000 {
            let (theirs, ours) = (random_mutations(&mut state), random_mutations(&mut state));
            let decoded = decode_mutations(&ours).unwrap();
            if apply(&mut Node::parse(document).ok(), &decoded) && patch(document, &theirs, &ours).is_some() {
                found += 1;
            }
        }
        assert!(found > 500, "only {found} of 5,000 pairs were compared");
    }
}
