//! The decoder of batches.

use crate::codec::{NamedMutation, from_text, read_element, read_mutation};
use crate::error::SyncError;
use crate::ids::GroupId;
use crate::mutation::Mutation;
use crate::session::{BatchEntry, GroupMutations};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Decode a batch: a JSON array of what a host submits at once, in order. Each entry is
/// - a mutation, as [`codec`](crate::codec) describes its text, or
/// - `["group",id,strict,names,[name,…],[mutation,…]]`, mutations that are committed together or not at all. The id is an integer
///   that the session has not had before, `strict` and `names` booleans (see [`GroupMutations`]); the names are those of attributes
///   that the group relies on and does not change.
///
/// Errors: [`NotSerializable`](crate::error::ErrorCode::NotSerializable).
pub fn decode_batch(text: &str) -> Result<Vec<BatchEntry>, SyncError> {
    let entries: Vec<Entry> = from_text(text, "batch of mutations")?;
    Ok(entries.into_iter().map(|Entry(entry)| entry).collect())
}

/// Decode one mutation: the name of its attribute, and the mutation. Errors:
/// [`NotSerializable`](crate::error::ErrorCode::NotSerializable).
pub fn decode_mutation(text: &str) -> Result<(String, Mutation), SyncError> {
    let NamedMutation { name, mutation } = from_text(text, "mutation")?;
    Ok((name, mutation))
}

struct Entry(BatchEntry);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntryVisitor).map(Self)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = BatchEntry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mutation or a group of mutations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<BatchEntry, A::Error> {
        let kind: &str = read_element(&mut elements)?;
        if kind == "group" {
            return read_group(&mut elements).map(BatchEntry::Group);
        }
        let NamedMutation { name, mutation } = read_mutation(kind, &mut elements)?;
        Ok(BatchEntry::Mutation(name, mutation))
    }
}

fn read_group<'de, A: SeqAccess<'de>>(elements: &mut A) -> Result<GroupMutations, A::Error> {
    let (id, strict) = (read_element(elements)?, read_element(elements)?);
    let (relies_on_names, reads) = (read_element(elements)?, read_element(elements)?);
    let mutations: Vec<NamedMutation> = read_element(elements)?;
    let mutations = mutations.into_iter().map(|NamedMutation { name, mutation }| (name, mutation)).collect();
    Ok(GroupMutations { id: GroupId(id), strict, relies_on_names, reads, mutations })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::mutation::{Json, JsonList, Step};

    #[test]
    fn a_batch_holds_mutations_and_groups() {
        let text = r#" [["set","a",["k\u00fc",0],"\u006b", [1, 2]],
            ["append","b",[],[[1],{"c":"],"}]], ["group",7,true,false,["r"],[["delete","a"]]]] "#;
        let path = vec![Step::Key("kü".into()), Step::Index(0)];
        let set = Mutation::Set { path, key: "k".into(), value: Json("[1, 2]".into()) };
        let values = JsonList { text: r#"[1],{"c":"],"}"#.into(), count: 2 };
        let append = Mutation::Append { path: Vec::new(), values };
        let mutations = vec![("a".to_owned(), Mutation::Delete)];
        let group = GroupMutations {
            id: GroupId(7),
            strict: true,
            relies_on_names: false,
            reads: vec!["r".to_owned()],
            mutations,
        };
        let [a, b] = ["a", "b"].map(str::to_owned);
        let entries = [BatchEntry::Mutation(a, set), BatchEntry::Mutation(b, append), BatchEntry::Group(group)];
        assert_eq!(decode_batch(text).unwrap(), entries);
        assert_eq!(decode_batch("[]").unwrap(), []);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "{}",
            "[[]]",
            "[1]",
            r#"[["push","a",1]]"#,
            r#"[["assign","a"]]"#,
            r#"[["assign","a",1,2]]"#,
            r#"[["assign",1,2]]"#,
            r#"[["assign","\ud800",2]]"#,
            r#"[["assign","a",NaN]]"#,
            r#"[["set","a",[true],"k",1]]"#,
            r#"[["set","a",[],1,1]]"#,
            r#"[["append","a",[-1],[]]]"#,
            r#"[["append","a",[1.0],[]]]"#,
            r#"[["append","a",[],{}]]"#,
            r#"[["append","a",[],[1,]]]"#,
            r#"[["splice","a",[],18446744073709551616,0,[]]]"#,
            r#"[["permute","a",[],["0"]]]"#,
            r#"[["group",1,true,true,[],[["group",2,true,true,[],[]]]]]"#,
            r#"[["group",1,"true",false,[],[]]]"#,
            r#"[["group",1,true,[],[]]]"#,
            r#"[["delete","a"]] x"#,
            r#"[["delete","a"]"#,
        ] {
            let error = decode_batch(text).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotSerializable, "{text}");
        }
        assert!(decode_mutation(r#"["group",1,true,false,[],[]]"#).is_err());
        assert!(decode_mutation(r#"["delete","a"]"#).is_ok());
    }
}
