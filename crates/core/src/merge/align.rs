//! Aligns two lists: finds the elements that are in both, unchanged or changed.

use crate::document::{Dict, List, Node};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys whose values identify a dict within a list in most data.
const IDENTITY_KEYS: [&str; 4] = ["id", "_id", "key", "uuid"];

/// Containers between two elements that stay are compared with each other only where that is at most this many pairs.
const MAX_COMPARED: usize = 1 << 14;

/// The indexes of an element in both lists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pair {
    pub(super) old: usize,
    pub(super) new: usize,
}

/// The elements that are in both lists.
#[derive(Debug)]
pub(super) struct Alignment {
    /// The number of equal elements at the start.
    pub(super) start: usize,
    /// The number of equal elements at the end.
    pub(super) end: usize,
    /// Elements between start and end that keep their order: ascending on both sides.
    pub(super) middle: Vec<Pair>,
    /// Elements that are equal and have moved; ascending in the old list.
    pub(super) moved: Vec<Pair>,
    /// Whether all elements in `middle` are equal.
    is_unchanged: bool,
}

/// Align two lists, at a cost of n log n.
///
/// 1. Elements at the start and at the end that are equal are the same.
/// 2. Elements that are equal, and are found once on either side, are the same. As many of them as possible keep their
///    order; the others have moved.
/// 3. Between elements that keep their order, containers with the most in common are the same, changed.
/// 4. Of the elements that are left between those, the first is the same as the first, and so on, where their kinds allow.
pub(super) fn align(old: &List, new: &List) -> Alignment {
    let start = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let (old, new) = (elements(old, start, end), elements(new, start, end));

    let equal = equal_pairs(&old, &new);
    let in_order = longest_ascending(&equal);
    let moved: Vec<Pair> = equal.into_iter().filter(|pair| in_order.binary_search(pair).is_err()).collect();
    let old = without(old, moved.iter().map(|pair| pair.old).collect());
    let new = without(new, moved.iter().map(|pair| pair.new).collect());

    let mut middle = in_order.clone();
    for_each_gap(&old, &new, &in_order, |old, new| {
        let similar = similar_pairs(old, new);
        for_each_gap(old, new, &similar, |old, new| middle.extend(pairs_by_position(old, new)));
        middle.extend(similar);
    });
    middle.sort_unstable();
    Alignment { start, end, is_unchanged: middle.len() == in_order.len(), middle, moved }
}

impl Alignment {
    /// The permutation that makes the new list from the old one. None where nothing has moved, or the lists do not have the
    /// same elements.
    pub(super) fn permutation(&self, old_len: usize, new_len: usize) -> Option<Vec<usize>> {
        let aligned = self.start + self.end + self.middle.len() + self.moved.len();
        if self.moved.is_empty() || !self.is_unchanged || aligned != old_len || aligned != new_len {
            return None;
        }
        let mut order: Vec<usize> = (0..new_len).collect();
        for pair in self.middle.iter().chain(&self.moved) {
            order[pair.new] = pair.old;
        }
        Some(order)
    }
}

/// An element of a list.
#[derive(Clone, Copy)]
struct Element<'a> {
    index: usize,
    node: &'a Node,
}

/// The elements of a list, without those at the start and at the end.
fn elements(list: &List, start: usize, end: usize) -> Vec<Element<'_>> {
    let mut elements: Vec<_> = list.iter().enumerate().map(|(index, node)| Element { index, node }).collect();
    elements.truncate(list.len() - end);
    elements.split_off(start)
}

/// The elements without those at some indexes.
fn without(mut elements: Vec<Element<'_>>, mut indexes: Vec<usize>) -> Vec<Element<'_>> {
    indexes.sort_unstable();
    elements.retain(|element| indexes.binary_search(&element.index).is_err());
    elements
}

/// Visit the elements between pairs, which are ascending on both sides.
fn for_each_gap<'a>(
    mut old: &[Element<'a>],
    mut new: &[Element<'a>],
    pairs: &[Pair],
    mut visit: impl FnMut(&[Element<'a>], &[Element<'a>]),
) {
    for pair in pairs {
        let in_old = old.partition_point(|element| element.index < pair.old);
        let in_new = new.partition_point(|element| element.index < pair.new);
        visit(&old[..in_old], &new[..in_new]);
        (old, new) = (&old[in_old + 1..], &new[in_new + 1..]);
    }
    visit(old, new);
}

/// Elements that are equal, and are found once on either side; ascending in the old list.
fn equal_pairs(old: &[Element<'_>], new: &[Element<'_>]) -> Vec<Pair> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let new = unique_elements(new);
    let mut pairs = Vec::new();
    for old in unique_elements(old) {
        if let Ok(found) = new.binary_search_by_key(&old.hash, |new| new.hash)
            && let HashedElement { element: new, .. } = new[found]
            && old.element.node == new.node
        {
            pairs.push(Pair { old: old.element.index, new: new.index });
        }
    }
    pairs.sort_unstable();
    pairs
}

struct HashedElement<'a> {
    hash: u64,
    element: Element<'a>,
}

/// The elements that are found once, sorted by their hashes. Of different elements with the same hash none is unique.
fn unique_elements<'a>(elements: &[Element<'a>]) -> Vec<HashedElement<'a>> {
    let hashed = |element: &Element<'a>| {
        let mut hasher = DefaultHasher::new();
        element.node.hash(&mut hasher);
        HashedElement { hash: hasher.finish(), element: *element }
    };
    let mut all: Vec<_> = elements.iter().map(hashed).collect();
    all.sort_unstable_by_key(|element| element.hash);
    let mut unique = Vec::new();
    for run in all.chunk_by(|one, next| one.hash == next.hash) {
        if let [HashedElement { hash, element }] = run {
            unique.push(HashedElement { hash: *hash, element: *element });
        }
    }
    unique
}

/// The longest run of pairs, ascending in the old list, that also ascends in the new one (patience sorting).
fn longest_ascending(pairs: &[Pair]) -> Vec<Pair> {
    // For each length, the pair with which the best run of that length ends; for each pair, the pair before it in a run.
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

/// The pairs of containers, ascending on both sides, that have the most in common altogether.
fn similar_pairs(old: &[Element<'_>], new: &[Element<'_>]) -> Vec<Pair> {
    let are_scalars = |elements: &[Element<'_>]| elements.iter().all(|it| matches!(it.node, Node::Scalar(_)));
    if old.len() * new.len() > MAX_COMPARED || are_scalars(old) || are_scalars(new) {
        return Vec::new();
    }
    // best[i * width + j]: the most that the first `i` of `old` and the first `j` of `new` have in common.
    let width = new.len() + 1;
    let mut best = vec![0; (old.len() + 1) * width];
    for i in 1..=old.len() {
        for j in 1..=new.len() {
            let both = match similarity(old[i - 1].node, new[j - 1].node) {
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
            pairs.push(Pair { old: old[i].index, new: new[j].index });
        }
    }
    pairs.reverse();
    pairs
}

/// The number of values that two containers have in common, or a much greater number for dicts with the same identity. 0
/// where they are not the same container.
fn similarity(old: &Node, new: &Node) -> usize {
    let (common, longest) = match (old, new) {
        (Node::Dict(old), Node::Dict(new)) => match have_same_identity(old, new) {
            Some(true) => return usize::MAX / MAX_COMPARED,
            Some(false) => return 0,
            None => {
                let common = old.iter().filter(|(key, value)| new.get(key) == Some(*value)).count();
                (common, old.len().max(new.len()))
            }
        },
        (Node::List(old), Node::List(new)) => {
            let common = old.iter().zip(new.iter()).take_while(|(old, new)| old == new).count();
            (common, old.len().max(new.len()))
        }
        _ => return 0,
    };
    if common * 2 >= longest { common } else { 0 }
}

/// Whether two dicts have the same value of an identity key. None where they have no such key in common.
fn have_same_identity(old: &Dict, new: &Dict) -> Option<bool> {
    IDENTITY_KEYS.iter().find_map(|key| match (old.get(key)?, new.get(key)?) {
        (old @ Node::Scalar(_), new @ Node::Scalar(_)) => Some(old == new),
        _ => None,
    })
}

/// Pairs of the first elements, of the second elements, and so on, without those of which one cannot be the other.
fn pairs_by_position(old: &[Element<'_>], new: &[Element<'_>]) -> Vec<Pair> {
    let may_be_same = |old: &Node, new: &Node| match (old, new) {
        (Node::Dict(old), Node::Dict(new)) => have_same_identity(old, new) != Some(false),
        (Node::List(_), Node::List(_)) | (Node::Scalar(_), _) => true,
        _ => false,
    };
    let both = old.iter().zip(new).filter(|(old, new)| may_be_same(old.node, new.node));
    both.map(|(old, new)| Pair { old: old.index, new: new.index }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(old: &str, new: &str) -> Alignment {
        let list = |text: &str| match Node::parse(text).unwrap() {
            Node::List(list) => list,
            _ => panic!("{text}"),
        };
        align(&list(old), &list(new))
    }

    fn pairs(pairs: &[Pair]) -> Vec<(usize, usize)> {
        pairs.iter().map(|pair| (pair.old, pair.new)).collect()
    }

    #[test]
    fn equal_elements_keep_their_order_or_have_moved() {
        let alignment = aligned("[0,1,2,3,4,5,9]", "[0,4,7,1,2,3,9]");
        assert_eq!((alignment.start, alignment.end), (1, 1));
        assert_eq!(pairs(&alignment.moved), [(4, 1)]);
        assert_eq!(pairs(&alignment.middle), [(1, 3), (2, 4), (3, 5)]);
        assert_eq!(alignment.permutation(7, 7), None);
        assert_eq!(aligned("[1,2,3]", "[3,1,2]").permutation(3, 3), Some(vec![2, 0, 1]));
    }

    #[test]
    fn containers_are_the_same_by_identity_or_likeness() {
        let by_identity = aligned(r#"[{"id":1,"a":1},{"id":2,"a":1}]"#, r#"[{"id":2,"a":7},{"id":3,"a":1}]"#);
        assert_eq!(pairs(&by_identity.middle), [(1, 0)]);
        let by_likeness = aligned(r#"[{"a":1,"b":2},{"c":3,"d":4}]"#, r#"[7,{"c":3,"d":5}]"#);
        assert_eq!(pairs(&by_likeness.middle), [(1, 1)]);
        let by_position = aligned("[1,[2],3]", "[4,{},[5]]");
        assert_eq!(pairs(&by_position.middle), [(0, 0), (2, 2)]);
    }
}
