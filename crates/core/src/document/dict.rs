//! A JSON object that keeps the order in which its keys were added.

use super::Node;
use super::chunked_vec::{ChunkId, ChunkedVec, Item};
use crate::byte_len::{ByteLen, ByteOffset};
use compact_str::CompactString;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// A key is looked up by its hash in dicts of more entries than this, and entry by entry in others.
const MAX_UNINDEXED: usize = 32;

/// A JSON object. Keys are canonical string text without the quotes.
#[derive(Clone, Debug)]
pub struct Dict {
    entries: ChunkedVec<Entry>,
    /// The chunk of each key.
    index: Option<HashMap<CompactString, ChunkId>>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Entry {
    key: CompactString,
    value: Node,
}

/// An entry that was removed from a dict.
#[derive(Clone, Debug)]
pub struct RemovedEntry {
    /// The number of keys that were before it.
    pub(crate) position: usize,
    pub(crate) value: Node,
}

impl Item for Entry {
    fn text_len(&self) -> ByteLen {
        key_text_len(&self.key) + self.value.text_len()
    }
}

/// The length of a key's text with its quotes and the colon after it.
pub(crate) fn key_text_len(key: &str) -> ByteLen {
    ByteLen(key.len() + 3)
}

impl Dict {
    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
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

    pub(crate) fn text_len(&self) -> ByteLen {
        ByteLen(2 + self.len().saturating_sub(1)) + self.entries.text_len()
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

    /// Whether there is this key.
    pub(crate) fn contains(&self, key: &str) -> bool {
        match &self.index {
            Some(index) => index.contains_key(key),
            None => self.position(key).is_some(),
        }
    }

    /// The offset of the entry at a position in the dict's text; for the number of keys, where that of another
    /// entry would begin.
    pub(crate) fn offset(&self, position: usize) -> ByteOffset {
        // After the bracket and a comma for each entry before.
        ByteOffset(1 + position) + self.entries.text_len_before(position)
    }

    /// The offset of the closing bracket in the dict's text.
    pub(crate) fn closing_bracket(&self) -> ByteOffset {
        ByteOffset::START + self.text_len() - ByteLen(1)
    }

    /// Change the value of a key.
    pub(crate) fn update<R>(&mut self, key: &str, change: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.entries.update(self.position(key)?, |entry| change(&mut entry.value))
    }

    /// Set the value of a key; a new key is added at the end. Returns the value before.
    pub(crate) fn set(&mut self, key: &CompactString, value: Node) -> Option<Node> {
        if let Some(position) = self.position(key) {
            return self.entries.update(position, |entry| std::mem::replace(&mut entry.value, value));
        }
        let chunk = self.entries.push(Entry { key: key.clone(), value });
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), chunk);
        } else if self.len() > MAX_UNINDEXED {
            self.build_index();
        }
        None
    }

    /// Remove a key.
    pub(crate) fn unset(&mut self, key: &str) -> Option<RemovedEntry> {
        let position = self.position(key)?;
        let entry = self.entries.splice(position, 1, Vec::new()).pop()?;
        if let Some(index) = &mut self.index {
            index.remove(key);
        }
        Some(RemovedEntry { position, value: entry.value })
    }

    /// Put an entry back to where `unset` removed it.
    pub(crate) fn restore(&mut self, key: CompactString, RemovedEntry { position, value }: RemovedEntry) {
        let Some(index) = &mut self.index else {
            self.entries.splice(position, 0, vec![Entry { key, value }]);
            return;
        };
        match self.entries.insert_without_split(position, Entry { key: key.clone(), value }) {
            Ok(chunk) => drop(index.insert(key, chunk)),
            Err(entry) => {
                self.entries.splice(position, 0, vec![entry]);
                self.build_index();
            }
        }
    }

    fn build_index(&mut self) {
        let entries = std::mem::replace(&mut self.entries, ChunkedVec::new());
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
        Self { entries: ChunkedVec::new(), index: None }
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
