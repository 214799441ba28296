//! The plan of a commit: how it changes what is stored.

use super::EditSet;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{HEAD, Layout, Node, VALUE_START, canonical_len, tail, tail_len};
use crate::ids::Revision;

/// About the cost of a write, or of a piece of one, beside the bytes of its text; in bytes.
const PIECE_COST: usize = 48;

/// The most pieces of a plan. A piece and the write that it is in are five arguments of a command at most, and `DragonflyDB` takes
/// 65,536.
const MAX_PIECES: usize = 12_000;

/// Slack up to this length is never a reason to rewrite the whole text.
const FREE_SLACK: ByteLen = ByteLen(256);

/// A change of what is stored under a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Store this text. The key keeps its time to live.
    Set(String),
    /// Overwrite parts. The server reads all ranges before it writes anything.
    Edit(Vec<Write>),
    /// Append these elements (text without brackets) to the list that is the whole value. Where the guard does not match,
    /// the server appends them to the list that is stored instead, with a revision above both the planned and the stored
    /// one.
    Append(String),
    /// Delete the key.
    Delete,
}

/// Overwrites stored text from `at` on with the pieces in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// At most the stored length.
    pub at: ByteOffset,
    /// In order.
    pub pieces: Vec<Piece>,
}

/// A part of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// This text.
    Text(String),
    /// A part of the text that was stored before the commit.
    Range {
        /// Offset of the part.
        start: ByteOffset,
        /// Its length, at least one byte.
        len: ByteLen,
    },
    /// This many spaces.
    Spaces(ByteLen),
}

/// A plan, and the layout of the stored text after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedChange {
    /// The plan.
    pub plan: Plan,
    /// The layout after it.
    pub layout: Layout,
}

impl Plan {
    /// About the length of the plan in a command.
    pub fn command_len(&self) -> ByteLen {
        match self {
            Self::Set(text) | Self::Append(text) => ByteLen::of(text),
            Self::Edit(writes) => writes.iter().map(Write::cost).sum(),
            Self::Delete => ByteLen(0),
        }
    }
}

impl Plan {
    fn piece_count(&self) -> usize {
        match self {
            Self::Edit(writes) => writes.iter().map(|write| write.pieces.len()).sum(),
            _ => 0,
        }
    }
}

impl Write {
    fn new(at: ByteOffset) -> Self {
        Self { at, pieces: Vec::new() }
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn cost(&self) -> ByteLen {
        let cost = |piece: &Piece| match piece {
            Piece::Text(text) => PIECE_COST + text.len(),
            _ => PIECE_COST,
        };
        ByteLen(PIECE_COST + self.pieces.iter().map(cost).sum::<usize>())
    }
}

/// Plan the cheapest change from a layout to a document: `value` with `revision`, where `edits` are those of the value's
/// text. No value: the document is deleted.
pub fn plan(base: &Layout, edits: &EditSet, value: Option<&Node>, revision: Revision) -> PlannedChange {
    let Some(value) = value else { return PlannedChange { plan: Plan::Delete, layout: Layout::Absent } };
    let value_len = value.text_len();
    let new_tail = tail(revision);
    let text_len = canonical_len(value_len, revision);
    let rewrite = || {
        let mut text = String::with_capacity(text_len.0);
        text.push_str(HEAD);
        value.print(&mut text);
        text.push_str(&new_tail);
        let layout = Layout::Canonical { value_len, revision, slack: ByteLen(0) };
        PlannedChange { plan: Plan::Set(text), layout }
    };
    match plan_edits(base, edits, Some(value), value_len, revision) {
        Some(PlannedChange { plan, layout })
            if !is_mostly_slack(&layout, text_len)
                && plan.command_len() < text_len
                && plan.piece_count() <= MAX_PIECES =>
        {
            PlannedChange { plan, layout }
        }
        _ => rewrite(),
    }
}

fn is_mostly_slack(layout: &Layout, text_len: ByteLen) -> bool {
    matches!(layout, Layout::Canonical { slack, .. } if *slack > FREE_SLACK && *slack > text_len)
}

/// Plan the edits of a value's text, which make it `value_len` bytes long. `value` is the value after them, where it is
/// there. None where the whole text is to be written.
pub fn plan_edits(
    base: &Layout,
    edits: &EditSet,
    value: Option<&Node>,
    value_len: ByteLen,
    revision: Revision,
) -> Option<PlannedChange> {
    let Layout::Canonical { value_len: old_len, revision: old_revision, slack: old_slack } = base else { return None };
    let edits = edits.edits()?;
    let new_tail = tail(revision);
    let text_len = canonical_len(value_len, revision);
    let value_end = VALUE_START + *old_len;
    let old_text_len = canonical_len(*old_len, *old_revision);
    let mut sweep = Sweep::default();
    for edit in edits {
        sweep.replace(VALUE_START + (edit.at - ByteOffset::START), edit.remove, &edit.insert);
    }
    if let Some(value) = value {
        sweep.keep_closers(value, value_end);
    }
    sweep.replace(value_end, tail_len(*old_revision), &new_tail);
    let plan = Plan::Edit(sweep.finish(old_text_len, text_len));

    // A shorter text leaves slack; a longer one uses slack first.
    let slack = (old_text_len + *old_slack).saturating_sub(text_len);
    Some(PlannedChange { plan, layout: Layout::Canonical { value_len, revision, slack } })
}

/// Plan to append elements (text without brackets) to a canonical list that is stored in `stored_len` bytes, which makes
/// the value `value_len` bytes long.
pub fn plan_append(elements: String, stored_len: ByteLen, value_len: ByteLen, revision: Revision) -> PlannedChange {
    let slack = stored_len.saturating_sub(canonical_len(value_len, revision));
    PlannedChange { plan: Plan::Append(elements), layout: Layout::Canonical { value_len, revision, slack } }
}

/// Goes through the edits from left to right. Once an edit has made the text longer or shorter, everything behind it has to
/// be written, until other edits have made the lengths equal again.
#[derive(Default)]
struct Sweep {
    writes: Vec<Write>,
    /// The write that goes on, because the text behind it has moved.
    open: Option<Write>,
    /// End of the last edit in the old text.
    end: ByteOffset,
    inserted: ByteLen,
    removed: ByteLen,
}

impl Sweep {
    fn replace(&mut self, at: ByteOffset, remove: ByteLen, insert: &str) {
        let mut write = match self.open.take() {
            Some(mut write) => {
                if at > self.end {
                    write.pieces.push(Piece::Range { start: self.end, len: at - self.end });
                }
                write
            }
            None => Write::new(at),
        };
        write.push_text(insert);
        self.end = at + remove;
        self.inserted += ByteLen::of(insert);
        self.removed += remove;
        if self.inserted == self.removed {
            self.writes.push(write);
        } else {
            self.open = Some(write);
        }
    }

    /// Write the closing brackets between the last edit and the end of the value as text, where there is nothing else
    /// between: that is cheaper than to have the server read them.
    fn keep_closers(&mut self, value: &Node, value_end: ByteOffset) {
        let Some(write) = &mut self.open else { return };
        let mut closers = Vec::new();
        let mut node = Some(value);
        while ByteLen(closers.len()) < value_end - self.end {
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
        write.push_text(&closers.into_iter().rev().collect::<String>());
        self.end = value_end;
    }

    /// The writes; a shorter text is followed by spaces.
    fn finish(mut self, old_len: ByteLen, new_len: ByteLen) -> Vec<Write> {
        if let Some(mut write) = self.open.take() {
            if new_len < old_len {
                write.pieces.push(Piece::Spaces(old_len - new_len));
            }
            self.writes.push(write);
        }
        self.writes
    }
}
