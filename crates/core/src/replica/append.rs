//! Lists that several writers append to. The server acknowledges an append without the rest of the list; the replica finds
//! out where the elements are by deltas, or by reading the end of the list.

use super::Replica;
use super::change::{Change, Rebased};
use super::delta::DeltaResult;
use super::pending::appended_elements;
use super::unplaced_appends::UnplacedAppends;
use crate::byte_len::{ByteLen, ByteOffset};
use crate::codec;
use crate::document::{HEAD, Layout, List, Node, VALUE_START, tail};
use crate::ids::{AppendRun, Revision};
use crate::merge::{self, Transform};
use crate::mutation::{JsonList, Mutation};
use crate::protocol::Delta;
use crate::time::Now;

/// The number of bytes before the known end of a list that are read again, to see that it is the same list.
const OVERLAP: ByteLen = ByteLen(64);

const EMPTY_LIST: &str = "[]";

impl Replica {
    /// Since when there are acknowledged appends whose place in the stored list is unknown.
    pub fn unplaced_since(&self) -> Option<Now> {
        self.unplaced.as_ref().map(UnplacedAppends::since)
    }

    /// The latest revision of an append whose place is unknown, where it is known.
    pub fn unplaced_revision(&self) -> Option<Revision> {
        self.unplaced.as_ref()?.last_revision()
    }

    /// Whether there are appends whose place is unknown, or may be such once their replies arrive.
    pub fn may_have_unplaced_appends(&self) -> bool {
        (self.unplaced.is_some() || self.has_unanswered()) && self.pending.only_append()
    }

    /// Whether this may be the revision of the oldest append whose place is unknown.
    pub fn may_be_first_unplaced(&self, revision: Revision) -> bool {
        let first = self.unplaced.as_ref().and_then(UnplacedAppends::first);
        first.is_some_and(|first| first.revision.is_none_or(|known| known == revision))
    }

    /// Whether [`apply_remote_append`](Self::apply_remote_append) can be called, also while appends are in flight.
    pub fn can_apply_remote_append(&self) -> bool {
        let has_groups = self.pending.open().iter().any(|open| open.group.is_some());
        self.unplaced.is_some() && self.pending.only_append() && !has_groups
    }

    /// Take in the delta of the commit after the confirmed revision. Appends of another writer are inserted before those of
    /// this replica whose place is unknown; appends of this replica are where they are, and their place is known now.
    /// Pending appends stay behind all of them, since their places count from the end. Only where
    /// [`can_apply_remote_append`](Self::can_apply_remote_append).
    pub fn apply_remote_append(&mut self, delta: &Delta) -> DeltaResult {
        if Some(delta.base) != self.revision() {
            return if self.includes(delta) { DeltaResult::Known } else { DeltaResult::Gap };
        }
        self.try_apply_remote_append(delta).map_or(DeltaResult::Gap, DeltaResult::Applied)
    }

    fn try_apply_remote_append(&mut self, delta: &Delta) -> Option<Rebased> {
        let pending_count = self.pending.appended_count();
        let Some(Layout::Canonical { value_len, .. }) = self.confirmed.layout() else { return None };
        let unplaced = self.unplaced.as_mut()?;
        let list = self.document.list_mut()?;
        let at = list.len().checked_sub(unplaced.count() + pending_count)?;
        let (inserted, lengths): (_, Vec<ByteLen>) = if delta.writer == self.config.writer {
            let own = at..at + unplaced.first()?.count;
            (None, own.filter_map(|index| list.get(index)).map(Node::text_len).collect())
        } else {
            let mutations = codec::decode_mutations(&delta.mutations).ok()?;
            let values = appended_elements(mutations.iter())?;
            let elements = Node::parse_list(&values.text, 1).ok().filter(|_| values.count > 0)?;
            let lengths = elements.iter().map(Node::text_len).collect();
            (Some((values, elements)), lengths)
        };
        // A comma before each element but the first of the list.
        let commas = ByteLen(lengths.len() - usize::from(at == 0 && !lengths.is_empty()));
        let growth = lengths.into_iter().sum::<ByteLen>() + commas;
        let layout = Layout::canonical(*value_len + growth, delta.revision, delta.len)?;
        let mut patch = Vec::new();
        if let Some((values, elements)) = inserted {
            list.splice(at, 0, elements);
            patch.push(Mutation::Splice { path: Vec::new(), index: at, remove: 0, values });
            self.pending.shift_open_edits(growth);
        } else if !unplaced.remove_first() {
            self.unplaced = None;
        }
        self.confirmed.set(layout, Some(delta.revision));
        self.note_base_change(patch.iter());
        Some(Rebased { change: Some(Change::Patched(patch)), ..Rebased::default() })
    }

    /// The offset from which to read the elements that were appended to the list. None if the whole document must be loaded.
    pub fn tail_offset(&self) -> Option<ByteOffset> {
        let (Some(Layout::Canonical { value_len, .. }), Some(Node::List(_))) = (self.confirmed.layout(), self.value())
        else {
            return None;
        };
        let bracket = closing_bracket(*value_len);
        Some(ByteOffset(bracket.0.saturating_sub(OVERLAP.0)))
    }

    /// Take in the end of the stored text: its `bytes` from `at` on, an offset that [`tail_offset`](Self::tail_offset)
    /// returned before. None where they do not show what was appended: the whole document must be loaded.
    pub fn catch_up(
        &mut self,
        at: ByteOffset,
        bytes: &[u8],
        append_run: Option<AppendRun>,
        now: Now,
    ) -> Option<Rebased> {
        let Some(Layout::Canonical { value_len, revision, .. }) = self.confirmed.layout() else { return None };
        let AppendRun { last: newest, .. } = append_run.filter(|run| run.contains(*revision))?;
        let overlap_len = closing_bracket(*value_len).0.checked_sub(at.0)?;
        let (overlap, text) = bytes.split_at_checked(overlap_len)?;
        let ListEnd { elements, slack } = read_list_end(text, newest, *value_len == ByteLen::of(EMPTY_LIST))?;

        // Appends change the end of the list alone, while mutations of other kinds may name elements before it.
        let only_append = self.pending.only_append();
        let before = if only_append { None } else { Some((self.document.snapshot(), self.revision())) };
        let pending_elements = if only_append { self.pending_elements() } else { Vec::new() };
        let unapplied = self.unapply_from(0);
        let old = if only_append { None } else { self.value().cloned() };
        let unplaced_count = self.unplaced.as_ref().map_or(0, UnplacedAppends::count);
        let Some(list) = self.document.list_mut() else {
            self.forget_confirmed();
            self.reapply(unapplied, &mut Transform::identity(), now);
            return None;
        };
        let at = list.len().saturating_sub(unplaced_count);
        let own_elements = list.splice(at, list.len() - at, Vec::new());
        if !list_ends_with(list, overlap) {
            // It is another list.
            list.splice(at, 0, own_elements);
            self.forget_confirmed();
            self.reapply(unapplied, &mut Transform::identity(), now);
            return None;
        }
        let removed = own_elements.len();
        list.splice(at, 0, elements.clone());
        self.note_list_end(at, removed, &elements);
        self.unplaced = None;
        let value_len = self.document.text_len();
        self.confirmed.set(Layout::Canonical { value_len, revision: newest, slack }, Some(newest));
        if let Some((before, revision_before)) = before {
            let new = self.value().cloned();
            let dropped = self.reapply(unapplied, &mut Transform::new(old.as_ref(), new.as_ref()), now);
            return Some(self.rebased(&before, revision_before, dropped));
        }
        let dropped = self.reapply(unapplied, &mut Transform::identity(), now);
        let old_end: List = own_elements.into_iter().chain(pending_elements.iter().cloned()).collect();
        let new_end: List = elements.into_iter().chain(pending_elements).collect();
        // Without any difference, the host still has to know the revision.
        let change = Some(Change::Patched(merge::diff_of_ends(&[], at, &old_end, &new_end)));
        Some(Rebased { change, regression: None, dropped, writer: None, unrecorded: None })
    }

    /// The elements of the list without the pending mutations from `at` on, `remove` of them, were replaced by others.
    fn note_list_end(&mut self, at: usize, remove: usize, elements: &[Node]) {
        let text = elements.iter().map(Node::to_text).collect::<Vec<_>>().join(",");
        let values = JsonList { text: text.into(), count: elements.len() };
        let splice = Mutation::Splice { path: Vec::new(), index: at, remove, values };
        // The elements may have numbers that JSON has not.
        if codec::decode_mutations(&codec::encode_mutations([&splice].into_iter())).is_ok() {
            self.note_base_change([&splice].into_iter());
        } else {
            self.leave_journal();
        }
    }

    /// The elements that pending mutations, all of them appends, have added at the end.
    fn pending_elements(&self) -> Vec<Node> {
        let Some(Node::List(list)) = self.value() else { return Vec::new() };
        let mut elements: Vec<Node> = list.iter().rev().take(self.pending.appended_count()).cloned().collect();
        elements.reverse();
        elements
    }
}

/// The offset of the closing bracket of a canonical list in its stored text.
fn closing_bracket(value_len: ByteLen) -> ByteOffset {
    VALUE_START + value_len - ByteLen(1)
}

/// The end of a stored list.
struct ListEnd {
    elements: Vec<Node>,
    slack: ByteLen,
}

/// Read stored text that begins behind an element of a list, or behind the opening bracket of a list that `was_empty`.
fn read_list_end(text: &[u8], revision: Revision, was_empty: bool) -> Option<ListEnd> {
    let text = std::str::from_utf8(text).ok()?;
    let stored = text.trim_end_matches(' ');
    let elements = stored.strip_suffix(&tail(revision))?.strip_suffix(']')?;
    let elements = if was_empty || elements.is_empty() { elements } else { elements.strip_prefix(',')? };
    Some(ListEnd { elements: Node::parse_list(elements, 1).ok()?, slack: ByteLen(text.len() - stored.len()) })
}

/// Whether the stored text of a list, up to its closing bracket, ends with these bytes.
fn list_ends_with(list: &List, bytes: &[u8]) -> bool {
    let mut elements: Vec<String> = Vec::new();
    let mut len = 0;
    for element in list.iter().rev() {
        let text = element.to_text();
        len += text.len() + 1;
        elements.push(text);
        if len > bytes.len() {
            break;
        }
    }
    elements.reverse();
    format!("{HEAD}[{}", elements.join(",")).as_bytes().ends_with(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Sequence;
    use crate::replica::test_support::{at, loaded, mutate, send, text};

    fn list(text: &str) -> List {
        match Node::parse(text).unwrap() {
            Node::List(list) => *list,
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn the_overlap_may_begin_in_the_middle_of_a_character() {
        let list = list(r#"["ü","é"]"#);
        let stored = format!("{HEAD}[\"ü\",\"é\"");
        for start in 0..stored.len() {
            assert!(list_ends_with(&list, &stored.as_bytes()[start..]), "{start}");
        }
        assert!(!list_ends_with(&list, b"\"e\""));
        assert!(!list_ends_with(&list, format!("x{stored}").as_bytes()));
    }

    #[test]
    fn elements_and_slack_are_read_behind_the_known_end() {
        let read = |text: &str, was_empty| {
            let end = read_list_end(text.as_bytes(), Revision(9), was_empty)?;
            Some((end.elements.len(), end.slack.0))
        };
        assert_eq!(read(",2,3],\"last_modified\":9}  ", false), Some((2, 2)));
        assert_eq!(read("],\"last_modified\":9}", false), Some((0, 0)));
        assert_eq!(read("2],\"last_modified\":9}", true), Some((1, 0)));
        assert_eq!(read("2],\"last_modified\":9}", false), None);
        assert_eq!(read(",2],\"last_modified\":8}", false), None);
    }

    #[test]
    fn catching_up_places_appends_among_those_of_other_writers() {
        let mut replica = loaded("{\"value\":[1],\"last_modified\":5}");
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        send(&mut replica, 1);
        mutate(&mut replica, 2, r#"[["append","x",[],[4]]]"#);
        assert!(replica.acknowledge_unplaced(Sequence(1), Some(Revision(8)), at(2)));
        assert_eq!((replica.has_known_base(), text(&replica).as_str()), (false, "[1,2,4]"));

        let stored = "{\"value\":[1,3,2],\"last_modified\":8}";
        let offset = replica.tail_offset().unwrap();
        let run = Some(AppendRun { first: Revision(5), last: Revision(8) });
        let rebased = replica.catch_up(offset, &stored.as_bytes()[offset.0..], run, at(2)).unwrap();
        assert!(matches!(rebased.change, Some(Change::Patched(_))));
        assert_eq!((text(&replica).as_str(), replica.revision()), ("[1,3,2,4]", Some(Revision(8))));
        assert!(replica.has_known_base());
    }

    #[test]
    fn another_list_has_to_be_loaded() {
        let mut replica = loaded("{\"value\":[1],\"last_modified\":5}");
        mutate(&mut replica, 1, r#"[["append","x",[],[2]]]"#);
        let offset = replica.tail_offset().unwrap();
        let stored = "{\"value\":[7,3],\"last_modified\":8}";
        let run = Some(AppendRun { first: Revision(5), last: Revision(8) });
        assert!(replica.catch_up(offset, &stored.as_bytes()[offset.0..], run, at(2)).is_none());
        assert_eq!((replica.is_loaded(), text(&replica).as_str()), (false, "[1,2]"));
    }

    #[test]
    fn the_diff_of_ends_names_elements_of_the_whole_list() {
        for (old, new) in [("[1,2]", "[9,1,2]"), ("[1,2,3]", "[3,1,2]"), ("[[1]]", "[[1,2]]"), ("[1]", "[2]")] {
            let mut value = Some(Node::parse(&format!("[0,0,{}", &old[1..])).unwrap());
            for mutation in merge::diff_of_ends(&[], 2, &list(old), &list(new)) {
                let effect = crate::mutation::effect_of(value.as_ref(), &mutation, crate::document::add).unwrap();
                crate::mutation::apply(&mut value, &mutation, effect.values);
            }
            assert_eq!(value.unwrap().to_text(), format!("[0,0,{}", &new[1..]));
        }
    }
}
