//! A JSON array.

use super::Node;
use super::chunked_vec::{ChunkedVec, Item};
use crate::byte_len::{ByteLen, ByteOffset};
use std::hash::{Hash, Hasher};

/// A JSON array.
#[derive(Clone, Debug)]
pub struct List {
    elements: ChunkedVec<Node>,
}

impl Item for Node {
    fn text_len(&self) -> ByteLen {
        self.text_len()
    }
}

impl List {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at an index.
    pub fn get(&self, index: usize) -> Option<&Node> {
        self.elements.get(index)
    }

    /// The last element.
    pub(crate) fn last(&self) -> Option<&Node> {
        self.elements.last()
    }

    /// The elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.elements.iter()
    }

    pub(super) fn text_len(&self) -> ByteLen {
        ByteLen(2 + self.len().saturating_sub(1)) + self.elements.text_len()
    }

    pub(super) fn print(&self, out: &mut String) {
        out.push('[');
        for (i, element) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            element.print(out);
        }
        out.push(']');
    }

    /// The offset of an element in the list's text; for the number of elements, where that of another element
    /// would begin.
    pub(crate) fn offset(&self, index: usize) -> ByteOffset {
        // After the bracket and a comma for each element before.
        ByteOffset(1 + index) + self.elements.text_len_before(index)
    }

    /// The offset of the closing bracket in the list's text.
    pub(crate) fn closing_bracket(&self) -> ByteOffset {
        ByteOffset::START + self.text_len() - ByteLen(1)
    }

    /// Change an element.
    pub(crate) fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.elements.update(index, change)
    }

    /// Replace `remove` elements from `index` on, which must be there, by others. Returns the elements that were removed.
    pub(crate) fn splice(&mut self, index: usize, remove: usize, values: Vec<Node>) -> Vec<Node> {
        self.elements.splice(index, remove, values)
    }

    /// Reorder the elements: element `order[i]` becomes element `i`. `order` is a permutation of the indexes.
    pub(crate) fn permute(&mut self, order: &[usize]) {
        let elements = std::mem::replace(&mut self.elements, ChunkedVec::new());
        let mut elements: Vec<_> = elements.into_items().into_iter().map(Some).collect();
        *self = order.iter().filter_map(|&index| elements[index].take()).collect();
    }
}

impl FromIterator<Node> for List {
    fn from_iter<I: IntoIterator<Item = Node>>(values: I) -> Self {
        let mut elements = ChunkedVec::new();
        for value in values {
            elements.push(value);
        }
        Self { elements }
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
        self.iter().for_each(|element| element.hash(state));
    }
}
