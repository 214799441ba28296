//! Batches of mutations and events as JSON text: what crosses the boundary between a host and JavaScript.
//!
//! A batch is an array of mutations, each an array that starts with its kind:
//! `["assign",name,value]` `["create",name,value]` `["delete",name]` `["set",name,path,key,value]` `["unset",name,path,key]`
//! `["clear",name,path]` `["replace",name,path,index,value]` `["append",name,path,[values]]`
//! `["splice",name,path,index,remove,[values]]` `["permute",name,path,[order]]` `["increment",name,path,by]`.
//! A path is an array of keys and indexes. What is to be committed together stands in
//! `["group",id,strict,[names that it relies on],[mutations]]`.

mod events;
mod tagged;

pub use events::{EventWriter, encode_batch};

use crate::document::Node;
use crate::error::{ErrorCode, SyncError};
use crate::mutation::{Json, JsonList, Mutation, Path, Step};
use crate::session::GroupOf;
use compact_str::CompactString;
use serde::Deserialize;
use serde_json::value::RawValue;

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
    let batch: Vec<Vec<&RawValue>> = read(text)?;
    batch.iter().map(|parts| entry(parts)).collect()
}

fn entry(parts: &[&RawValue]) -> Result<Entry, SyncError> {
    let [kind, id, strict, reads, mutations] = parts else { return decode(parts).map(mutation) };
    if kind.get() != "\"group\"" {
        return decode(parts).map(mutation);
    }
    Ok(Entry::Group(GroupOf {
        id: read(id.get())?,
        strict: strict.get() == "true",
        reads: read(reads.get())?,
        mutations: decode_batch(mutations.get())?,
    }))
}

fn mutation((name, mutation): (String, Mutation)) -> Entry {
    Entry::Mutation(name, mutation)
}

/// Read a batch. Errors: [`ErrorCode::NotSerializable`].
pub fn decode_batch(text: &str) -> Result<Vec<(String, Mutation)>, SyncError> {
    let batch: Vec<Vec<&RawValue>> = read(text)?;
    batch.iter().map(|mutation| decode(mutation)).collect()
}

fn decode(parts: &[&RawValue]) -> Result<(String, Mutation), SyncError> {
    let (kind, name, rest) = match parts {
        [kind, name, rest @ ..] => (kind.get(), read(name.get())?, rest),
        _ => return Err(malformed("a mutation has a kind and an attribute")),
    };
    let mutation = match (kind, rest) {
        ("\"assign\"", [value]) => Mutation::Assign { value: json(value) },
        ("\"create\"", [value]) => Mutation::Create { value: json(value) },
        ("\"delete\"", []) => Mutation::Delete,
        ("\"set\"", [at, key, value]) => Mutation::Set { path: path(at)?, key: step_key(key)?, value: json(value) },
        ("\"unset\"", [at, key]) => Mutation::Unset { path: path(at)?, key: step_key(key)? },
        ("\"clear\"", [at]) => Mutation::Clear { path: path(at)? },
        ("\"replace\"", [at, index, value]) => {
            Mutation::Replace { path: path(at)?, index: read(index.get())?, value: json(value) }
        }
        ("\"append\"", [at, values]) => Mutation::Append { path: path(at)?, values: list(values)? },
        ("\"splice\"", [at, index, remove, values]) => Mutation::Splice {
            path: path(at)?,
            index: read(index.get())?,
            remove: read(remove.get())?,
            values: list(values)?,
        },
        ("\"permute\"", [at, order]) => Mutation::Permute { path: path(at)?, order: read(order.get())? },
        ("\"increment\"", [at, by]) => Mutation::Increment { path: path(at)?, by: json(by) },
        _ => {
            return Err(malformed(&format!("no mutation {kind} with {} arguments", rest.len())));
        }
    };
    Ok((name, mutation))
}

fn json(value: &RawValue) -> Json {
    Json(value.get().into())
}

fn list(values: &RawValue) -> Result<JsonList, SyncError> {
    let count = read::<Vec<&RawValue>>(values.get())?.len();
    let text = values.get();
    Ok(JsonList { text: text[1..text.len() - 1].trim().into(), count })
}

fn path(steps: &RawValue) -> Result<Path, SyncError> {
    let steps: Vec<&RawValue> = read(steps.get())?;
    steps
        .into_iter()
        .map(|step| {
            if step.get().starts_with('"') { step_key(step).map(Step::Key) } else { read(step.get()).map(Step::Index) }
        })
        .collect()
}

/// A key as documents keep it: canonical string text without its quotes.
fn step_key(key: &RawValue) -> Result<CompactString, SyncError> {
    match Node::parse(key.get())? {
        Node::Scalar(lexeme) if lexeme.starts_with('"') => Ok(lexeme[1..lexeme.len() - 1].into()),
        _ => Err(malformed("a key is a string")),
    }
}

/// What serde would say names types, not mutations; and its words take as much space as all that is read here.
fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, SyncError> {
    serde_json::from_str(text).map_err(|_| {
        let start: String = text.chars().take(40).collect();
        malformed(&format!("{start} is not what should be there"))
    })
}

fn malformed(what: &str) -> SyncError {
    SyncError::new(ErrorCode::NotSerializable, format!("the batch is not in the wire format: {what}"))
}
