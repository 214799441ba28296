//! Batches of mutations and events as JSON text: what crosses the boundary between a host and JavaScript.
//!
//! A batch is an array of mutations, each an array that starts with its kind:
//! `["assign",name,value]` `["create",name,value]` `["delete",name]` `["set",name,path,key,value]` `["unset",name,path,key]`
//! `["clear",name,path]` `["replace",name,path,index,value]` `["append",name,path,[values]]`
//! `["splice",name,path,index,remove,[values]]` `["permute",name,path,[order]]` `["increment",name,path,by]`.
//! A path is an array of keys and indexes. What is to be committed together stands in
//! `["group",id,strict,[names that it relies on],[mutations]]`.

mod elements;
mod events;
mod tagged;

pub use events::{EventWriter, encode_batch};

use crate::document::{Node, unquoted};
use crate::error::{ErrorCode, SyncError};
use crate::ids::number;
use crate::mutation::{Json, JsonList, Mutation, Path, Step};
use crate::session::GroupOf;
use compact_str::CompactString;
use elements::elements;

/// What a batch holds.
#[derive(Debug)]
pub enum Entry {
    /// A mutation by itself: the attribute's name, and what to do.
    Mutation(String, Mutation),
    /// Mutations to be committed together.
    Group(GroupOf),
}

/// Read a batch with groups. Errors: [`ErrorCode::NotSerializable`].
pub fn decode_entries(text: &str) -> Result<Vec<Entry>, SyncError> {
    all(text, entry).ok_or_else(malformed)
}

/// Read a batch without. Errors: [`ErrorCode::NotSerializable`].
pub fn decode_batch(text: &str) -> Result<Vec<(String, Mutation)>, SyncError> {
    all(text, mutation).ok_or_else(malformed)
}

/// Read one mutation of a batch. Errors: [`ErrorCode::NotSerializable`].
pub fn decode_mutation(text: &str) -> Result<(String, Mutation), SyncError> {
    mutation(text).ok_or_else(malformed)
}

fn malformed() -> SyncError {
    SyncError::new(ErrorCode::NotSerializable, "the batch is not in the wire format")
}

fn entry(text: &str) -> Option<Entry> {
    match elements(text)?.as_slice() {
        ["\"group\"", id, strict, reads, mutations] => Some(Entry::Group(GroupOf {
            id: number(id)?,
            strict: *strict == "true",
            reads: all(reads, string)?,
            mutations: all(mutations, mutation)?,
        })),
        parts => mutation_of(parts).map(|(name, mutation)| Entry::Mutation(name, mutation)),
    }
}

fn mutation(text: &str) -> Option<(String, Mutation)> {
    mutation_of(&elements(text)?)
}

/// Values are read when they are applied: only then is it known how deep they may be.
fn mutation_of(parts: &[&str]) -> Option<(String, Mutation)> {
    let [kind, name, rest @ ..] = parts else { return None };
    let mutation = match (*kind, rest) {
        ("\"assign\"", [value]) => Mutation::Assign { value: json(value) },
        ("\"create\"", [value]) => Mutation::Create { value: json(value) },
        ("\"delete\"", []) => Mutation::Delete,
        ("\"set\"", [at, of, value]) => Mutation::Set { path: path(at)?, key: key(of)?, value: json(value) },
        ("\"unset\"", [at, of]) => Mutation::Unset { path: path(at)?, key: key(of)? },
        ("\"clear\"", [at]) => Mutation::Clear { path: path(at)? },
        ("\"replace\"", [at, index, value]) => {
            Mutation::Replace { path: path(at)?, index: number(index)?, value: json(value) }
        }
        ("\"append\"", [at, values]) => Mutation::Append { path: path(at)?, values: list(values)? },
        ("\"splice\"", [at, index, remove, values]) => {
            Mutation::Splice { path: path(at)?, index: number(index)?, remove: number(remove)?, values: list(values)? }
        }
        ("\"permute\"", [at, order]) => Mutation::Permute { path: path(at)?, order: all(order, number)? },
        ("\"increment\"", [at, by]) => Mutation::Increment { path: path(at)?, by: json(by) },
        _ => return None,
    };
    Some((string(name)?, mutation))
}

fn json(value: &str) -> Json {
    Json(value.into())
}

fn list(values: &str) -> Option<JsonList> {
    let count = elements(values)?.len();
    Some(JsonList { text: values[1..values.len() - 1].trim_ascii().into(), count })
}

fn path(steps: &str) -> Option<Path> {
    let step =
        |step: &str| if step.starts_with('"') { key(step).map(Step::Key) } else { number(step).map(Step::Index) };
    all(steps, step)
}

fn all<T>(array: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut values = Vec::new();
    for element in elements(array)? {
        values.push(read(element)?);
    }
    Some(values)
}

/// A key as documents keep it: canonical string text without its quotes.
fn key(text: &str) -> Option<CompactString> {
    match Node::parse(text).ok()? {
        Node::Scalar(lexeme) => Some(lexeme.strip_prefix('"')?.strip_suffix('"')?.into()),
        _ => None,
    }
}

fn string(text: &str) -> Option<String> {
    unquoted(&key(text)?)
}
