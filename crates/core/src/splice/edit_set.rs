//! Edits that were made one after another, as edits of the text before the first.

use super::Edit;
use crate::byte_len::{ByteLen, ByteOffset};

/// A set of more edits than this becomes a rewrite of the whole text.
const MAX_EDITS: usize = 512;

/// Composed edits of one text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EditSet {
    /// Sorted, and neither overlapping nor adjacent; offsets are in the text before the first edit.
    edits: Vec<Edit>,
    is_rewrite: bool,
}

/// The bytes that the edits before a position have inserted and removed.
#[derive(Clone, Copy)]
struct Shift {
    inserted: ByteLen,
    removed: ByteLen,
}

impl Shift {
    const NONE: Self = Self { inserted: ByteLen(0), removed: ByteLen(0) };

    fn add(&mut self, edit: &Edit) {
        self.inserted += ByteLen::of(&edit.insert);
        self.removed += edit.remove;
    }

    /// The offset in the edited text of an offset in the text before.
    fn edited(self, before: ByteOffset) -> ByteOffset {
        before + self.inserted - self.removed
    }

    /// The offset in the text before of an offset in the edited text.
    fn original(self, edited: ByteOffset) -> ByteOffset {
        edited + self.removed - self.inserted
    }
}

impl EditSet {
    /// No edits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The replacement of the whole text.
    pub fn rewrite() -> Self {
        Self { edits: Vec::new(), is_rewrite: true }
    }

    /// The edits, sorted and apart; None for a replacement of the whole text.
    pub fn edits(&self) -> Option<&[Edit]> {
        (!self.is_rewrite).then_some(&self.edits)
    }

    /// The bytes that the edits insert.
    pub fn text_len(&self) -> ByteLen {
        self.edits.iter().map(|edit| ByteLen::of(&edit.insert)).sum()
    }

    /// Adapt the edits to a text that has grown by `by` bytes before all of them.
    pub fn shift(&mut self, by: ByteLen) {
        for edit in &mut self.edits {
            edit.at += by;
        }
    }

    /// Add an edit of the text that the edits before have made.
    pub fn push(&mut self, edit: Edit) {
        if self.is_rewrite || edit.is_empty() {
            return;
        }
        let mut shift = Shift::NONE;
        let mut first = 0;
        while let Some(before) = self.edits.get(first)
            && before.at + shift.inserted + ByteLen::of(&before.insert) < edit.at + shift.removed
        {
            shift.add(before);
            first += 1;
        }
        if self.edits.get(first).is_some_and(|next| shift.edited(next.at) <= edit.end()) {
            self.merge(first, shift, &edit);
        } else {
            let at = shift.original(edit.at);
            self.edits.insert(first, Edit { at, ..edit });
        }
        if self.edits.len() > MAX_EDITS {
            *self = Self::rewrite();
        }
    }

    /// Merge an edit with those it touches, from the one at index `first` on; `shift` is that of the edits before it.
    fn merge(&mut self, first: usize, mut shift: Shift, edit: &Edit) {
        let head = &self.edits[first];
        let head_start = shift.edited(head.at);
        if edit.at >= head_start && edit.end() <= head_start + ByteLen::of(&head.insert) {
            // Inside of one edit's text: changed in place, so that many appends cost what they add.
            let (start, end) = (edit.at - head_start, edit.end() - head_start);
            let insert = &mut self.edits[first].insert;
            let behind = insert.split_off(end.0);
            insert.truncate(start.0);
            insert.push_str(&edit.insert);
            insert.push_str(&behind);
            return;
        }
        let (at, mut insert) = if edit.at < head_start {
            (shift.original(edit.at), String::new())
        } else {
            (head.at, head.insert[..(edit.at - head_start).0].to_owned())
        };
        insert.push_str(&edit.insert);
        let mut last = first;
        let old_end = loop {
            let this = &self.edits[last];
            let this_start = shift.edited(this.at);
            if edit.end() < this_start + ByteLen::of(&this.insert) {
                insert.push_str(&this.insert[(edit.end() - this_start).0..]);
                break this.end();
            }
            shift.add(this);
            match self.edits.get(last + 1) {
                Some(next) if shift.edited(next.at) <= edit.end() => last += 1,
                _ => break shift.original(edit.end()),
            }
        };
        self.edits.drain(first..last);
        self.edits[first] = Edit { at, remove: old_end - at, insert };
    }
}
