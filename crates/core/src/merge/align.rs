//! Which elements of a list stayed when somebody wrote it anew.

use crate::document::Node;
use std::collections::HashMap;

/// Pairs of indexes in `old` and `new` of elements that stayed: equal, found once on either side, and
/// as many as keep their order. Ascending in both. Costs n log n.
pub(super) fn align(old: &[&Node], new: &[&Node]) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let in_new = once_each(new);
    let mut pairs: Vec<(usize, usize)> =
        once_each(old).into_iter().filter_map(|(node, index)| Some((index?, in_new.get(node).copied()??))).collect();
    pairs.sort_unstable();
    longest_ascending(&pairs)
}

/// Where each value is; None for one that is there more than once.
fn once_each<'a>(nodes: &[&'a Node]) -> HashMap<&'a Node, Option<usize>> {
    let mut places = HashMap::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        places.entry(*node).and_modify(|place| *place = None).or_insert(Some(index));
    }
    places
}

/// Of pairs with ascending first parts, the most whose second parts ascend too (patience sorting).
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair that the best run of this length ends with; and what comes before each pair.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (i, (_, second)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < *second);
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
