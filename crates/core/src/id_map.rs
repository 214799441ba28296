//! A map for ids that grow.

use std::collections::VecDeque;

/// A map sorted by id, for ids that are mostly added at the end and removed at the start: then an insertion and a removal
/// cost the same whatever its length. A lookup is a binary search. An id can have several values ([`add`](Self::add)).
#[derive(Debug)]
pub struct IdMap<K, V> {
    /// Ascending. `values[i]` belongs to `ids[i]`.
    ids: VecDeque<K>,
    values: VecDeque<V>,
}

impl<K, V> Default for IdMap<K, V> {
    fn default() -> Self {
        Self { ids: VecDeque::new(), values: VecDeque::new() }
    }
}

impl<K: Copy + Ord, V> IdMap<K, V> {
    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Set the value of an id.
    pub fn insert(&mut self, id: K, value: V) {
        match self.ids.binary_search(&id) {
            Ok(at) => self.values[at] = value,
            Err(at) => self.insert_at(at, id, value),
        }
    }

    /// Add a value to those that an id has.
    pub fn add(&mut self, id: K, value: V) {
        let at = self.ids.partition_point(|other| *other <= id);
        self.insert_at(at, id, value);
    }

    /// The lowest id.
    pub fn first_id(&self) -> Option<K> {
        self.ids.front().copied()
    }

    /// Remove and return the value of the lowest id, if that is at most `id`.
    pub fn pop_up_to(&mut self, id: K) -> Option<V> {
        let has_such = self.first_id().is_some_and(|first| first <= id);
        if has_such { self.remove_at(0) } else { None }
    }

    /// The value of an id.
    pub fn get(&self, id: K) -> Option<&V> {
        self.values.get(self.ids.binary_search(&id).ok()?)
    }

    /// The value of an id, to be changed.
    pub fn get_mut(&mut self, id: K) -> Option<&mut V> {
        self.values.get_mut(self.ids.binary_search(&id).ok()?)
    }

    /// The value of an id; where it has none, `new` makes one.
    pub fn entry(&mut self, id: K, new: impl FnOnce() -> V) -> &mut V {
        let at = self.ids.binary_search(&id).unwrap_or_else(|at| {
            self.insert_at(at, id, new());
            at
        });
        &mut self.values[at]
    }

    /// Remove and return the value of an id.
    pub fn remove(&mut self, id: K) -> Option<V> {
        self.remove_at(self.ids.binary_search(&id).ok()?)
    }

    /// The value of the lowest id.
    pub fn first(&self) -> Option<&V> {
        self.values.front()
    }

    /// Ids and values, by id.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.ids.iter().copied().zip(&self.values)
    }

    /// The values, by id.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter()
    }

    /// The values, by id, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut()
    }

    /// The values, by id.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.values.into_iter()
    }

    /// Remove everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Costs the distance from the end.
    fn insert_at(&mut self, at: usize, id: K, value: V) {
        self.ids.push_back(id);
        self.values.push_back(value);
        for at in (at + 1..self.ids.len()).rev() {
            self.ids.swap(at, at - 1);
            self.values.swap(at, at - 1);
        }
    }

    /// Costs the distance from the start.
    fn remove_at(&mut self, at: usize) -> Option<V> {
        for at in (1..=at).rev() {
            self.ids.swap(at, at - 1);
            self.values.swap(at, at - 1);
        }
        self.ids.pop_front();
        self.values.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_by_id() {
        let mut map = IdMap::default();
        for id in [1, 2, 5, 3] {
            map.insert(id, id * 10);
        }
        map.insert(2, 21);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(1, &10), (2, &21), (3, &30), (5, &50)]);
        assert_eq!((map.get(4), map.get(5), map.first()), (None, Some(&50), Some(&10)));
        assert_eq!((map.remove(1), map.remove(1), map.first()), (Some(10), None, Some(&21)));
        *map.entry(3, || 0) += 1;
        map.values_mut().for_each(|value| *value += 1);
        assert_eq!(map.remove(2), Some(22));
        map.add(5, 51);
        map.add(4, 40);
        assert_eq!((map.first_id(), map.pop_up_to(2), map.pop_up_to(3)), (Some(3), None, Some(32)));
        assert_eq!(map.into_values().collect::<Vec<_>>(), [40, 51, 51]);
    }
}
