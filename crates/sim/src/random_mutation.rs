//! Random mutations that fit a value.

use crate::random::Random;
use synced_memory_core::document::Node;
use synced_memory_core::mutation::{Json, JsonList, ListEnd, Mutation, Path, Step};

/// Length in bytes above which mutations shorten a document.
const LONG_DOCUMENT: usize = 700;
/// Keys, as canonical JSON string contents.
const KEYS: [&str; 6] = ["a", "b", "c", "dd", "é", r#"q\"\n"#];
const SCALARS: [&str; 10] =
    ["null", "true", "1.0", "-0", "1e400", "12345678901234567890", "NaN", "\"é\"", r#""\"\\\n""#, "\"\""];

/// A random mutation of a random container in a value.
pub(crate) fn random_mutation(value: Option<&Node>, random: &mut Random) -> Mutation {
    let Some(value) = value else {
        return match random.below(8) {
            0 => Mutation::Delete,
            1..=4 => Mutation::Create { value: json(&container(random)) },
            _ => Mutation::Assign { value: json(&container(random)) },
        };
    };
    match random.below(40) {
        0 => return Mutation::Delete,
        1 => return Mutation::Assign { value: json(&tree(random, 2)) },
        2 => return Mutation::Create { value: json(&container(random)) },
        _ => {}
    }
    let mut targets = Vec::new();
    containers(value, &mut Vec::new(), &mut targets);
    if targets.is_empty() {
        return Mutation::Assign { value: json(&container(random)) };
    }
    let (path, node) = targets.swap_remove(random.below(targets.len()));
    let shrinks = value.text_len().0 > LONG_DOCUMENT;
    match node {
        Node::Dict(dict) => {
            let keys: Vec<_> = dict.iter().map(|(key, _)| key.as_str()).collect();
            let made = in_dict(path, &keys, shrinks, random);
            increment_instead(dict.iter().map(|(key, value)| (Step::Key(key.clone()), value)), made)
        }
        Node::List(list) => {
            let made = in_list(path, list.len(), shrinks, random);
            increment_instead(list.iter().enumerate().map(|(index, value)| (Step::Index(index), value)), made)
        }
        Node::Scalar(_) => unreachable!("only containers were collected"),
    }
}

fn in_dict(path: Path, keys: &[&str], shrinks: bool, random: &mut Random) -> Mutation {
    match random.below(10) {
        0 => Mutation::Clear { path },
        1..=3 if !keys.is_empty() => Mutation::Unset { path, key: (*random.pick(keys)).into() },
        _ if shrinks => Mutation::Clear { path },
        _ => Mutation::Set { path, key: (*random.pick(&KEYS)).into(), value: json(&tree(random, 2)) },
    }
}

fn in_list(path: Path, len: usize, shrinks: bool, random: &mut Random) -> Mutation {
    if shrinks {
        return Mutation::Splice { path, index: 0, remove: len, values: JsonList::default() };
    }
    match random.below(13) {
        0 | 1 => Mutation::Permute { path, order: order(len, random) },
        2 | 3 if len > 0 => Mutation::Replace { path, index: random.below(len), value: json(&tree(random, 2)) },
        4..=6 => Mutation::Append { path, values: values(random) },
        7 => Mutation::Splice { path, index: 0, remove: len, values: JsonList::default() },
        10 => Mutation::Take { path, end: *random.pick(&[ListEnd::First, ListEnd::Last]) },
        8 | 9 => Mutation::Splice { path, index: random.below(len + 1), remove: 0, values: values(random) },
        _ => {
            let index = random.below(len + 1);
            let remove = random.below(3).min(len - index);
            Mutation::Splice { path, index, remove, values: values(random) }
        }
    }
}

/// Turns a mutation that replaces a number by an even number into an increment by that number.
fn increment_instead<'a>(mut inner: impl Iterator<Item = (Step, &'a Node)>, made: Mutation) -> Mutation {
    let (path, step, value) = match &made {
        Mutation::Set { path, key, value } => (path, Step::Key(key.clone()), value),
        Mutation::Replace { path, index, value } => (path, Step::Index(*index), value),
        _ => return made,
    };
    let is_whole = |text: &str| text.parse::<i32>().is_ok_and(|number| number != 0);
    let is_number = inner.any(|(at, old)| at == step && matches!(old, Node::Scalar(old) if is_whole(old)));
    if !is_number || !value.0.parse::<i32>().is_ok_and(|number| number % 2 == 0) {
        return made;
    }
    let path = path.iter().cloned().chain([step]).collect();
    Mutation::Increment { path, by: value.clone() }
}

/// A permutation: reversed, or random as from a sort.
fn order(len: usize, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<_> = (0..len).rev().collect();
    if random.one_in(2) {
        order.sort_by_cached_key(|_| random.next());
    }
    order
}

fn containers<'a>(node: &'a Node, at: &mut Path, targets: &mut Vec<(Path, &'a Node)>) {
    match node {
        Node::Scalar(_) => {}
        Node::List(list) => {
            targets.push((at.clone(), node));
            for (index, inner) in list.iter().enumerate() {
                at.push(Step::Index(index));
                containers(inner, at, targets);
                at.pop();
            }
        }
        Node::Dict(dict) => {
            targets.push((at.clone(), node));
            for (key, inner) in dict.iter() {
                at.push(Step::Key(key.clone()));
                containers(inner, at, targets);
                at.pop();
            }
        }
    }
}

fn container(random: &mut Random) -> String {
    let items: Vec<_> = (0..random.below(4)).map(|_| tree(random, 1)).collect();
    if random.one_in(2) {
        return format!("[{}]", items.join(","));
    }
    let entries: Vec<_> = KEYS.iter().zip(items).map(|(key, item)| format!("\"{key}\":{item}")).collect();
    format!("{{{}}}", entries.join(","))
}

fn tree(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 8 } else { 12 }) {
        0..=3 => random.below(1000).to_string(),
        4 => format!("\"{}\"", "x".repeat(random.below(30))),
        // Long enough for slack to matter.
        5 if random.one_in(3) => format!("\"{}\"", "y".repeat(random.below(500))),
        5..=7 => (*random.pick(&SCALARS)).to_owned(),
        _ => container(random),
    }
}

fn values(random: &mut Random) -> JsonList {
    let values: Vec<_> = (0..=random.below(3)).map(|_| tree(random, 2)).collect();
    list(&values)
}

/// A value from its canonical text.
pub(crate) fn json(text: &str) -> Json {
    Json(text.into())
}

/// Values from their canonical texts.
pub(crate) fn list(texts: &[String]) -> JsonList {
    JsonList { text: texts.join(",").into(), count: texts.len() }
}
