//! Which elements of a list stayed when somebody wrote it anew.

use crate::document::{Dict, List, Node};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys whose values tell elements of a list apart, by the habit of most data.
const IDENTITY_KEYS: [&str; 4] = ["id", "_id", "key", "uuid"];
/// Between elements that stayed, at most so many pairs of others are held against each other.
const MAX_COMPARED: usize = 1 << 14;

/// An element of the old list and what it is in the new one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pair {
    pub(super) old: usize,
    pub(super) new: usize,
}

/// Which elements of two lists are the same, unchanged or changed.
#[derive(Debug)]
pub(super) struct Alignment {
    /// So many are equal at the start,
    pub(super) start: usize,
    /// and so many at the end.
    pub(super) end: usize,
    /// Between these; ascending on both sides.
    pub(super) middle: Vec<Pair>,
    /// Equal, and elsewhere; ascending in the old list.
    pub(super) moved: Vec<Pair>,
    /// All in `middle` are equal too.
    unchanged: bool,
}

/// Elements that are equal and found once on either side stay, as many as keep their order; the others of
/// them moved. Between those that stay, containers that have most in common are the same one, changed; then
/// each of what is left is its counterpart by position. Costs n log n.
pub(super) fn align(old: &List, new: &List) -> Alignment {
    let start = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let (old, new) = (elements(old, start, end), elements(new, start, end));

    let equal = equal_once(&old, &new);
    let stay = longest_ascending(&equal);
    let moved: Vec<Pair> = equal.into_iter().filter(|pair| stay.binary_search(pair).is_err()).collect();
    let old = without(old, moved.iter().map(|pair| pair.old).collect());
    let new = without(new, moved.iter().map(|pair| pair.new).collect());

    let mut middle = stay.clone();
    between(&old, &new, &stay, |old, new| {
        let similar = similar(old, new);
        between(old, new, &similar, |old, new| by_position(old, new, &mut middle));
        middle.extend(similar);
    });
    middle.sort_unstable();
    Alignment { start, end, unchanged: middle.len() == stay.len(), middle, moved }
}

impl Alignment {
    /// The order that makes the new list of the old one, where it holds the same elements and some moved.
    pub(super) fn order(&self, old_len: usize, new_len: usize) -> Option<Vec<usize>> {
        let same = old_len == new_len && self.start + self.end + self.middle.len() + self.moved.len() == old_len;
        if !same || self.moved.is_empty() || !self.unchanged {
            return None;
        }
        let mut order: Vec<usize> = (0..new_len).collect();
        for pair in self.middle.iter().chain(&self.moved) {
            order[pair.new] = pair.old;
        }
        Some(order)
    }
}

/// An element and its index.
type Element<'a> = (usize, &'a Node);

/// Visit what is between pairs on both sides.
fn between<'a>(
    mut old: &[Element<'a>],
    mut new: &[Element<'a>],
    pairs: &[Pair],
    mut visit: impl FnMut(&[Element<'a>], &[Element<'a>]),
) {
    for pair in pairs {
        let in_old = old.partition_point(|(index, _)| *index < pair.old);
        let in_new = new.partition_point(|(index, _)| *index < pair.new);
        visit(&old[..in_old], &new[..in_new]);
        (old, new) = (&old[in_old + 1..], &new[in_new + 1..]);
    }
    visit(old, new);
}

/// A list's elements but so many at the start and at the end.
fn elements(list: &List, start: usize, end: usize) -> Vec<Element<'_>> {
    let mut elements: Vec<_> = list.iter().enumerate().collect();
    elements.truncate(list.len() - end);
    elements.split_off(start)
}

/// Elements but those with these indexes.
fn without(mut elements: Vec<Element<'_>>, mut indexes: Vec<usize>) -> Vec<Element<'_>> {
    indexes.sort_unstable();
    elements.retain(|(index, _)| indexes.binary_search(index).is_err());
    elements
}

/// Elements that are equal and found once on either side; ascending in the old list.
fn equal_once(old: &[Element<'_>], new: &[Element<'_>]) -> Vec<Pair> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let in_new = once_each(new);
    let mut pairs = Vec::new();
    for (hash, (old, node)) in once_each(old) {
        if let Ok(at) = in_new.binary_search_by_key(&hash, |(hash, _)| *hash)
            && let (_, (new, same)) = in_new[at]
            && node == same
        {
            pairs.push(Pair { old, new });
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Elements whose value is there once, by the hash of it. (Two values with one hash count as one that is there twice.)
fn once_each<'a>(elements: &[Element<'a>]) -> Vec<(u64, Element<'a>)> {
    let hashed = |element: &Element<'a>| {
        let mut hasher = DefaultHasher::new();
        element.1.hash(&mut hasher);
        (hasher.finish(), *element)
    };
    let mut all: Vec<_> = elements.iter().map(hashed).collect();
    all.sort_unstable_by_key(|(hash, _)| *hash);
    let mut once = Vec::new();
    for run in all.chunk_by(|(one, _), (next, _)| one == next) {
        if let [one] = run {
            once.push(*one);
        }
    }
    once
}

/// Of pairs with ascending first parts, the most whose second parts ascend too (patience sorting).
fn longest_ascending(pairs: &[Pair]) -> Vec<Pair> {
    // For each length, the pair that the best run of this length ends with; and what comes before each pair.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (i, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].new < pair.new);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(i);
        } else {
            ends[length] = i;
        }
    }
    let mut run: Vec<_> = std::iter::successors(ends.last().copied(), |&i| before[i]).map(|i| pairs[i]).collect();
    run.reverse();
    run
}

/// Pairs of containers, in order, that have the most in common in all.
fn similar(old: &[Element<'_>], new: &[Element<'_>]) -> Vec<Pair> {
    let scalars = |elements: &[Element<'_>]| elements.iter().all(|(_, node)| matches!(node, Node::Scalar(_)));
    if old.len() * new.len() > MAX_COMPARED || scalars(old) || scalars(new) {
        return Vec::new();
    }
    // best[i][j]: the most that the first i of `old` and the first j of `new` have in common.
    let width = new.len() + 1;
    let mut best = vec![0; (old.len() + 1) * width];
    for i in 1..=old.len() {
        for j in 1..=new.len() {
            let both = match likeness(old[i - 1].1, new[j - 1].1) {
                0 => 0,
                common => best[(i - 1) * width + j - 1] + common,
            };
            best[i * width + j] = both.max(best[(i - 1) * width + j]).max(best[i * width + j - 1]);
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (old.len(), new.len());
    while i > 0 && j > 0 {
        if best[i * width + j] == best[(i - 1) * width + j] {
            i -= 1;
        } else if best[i * width + j] == best[i * width + j - 1] {
            j -= 1;
        } else {
            (i, j) = (i - 1, j - 1);
            pairs.push(Pair { old: old[i].0, new: new[j].0 });
        }
    }
    pairs.reverse();
    pairs
}

/// How much two containers have in common; 0 where they are not the same one.
fn likeness(old: &Node, new: &Node) -> usize {
    match (old, new) {
        (Node::Dict(old), Node::Dict(new)) => match same_identity(old, new) {
            Some(true) => usize::MAX / MAX_COMPARED,
            Some(false) => 0,
            None => {
                let common = old.iter().filter(|(key, value)| new.get(key) == Some(*value)).count();
                if common * 2 >= old.len().max(new.len()) { common } else { 0 }
            }
        },
        (Node::List(old), Node::List(new)) => {
            let common = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
            if common * 2 >= old.len().max(new.len()) { common } else { 0 }
        }
        _ => 0,
    }
}

/// Do two dicts name themselves the same? None where they do not name themselves.
fn same_identity(old: &Dict, new: &Dict) -> Option<bool> {
    IDENTITY_KEYS.iter().find_map(|key| match (old.get(key)?, new.get(key)?) {
        (old @ Node::Scalar(_), new @ Node::Scalar(_)) => Some(old == new),
        _ => None,
    })
}

/// What is left of two lists where nothing stayed: each is its counterpart, if it can be.
fn by_position(old: &[Element<'_>], new: &[Element<'_>], pairs: &mut Vec<Pair>) {
    for ((old_index, old), (new_index, new)) in old.iter().zip(new) {
        let same = match (old, new) {
            (Node::Dict(old), Node::Dict(new)) => same_identity(old, new) != Some(false),
            (Node::List(_), Node::List(_)) | (Node::Scalar(_), _) => true,
            _ => false,
        };
        if same {
            pairs.push(Pair { old: *old_index, new: *new_index });
        }
    }
}
