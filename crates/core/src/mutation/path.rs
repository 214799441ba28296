//! Paths, and the nodes that they lead to.

use crate::byte_len::{ByteLen, ByteOffset};
use crate::document::{Dict, List, Node, key_text_len};
use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;

/// One step from a container to a value in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// A key of a dict, as canonical JSON string text without its quotes.
    Key(CompactString),
    /// An index of a list.
    Index(usize),
}

/// The steps from the attribute's value down to a node; none for the value itself.
pub type Path = Vec<Step>;

/// A node inside of a value.
#[derive(Clone, Copy)]
pub(super) struct Location<'a, T = Node> {
    pub(super) node: &'a T,
    /// Offset of the node's text in the value's text.
    pub(super) start: ByteOffset,
}

impl<T> Location<'_, T> {
    /// Converts an offset in the node's text into one in the value's text.
    pub(super) fn at(&self, inner: ByteOffset) -> ByteOffset {
        self.start + (inner - ByteOffset::START)
    }
}

/// The node at a path. Error: [`ErrorCode::NotFound`].
pub(super) fn node_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<Location<'a>, SyncError> {
    let mut node = value.ok_or_else(|| not_found("the attribute does not exist"))?;
    let mut start = ByteOffset::START;
    for step in path {
        let (inner, offset) = child_of(node, step).ok_or_else(|| not_found("the path leads nowhere"))?;
        node = inner;
        start += offset;
    }
    Ok(Location { node, start })
}

/// The dict at a path. Error: [`ErrorCode::NotFound`].
pub(super) fn dict_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<Location<'a, Dict>, SyncError> {
    match node_at(value, path)? {
        Location { node: Node::Dict(node), start } => Ok(Location { node, start }),
        _ => Err(not_found("there is no dict at the path")),
    }
}

/// The list at a path. Error: [`ErrorCode::NotFound`].
pub(super) fn list_at<'a>(value: Option<&'a Node>, path: &[Step]) -> Result<Location<'a, List>, SyncError> {
    match node_at(value, path)? {
        Location { node: Node::List(node), start } => Ok(Location { node, start }),
        _ => Err(not_found("there is no list at the path")),
    }
}

/// The list at a path; None where the attribute, a key or an index on the path is absent. Error: [`ErrorCode::NotFound`] where
/// there is something else than a list.
pub(super) fn list_or_absent<'a>(
    value: Option<&'a Node>,
    path: &[Step],
) -> Result<Option<Location<'a, List>>, SyncError> {
    if is_absent(value, path) { Ok(None) } else { list_at(value, path).map(Some) }
}

fn is_absent(value: Option<&Node>, path: &[Step]) -> bool {
    let Some(mut node) = value else { return true };
    for step in path {
        let inner = match (node, step) {
            (Node::List(list), Step::Index(index)) => list.get(*index),
            (Node::Dict(dict), Step::Key(key)) => dict.get(key),
            _ => return false,
        };
        let Some(inner) = inner else { return true };
        node = inner;
    }
    false
}

/// The list at a path, if there is one.
pub fn list_node<'a>(value: Option<&'a Node>, path: &[Step]) -> Option<&'a List> {
    list_at(value, path).ok().map(|list| list.node)
}

/// Change the node at a path, and the lengths of the containers around it. Without such a node nothing happens.
pub(super) fn update(value: Option<&mut Node>, path: &[Step], change: &mut dyn FnMut(&mut Node)) {
    match (path, value) {
        ([], Some(node)) => change(node),
        ([Step::Index(index), rest @ ..], Some(Node::List(list))) => {
            list.update(*index, |inner| update(Some(inner), rest, change));
        }
        ([Step::Key(key), rest @ ..], Some(Node::Dict(dict))) => {
            dict.update(key, |inner| update(Some(inner), rest, change));
        }
        _ => {}
    }
}

/// An error that says why a mutation does not fit a document.
pub(super) fn not_found(message: &'static str) -> SyncError {
    SyncError::new(ErrorCode::NotFound, message)
}

/// The node that a step leads to, and the length of the container's text before it.
fn child_of<'a>(node: &'a Node, step: &Step) -> Option<(&'a Node, ByteLen)> {
    let (inner, offset) = match (node, step) {
        (Node::List(list), Step::Index(index)) => (list.get(*index)?, list.offset(*index)),
        (Node::Dict(dict), Step::Key(key)) => {
            let offset = dict.offset(dict.position(key)?) + key_text_len(key);
            (dict.get(key)?, offset)
        }
        _ => return None,
    };
    Some((inner, offset - ByteOffset::START))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_where_the_text_is() {
        let value = Node::parse(r#"{"é":[1,{"k":"x"},[]],"b":true}"#).unwrap();
        let text = value.to_text();
        let path = [Step::Key("é".into()), Step::Index(1), Step::Key("k".into())];
        for (steps, expected) in [(0, text.as_str()), (1, r#"[1,{"k":"x"},[]]"#), (2, r#"{"k":"x"}"#), (3, r#""x""#)] {
            let Location { node, start } = node_at(Some(&value), &path[..steps]).unwrap();
            assert_eq!(node.to_text(), expected);
            assert!(text[start.0..].starts_with(expected), "{steps}");
        }
        assert!(node_at(Some(&value), &[Step::Index(0)]).is_err());
        assert!(dict_at(Some(&value), &path[..1]).is_err());
        assert!(list_at(None, &[]).is_err());
        assert!(list_or_absent(Some(&value), &path[..1]).is_ok_and(|list| list.is_some()));
        assert!(
            list_or_absent(Some(&value), &[Step::Key("c".into()), Step::Index(0)]).is_ok_and(|list| list.is_none())
        );
        assert!(list_or_absent(Some(&value), &[Step::Key("b".into()), Step::Index(0)]).is_err());
    }
}
