//! The encoder of mutations.

use crate::document::quoted;
use crate::mutation::{JsonList, ListEnd, Mutation, Step};
use std::borrow::Borrow;

/// The text of mutations of one attribute, as in a batch, with an empty name in each of them.
pub fn encode_mutations(mutations: impl Iterator<Item: Borrow<Mutation>>) -> String {
    let mut out = String::from("[");
    for mutation in mutations {
        if out.len() > 1 {
            out.push(',');
        }
        encode_mutation("", mutation.borrow(), &mut out);
    }
    out.push(']');
    out
}

/// Append the text of a mutation of the attribute `name` to `out`.
pub(crate) fn encode_mutation(name: &str, mutation: &Mutation, out: &mut String) {
    out.push_str("[\"");
    out.push_str(mutation_kind(mutation));
    out.push_str("\",");
    out.push_str(&quoted(name));
    if !matches!(mutation, Mutation::Assign { .. } | Mutation::Create { .. } | Mutation::Delete) {
        out.push(',');
        encode_path(mutation.path(), out);
    }
    match mutation {
        Mutation::Delete | Mutation::Clear { .. } | Mutation::Take { .. } => {}
        Mutation::Assign { value } | Mutation::Create { value } => push(&value.0, out),
        Mutation::Set { key, value, .. } => {
            out.push(',');
            push_key(key, out);
            push(&value.0, out);
        }
        Mutation::Unset { key, .. } => {
            out.push(',');
            push_key(key, out);
        }
        Mutation::Replace { index, value, .. } => {
            push_number(*index, out);
            push(&value.0, out);
        }
        Mutation::Append { values, .. } => push_list(values, out),
        Mutation::Splice { index, remove, values, .. } => {
            push_number(*index, out);
            push_number(*remove, out);
            push_list(values, out);
        }
        Mutation::Permute { order, .. } => {
            out.push_str(",[");
            for (i, index) in order.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&index.to_string());
            }
            out.push(']');
        }
        Mutation::Increment { by, .. } => push(&by.0, out),
    }
    out.push(']');
}

/// The name of a mutation's kind in its text.
pub(crate) fn mutation_kind(mutation: &Mutation) -> &'static str {
    match mutation {
        Mutation::Assign { .. } => "assign",
        Mutation::Create { .. } => "create",
        Mutation::Delete => "delete",
        Mutation::Set { .. } => "set",
        Mutation::Unset { .. } => "unset",
        Mutation::Clear { .. } => "clear",
        Mutation::Replace { .. } => "replace",
        Mutation::Append { .. } => "append",
        Mutation::Splice { .. } => "splice",
        Mutation::Permute { .. } => "permute",
        Mutation::Take { end: ListEnd::First, .. } => "shift",
        Mutation::Take { end: ListEnd::Last, .. } => "pop",
        Mutation::Increment { .. } => "increment",
    }
}

/// Append the text of a path, an array of keys and indexes, to `out`.
pub(crate) fn encode_path(path: &[Step], out: &mut String) {
    out.push('[');
    for (i, step) in path.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match step {
            Step::Key(key) => push_key(key, out),
            Step::Index(index) => out.push_str(&index.to_string()),
        }
    }
    out.push(']');
}

fn push(json: &str, out: &mut String) {
    out.push(',');
    out.push_str(json);
}

fn push_number(number: usize, out: &mut String) {
    push(&number.to_string(), out);
}

fn push_list(values: &JsonList, out: &mut String) {
    out.push_str(",[");
    out.push_str(&values.text);
    out.push(']');
}

/// A key is kept as it stands between the quotes of its canonical text.
fn push_key(key: &str, out: &mut String) {
    out.push('"');
    out.push_str(key);
    out.push('"');
}
