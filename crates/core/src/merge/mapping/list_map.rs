//! The mapping of a list.

use super::Mapping;
use crate::document::{List, Node};
use crate::id_map::IdMap;
use crate::merge::align::{Alignment, Pair, align};
use crate::mutation::ListEnd;
use std::ops::Range;

/// The name of an element in both lists: the index in the old list; after those, numbers for elements of the new list alone;
/// after those, numbers for elements that pending mutations insert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct ElementId(usize);

/// A list that is in both documents. An index becomes an element's id, and the id becomes an index again: pending mutations
/// are applied to the ids of both lists.
#[derive(Debug)]
pub(in crate::merge) struct ListMap<'a> {
    old_list: &'a List,
    new_list: &'a List,
    /// The number of equal elements at the start.
    start: usize,
    /// The number of equal elements at the end.
    end: usize,
    /// The elements between these that are in both lists, ascending in the old list.
    pairs: Vec<Pair>,
    /// The elements of the old list, with the pending mutations so far.
    old: Vec<ElementId>,
    /// The elements of the new list, with the pending mutations so far.
    new: Vec<ElementId>,
    next_id: ElementId,
    /// The first id of an element that a pending mutation inserts.
    first_inserted: ElementId,
    /// The mappings of the elements that a mutation has named.
    named: IdMap<ElementId, Mapping<'a>>,
}

/// A splice of the new list.
pub(in crate::merge) struct TransformedSplice {
    /// The elements to remove, from the last run to the first.
    pub(in crate::merge) removals: Vec<Range<usize>>,
    /// The index at which values are inserted, once the elements are removed.
    pub(in crate::merge) insert_at: usize,
}

impl<'a> ListMap<'a> {
    pub(super) fn new(old: &'a List, new: &'a List) -> Self {
        let Alignment { start, end, middle, moved, .. } = align(old, new);
        let mut pairs = [middle, moved].concat();
        pairs.sort_unstable();
        let mut new_ids: Vec<ElementId> = (0..start).map(ElementId).collect();
        new_ids.extend((old.len() + start..old.len() + new.len() - end).map(ElementId));
        new_ids.extend((old.len() - end..old.len()).map(ElementId));
        for pair in &pairs {
            new_ids[pair.new] = ElementId(pair.old);
        }
        let first_inserted = ElementId(old.len() + new.len());
        Self {
            old_list: old,
            new_list: new,
            start,
            end,
            pairs,
            old: (0..old.len()).map(ElementId).collect(),
            new: new_ids,
            next_id: first_inserted,
            first_inserted,
            named: IdMap::default(),
        }
    }

    /// The mapping of the element at an index of the old list; `index` becomes that of the new list. None where the new
    /// list does not have the element.
    pub(super) fn element(&mut self, index: &mut usize) -> Option<&mut Mapping<'a>> {
        let id = *self.old.get(*index)?;
        *index = self.find(id, *index)?;
        let (old, new) = (self.old_node(id), self.new_node(id));
        let is_inserted = id >= self.first_inserted;
        Some(self.named.entry(id, || if is_inserted { Mapping::Identical } else { Mapping::between(old, new) }))
    }

    /// Transform the replacement of an element: its index in the new list. None where the new list does not have it.
    pub(in crate::merge) fn replace(&mut self, index: usize) -> Option<usize> {
        let id = *self.old.get(index)?;
        let new_index = self.find(id, index);
        self.named.insert(id, Mapping::Identical);
        new_index
    }

    /// Values are added at the end of both lists.
    pub(in crate::merge) fn append(&mut self, count: usize) {
        let ids = self.insert_ids(count);
        self.old.extend(&ids);
        self.new.extend(ids);
    }

    /// Transform a splice. An element that the other writer replaced is not removed.
    pub(in crate::merge) fn splice(&mut self, index: usize, remove: usize, insert: usize) -> TransformedSplice {
        let end = (index + remove).min(self.old.len());
        let index = index.min(end);
        let mut removed: Vec<usize> = (index..end)
            .filter(|i| !self.is_replaced(self.old[*i]))
            .filter_map(|i| self.find(self.old[i], i))
            .collect();
        removed.sort_unstable();
        let insert_at = match removed.first() {
            Some(first) => *first,
            None if end == self.old.len() => self.new.len(),
            None if index == 0 => 0,
            None => self.index_between(index, end),
        };
        let mut removals: Vec<Range<usize>> = Vec::new();
        for &index in &removed {
            match removals.last_mut() {
                Some(run) if run.end == index => run.end += 1,
                _ => removals.push(index..index + 1),
            }
        }
        removals.reverse();
        for run in &removals {
            self.new.drain(run.clone());
        }
        let ids = self.insert_ids(insert);
        self.new.splice(insert_at..insert_at, ids.iter().copied());
        self.old.splice(index..end, ids);
        TransformedSplice { removals, insert_at }
    }

    /// The element at one end is taken from each list. It need not be the same one.
    pub(in crate::merge) fn take(&mut self, end: ListEnd) {
        for ids in [&mut self.old, &mut self.new] {
            if let Some(index) = end.index(ids.len()) {
                ids.remove(index);
            }
        }
    }

    /// Transform a permutation: elements that it does not know come last, in their order.
    pub(in crate::merge) fn permute(&mut self, order: &[usize]) -> Vec<usize> {
        self.old = order.iter().filter_map(|&index| self.old.get(index).copied()).collect();
        let mut new_indexes = vec![None; self.next_id.0];
        for (index, id) in self.new.iter().enumerate() {
            new_indexes[id.0] = Some(index);
        }
        let mut new_order: Vec<usize> = self.old.iter().filter_map(|id| new_indexes[id.0].take()).collect();
        new_order.extend(self.new.iter().filter_map(|id| new_indexes[id.0]));
        self.new = new_order.iter().map(|&index| self.new[index]).collect();
        new_order
    }

    /// The index for an insertion between elements of the old list, where none of those from `index` to `end` is in the new
    /// one: before the element at `end` if the new list has it, else after the nearest one before that it has.
    fn index_between(&self, index: usize, end: usize) -> usize {
        if let Some(after) = self.old.get(end).and_then(|id| self.find(*id, end)) {
            return after;
        }
        let before = (0..index).rev().find_map(|index| self.find(self.old[index], index));
        before.map_or(0, |before| before + 1)
    }

    /// The index of an element in the new list, which most often is `likely`.
    fn find(&self, id: ElementId, likely: usize) -> Option<usize> {
        if self.new.get(likely) == Some(&id) {
            return Some(likely);
        }
        self.new.iter().position(|other| *other == id)
    }

    /// The element in the old document.
    fn old_node(&self, ElementId(id): ElementId) -> Option<&'a Node> {
        self.old_list.get(id)
    }

    /// The element in the new document, if it is in the old one.
    fn new_node(&self, ElementId(id): ElementId) -> Option<&'a Node> {
        let old_len = self.old_list.len();
        let index = if id >= old_len {
            None
        } else if id < self.start {
            Some(id)
        } else if id + self.end >= old_len {
            Some(id + self.new_list.len() - old_len)
        } else {
            self.pairs.binary_search_by_key(&id, |pair| pair.old).ok().map(|found| self.pairs[found].new)
        };
        index.and_then(|index| self.new_list.get(index))
    }

    /// Whether the other writer has replaced this element, a scalar.
    fn is_replaced(&self, id: ElementId) -> bool {
        if self.named.get(id).is_some() {
            return false;
        }
        matches!((self.old_node(id), self.new_node(id)), (Some(old @ Node::Scalar(_)), Some(new)) if old != new)
    }

    fn insert_ids(&mut self, count: usize) -> Vec<ElementId> {
        let first = self.next_id.0;
        self.next_id = ElementId(first + count);
        (first..first + count).map(ElementId).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        match Node::parse(text).unwrap() {
            Node::List(list) => *list,
            _ => panic!("{text}"),
        }
    }

    fn splice_text(splice: &TransformedSplice) -> String {
        format!("{:?} insert {}", splice.removals, splice.insert_at)
    }

    #[test]
    fn indexes_follow_their_elements() {
        let (old, new) = (list("[1,2,3,4,5]"), list("[0,1,3,5,6]"));
        let mut map = ListMap::new(&old, &new);
        let mut index_of = |mut index| map.element(&mut index).map(|_| index);
        assert_eq!([0, 1, 2, 3, 4].map(&mut index_of), [Some(1), None, Some(2), None, Some(3)]);
        assert_eq!(index_of(5), None);
        map.append(1);
        let mut index = 5;
        assert!(matches!(map.element(&mut index), Some(Mapping::Identical)));
        assert_eq!(index, 5);
        assert_eq!(splice_text(&map.splice(0, 2, 0)), "[1..2] insert 1");
        assert_eq!(splice_text(&map.splice(0, 3, 2)), "[1..3] insert 1");
    }

    #[test]
    fn elements_that_a_permutation_does_not_know_come_last() {
        let (old, new) = (list("[1,2,3]"), list("[9,1,2,3,8]"));
        let mut map = ListMap::new(&old, &new);
        assert_eq!(map.permute(&[2, 0, 1]), [3, 1, 2, 0, 4]);
        assert_eq!(map.replace(0), Some(0));
    }

    #[test]
    fn each_list_loses_its_own_first_element() {
        let (old, new) = (list("[1,2,3]"), list("[2,3,4]"));
        let mut map = ListMap::new(&old, &new);
        map.take(ListEnd::First);
        assert_eq!([map.replace(0), map.replace(1)], [None, Some(0)], "2 was taken from the new list");
        map.take(ListEnd::Last);
        assert_eq!(map.replace(0), None);
    }

    #[test]
    fn an_element_that_the_other_writer_replaced_is_not_removed() {
        let (old, new) = (list("[1,2,3]"), list("[1,7,3]"));
        let mut map = ListMap::new(&old, &new);
        assert_eq!(splice_text(&map.splice(0, 3, 0)), "[2..3, 0..1] insert 0");
    }
}
