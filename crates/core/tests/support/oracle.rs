//! Random documents and mutations, and an oracle that applies them to plain vectors.

use super::tree::{Tree, TreeStep};
use proptest::prelude::*;
use synced_memory_core::codec::decode_mutations;
use synced_memory_core::document::Node;
use synced_memory_core::mutation::Mutation;
use synced_memory_core::splice::{Piece, Plan};

/// Texts of scalars that are canonical.
pub fn scalars() -> [&'static str; 17] {
    [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.0",
        "1e400",
        "-1.5E-7",
        "12345678901234567890",
        "NaN",
        "Infinity",
        "-Infinity",
        "\"\"",
        "\"é😀\"",
        r#""\ud800""#,
        r#""\"\\\n\u001f""#,
        "\"__proto__\"",
    ]
}

/// Random documents that any JSON reader can read.
pub fn document() -> impl Strategy<Value = Node> {
    tree().prop_map(|tree| Node::parse(&tree.text()).unwrap())
}

fn tree() -> impl Strategy<Value = Tree> {
    let scalar = prop_oneof![
        prop::sample::select(vec!["null", "true", "1.0", "12", "-7", "\"é😀\"", r#""\"\\\n""#, "\"\""])
            .prop_map(|text| Tree::Scalar(text.to_owned())),
        any::<i32>().prop_map(|n| Tree::Scalar(n.to_string())),
        "[a-z]{0,20}".prop_map(|s| Tree::Scalar(format!("\"{s}\""))),
    ];
    scalar.prop_recursive(4, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Tree::List),
            prop::collection::vec(("[a-d]{1,2}", inner), 0..8).prop_map(Tree::dict),
        ]
    })
}

/// Random choices, of which an [`Oracle`] makes mutations that fit its document.
pub fn mutations() -> impl Strategy<Value = Vec<Choice>> {
    prop::collection::vec(
        (any::<u32>(), any::<u8>(), any::<u32>(), any::<u32>(), "[a-f]{1,2}", prop::collection::vec(tree(), 0..4))
            .prop_map(|(container, kind, a, b, key, values)| Choice { container, kind, a, b, key, values }),
        0..12,
    )
}

#[derive(Clone, Debug)]
pub struct Choice {
    container: u32,
    kind: u8,
    a: u32,
    b: u32,
    key: String,
    values: Vec<Tree>,
}

impl Choice {
    pub fn of(container: u32, kind: u8, a: u32, b: u32, key: &str, values: impl Iterator<Item = String>) -> Self {
        let values = values.map(Tree::Scalar).collect();
        Self { container, kind, a, b, key: key.to_owned(), values }
    }
}

pub struct Oracle {
    pub value: Option<Node>,
}

impl Oracle {
    pub fn new(value: Node) -> Self {
        Self { value: Some(value) }
    }

    /// A mutation that fits the document, and the text that it gives.
    pub fn next(&self, choice: &Choice) -> Option<(Mutation, String)> {
        let (wire, text) = self.next_wire(choice, "x")?;
        let mutation = decode_mutations(&format!("[{wire}]")).unwrap().pop()?;
        Some((mutation, text))
    }

    /// The same as text, for an attribute with this name.
    pub fn next_wire(&self, choice: &Choice, name: &str) -> Option<(String, String)> {
        let mut tree = Tree::parse(&self.value.as_ref()?.to_text());
        let path = tree.pick(choice.container as usize);
        let wire_path = Tree::path_text(&path);
        let first = choice.values.first().cloned().unwrap_or(Tree::Scalar("7".into()));
        let values = choice.values.iter().map(Tree::text).collect::<Vec<_>>().join(",");
        let (a, b) = (choice.a as usize, choice.b as usize);
        let key = &choice.key;
        let wire = match tree.at(&path) {
            Tree::Scalar(_) => {
                tree = first.clone();
                format!("[\"assign\",\"{name}\",{}]", first.text())
            }
            Tree::Dict(members) if choice.kind >= 224 => {
                let member = members.iter_mut().find(|(k, value)| k == key && value.whole().is_some());
                let (key, number) = member.map(|(key, value)| (key, value))?;
                *number = Tree::Scalar((number.whole()? + i64::from(choice.b)).to_string());
                let to_number = Tree::path_text(&[path.as_slice(), &[TreeStep::Key(key.clone())]].concat());
                format!("[\"increment\",\"{name}\",{to_number},{}]", choice.b)
            }
            Tree::Dict(members) => match choice.kind % 8 {
                0 => {
                    members.clear();
                    format!("[\"clear\",\"{name}\",{wire_path}]")
                }
                1..=3 if !members.is_empty() => {
                    let (key, _) = members.remove(a % members.len());
                    format!("[\"unset\",\"{name}\",{wire_path},\"{key}\"]")
                }
                _ => {
                    match members.iter_mut().find(|(k, _)| k == key) {
                        Some((_, value)) => *value = first.clone(),
                        None => members.push((key.clone(), first.clone())),
                    }
                    format!("[\"set\",\"{name}\",{wire_path},\"{key}\",{}]", first.text())
                }
            },
            Tree::List(items) if choice.kind >= 224 => {
                let is_first = choice.kind.is_multiple_of(2);
                let index = if is_first { 0 } else { items.len().saturating_sub(1) };
                items.splice(index..items.len().min(index + 1), []);
                format!("[\"{}\",\"{name}\",{wire_path}]", if is_first { "shift" } else { "pop" })
            }
            Tree::List(items) => match choice.kind % 8 {
                0 if !items.is_empty() => {
                    let by = a % items.len();
                    items.rotate_left(by);
                    let order: Vec<_> = (0..items.len()).map(|i| (i + by) % items.len()).collect();
                    format!("[\"permute\",\"{name}\",{wire_path},{order:?}]")
                }
                1 | 2 if !items.is_empty() => {
                    let index = a % items.len();
                    items[index] = first.clone();
                    format!("[\"replace\",\"{name}\",{wire_path},{index},{}]", first.text())
                }
                3 | 4 => {
                    items.extend(choice.values.iter().cloned());
                    format!("[\"append\",\"{name}\",{wire_path},[{values}]]")
                }
                _ => {
                    let index = a % (items.len() + 1);
                    let remove = b % (items.len() - index + 1);
                    items.splice(index..index + remove, choice.values.iter().cloned());
                    format!("[\"splice\",\"{name}\",{wire_path},{index},{remove},[{values}]]")
                }
            },
        };
        Some((wire, tree.text()))
    }
}

/// Carry out a plan on stored text, as a server does.
pub fn apply_plan(stored: &mut Vec<u8>, plan: &Plan) {
    match plan {
        Plan::Set(text) => *stored = text.clone().into_bytes(),
        Plan::Delete => stored.clear(),
        Plan::Append(_) => unreachable!("plans of edits never append"),
        Plan::Edit(writes) => {
            let old = stored.clone();
            for write in writes {
                let mut bytes = Vec::new();
                for piece in &write.pieces {
                    match piece {
                        Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                        Piece::Range { start, len } => bytes.extend_from_slice(&old[start.0..(*start + *len).0]),
                        Piece::Spaces(count) => bytes.resize(bytes.len() + count.0, b' '),
                    }
                }
                let at = write.at.0;
                assert!(at <= stored.len(), "a write begins inside of the text or at its end");
                let end = at + bytes.len();
                if end > stored.len() {
                    stored.resize(end, 0);
                }
                stored[at..end].copy_from_slice(&bytes);
            }
        }
    }
}
