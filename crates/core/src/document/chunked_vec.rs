//! A vector in chunks that know the length of their text. To find where an item's text begins costs the number of chunks,
//! not the number of items.

use crate::byte_len::ByteLen;

/// Chunks are split past this many items.
const MAX_CHUNK: usize = 512;

/// An item of a [`ChunkedVec`].
pub(super) trait Item {
    /// The length of the item's text.
    fn text_len(&self) -> ByteLen;
}

/// Items in order.
#[derive(Clone, Debug)]
pub(super) struct ChunkedVec<T> {
    chunks: Vec<Chunk<T>>,
    /// The number of items.
    len: usize,
    text_len: ByteLen,
    last_chunk_id: ChunkId,
}

/// The name of a chunk within its `ChunkedVec`. Ids of chunks ascend as long as items are only added at the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ChunkId(u32);

#[derive(Clone, Debug)]
struct Chunk<T> {
    id: ChunkId,
    text_len: ByteLen,
    items: Vec<T>,
}

/// The position of an item.
#[derive(Clone, Copy)]
struct ChunkPosition {
    /// The index of the chunk.
    chunk: usize,
    /// The index of the item in the chunk.
    within: usize,
}

impl<T: Item> ChunkedVec<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), len: 0, text_len: ByteLen(0), last_chunk_id: ChunkId(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The length of all items' texts, without separators.
    pub(super) fn text_len(&self) -> ByteLen {
        self.text_len
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        Iter { chunks: &self.chunks, front: &[], back: &[] }
    }

    pub(super) fn into_items(self) -> Vec<T> {
        let mut items = Vec::with_capacity(self.len);
        for chunk in self.chunks {
            items.extend(chunk.items);
        }
        items
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let ChunkPosition { chunk, within } = self.position(index)?;
        Some(&self.chunks[chunk].items[within])
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.last()?.items.last()
    }

    /// The length of the texts of all items before `index`, which is at most the number of items.
    pub(super) fn text_len_before(&self, index: usize) -> ByteLen {
        // Most items are added at the end, which needs no search.
        let Some(ChunkPosition { chunk, within }) = self.position(index) else { return self.text_len };
        let chunks_before: ByteLen = self.chunks[..chunk].iter().map(|chunk| chunk.text_len).sum();
        let items_before: ByteLen = self.chunks[chunk].items[..within].iter().map(Item::text_len).sum();
        chunks_before + items_before
    }

    /// Change an item.
    pub(super) fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let ChunkPosition { chunk, within } = self.position(index)?;
        let chunk = &mut self.chunks[chunk];
        let item = &mut chunk.items[within];
        let before = item.text_len();
        let result = change(item);
        let after = item.text_len();
        chunk.text_len = chunk.text_len - before + after;
        self.text_len = self.text_len - before + after;
        Some(result)
    }

    /// Add an item at the end. Returns the id of its chunk.
    pub(super) fn push(&mut self, item: T) -> ChunkId {
        if self.chunks.last().is_none_or(|chunk| chunk.items.len() >= MAX_CHUNK) {
            let id = self.next_chunk_id();
            self.chunks.push(Chunk { id, text_len: ByteLen(0), items: Vec::new() });
        }
        let text_len = item.text_len();
        let chunk = self.chunks.last_mut().expect("there is a last chunk now");
        chunk.text_len += text_len;
        chunk.items.push(item);
        self.text_len += text_len;
        self.len += 1;
        chunk.id
    }

    /// Replace `remove` items from `index` on, which must be there, by others. Returns the items that were removed.
    pub(super) fn splice(&mut self, index: usize, remove: usize, items: Vec<T>) -> Vec<T> {
        let removed = self.remove(index, remove);
        match self.position(index) {
            _ if items.is_empty() => {}
            Some(position) => self.insert(position, items),
            None => {
                for item in items {
                    self.push(item);
                }
            }
        }
        removed
    }

    /// Insert an item where a chunk has room for it. Returns the id of that chunk; the item where none has.
    pub(super) fn insert_without_split(&mut self, index: usize, item: T) -> Result<ChunkId, T> {
        let mut before = index;
        for chunk in &mut self.chunks {
            if before <= chunk.items.len() && chunk.items.len() < MAX_CHUNK {
                let text_len = item.text_len();
                chunk.text_len += text_len;
                chunk.items.insert(before, item);
                self.text_len += text_len;
                self.len += 1;
                return Ok(chunk.id);
            }
            match before.checked_sub(chunk.items.len()) {
                Some(rest) => before = rest,
                None => break,
            }
        }
        Err(item)
    }

    fn remove(&mut self, index: usize, mut count: usize) -> Vec<T> {
        let mut removed = Vec::with_capacity(count);
        let mut emptied_chunk = false;
        while count > 0
            && let Some(ChunkPosition { chunk, within }) = self.position(index)
        {
            let chunk = &mut self.chunks[chunk];
            let end = chunk.items.len().min(within + count);
            for item in chunk.items.drain(within..end) {
                chunk.text_len -= item.text_len();
                self.text_len -= item.text_len();
                self.len -= 1;
                count -= 1;
                removed.push(item);
            }
            emptied_chunk |= chunk.items.is_empty();
        }
        if emptied_chunk {
            self.chunks.retain(|chunk| !chunk.items.is_empty());
        }
        removed
    }

    fn insert(&mut self, ChunkPosition { chunk: at, within }: ChunkPosition, items: Vec<T>) {
        let text_len: ByteLen = items.iter().map(Item::text_len).sum();
        self.len += items.len();
        self.text_len += text_len;
        let chunk = &mut self.chunks[at];
        chunk.text_len += text_len;
        let behind = chunk.items.split_off(within);
        chunk.items.extend(items);
        chunk.items.extend(behind);
        while self.chunks[at].items.len() > MAX_CHUNK {
            let id = self.next_chunk_id();
            let chunk = &mut self.chunks[at];
            let items = chunk.items.split_off(chunk.items.len() - MAX_CHUNK / 2);
            let text_len = items.iter().map(Item::text_len).sum();
            chunk.text_len -= text_len;
            self.chunks.insert(at + 1, Chunk { id, text_len, items });
        }
    }

    fn next_chunk_id(&mut self) -> ChunkId {
        self.last_chunk_id = ChunkId(self.last_chunk_id.0 + 1);
        self.last_chunk_id
    }

    /// The index of the item in a chunk for which `is_it`. Only for a `ChunkedVec` into which nothing was inserted but at the
    /// end.
    pub(super) fn find_in(&self, chunk_id: ChunkId, is_it: impl Fn(&T) -> bool) -> Option<usize> {
        let chunk = self.chunks.binary_search_by_key(&chunk_id, |chunk| chunk.id).ok()?;
        let before: usize = self.chunks[..chunk].iter().map(|chunk| chunk.items.len()).sum();
        Some(before + self.chunks[chunk].items.iter().position(is_it)?)
    }

    fn position(&self, index: usize) -> Option<ChunkPosition> {
        if index >= self.len {
            return None;
        }
        let mut within = index;
        for (chunk, Chunk { items, .. }) in self.chunks.iter().enumerate() {
            if within < items.len() {
                return Some(ChunkPosition { chunk, within });
            }
            within -= items.len();
        }
        None
    }
}

/// The items that have not been visited yet. (It compiles to a fraction of the code of flattening adapters.)
struct Iter<'a, T> {
    chunks: &'a [Chunk<T>],
    /// Items before those chunks.
    front: &'a [T],
    /// Items behind those chunks.
    back: &'a [T],
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        while self.front.is_empty() {
            match self.chunks.split_first() {
                Some((chunk, rest)) => (self.front, self.chunks) = (&chunk.items, rest),
                None if self.back.is_empty() => return None,
                None => self.front = std::mem::take(&mut self.back),
            }
        }
        let (item, rest) = self.front.split_first()?;
        self.front = rest;
        Some(item)
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        while self.back.is_empty() {
            match self.chunks.split_last() {
                Some((chunk, rest)) => (self.back, self.chunks) = (&chunk.items, rest),
                None if self.front.is_empty() => return None,
                None => self.back = std::mem::take(&mut self.front),
            }
        }
        let (item, rest) = self.back.split_last()?;
        self.back = rest;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item whose text has as many bytes as the number says.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Sized(usize);

    impl Item for Sized {
        fn text_len(&self) -> ByteLen {
            ByteLen(self.0)
        }
    }

    fn check(vec: &ChunkedVec<Sized>, expected: &[Sized]) {
        assert_eq!(vec.iter().copied().collect::<Vec<_>>(), expected);
        assert_eq!(vec.iter().rev().copied().collect::<Vec<_>>(), expected.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!((vec.len(), vec.last()), (expected.len(), expected.last()));
        for index in [0, 1, expected.len() / 2, expected.len().saturating_sub(1), expected.len()] {
            let before = expected.iter().take(index).map(|item| item.0).sum();
            assert_eq!(vec.text_len_before(index), ByteLen(before), "before {index}");
            assert_eq!(vec.get(index), expected.get(index));
        }
        assert_eq!(vec.text_len(), ByteLen(expected.iter().map(|item| item.0).sum()));
    }

    #[test]
    fn splices_across_chunks_keep_items_and_lengths() {
        let (mut vec, mut expected) = (ChunkedVec::new(), Vec::new());
        for n in 0..3 * MAX_CHUNK {
            vec.push(Sized(n % 7));
            expected.push(Sized(n % 7));
        }
        check(&vec, &expected);
        for (index, remove, insert) in [(0, 0, 5), (500, 30, 0), (10, 1200, 3), (7, 0, 2 * MAX_CHUNK), (0, 40, 40)] {
            let items: Vec<_> = (0..insert).map(|n| Sized(n % 11)).collect();
            let removed: Vec<_> = expected.splice(index..index + remove, items.clone()).collect();
            assert_eq!(vec.splice(index, remove, items), removed);
            check(&vec, &expected);
        }
        assert_eq!(vec.update(3, |item| std::mem::replace(item, Sized(100))), Some(expected[3]));
        expected[3] = Sized(100);
        check(&vec, &expected);
        let len = expected.len();
        assert_eq!(vec.splice(0, len, Vec::new()), expected);
        check(&vec, &[]);
    }

    #[test]
    fn an_item_is_found_in_the_chunk_that_push_named() {
        let mut vec = ChunkedVec::new();
        let ids: Vec<_> = (0..2 * MAX_CHUNK).map(|n| vec.push(Sized(n))).collect();
        vec.splice(5, 300, Vec::new());
        assert_eq!(vec.find_in(ids[600], |item| item.0 == 600), Some(300));
        assert_eq!(vec.find_in(ids[10], |item| item.0 == 10), None);
    }
}
