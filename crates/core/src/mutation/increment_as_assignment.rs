//! Increments. On one document, an increment does the same as the mutation that assigns the sum.

use super::path::{node_at, not_found, update};
use super::{Json, Mutation, Step};
use crate::document::{Add, Node, sum};
use crate::error::{ErrorCode, SyncError};

/// The mutation that replaces the number at `path` by the sum. Errors: [`ErrorCode::NotFound`], [`ErrorCode::NotANumber`].
pub(super) fn to_assignment(value: Option<&Node>, path: &[Step], by: &Json, add: Add) -> Result<Mutation, SyncError> {
    let old = match path.split_last() {
        None => value,
        Some((Step::Key(key), parent)) => match node_at(value, parent)?.node {
            Node::Dict(dict) => dict.get(key),
            _ => return Err(not_found("there is no dict at the path")),
        },
        Some(_) => Some(node_at(value, path)?.node),
    };
    let new = match old {
        None => sum("0", &by.0, add),
        Some(Node::Scalar(old)) => sum(old, &by.0, add),
        Some(_) => Err(SyncError::new(ErrorCode::NotANumber, "there is a list or a dict where the number should be")),
    }?;
    Ok(assignment(path, &new))
}

/// The mutation that assigns a number to a path.
pub fn assignment(path: &[Step], number: &str) -> Mutation {
    let value = Json(number.into());
    match path.split_last() {
        None => Mutation::Assign { value },
        Some((Step::Key(key), path)) => Mutation::Set { path: path.to_vec(), key: key.clone(), value },
        Some((Step::Index(index), path)) => Mutation::Replace { path: path.to_vec(), index: *index, value },
    }
}

/// Put a number at a path, or remove what is there. Returns what was there.
pub(super) fn replace_number(value: &mut Option<Node>, path: &[Step], mut number: Option<Node>) -> Option<Node> {
    let Some((step, path)) = path.split_last() else { return std::mem::replace(value, number) };
    let mut before = None;
    update(value.as_mut(), path, &mut |container| {
        before = match (container, step, number.take()) {
            (Node::Dict(dict), Step::Key(key), Some(number)) => dict.set(key, number),
            (Node::Dict(dict), Step::Key(key), None) => dict.unset(key).map(|removed| removed.value),
            (Node::List(list), Step::Index(index), Some(number)) => list.splice(*index, 1, vec![number]).pop(),
            _ => None,
        };
    });
    before
}
