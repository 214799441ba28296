//! A JSON array.

use super::Node;
use super::sequence::{Item, Sequence};
use std::hash::{Hash, Hasher};

/// A JSON array.
#[derive(Clone, Debug)]
pub struct List {
    items: Sequence<Node>,
}

impl Item for Node {
    fn bytes(&self) -> usize {
        self.text_len()
    }
}

impl List {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element.
    pub fn get(&self, index: usize) -> Option<&Node> {
        self.items.get(index)
    }

    pub(crate) fn last(&self) -> Option<&Node> {
        self.items.last()
    }

    /// The elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.items.iter()
    }

    pub(super) fn text_len(&self) -> usize {
        2 + self.items.bytes() + self.len().saturating_sub(1)
    }

    pub(super) fn print(&self, out: &mut String) {
        out.push('[');
        for (i, item) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            item.print(out);
        }
        out.push(']');
    }

    /// Where an element's text begins in the list's text; for the length, where one more would.
    pub(crate) fn offset(&self, index: usize) -> usize {
        1 + self.items.bytes_before(index) + index
    }

    pub(crate) fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.items.update(index, change)
    }

    /// Gives the elements that went.
    pub(crate) fn splice(&mut self, index: usize, remove: usize, values: Vec<Node>) -> Vec<Node> {
        self.items.splice(index, remove, values)
    }

    /// Element `order[i]` becomes element `i`; `order` is a permutation of the indexes.
    pub(crate) fn permute(&mut self, order: &[usize]) {
        let items = std::mem::replace(&mut self.items, Sequence::new());
        let mut items: Vec<_> = items.into_items().into_iter().map(Some).collect();
        *self = order.iter().filter_map(|&index| items[index].take()).collect();
    }
}

impl FromIterator<Node> for List {
    fn from_iter<I: IntoIterator<Item = Node>>(values: I) -> Self {
        let mut items = Sequence::new();
        for value in values {
            items.push(value);
        }
        Self { items }
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.text_len() == other.text_len() && self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for List {}

impl Hash for List {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|item| item.hash(state));
    }
}
