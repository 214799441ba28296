//! Items in order, in chunks that know the bytes of their text: finding where an item's text begins
//! costs the number of chunks, not the number of items.

/// Chunks are split past this many items.
const MAX_CHUNK: usize = 512;

/// What has a text.
pub(super) trait Item {
    /// The text's length in bytes.
    fn bytes(&self) -> usize;
}

#[derive(Clone, Debug)]
pub(super) struct Sequence<T> {
    chunks: Vec<Chunk<T>>,
    len: usize,
    bytes: usize,
    next_id: u32,
}

#[derive(Clone, Debug)]
struct Chunk<T> {
    /// Ascending as long as items only come at the end.
    id: u32,
    bytes: usize,
    items: Vec<T>,
}

/// Where an item is.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    within: usize,
}

impl<T: Item> Sequence<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), len: 0, bytes: 0, next_id: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of all items' texts, without separators.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
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
        let place = self.place(index)?;
        Some(&self.chunks[place.chunk].items[place.within])
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.last()?.items.last()
    }

    /// The bytes of the texts of all items before `index` (at most the length).
    pub(super) fn bytes_before(&self, index: usize) -> usize {
        // The end is where most is added.
        let Some(place) = self.place(index) else {
            return self.bytes;
        };
        let whole: usize = self.chunks[..place.chunk].iter().map(|chunk| chunk.bytes).sum();
        let part: usize = self.chunks[place.chunk].items[..place.within].iter().map(Item::bytes).sum();
        whole + part
    }

    /// Change an item; the sums follow.
    pub(super) fn update<R>(&mut self, index: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = self.place(index)?;
        let chunk = &mut self.chunks[place.chunk];
        let item = &mut chunk.items[place.within];
        let before = item.bytes();
        let result = change(item);
        let after = item.bytes();
        chunk.bytes = chunk.bytes - before + after;
        self.bytes = self.bytes - before + after;
        Some(result)
    }

    /// Add an item at the end. Gives its chunk's id.
    pub(super) fn push(&mut self, item: T) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.items.len() >= MAX_CHUNK) {
            self.next_id += 1;
            self.chunks.push(Chunk { id: self.next_id, bytes: 0, items: Vec::new() });
        }
        let bytes = item.bytes();
        let chunk = self.chunks.last_mut().expect("there is a last chunk now");
        chunk.bytes += bytes;
        chunk.items.push(item);
        self.bytes += bytes;
        self.len += 1;
        chunk.id
    }

    /// Take `remove` items out at `index` and put others there. Both must be inside. Gives what went.
    pub(super) fn splice(&mut self, index: usize, remove: usize, items: Vec<T>) -> Vec<T> {
        let gone = self.remove(index, remove);
        match self.place(index) {
            _ if items.is_empty() => {}
            Some(place) => self.insert(place, items),
            None => {
                for item in items {
                    self.push(item);
                }
            }
        }
        gone
    }

    fn remove(&mut self, index: usize, mut count: usize) -> Vec<T> {
        let mut gone = Vec::with_capacity(count);
        let mut emptied = false;
        while count > 0
            && let Some(place) = self.place(index)
        {
            let chunk = &mut self.chunks[place.chunk];
            let end = chunk.items.len().min(place.within + count);
            for item in chunk.items.drain(place.within..end) {
                chunk.bytes -= item.bytes();
                self.bytes -= item.bytes();
                self.len -= 1;
                count -= 1;
                gone.push(item);
            }
            emptied |= chunk.items.is_empty();
        }
        if emptied {
            self.chunks.retain(|chunk| !chunk.items.is_empty());
        }
        gone
    }

    fn insert(&mut self, Place { chunk: at, within }: Place, items: Vec<T>) {
        let bytes: usize = items.iter().map(Item::bytes).sum();
        self.len += items.len();
        self.bytes += bytes;
        let chunk = &mut self.chunks[at];
        chunk.bytes += bytes;
        let behind = chunk.items.split_off(within);
        chunk.items.extend(items);
        chunk.items.extend(behind);
        while self.chunks[at].items.len() > MAX_CHUNK {
            let chunk = &mut self.chunks[at];
            let items = chunk.items.split_off(chunk.items.len() - MAX_CHUNK / 2);
            let bytes = items.iter().map(Item::bytes).sum();
            chunk.bytes -= bytes;
            self.next_id += 1;
            self.chunks.insert(at + 1, Chunk { id: self.next_id, bytes, items });
        }
    }

    /// The index of the item in a chunk that `is` the one, where items were only ever pushed or removed.
    pub(super) fn find_in(&self, chunk_id: u32, is: impl Fn(&T) -> bool) -> Option<usize> {
        let chunk = self.chunks.binary_search_by_key(&chunk_id, |chunk| chunk.id).ok()?;
        let before: usize = self.chunks[..chunk].iter().map(|chunk| chunk.items.len()).sum();
        Some(before + self.chunks[chunk].items.iter().position(is)?)
    }

    fn place(&self, index: usize) -> Option<Place> {
        if index >= self.len {
            return None;
        }
        let mut within = index;
        for (chunk, Chunk { items, .. }) in self.chunks.iter().enumerate() {
            if within < items.len() {
                return Some(Place { chunk, within });
            }
            within -= items.len();
        }
        None
    }
}

/// What has not been visited yet. (As code, a fraction of what flattening adapters become.)
struct Iter<'a, T> {
    chunks: &'a [Chunk<T>],
    /// Before those chunks,
    front: &'a [T],
    /// and behind them.
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
