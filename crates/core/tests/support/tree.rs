//! JSON as plain vectors: what documents are compared with.

use synced_memory_core::document::Node;

#[derive(Clone, Debug)]
pub enum Tree {
    Scalar(String),
    List(Vec<Tree>),
    Dict(Vec<(String, Tree)>),
}

#[derive(Clone, Debug)]
pub enum Place {
    Key(String),
    Index(usize),
}

impl Tree {
    /// Of equal keys the last value stands at the first place.
    pub fn dict(members: Vec<(String, Self)>) -> Self {
        let mut out: Vec<(String, Self)> = Vec::new();
        for (key, value) in members {
            match out.iter_mut().find(|(k, _)| *k == key) {
                Some((_, old)) => *old = value,
                None => out.push((key, value)),
            }
        }
        Self::Dict(out)
    }

    pub fn parse(text: &str) -> Self {
        Self::of(&Node::parse(text).unwrap())
    }

    fn of(node: &Node) -> Self {
        match node {
            Node::Scalar(text) => Self::Scalar(text.to_string()),
            Node::List(list) => Self::List(list.iter().map(Self::of).collect()),
            Node::Dict(dict) => {
                Self::Dict(dict.iter().map(|(key, value)| (key.to_string(), Self::of(value))).collect())
            }
        }
    }

    pub fn text(&self) -> String {
        let join = |texts: Vec<String>| texts.join(",");
        match self {
            Self::Scalar(text) => text.clone(),
            Self::List(items) => format!("[{}]", join(items.iter().map(Self::text).collect())),
            Self::Dict(members) => {
                format!(
                    "{{{}}}",
                    join(members.iter().map(|(key, value)| format!("\"{key}\":{}", value.text())).collect())
                )
            }
        }
    }

    /// A whole number that is not large.
    pub fn whole(&self) -> Option<i64> {
        if let Self::Scalar(text) = self { text.parse::<i32>().ok().map(Into::into) } else { None }
    }

    /// The path of one of the containers.
    pub fn pick(&self, choice: usize) -> Vec<Place> {
        let mut paths = Vec::new();
        self.containers(&mut Vec::new(), &mut paths);
        if paths.is_empty() { Vec::new() } else { paths.swap_remove(choice % paths.len()) }
    }

    fn containers(&self, at: &mut Vec<Place>, paths: &mut Vec<Vec<Place>>) {
        if !matches!(self, Self::Scalar(_)) {
            paths.push(at.clone());
        }
        let inner: Vec<(Place, &Self)> = match self {
            Self::Scalar(_) => Vec::new(),
            Self::List(items) => items.iter().enumerate().map(|(i, item)| (Place::Index(i), item)).collect(),
            Self::Dict(members) => members.iter().map(|(key, value)| (Place::Key(key.clone()), value)).collect(),
        };
        for (place, tree) in inner {
            at.push(place);
            tree.containers(at, paths);
            at.pop();
        }
    }

    pub fn at(&mut self, path: &[Place]) -> &mut Self {
        match (path, self) {
            ([], tree) => tree,
            ([Place::Index(index), rest @ ..], Self::List(items)) => items[*index].at(rest),
            ([Place::Key(key), rest @ ..], Self::Dict(members)) => {
                members.iter_mut().find(|(k, _)| k == key).unwrap().1.at(rest)
            }
            _ => unreachable!("paths are made by pick"),
        }
    }

    pub fn path_text(path: &[Place]) -> String {
        let step = |place: &Place| match place {
            Place::Key(key) => format!("\"{key}\""),
            Place::Index(index) => index.to_string(),
        };
        format!("[{}]", path.iter().map(step).collect::<Vec<_>>().join(","))
    }
}
