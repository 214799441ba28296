//! The model of a JSON value: plain vectors, mutated by the simplest means. Replicas are compared with it.

use synced_memory_core::document::Node;
use synced_memory_core::mutation::{Json, JsonList, Mutation, Step};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ModelValue {
    Scalar(String),
    List(Vec<Self>),
    Dict(Vec<(String, Self)>),
}

/// The reason why a mutation does not fit a value.
type ApplyError = &'static str;

impl ModelValue {
    pub(crate) fn of(node: &Node) -> Self {
        match node {
            Node::Scalar(text) => Self::Scalar(text.to_string()),
            Node::List(list) => Self::List(list.iter().map(Self::of).collect()),
            Node::Dict(dict) => {
                Self::Dict(dict.iter().map(|(key, value)| (key.to_string(), Self::of(value))).collect())
            }
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ApplyError> {
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

    /// The text as Python's `json.dumps` writes it.
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

    /// The items of a log: of a list, or of the list `items` in a dict.
    pub(crate) fn log_items(&self) -> &[Self] {
        self.get("items").unwrap_or(self).items()
    }

    /// The text of a scalar, without quotes.
    pub(crate) fn plain(&self) -> &str {
        if let Self::Scalar(text) = self { text.trim_matches('"') } else { "" }
    }

    /// Applies a mutation to the value of an attribute.
    pub(crate) fn mutate(value: &mut Option<Self>, mutation: &Mutation) -> Result<(), ApplyError> {
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

    fn add(value: &mut Option<Self>, path: &[Step], by: &str) -> Result<(), ApplyError> {
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

    /// Adds two small integers.
    fn sum(old: &str, by: &str) -> Result<Self, ApplyError> {
        let sum = old.parse::<i64>().ok().zip(by.parse().ok()).map(|(old, by): (i64, i64)| old + by);
        Ok(Self::Scalar(sum.ok_or("it is not a whole number")?.to_string()))
    }

    fn at(&mut self, path: &[Step]) -> Result<&mut Self, ApplyError> {
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

    fn change(&mut self, mutation: &Mutation) -> Result<(), ApplyError> {
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
            (Mutation::Take { end, .. }, Self::List(items)) => {
                if let Some(index) = end.index(items.len()) {
                    items.remove(index);
                }
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

fn parse(value: &Json) -> Result<ModelValue, ApplyError> {
    ModelValue::parse(&value.0)
}

fn parse_list(values: &JsonList) -> Result<Vec<ModelValue>, ApplyError> {
    match ModelValue::parse(&format!("[{}]", values.text))? {
        ModelValue::List(items) if items.len() == values.count => Ok(items),
        _ => Err("another number of values than the mutation states"),
    }
}
