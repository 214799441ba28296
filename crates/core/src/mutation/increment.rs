//! An increment is the mutation that gives the number its new value, once it is known what is there.

use super::apply::{change, node_at};
use super::{Json, Mutation, Step};
use crate::document::{Add, Node, sum};
use crate::error::{ErrorCode, SyncError};
use compact_str::CompactString;

/// What an increment of this value's number does.
pub(super) fn assigning(value: Option<&Node>, path: &[Step], by: &Json, add: Add) -> Result<Mutation, SyncError> {
    let old = match path.split_last() {
        None => value,
        Some((Step::Key(key), parent)) => match node_at(value, parent)? {
            (Node::Dict(dict), _) => dict.get(key),
            _ => return Err(SyncError::new(ErrorCode::NotFound, "there is no dict at the path")),
        },
        Some(_) => Some(node_at(value, path)?.0),
    };
    let new = match old {
        None => sum("0", &by.0, add),
        Some(Node::Scalar(old)) => sum(old, &by.0, add),
        Some(_) => Err(SyncError::new(ErrorCode::NotANumber, "there is a list or a dict where the number should be")),
    }?;
    Ok(assignment(path, &new))
}

/// The mutation that gives the number at a path this value.
pub fn assignment(path: &[Step], number: &str) -> Mutation {
    let value = Json(number.into());
    match path.split_last() {
        None => Mutation::Assign { value },
        Some((Step::Key(key), path)) => Mutation::Set { path: path.to_vec(), key: key.clone(), value },
        Some((Step::Index(index), path)) => Mutation::Replace { path: path.to_vec(), index: *index, value },
    }
}

/// Put a number at a path, or take it away. Gives what was there.
pub(super) fn put(value: &mut Option<Node>, path: &[Step], mut number: Option<Node>) -> Option<Node> {
    let Some((step, path)) = path.split_last() else { return std::mem::replace(value, number) };
    let mut before = None;
    change(value.as_mut(), path, &mut |container| {
        before = match (container, step, number.take()) {
            (Node::Dict(dict), Step::Key(key), Some(number)) => dict.set(key, number),
            (Node::Dict(dict), Step::Key(key), None) => dict.unset(key).map(|(_, node)| node),
            (Node::List(list), Step::Index(index), Some(number)) => list.splice(*index, 1, vec![number]).pop(),
            _ => None,
        };
    });
    before
}

/// The number as text.
pub(super) fn text(number: Option<&Node>) -> CompactString {
    number.map(Node::to_text).unwrap_or_default().as_str().into()
}
