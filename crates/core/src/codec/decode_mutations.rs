//! The decoder of mutations.

use crate::document::Node;
use crate::error::{ErrorCode, SyncError};
use crate::ids::parse_unsigned;
use crate::mutation::{Json, JsonList, ListEnd, Mutation, Path, Step};
use compact_str::CompactString;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Decode an array of mutations of one attribute, whatever name they carry. The values in them are checked when they are
/// applied, since only then it is known how deep they may be. Errors: [`ErrorCode::NotSerializable`].
pub fn decode_mutations(text: &str) -> Result<Vec<Mutation>, SyncError> {
    let mutations: Vec<NamedMutation> = from_text(text, "list of mutations")?;
    Ok(mutations.into_iter().map(|named| named.mutation).collect())
}

/// Decode JSON `text`, which errors call `what`. Errors: [`ErrorCode::NotSerializable`].
pub(crate) fn from_text<'de, T: Deserialize<'de>>(text: &'de str, what: &str) -> Result<T, SyncError> {
    serde_json::from_str(text).map_err(|error| {
        // The error's own text may repeat values.
        let message =
            format!("the {what} cannot be decoded: malformed at line {}, column {}", error.line(), error.column());
        SyncError::new(ErrorCode::NotSerializable, message)
    })
}

/// A mutation and the name of its attribute.
pub(crate) struct NamedMutation {
    pub(crate) name: String,
    pub(crate) mutation: Mutation,
}

impl<'de> Deserialize<'de> for NamedMutation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(MutationVisitor)
    }
}

struct MutationVisitor;

impl<'de> Visitor<'de> for MutationVisitor {
    type Value = NamedMutation;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mutation")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let kind = read_element(&mut elements)?;
        read_mutation(kind, &mut elements)
    }
}

/// Read what follows the kind in the text of a mutation: the attribute's name and the mutation. The caller checks that
/// nothing is left.
pub(crate) fn read_mutation<'de, A: SeqAccess<'de>>(kind: &str, elements: &mut A) -> Result<NamedMutation, A::Error> {
    let name = read_element(elements)?;
    let mutation = match kind {
        "assign" => Mutation::Assign { value: read_json(elements)? },
        "create" => Mutation::Create { value: read_json(elements)? },
        "delete" => Mutation::Delete,
        "set" => Mutation::Set { path: read_path(elements)?, key: read_key(elements)?, value: read_json(elements)? },
        "unset" => Mutation::Unset { path: read_path(elements)?, key: read_key(elements)? },
        "clear" => Mutation::Clear { path: read_path(elements)? },
        "replace" => Mutation::Replace {
            path: read_path(elements)?,
            index: read_element(elements)?,
            value: read_json(elements)?,
        },
        "append" => Mutation::Append { path: read_path(elements)?, values: read_list(elements)? },
        "splice" => Mutation::Splice {
            path: read_path(elements)?,
            index: read_element(elements)?,
            remove: read_element(elements)?,
            values: read_list(elements)?,
        },
        "permute" => Mutation::Permute { path: read_path(elements)?, order: read_element(elements)? },
        "shift" => Mutation::Take { path: read_path(elements)?, end: ListEnd::First },
        "pop" => Mutation::Take { path: read_path(elements)?, end: ListEnd::Last },
        "increment" => Mutation::Increment { path: read_path(elements)?, by: read_json(elements)? },
        _ => return Err(A::Error::custom("no mutation of this kind")),
    };
    Ok(NamedMutation { name, mutation })
}

/// Read the next element of an array, which must have one.
pub(crate) fn read_element<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(elements: &mut A) -> Result<T, A::Error> {
    elements.next_element()?.ok_or_else(|| A::Error::custom("an element is missing"))
}

fn read_json<'de, A: SeqAccess<'de>>(elements: &mut A) -> Result<Json, A::Error> {
    let value: &RawValue = read_element(elements)?;
    Ok(Json(value.get().into()))
}

fn read_list<'de, A: SeqAccess<'de>>(elements: &mut A) -> Result<JsonList, A::Error> {
    let list: &RawValue = read_element(elements)?;
    // A vector of such elements only counts them.
    let count = serde_json::from_str::<Vec<IgnoredAny>>(list.get()).map_err(A::Error::custom)?.len();
    let text = list.get().strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or_default();
    Ok(JsonList { text: text.trim_ascii().into(), count })
}

fn read_path<'de, A: SeqAccess<'de>>(elements: &mut A) -> Result<Path, A::Error> {
    let steps: Vec<&RawValue> = read_element(elements)?;
    let steps: Option<Path> = steps.into_iter().map(|step| parse_step(step.get())).collect();
    steps.ok_or_else(|| A::Error::custom("a path holds keys and indexes"))
}

fn read_key<'de, A: SeqAccess<'de>>(elements: &mut A) -> Result<CompactString, A::Error> {
    let key: &RawValue = read_element(elements)?;
    parse_key(key.get()).ok_or_else(|| A::Error::custom("a key is a string"))
}

fn parse_step(text: &str) -> Option<Step> {
    if text.starts_with('"') { parse_key(text).map(Step::Key) } else { parse_unsigned(text).map(Step::Index) }
}

/// A key as documents keep it: the canonical text of a string, without its quotes.
fn parse_key(text: &str) -> Option<CompactString> {
    match Node::parse(text).ok()? {
        Node::Scalar(lexeme) => Some(lexeme.strip_prefix('"')?.strip_suffix('"')?.into()),
        _ => None,
    }
}
