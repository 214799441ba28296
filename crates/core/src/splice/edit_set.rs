//! Edits made one after another, as edits of the text before the first.

use super::Edit;

/// Past this many separate places the text is written as a whole.
const MAX_EDITS: usize = 512;

/// Composed edits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EditSet {
    /// Sorted and apart, offsets in the text before the first edit.
    edits: Vec<Edit>,
    rewrite: bool,
}

impl EditSet {
    /// No edits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The whole text is another.
    pub fn rewrite() -> Self {
        Self { edits: Vec::new(), rewrite: true }
    }

    /// The edits, sorted and apart; None where the whole text is another.
    pub fn edits(&self) -> Option<&[Edit]> {
        (!self.rewrite).then_some(&self.edits)
    }

    /// The text has grown by so many bytes, all of them before every edit.
    pub fn shift(&mut self, by: usize) {
        for edit in &mut self.edits {
            edit.at += by;
        }
    }

    /// Add an edit of the text as all edits before have made it.
    pub fn push(&mut self, edit: Edit) {
        if self.rewrite || (edit.remove == 0 && edit.insert.is_empty()) {
            return;
        }
        let end = edit.at + edit.remove;
        // How far the edits before a place have moved it: new offset + removed = old offset + inserted.
        let (mut inserted, mut removed) = (0, 0);
        let mut first = 0;
        while let Some(before) = self.edits.get(first)
            && before.at + inserted + before.insert.len() < edit.at + removed
        {
            inserted += before.insert.len();
            removed += before.remove;
            first += 1;
        }
        let start_of = |e: &Edit, inserted: usize, removed: usize| e.at + inserted - removed;
        let touches = self.edits.get(first).is_some_and(|next| start_of(next, inserted, removed) <= end);
        if touches {
            self.merge(first, inserted, removed, &edit);
        } else {
            let at = edit.at + removed - inserted;
            self.edits.insert(first, Edit { at, ..edit });
        }
        if self.edits.len() > MAX_EDITS {
            *self = Self::rewrite();
        }
    }

    /// Merge an edit with those it touches, from `first` on; `inserted` and `removed` are of those before.
    fn merge(&mut self, first: usize, mut inserted: usize, mut removed: usize, edit: &Edit) {
        let end = edit.at + edit.remove;
        let head = &self.edits[first];
        let head_start = head.at + inserted - removed;
        if edit.at >= head_start && end <= head_start + head.insert.len() {
            // Inside what one edit put there: in place, so that many appends cost what they bring.
            let insert = &mut self.edits[first].insert;
            let behind = insert.split_off(end - head_start);
            insert.truncate(edit.at - head_start);
            insert.push_str(&edit.insert);
            insert.push_str(&behind);
            return;
        }
        let (at, mut insert) = if edit.at < head_start {
            (edit.at + removed - inserted, String::new())
        } else {
            (head.at, head.insert[..edit.at - head_start].to_owned())
        };
        insert.push_str(&edit.insert);
        let mut last = first;
        let old_end = loop {
            let this = &self.edits[last];
            let this_end = this.at + inserted + this.insert.len() - removed;
            if end < this_end {
                let this_start = this.at + inserted - removed;
                insert.push_str(&this.insert[end - this_start..]);
                break this.at + this.remove;
            }
            inserted += this.insert.len();
            removed += this.remove;
            match self.edits.get(last + 1) {
                Some(next) if next.at + inserted - removed <= end => last += 1,
                _ => break end + removed - inserted,
            }
        };
        self.edits.drain(first..last);
        self.edits[first] = Edit { at, remove: old_end - at, insert };
    }
}
