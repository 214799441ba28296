//! What is known by numbers that grow.

use std::collections::VecDeque;

/// Values by number, in order. Made for numbers that grow, whose values go about in the order in which they came: then
/// everything but finding one costs the same however many there are. (A `BTreeMap` of each kind of value would be a
/// twentieth of the wasm build.)
#[derive(Debug)]
pub struct Numbered<T> {
    /// Ascending. Apart from the values, so that looking for one is the same code for all kinds.
    numbers: VecDeque<u64>,
    values: VecDeque<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: VecDeque::new(), values: VecDeque::new() }
    }
}

impl<T> Numbered<T> {
    /// Put a value under a number, in place of what was there.
    pub fn insert(&mut self, number: u64, value: T) {
        match self.numbers.binary_search(&number) {
            Ok(at) => self.values[at] = value,
            Err(at) => self.insert_at(at, number, value),
        }
    }

    /// Put a value under a number beside those it may have already.
    pub fn add(&mut self, number: u64, value: T) {
        let at = self.numbers.partition_point(|other| *other <= number);
        self.insert_at(at, number, value);
    }

    /// The lowest number.
    pub fn first_number(&self) -> Option<u64> {
        self.numbers.front().copied()
    }

    /// Take the value of the lowest number out, where it is at most this.
    pub fn pop_up_to(&mut self, number: u64) -> Option<T> {
        let is_there = self.first_number().is_some_and(|first| first <= number);
        if is_there { self.remove_at(0) } else { None }
    }

    /// The value of a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.values.get(self.numbers.binary_search(&number).ok()?)
    }

    /// The value of a number.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.values.get_mut(self.numbers.binary_search(&number).ok()?)
    }

    /// The value of a number, which is this one where it has none yet.
    pub fn entry(&mut self, number: u64, new: impl FnOnce() -> T) -> &mut T {
        let at = self.numbers.binary_search(&number).unwrap_or_else(|at| {
            self.insert_at(at, number, new());
            at
        });
        &mut self.values[at]
    }

    /// Take a value out.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        self.remove_at(self.numbers.binary_search(&number).ok()?)
    }

    /// The value of the lowest number.
    pub fn first(&self) -> Option<&T> {
        self.values.front()
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.numbers.iter().copied().zip(&self.values)
    }

    /// All values, by number.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.values.iter()
    }

    /// All values, by number.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut()
    }

    /// All values, by number.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        self.values.into_iter()
    }

    /// Take all out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Most often it is to be the last, or near it.
    fn insert_at(&mut self, at: usize, number: u64, value: T) {
        self.numbers.push_back(number);
        self.values.push_back(value);
        for at in (at + 1..self.numbers.len()).rev() {
            self.numbers.swap(at, at - 1);
            self.values.swap(at, at - 1);
        }
    }

    /// Most often it is the first, or near it.
    fn remove_at(&mut self, at: usize) -> Option<T> {
        for at in (1..=at).rev() {
            self.numbers.swap(at, at - 1);
            self.values.swap(at, at - 1);
        }
        self.numbers.pop_front();
        self.values.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_number() {
        let mut all = Numbered::default();
        for number in [1, 2, 5, 3] {
            all.insert(number, number * 10);
        }
        all.insert(2, 21);
        assert_eq!(all.iter().collect::<Vec<_>>(), [(1, &10), (2, &21), (3, &30), (5, &50)]);
        assert_eq!((all.get(4), all.get(5), all.first()), (None, Some(&50), Some(&10)));
        assert_eq!((all.remove(1), all.remove(1), all.first()), (Some(10), None, Some(&21)));
        *all.entry(3, || 0) += 1;
        all.values_mut().for_each(|value| *value += 1);
        assert_eq!(all.remove(2), Some(22));
        all.add(5, 51);
        all.add(4, 40);
        assert_eq!((all.first_number(), all.pop_up_to(2), all.pop_up_to(3)), (Some(3), None, Some(32)));
        assert_eq!(all.into_values().collect::<Vec<_>>(), [40, 51, 51]);
    }
}
