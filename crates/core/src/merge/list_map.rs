//! A list as pending mutations know it, beside the list that came instead.

use super::align::{Pair, align};
use super::transform::Fate;
use crate::document::{List, Node};
use crate::numbered::Numbered;
use std::ops::Range;

/// Names an element while mutations are carried over: the index in the old list, or a number past it.
type Id = usize;

#[derive(Debug)]
pub(super) struct ListMap<'a> {
    old_list: &'a List,
    new_list: &'a List,
    /// So many are the same at the start,
    start: usize,
    /// and so many at the end;
    end: usize,
    /// between these, those that are in both; ascending in the old list.
    partners: Vec<Pair>,
    /// The elements as the mutations so far leave the list they were made on,
    old: Vec<Id>,
    /// and as the mutations carried so far leave the new one.
    new: Vec<Id>,
    next_id: Id,
    /// Ids from here on are of elements that pending mutations put there.
    first_fresh: Id,
    /// What has been named.
    named: Numbered<Fate<'a>>,
}

/// Where a splice cuts the new list.
pub(super) struct Cut {
    /// To be taken out, from the last to the first: indexes before any is taken out.
    pub(super) runs: Vec<Range<usize>>,
    /// Where what comes goes, once they are out.
    pub(super) insert_at: usize,
}

impl<'a> ListMap<'a> {
    pub(super) fn new(old: &'a List, new: &'a List) -> Self {
        let alignment = align(old, new);
        let mut partners: Vec<Pair> = alignment.middle.iter().chain(&alignment.moved).copied().collect();
        partners.sort_unstable();
        // First those that nobody knows.
        let mut ids: Vec<Id> = (0..alignment.start).collect();
        ids.extend(old.len() + alignment.start..old.len() + new.len() - alignment.end);
        ids.extend(old.len() - alignment.end..old.len());
        for pair in &partners {
            ids[pair.new] = pair.old;
        }
        let first_fresh = old.len() + new.len();
        Self {
            old_list: old,
            new_list: new,
            start: alignment.start,
            end: alignment.end,
            partners,
            old: (0..old.len()).collect(),
            new: ids,
            next_id: first_fresh,
            first_fresh,
            named: Numbered::default(),
        }
    }

    /// The value at an index of the old list, whose index becomes that in the new one. None where it is gone.
    pub(super) fn enter(&mut self, index: &mut usize) -> Option<&mut Fate<'a>> {
        let id = *self.old.get(*index)?;
        *index = self.find(id, *index)?;
        let (old, new) = self.values(id);
        let is_fresh = id >= self.first_fresh;
        Some(self.named.entry(id as u64, || if is_fresh { Fate::Pending } else { Fate::between(old, new) }))
    }

    /// Another value for an element. Gives its index in the new list.
    pub(super) fn replace(&mut self, index: usize) -> Option<usize> {
        let id = *self.old.get(index)?;
        let place = self.find(id, index);
        self.named.insert(id as u64, Fate::Pending);
        place
    }

    pub(super) fn append(&mut self, count: usize) {
        let ids = self.fresh(count);
        self.old.extend(ids.clone());
        self.new.extend(ids);
    }

    pub(super) fn splice(&mut self, index: usize, remove: usize, insert: usize) -> Cut {
        let end = (index + remove).min(self.old.len());
        let index = index.min(end);
        let at_end = end == self.old.len();
        let going: Vec<Id> = self.old[index..end].to_vec();
        let mut places = Vec::new();
        for (i, id) in going.into_iter().enumerate() {
            // What somebody gave another value meanwhile is not what was to be removed.
            if !self.is_overwritten(id) {
                places.extend(self.find(id, index + i));
            }
        }
        places.sort_unstable();
        let insert_at = match places.first() {
            Some(first) => *first,
            None if at_end => self.new.len(),
            None if index == 0 => 0,
            None => self.beside(index, end),
        };
        let mut runs: Vec<Range<usize>> = Vec::new();
        for &place in &places {
            match runs.last_mut() {
                Some(run) if run.end == place => run.end += 1,
                _ => runs.push(place..place + 1),
            }
        }
        runs.reverse();
        let ids = self.fresh(insert);
        for run in &runs {
            put(&mut self.new, run.clone(), 0..0);
        }
        put(&mut self.new, insert_at..insert_at, ids.clone());
        put(&mut self.old, index..end, ids);
        Cut { runs, insert_at }
    }

    /// Elements take the order they were given; what they did not know comes after them, in its order.
    pub(super) fn permute(&mut self, order: &[usize]) -> Vec<usize> {
        self.old = order.iter().filter_map(|&index| self.old.get(index).copied()).collect();
        let mut places = vec![None; self.next_id];
        for (place, id) in self.new.iter().enumerate() {
            places[*id] = Some(place);
        }
        let mut new_order: Vec<usize> = self.old.iter().filter_map(|id| places[*id].take()).collect();
        new_order.extend(self.new.iter().filter_map(|id| places[*id]));
        self.new = new_order.iter().map(|&index| self.new[index]).collect();
        new_order
    }

    /// Where to insert between two neighbours in the old list of which nothing between is left in the new one:
    /// before the right one, else after the nearest on the left that is left.
    fn beside(&self, index: usize, end: usize) -> usize {
        if let Some(place) = self.old.get(end).and_then(|id| self.find(*id, end)) {
            return place;
        }
        let left = (0..index).rev().find_map(|index| self.find(self.old[index], index));
        left.map_or(0, |place| place + 1)
    }

    fn find(&self, id: Id, near: usize) -> Option<usize> {
        if self.new.get(near) == Some(&id) {
            return Some(near);
        }
        self.new.iter().position(|other| *other == id)
    }

    /// The values of an element in the lists as they were at first.
    fn values(&self, id: Id) -> (Option<&'a Node>, Option<&'a Node>) {
        let old = self.old_list.get(id);
        let partner = if id < self.start {
            Some(id)
        } else if id + self.end >= self.old_list.len() {
            Some(id + self.new_list.len() - self.old_list.len())
        } else {
            self.partners.binary_search_by_key(&id, |pair| pair.old).ok().map(|found| self.partners[found].new)
        };
        (old, partner.filter(|_| old.is_some()).and_then(|index| self.new_list.get(index)))
    }

    /// Has somebody put another value in the place of this scalar?
    fn is_overwritten(&self, id: Id) -> bool {
        if self.named.get(id as u64).is_some() {
            return false;
        }
        matches!(self.values(id), (Some(old @ Node::Scalar(_)), Some(new)) if old != new)
    }

    fn fresh(&mut self, count: usize) -> Range<Id> {
        let ids = self.next_id..self.next_id + count;
        self.next_id += count;
        ids
    }
}

/// Ids in the place of others.
fn put(list: &mut Vec<Id>, place: Range<usize>, ids: Range<Id>) {
    let behind = list.split_off(place.end);
    list.truncate(place.start);
    list.extend(ids);
    list.extend(behind);
}
