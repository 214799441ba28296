//! The effect of a mutation on a document: the bytes of the text that it changes, and the values that it brings.

use super::increment_as_assignment::to_assignment;
use super::path::{dict_at, list_at, list_or_absent, not_found};
use super::{Json, JsonList, Mutation, Step};
use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Add, Dict, Node, key_text_len};
use crate::error::{ErrorCode, SyncError};
use crate::splice::Edit;

/// The effect of a mutation on one document.
#[derive(Debug)]
pub struct Effect {
    /// The edit of the value's text.
    pub edit: Edit,
    /// The parsed values that the mutation brings.
    pub values: Vec<Node>,
}

impl Effect {
    /// No effect.
    fn none() -> Self {
        Self::removal(ByteOffset::START, ByteLen(0))
    }

    fn removal(at: ByteOffset, remove: ByteLen) -> Self {
        Self { edit: Edit { at, remove, insert: String::new() }, values: Vec::new() }
    }

    /// The replacement of a part of the text by one value.
    fn replacement(at: ByteOffset, remove: ByteLen, node: Node) -> Self {
        Self { edit: Edit { at, remove, insert: node.to_text() }, values: vec![node] }
    }

    /// Whether the mutation leaves the document as it is.
    pub fn is_empty(&self) -> bool {
        self.edit.is_empty()
    }
}

/// Find the effect of a mutation on a document. Errors: [`NotFound`](ErrorCode::NotFound) where the path leads nowhere or to
/// another kind of container, [`NotSerializable`](ErrorCode::NotSerializable), [`NotANumber`](ErrorCode::NotANumber),
/// [`TooDeep`](ErrorCode::TooDeep).
pub fn effect_of(value: Option<&Node>, mutation: &Mutation, add: Add) -> Result<Effect, SyncError> {
    let len = value.map_or(ByteLen(0), Node::text_len);
    Ok(match mutation {
        Mutation::Assign { value } => Effect::replacement(ByteOffset::START, len, parse(value, 0)?),
        Mutation::Create { .. } if value.is_some() => Effect::none(),
        Mutation::Create { value } => Effect::replacement(ByteOffset::START, ByteLen(0), parse(value, 0)?),
        Mutation::Delete => Effect::removal(ByteOffset::START, len),
        Mutation::Set { path, key, value: new } => {
            let dict = dict_at(value, path)?;
            let node = parse(new, path.len() + 1)?;
            if let (Some(position), Some(old)) = (dict.node.position(key), dict.node.get(key)) {
                let at = dict.at(dict.node.offset(position)) + key_text_len(key);
                Effect::replacement(at, old.text_len(), node)
            } else {
                let insert = entry_text(dict.node, key, &node);
                let edit = Edit { at: dict.at(dict.node.closing_bracket()), remove: ByteLen(0), insert };
                Effect { edit, values: vec![node] }
            }
        }
        Mutation::Unset { path, key } => {
            let dict = dict_at(value, path)?;
            let Some(position) = dict.node.position(key) else { return Ok(Effect::none()) };
            let at = dict.node.offset(position);
            let len = key_text_len(key) + dict.node.get(key).map_or(ByteLen(0), Node::text_len);
            let range = with_comma(TextRange { at, len }, position, position + 1 == dict.node.len());
            Effect::removal(dict.at(range.at), range.len)
        }
        Mutation::Clear { path } => {
            let dict = dict_at(value, path)?;
            let first = ByteOffset(1);
            Effect::removal(dict.at(first), dict.node.closing_bracket() - first)
        }
        Mutation::Replace { path, index, value: new } => {
            let list = list_at(value, path)?;
            let old = list.node.get(*index).ok_or_else(|| not_found("there is no such index"))?;
            let node = parse(new, path.len() + 1)?;
            Effect::replacement(list.at(list.node.offset(*index)), old.text_len(), node)
        }
        Mutation::Append { path, values } => splice(value, path, list_at(value, path)?.node.len(), 0, values)?,
        Mutation::Splice { path, index, remove, values } => splice(value, path, *index, *remove, values)?,
        Mutation::Permute { path, order } => {
            let list = list_at(value, path)?;
            if !is_permutation(order, list.node.len()) {
                return Err(not_found("the order does not name every index once"));
            }
            let nodes: Vec<&Node> = list.node.iter().collect();
            let insert = list_text(order.iter().map(|index| nodes[*index]), ByteLen(0));
            let edit = Edit { at: list.at(ByteOffset(1)), remove: ByteLen::of(&insert), insert };
            Effect { edit, values: Vec::new() }
        }
        Mutation::Take { path, end } => {
            let list = list_or_absent(value, path)?;
            let Some(index) = list.and_then(|list| end.index(list.node.len())) else { return Ok(Effect::none()) };
            splice(value, path, index, 1, &JsonList::default())?
        }
        Mutation::Increment { path, by } => return effect_of(value, &to_assignment(value, path, by, add)?, add),
    })
}

fn splice(
    value: Option<&Node>,
    path: &[Step],
    index: usize,
    remove: usize,
    values: &JsonList,
) -> Result<Effect, SyncError> {
    let list = list_at(value, path)?;
    let end = index.checked_add(remove).filter(|end| *end <= list.node.len());
    let end = end.ok_or_else(|| not_found("there are not that many elements"))?;
    let nodes = Node::parse_list(&values.text, path.len() + 1).map_err(not_serializable)?;
    if nodes.len() != values.count {
        return Err(SyncError::new(ErrorCode::NotSerializable, "the number of values is not what it is said to be"));
    }
    let removed = TextRange {
        at: list.node.offset(index),
        // Without the comma behind the last element.
        len: if remove == 0 { ByteLen(0) } else { list.node.offset(end) - list.node.offset(index) - ByteLen(1) },
    };
    if nodes.is_empty() {
        if remove == 0 {
            return Ok(Effect::none());
        }
        let range = with_comma(removed, index, end == list.node.len());
        return Ok(Effect::removal(list.at(range.at), range.len));
    }
    let mut insert = canonical_list(&values.text, &nodes);
    let mut at = removed.at;
    if remove == 0 && index < list.node.len() {
        insert.push(',');
    } else if remove == 0 {
        at = list.node.closing_bracket();
        if !list.node.is_empty() {
            insert.insert(0, ',');
        }
    }
    Ok(Effect { edit: Edit { at: list.at(at), remove: removed.len, insert }, values: nodes })
}

/// A part of a text.
#[derive(Clone, Copy)]
struct TextRange {
    at: ByteOffset,
    len: ByteLen,
}

/// The text of members of a container, of which the first is at `position`, with the comma that has to go with them.
fn with_comma(members: TextRange, position: usize, has_last: bool) -> TextRange {
    let TextRange { at, len } = members;
    match (has_last, position) {
        (false, _) => TextRange { at, len: len + ByteLen(1) },
        (true, 0) => TextRange { at, len },
        (true, _) => TextRange { at: at - ByteLen(1), len: len + ByteLen(1) },
    }
}

/// The text of a new last entry, with the comma before it.
fn entry_text(dict: &Dict, key: &str, value: &Node) -> String {
    let mut text = String::with_capacity(key.len() + value.text_len().0 + 4);
    text.push_str(if dict.is_empty() { "\"" } else { ",\"" });
    text.push_str(key);
    text.push_str("\":");
    value.print(&mut text);
    text
}

/// The canonical text of values whose text is `text`: the same where it has no byte to spare, else printed anew.
fn canonical_list(text: &str, nodes: &[Node]) -> String {
    let len = nodes.iter().map(Node::text_len).sum::<ByteLen>() + ByteLen(nodes.len().saturating_sub(1));
    if ByteLen::of(text) == len { text.to_owned() } else { list_text(nodes.iter(), len) }
}

/// The text of a list's elements, without brackets.
fn list_text<'a>(nodes: impl Iterator<Item = &'a Node>, len: ByteLen) -> String {
    let mut text = String::with_capacity(len.0);
    for (i, node) in nodes.enumerate() {
        if i > 0 {
            text.push(',');
        }
        node.print(&mut text);
    }
    text
}

fn parse(value: &Json, depth: usize) -> Result<Node, SyncError> {
    Node::parse_inside(&value.0, depth).map_err(not_serializable)
}

fn is_permutation(order: &[usize], len: usize) -> bool {
    let mut seen = vec![false; len];
    order.len() == len && order.iter().all(|&i| i < len && !std::mem::replace(&mut seen[i], true))
}

fn not_serializable(error: SyncError) -> SyncError {
    match error.code {
        ErrorCode::Malformed => SyncError::new(ErrorCode::NotSerializable, error.message),
        _ => error,
    }
}
