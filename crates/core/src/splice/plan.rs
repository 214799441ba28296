//! How a commit changes what is stored.

use super::EditSet;
use crate::document::{Base, HEAD, Node, tail};
use crate::ids::Revision;

/// About what one write, or one piece of one, costs beside its bytes.
const PIECE_COST: usize = 48;
/// Below this much slack nobody cares.
const FREE_SLACK: usize = 256;

/// The change of what is stored under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Store this text; a time to live stays.
    Set(String),
    /// Overwrite parts. All ranges are read before anything is written.
    Edit(Vec<Write>),
    /// Put these elements (text without brackets) at the end of the list that is the whole value. Where the guard
    /// does not match, at the end of whatever list is there, with a revision above both the planned one and its.
    Append(String),
    /// Remove the key.
    Delete,
}

/// Overwrite what is stored from `at` on with the pieces in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// Offset in bytes; at most the stored length.
    pub at: usize,
    /// In order.
    pub pieces: Vec<Piece>,
}

/// A part of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// This text.
    Text(String),
    /// Bytes of the text stored before the commit.
    Range {
        /// Offset of the first.
        start: usize,
        /// How many, at least one.
        len: usize,
    },
    /// So many spaces.
    Spaces(usize),
}

impl Plan {
    /// About how many bytes it takes to say.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Set(text) | Self::Append(text) => text.len(),
            Self::Edit(writes) => writes.iter().map(Write::cost).sum(),
            Self::Delete => 0,
        }
    }
}

impl Write {
    fn new(at: usize) -> Self {
        Self { at, pieces: Vec::new() }
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn cost(&self) -> usize {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => PIECE_COST + text.len(),
            _ => PIECE_COST,
        };
        PIECE_COST + self.pieces.iter().map(piece).sum::<usize>()
    }
}

/// The cheapest plan that leads from what is stored to `value` at `revision`, and what is stored then.
pub fn plan(base: &Base, edits: &EditSet, value: Option<&Node>, revision: Revision) -> (Plan, Base) {
    let Some(value) = value else {
        return (Plan::Delete, Base::Absent);
    };
    let value_len = value.text_len();
    let new_tail = tail(revision);
    let whole_len = HEAD.len() + value_len + new_tail.len();
    let whole = || {
        let mut text = String::with_capacity(whole_len);
        text.push_str(HEAD);
        value.print(&mut text);
        text.push_str(&new_tail);
        (Plan::Set(text), Base::Canonical { value_len, revision, slack: 0 })
    };
    let (Base::Canonical { value_len: old_len, revision: old_revision, slack }, Some(edits)) = (base, edits.edits())
    else {
        return whole();
    };

    let value_end = HEAD.len() + old_len;
    let old_end = value_end + tail(*old_revision).len();
    let mut sweep = Sweep::default();
    for edit in edits {
        sweep.replace(HEAD.len() + edit.at, edit.remove, &edit.insert);
    }
    sweep.keep_closers(value, value_end);
    sweep.replace(value_end, old_end - value_end, &new_tail);
    let writes = sweep.finish(old_end, whole_len);

    // What the text got shorter by is slack now; what it got longer by uses slack first.
    let new_slack = (old_end + slack).saturating_sub(whole_len);
    let plan = Plan::Edit(writes);
    if plan.bytes() >= whole_len || (new_slack > FREE_SLACK && new_slack > whole_len) {
        return whole();
    }
    (plan, Base::Canonical { value_len, revision, slack: new_slack })
}

/// What is stored once elements have been put at the end of a canonical list, which then is `value`.
pub fn appended(value_len: usize, revision: Revision, before: usize) -> Base {
    let len = HEAD.len() + value_len + tail(revision).len();
    Base::Canonical { value_len, revision, slack: before.saturating_sub(len) }
}

/// Goes through the edits from left to right. Once the text before a place is longer or shorter than
/// it was, everything from there on has to be written until the lengths agree again.
#[derive(Default)]
struct Sweep {
    writes: Vec<Write>,
    /// The write that goes on, because what follows has moved.
    open: Option<Write>,
    /// Where the last edit ended, in the old text.
    end: usize,
    inserted: usize,
    removed: usize,
}

impl Sweep {
    fn replace(&mut self, at: usize, remove: usize, insert: &str) {
        let mut write = match self.open.take() {
            Some(mut write) => {
                if at > self.end {
                    write.pieces.push(Piece::Range { start: self.end, len: at - self.end });
                }
                write
            }
            None => Write::new(at),
        };
        write.text(insert);
        self.end = at + remove;
        self.inserted += insert.len();
        self.removed += remove;
        if self.inserted == self.removed {
            self.writes.push(write);
        } else {
            self.open = Some(write);
        }
    }

    /// After a change near the end only closing brackets are between it and the tail: say them
    /// rather than have the server read them.
    fn keep_closers(&mut self, value: &Node, value_end: usize) {
        let Some(write) = &mut self.open else { return };
        let mut closers = Vec::new();
        let mut node = Some(value);
        while closers.len() < value_end - self.end {
            node = match node {
                Some(Node::List(list)) => {
                    closers.push(']');
                    list.last()
                }
                Some(Node::Dict(dict)) => {
                    closers.push('}');
                    dict.last()
                }
                _ => return,
            };
        }
        write.text(&closers.into_iter().rev().collect::<String>());
        self.end = value_end;
    }

    fn finish(mut self, old_end: usize, new_end: usize) -> Vec<Write> {
        if let Some(mut write) = self.open.take() {
            if new_end < old_end {
                write.pieces.push(Piece::Spaces(old_end - new_end));
            }
            self.writes.push(write);
        }
        self.writes
    }
}
