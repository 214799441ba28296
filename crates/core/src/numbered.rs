//! What is known by numbers that grow.

use std::collections::VecDeque;

/// Values by number, in order. Made for numbers that grow, whose values go about in the order in which they came: then
/// everything but finding one costs the same however many there are. (A `BTreeMap` of each kind of value would be a
/// twentieth of the wasm build.)
#[derive(Debug)]
pub struct Numbered<T>(VecDeque<(u64, T)>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Numbered<T> {
    /// Put a value under a number, in place of what was there.
    pub fn insert(&mut self, number: u64, value: T) {
        match self.find(number) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.insert_at(at, number, value),
        }
    }

    /// Put a value under a number beside those it may have already.
    pub fn add(&mut self, number: u64, value: T) {
        let at = self.0.partition_point(|(other, _)| *other <= number);
        self.insert_at(at, number, value);
    }

    /// The lowest number.
    pub fn first_number(&self) -> Option<u64> {
        self.0.front().map(|(number, _)| *number)
    }

    /// Take the value of the lowest number out, where it is at most this.
    pub fn pop_up_to(&mut self, number: u64) -> Option<T> {
        let is_there = self.first_number().is_some_and(|first| first <= number);
        if is_there { self.0.pop_front().map(|(_, value)| value) } else { None }
    }

    /// The value of a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        self.find(number).ok().map(|at| &self.0[at].1)
    }

    /// The value of a number.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.find(number).ok().map(|at| &mut self.0[at].1)
    }

    /// The value of a number, which is this one where it has none yet.
    pub fn entry(&mut self, number: u64, new: impl FnOnce() -> T) -> &mut T {
        let at = self.find(number).unwrap_or_else(|at| {
            self.insert_at(at, number, new());
            at
        });
        &mut self.0[at].1
    }

    /// Take a value out.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        // Most often it is the first, or near it.
        for at in (1..=self.find(number).ok()?).rev() {
            self.0.swap(at, at - 1);
        }
        self.0.pop_front().map(|(_, value)| value)
    }

    /// The value of the lowest number.
    pub fn first(&self) -> Option<&T> {
        self.values().next()
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.0.iter().map(|(number, value)| (*number, value))
    }

    /// All values, by number.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// All values, by number.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// Keep only such values.
    pub fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        self.0.retain(|(_, value)| is_kept(value));
    }

    /// Take all out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Most often it is to be the last, or near it.
    fn insert_at(&mut self, at: usize, number: u64, value: T) {
        self.0.push_back((number, value));
        for at in (at + 1..self.0.len()).rev() {
            self.0.swap(at, at - 1);
        }
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _)| *number)
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
        all.retain(|value| *value != 21);
        all.add(5, 51);
        all.add(4, 40);
        assert_eq!((all.first_number(), all.pop_up_to(2), all.pop_up_to(3)), (Some(3), None, Some(31)));
        assert_eq!(all.into_values().collect::<Vec<_>>(), [40, 50, 51]);
    }
}
