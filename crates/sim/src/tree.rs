//! JSON as plain vectors, and mutations on it by the plainest means: what replicas are compared with.

use synced_memory_core::document::Node;
use synced_memory_core::mutation::{Json, JsonList, Mutation, Step};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tree {
    Scalar(String),
    List(Vec<Self>),
    Dict(Vec<(String, Self)>),
}

/// Why a mutation does not fit.
type Misfit = &'static str;

impl Tree {
    pub(crate) fn of(node: &Node) -> Self {
        match node {
            Node::Scalar(text) => Self::Scalar(text.to_string()),
            Node::List(list) => Self::List(list.iter().map(Self::of).collect()),
            Node::Dict(dict) => {
                Self::Dict(dict.iter().map(|(key, value)| (key.to_string(), Self::of(value))).collect())
            }
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Misfit> {
        Node::parse(text).map(|node| Self::of(&node)).map_err(|_| "a value that is not JSON")
    }

    pub(crate) fn is(&self, node: &Node) -> bool {
        match (self, node) {
            (Self::Scalar(text), Node::Scalar(other)) => text == other,
            (Self::List(items), Node::List(list)) => {
                items.len() == list.len() && items.iter().zip(list.iter()).all(|(item, other)| item.is(other))
            }
            (Self::Dict(entries), Node::Dict(dict)) => {
                entries.len() == dict.len()
                    && entries.iter().zip(dict.iter()).all(|((key, value), (k, v))| key == k && value.is(v))
            }
            _ => false,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Scalar(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::text).collect::<Vec<_>>().join(",")),
            Self::Dict(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("\"{key}\":{}", value.text())).collect();
                format!("{{{}}}", entries.join(","))
            }
        }
    }

    /// As Python's `json.dumps` spells it.
    pub(crate) fn python_text(&self) -> String {
        match self {
            Self::Scalar(text) => text.replace('é', "\\u00e9"),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::python_text).collect::<Vec<_>>().join(", "))
            }
            Self::Dict(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("\"{}\": {}", key.replace('é', "\\u00e9"), value.python_text()))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        entries.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn entries(&self) -> &[(String, Self)] {
        if let Self::Dict(entries) = self { entries } else { &[] }
    }

    /// The items of a log, which is a list or a dict that holds one.
    pub(crate) fn log_items(&self) -> &[Self] {
        self.get("items").unwrap_or(self).items()
    }

    /// A string's text without its quotes, or a number's.
    pub(crate) fn plain(&self) -> &str {
        if let Self::Scalar(text) = self { text.trim_matches('"') } else { "" }
    }

    /// Make a mutation of an attribute's value.
    pub(crate) fn mutate(value: &mut Option<Self>, mutation: &Mutation) -> Result<(), Misfit> {
        match mutation {
            Mutation::Assign { value: new } => *value = Some(parse(new)?),
            Mutation::Increment { path, by } => Self::add(value, path, &by.0)?,
            Mutation::Create { value: new } => {
                if value.is_none() {
                    *value = Some(parse(new)?);
                }
            }
            Mutation::Delete => *value = None,
            _ => value.as_mut().ok_or("there is no value")?.at(mutation.path())?.change(mutation)?,
        }
        Ok(())
    }

    fn add(value: &mut Option<Self>, path: &[Step], by: &str) -> Result<(), Misfit> {
        let Some((last, path)) = path.split_last() else {
            let old = value.as_ref().map_or("0", Self::plain);
            *value = Some(Self::sum(old, by)?);
            return Ok(());
        };
        let container = value.as_mut().ok_or("there is no value")?.at(path)?;
        if let (Step::Key(key), Self::Dict(entries)) = (last, &mut *container)
            && !entries.iter().any(|(k, _)| k == key)
        {
            entries.push((key.to_string(), Self::Scalar("0".to_owned())));
        }
        let number = container.at(std::slice::from_ref(last))?;
        *number = Self::sum(number.plain(), by)?;
        Ok(())
    }

    /// Here only small whole numbers are added.
    fn sum(old: &str, by: &str) -> Result<Self, Misfit> {
        let sum = old.parse::<i64>().ok().zip(by.parse().ok()).map(|(old, by): (i64, i64)| old + by);
        Ok(Self::Scalar(sum.ok_or("it is not a whole number")?.to_string()))
    }

    fn at(&mut self, path: &[Step]) -> Result<&mut Self, Misfit> {
        let mut tree = self;
        for step in path {
            tree = match (step, tree) {
                (Step::Index(index), Self::List(items)) => items.get_mut(*index).ok_or("no such index on the path")?,
                (Step::Key(key), Self::Dict(entries)) => {
                    &mut entries.iter_mut().find(|(k, _)| k == key).ok_or("no such key on the path")?.1
                }
                _ => return Err("another kind of container on the path"),
            };
        }
        Ok(tree)
    }

    fn change(&mut self, mutation: &Mutation) -> Result<(), Misfit> {
        match (mutation, self) {
            (Mutation::Set { key, value, .. }, Self::Dict(entries)) => {
                let value = parse(value)?;
                match entries.iter_mut().find(|(k, _)| k == key) {
                    Some((_, old)) => *old = value,
                    None => entries.push((key.to_string(), value)),
                }
            }
            (Mutation::Unset { key, .. }, Self::Dict(entries)) => entries.retain(|(k, _)| k != key),
            (Mutation::Clear { .. }, Self::Dict(entries)) => entries.clear(),
            (Mutation::Replace { index, value, .. }, Self::List(items)) => {
                *items.get_mut(*index).ok_or("no such index")? = parse(value)?;
            }
            (Mutation::Append { values, .. }, Self::List(items)) => items.extend(parse_list(values)?),
            (Mutation::Splice { index, remove, values, .. }, Self::List(items)) => {
                if index + remove > items.len() {
                    return Err("not that many elements");
                }
                items.splice(*index..index + remove, parse_list(values)?);
            }
            (Mutation::Permute { order, .. }, Self::List(items)) => {
                let mut seen = order.clone();
                seen.sort_unstable();
                if !seen.into_iter().eq(0..items.len()) {
                    return Err("not a permutation");
                }
                *items = order.iter().map(|index| items[*index].clone()).collect();
            }
            _ => return Err("another kind of container"),
        }
        Ok(())
    }
}

fn parse(value: &Json) -> Result<Tree, Misfit> {
    Tree::parse(&value.0)
}

fn parse_list(values: &JsonList) -> Result<Vec<Tree>, Misfit> {
    match Tree::parse(&format!("[{}]", values.text))? {
        Tree::List(items) if items.len() == values.count => Ok(items),
        _ => Err("another number of values than was said"),
    }
}
