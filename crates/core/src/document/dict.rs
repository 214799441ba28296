//! A JSON object that keeps the order in which keys were added.

use super::Node;
use super::sequence::{Item, Sequence};
use compact_str::CompactString;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// Up to here a key is looked for in order; from here on, by its hash.
const INDEX_FROM: usize = 32;

/// A JSON object. Keys are canonical string text without the quotes.
#[derive(Clone, Debug)]
pub struct Dict {
    entries: Sequence<Entry>,
    /// The id of the chunk that each key is in.
    index: Option<HashMap<CompactString, u32>>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Entry {
    key: CompactString,
    value: Node,
}

impl Item for Entry {
    fn bytes(&self) -> usize {
        self.key.len() + 3 + self.value.text_len()
    }
}

impl Dict {
    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Has it no keys?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A key's value.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(self.position(key)?).map(|entry| &entry.value)
    }

    /// The value of the last key.
    pub(crate) fn last(&self) -> Option<&Node> {
        self.entries.last().map(|entry| &entry.value)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&CompactString, &Node)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
    }

    pub(super) fn text_len(&self) -> usize {
        2 + self.entries.bytes() + self.len().saturating_sub(1)
    }

    pub(super) fn print(&self, out: &mut String) {
        out.push('{');
        for (i, (key, value)) in self.iter().enumerate() {
            out.push_str(if i > 0 { ",\"" } else { "\"" });
            out.push_str(key);
            out.push_str("\":");
            value.print(out);
        }
        out.push('}');
    }

    /// The number of keys before this one.
    pub(crate) fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => self.entries.find_in(*index.get(key)?, |entry| entry.key == key),
            None => self.entries.iter().position(|entry| entry.key == key),
        }
    }

    /// Where the text of the entry at a position begins in the dict's text; for the length, where one more would.
    pub(crate) fn offset(&self, position: usize) -> usize {
        1 + self.entries.bytes_before(position) + position
    }

    pub(crate) fn update<R>(&mut self, key: &str, change: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.entries.update(self.position(key)?, |entry| change(&mut entry.value))
    }

    /// Give a key a value; a new key goes last. Gives the value before.
    pub(crate) fn set(&mut self, key: &CompactString, value: Node) -> Option<Node> {
        if let Some(position) = self.position(key) {
            return self.entries.update(position, |entry| std::mem::replace(&mut entry.value, value));
        }
        let chunk = self.entries.push(Entry { key: key.clone(), value });
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), chunk);
        } else if self.len() > INDEX_FROM {
            self.build_index();
        }
        None
    }

    /// Take a key out. Gives where it was, and its value.
    pub(crate) fn unset(&mut self, key: &str) -> Option<(usize, Node)> {
        let position = self.position(key)?;
        let entry = self.entries.splice(position, 1, Vec::new()).pop()?;
        if let Some(index) = &mut self.index {
            index.remove(key);
        }
        Some((position, entry.value))
    }

    /// Put an entry where it was before it was taken out.
    pub(crate) fn put_back(&mut self, position: usize, key: CompactString, value: Node) {
        self.entries.splice(position, 0, vec![Entry { key, value }]);
        if self.index.is_some() {
            self.build_index();
        }
    }

    fn build_index(&mut self) {
        let entries = std::mem::replace(&mut self.entries, Sequence::new());
        let mut index = HashMap::with_capacity(entries.len() * 2);
        for entry in entries.into_items() {
            let key = entry.key.clone();
            index.insert(key, self.entries.push(entry));
        }
        self.index = Some(index);
    }
}

impl Default for Dict {
    fn default() -> Self {
        Self { entries: Sequence::new(), index: None }
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.text_len() == other.text_len() && self.len() == other.len() && self.entries.iter().eq(other.entries.iter())
    }
}

impl Eq for Dict {}

impl Hash for Dict {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.entries.iter().for_each(|entry| entry.hash(state));
    }
}
