//! What a mutation does to a document, and to the bytes of its text.

use super::increment::{assigning, put, text};
use super::undo::Undo;
use super::{Json, JsonList, Mutation, Step};
use crate::document::{Add, Dict, List, Node};
use crate::error::{ErrorCode, SyncError};
use crate::splice::Edit;

/// A mutation that has been checked against a document.
#[derive(Debug)]
pub struct Located {
    /// What it does to the bytes of the value's text.
    pub(crate) edit: Edit,
    /// The values it brings.
    values: Vec<Node>,
}

impl Located {
    /// Does it leave the document as it is?
    pub fn is_empty(&self) -> bool {
        self.edit.remove == 0 && self.edit.insert.is_empty()
    }
}

/// Check a mutation against a document and find the bytes it changes. Errors:
/// [`NotFound`](ErrorCode::NotFound) where the path leads nowhere or to another kind of container,
/// [`NotSerializable`](ErrorCode::NotSerializable), [`NotANumber`](ErrorCode::NotANumber), [`TooDeep`](ErrorCode::TooDeep).
pub fn locate(value: Option<&Node>, mutation: &Mutation, add: Add) -> Result<Located, SyncError> {
    let len = value.map_or(0, Node::text_len);
    match mutation {
        Mutation::Assign { value } => {
            let node = parse(value, 0)?;
            Ok(located(0, len, node.to_text(), vec![node]))
        }
        Mutation::Create { .. } if value.is_some() => Ok(located(0, 0, String::new(), Vec::new())),
        Mutation::Create { value } => {
            let node = parse(value, 0)?;
            Ok(located(0, 0, node.to_text(), vec![node]))
        }
        Mutation::Delete => Ok(located(0, len, String::new(), Vec::new())),
        Mutation::Set { path, key, value: new } => {
            let (dict, start) = dict_at(value, path)?;
            let node = parse(new, path.len() + 1)?;
            let (at, remove, insert) = match dict.position(key) {
                Some(position) => {
                    let old = dict.get(key).map_or(0, Node::text_len);
                    (dict.offset(position) + key.len() + 3, old, node.to_text())
                }
                None => (dict.offset(dict.len()) - usize::from(!dict.is_empty()), 0, entry(dict, key, &node)),
            };
            Ok(located(start + at, remove, insert, vec![node]))
        }
        Mutation::Unset { path, key } => {
            let (dict, start) = dict_at(value, path)?;
            // Somebody else took it out: that is what was wanted.
            let Some(position) = dict.position(key) else { return Ok(located(0, 0, String::new(), Vec::new())) };
            let len = key.len() + 3 + dict.get(key).map_or(0, Node::text_len);
            let (at, remove) = without_comma(dict.offset(position), len, position, 1, dict.len());
            Ok(located(start + at, remove, String::new(), Vec::new()))
        }
        Mutation::Clear { path } => {
            let (dict, start) = dict_at(value, path)?;
            let inner = dict.offset(dict.len()) - 1 - usize::from(!dict.is_empty());
            Ok(located(start + 1, inner, String::new(), Vec::new()))
        }
        Mutation::Replace { path, index, value: new } => {
            let (list, start) = list_at(value, path)?;
            let old = list.get(*index).ok_or_else(|| not_found("there is no such index"))?.text_len();
            let node = parse(new, path.len() + 1)?;
            Ok(located(start + list.offset(*index), old, node.to_text(), vec![node]))
        }
        Mutation::Append { path, values } => {
            let (list, _) = list_at(value, path)?;
            splice(value, path, list.len(), 0, values)
        }
        Mutation::Splice { path, index, remove, values } => splice(value, path, *index, *remove, values),
        Mutation::Permute { path, order } => {
            let (list, start) = list_at(value, path)?;
            if !is_permutation(order, list.len()) {
                return Err(not_found("the order does not name every index once"));
            }
            let nodes: Vec<&Node> = list.iter().collect();
            let mut text = String::new();
            for (i, index) in order.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                nodes[*index].print(&mut text);
            }
            Ok(located(start + 1, text.len(), text, Vec::new()))
        }
        Mutation::Increment { path, by } => locate(value, &assigning(value, path, by, add)?, add),
    }
}

/// Make a mutation that `locate` has just checked against this very document.
/// Gives the edit, and what takes it back.
pub fn apply(value: &mut Option<Node>, mutation: &Mutation, located: Located) -> (Edit, Undo) {
    let Located { edit, mut values } = located;
    let undo = match mutation {
        Mutation::Create { .. } if value.is_some() => Undo::Nothing,
        Mutation::Assign { .. } | Mutation::Create { .. } => Undo::Whole(std::mem::replace(value, values.pop())),
        Mutation::Delete => Undo::Whole(value.take()),
        Mutation::Increment { path, .. } => {
            let after = text(values.last());
            Undo::Number { before: put(value, path, values.pop()), after }
        }
        _ => {
            let mut undo = Undo::Nothing;
            change(value.as_mut(), mutation.path(), &mut |node| {
                undo = apply_inside(node, mutation, std::mem::take(&mut values));
            });
            undo
        }
    };
    (edit, undo)
}

fn apply_inside(container: &mut Node, mutation: &Mutation, mut values: Vec<Node>) -> Undo {
    match (container, mutation) {
        (Node::Dict(dict), Mutation::Set { key, .. }) => match values.pop() {
            Some(node) => Undo::Value(dict.set(key, node)),
            None => Undo::Nothing,
        },
        (Node::Dict(dict), Mutation::Unset { key, .. }) => match dict.unset(key) {
            Some((position, node)) => Undo::Entry(position, node),
            None => Undo::Nothing,
        },
        (Node::Dict(dict), Mutation::Clear { .. }) => Undo::Dict(std::mem::take(dict)),
        (Node::List(list), Mutation::Replace { index, .. }) => Undo::Value(list.splice(*index, 1, values).pop()),
        (Node::List(list), Mutation::Append { .. }) => Undo::Elements(list.splice(list.len(), 0, values)),
        (Node::List(list), Mutation::Splice { index, remove, .. }) => {
            Undo::Elements(list.splice(*index, *remove, values))
        }
        (Node::List(list), Mutation::Permute { order, .. }) => {
            list.permute(order);
            Undo::Order
        }
        _ => Undo::Nothing,
    }
}

fn splice(
    value: Option<&Node>,
    path: &[Step],
    index: usize,
    remove: usize,
    values: &JsonList,
) -> Result<Located, SyncError> {
    let (list, start) = list_at(value, path)?;
    let end = index.checked_add(remove).filter(|end| *end <= list.len());
    let end = end.ok_or_else(|| not_found("there are not that many elements"))?;
    let nodes = Node::parse_list(&values.text, path.len() + 1).map_err(not_serializable)?;
    if nodes.len() != values.count {
        return Err(SyncError::new(ErrorCode::NotSerializable, "the number of values is not what it is said to be"));
    }
    let mut text = canonical_list(&values.text, &nodes);
    if nodes.is_empty() {
        // From the first element's text to the last one's end.
        let len = if remove == 0 { 0 } else { list.offset(end) - list.offset(index) - 1 };
        let (at, len) = without_comma(list.offset(index), len, index, remove, list.len());
        return Ok(located(start + at, len, text, nodes));
    }
    let (at, len) = if remove > 0 {
        (list.offset(index), list.offset(end) - list.offset(index) - 1)
    } else if index < list.len() {
        text.push(',');
        (list.offset(index), 0)
    } else if list.is_empty() {
        (1, 0)
    } else {
        text.insert(0, ',');
        (list.offset(index) - 1, 0)
    };
    Ok(located(start + at, len, text, nodes))
}

/// The bytes to take out for `count` of `len` members whose text, from `at` on, has `bytes`: one comma goes too.
fn without_comma(at: usize, bytes: usize, first: usize, count: usize, len: usize) -> (usize, usize) {
    if count == 0 {
        // Nothing goes; the place does not matter.
        (1, 0)
    } else if first + count < len {
        (at, bytes + 1)
    } else if first > 0 {
        (at - 1, bytes + 1)
    } else {
        (at, bytes)
    }
}

fn entry(dict: &Dict, key: &str, node: &Node) -> String {
    let mut text = String::with_capacity(key.len() + node.text_len() + 4);
    text.push_str(if dict.is_empty() { "\"" } else { ",\"" });
    text.push_str(key);
    text.push_str("\":");
    node.print(&mut text);
    text
}

/// The text as it came where it is canonical (nothing shorter means the same), else printed anew.
fn canonical_list(text: &str, nodes: &[Node]) -> String {
    let len = nodes.iter().map(Node::text_len).sum::<usize>() + nodes.len().saturating_sub(1);
    if text.len() == len {
        return text.to_owned();
    }
    let mut out = String::with_capacity(len + 1);
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        node.print(&mut out);
    }
    out
}

fn parse(value: &Json, depth: usize) -> Result<Node, SyncError> {
    Node::parse_inside(&value.0, depth).map_err(not_serializable)
}

fn is_permutation(order: &[usize], len: usize) -> bool {
    let mut seen = vec![false; len];
    order.len() == len && order.iter().all(|&i| i < len && !std::mem::replace(&mut seen[i], true))
}

/// The dict at a path and where its text begins.
fn dict_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<(&'a Dict, usize), SyncError> {
    match node_at(value, path)? {
        (Node::Dict(dict), start) => Ok((dict, start)),
        _ => Err(not_found("there is no dict at the path")),
    }
}

fn list_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<(&'a List, usize), SyncError> {
    match node_at(value, path)? {
        (Node::List(list), start) => Ok((list, start)),
        _ => Err(not_found("there is no list at the path")),
    }
}

pub(super) fn node_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<(&'a Node, usize), SyncError> {
    let mut node = value.ok_or_else(|| not_found("the attribute does not exist"))?;
    let mut start = 0;
    for step in path {
        let inner = match (node, step) {
            (Node::List(list), Step::Index(index)) => list.get(*index).map(|inner| (inner, list.offset(*index))),
            (Node::Dict(dict), Step::Key(key)) => {
                let place = dict.position(key).map(|position| dict.offset(position) + key.len() + 3);
                dict.get(key).zip(place)
            }
            _ => None,
        };
        let (inner, offset) = inner.ok_or_else(|| not_found("the path leads nowhere"))?;
        node = inner;
        start += offset;
    }
    Ok((node, start))
}

/// Change the node at a path; the lengths along the path follow.
pub(super) fn change(value: Option<&mut Node>, path: &[Step], how: &mut dyn FnMut(&mut Node)) {
    match (path, value) {
        ([], Some(node)) => how(node),
        ([Step::Index(index), rest @ ..], Some(Node::List(list))) => {
            list.update(*index, |inner| change(Some(inner), rest, how));
        }
        ([Step::Key(key), rest @ ..], Some(Node::Dict(dict))) => {
            dict.update(key, |inner| change(Some(inner), rest, how));
        }
        _ => {}
    }
}

fn located(at: usize, remove: usize, insert: String, values: Vec<Node>) -> Located {
    Located { edit: Edit { at, remove, insert }, values }
}

fn not_found(message: &'static str) -> SyncError {
    SyncError::new(ErrorCode::NotFound, message)
}

fn not_serializable(error: SyncError) -> SyncError {
    match error.code {
        ErrorCode::Malformed => SyncError::new(ErrorCode::NotSerializable, error.message),
        _ => error,
    }
}
