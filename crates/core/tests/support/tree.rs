//! JSON values as plain vectors, to compare documents with.

use synced_memory_core::document::Node;

#[derive(Clone, Debug)]
pub enum Tree {
    Scalar(String),
    List(Vec<Tree>),
    Dict(Vec<(String, Tree)>),
}

#[derive(Clone, Debug)]
pub enum TreeStep {
    Key(String),
    Index(usize),
}

impl Tree {
    /// Of equal keys, the last one's value has the first one's position.
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

    /// The number, if it is an integer of 32 bits.
    pub fn whole(&self) -> Option<i64> {
        if let Self::Scalar(text) = self { text.parse::<i32>().ok().map(Into::into) } else { None }
    }

    /// The path of a container.
    pub fn pick(&self, choice: usize) -> Vec<TreeStep> {
        let mut paths = Vec::new();
        self.containers(&mut Vec::new(), &mut paths);
        if paths.is_empty() { Vec::new() } else { paths.swap_remove(choice % paths.len()) }
    }

    fn containers(&self, at: &mut Vec<TreeStep>, paths: &mut Vec<Vec<TreeStep>>) {
        if !matches!(self, Self::Scalar(_)) {
            paths.push(at.clone());
        }
        let inner: Vec<(TreeStep, &Self)> = match self {
            Self::Scalar(_) => Vec::new(),
            Self::List(items) => items.iter().enumerate().map(|(i, item)| (TreeStep::Index(i), item)).collect(),
            Self::Dict(members) => members.iter().map(|(key, value)| (TreeStep::Key(key.clone()), value)).collect(),
        };
        for (step, tree) in inner {
            at.push(step);
            tree.containers(at, paths);
            at.pop();
        }
    }

    pub fn at(&mut self, path: &[TreeStep]) -> &mut Self {
        match (path, self) {
            ([], tree) => tree,
            ([TreeStep::Index(index), rest @ ..], Self::List(items)) => items[*index].at(rest),
            ([TreeStep::Key(key), rest @ ..], Self::Dict(members)) => {
                members.iter_mut().find(|(k, _)| k == key).unwrap().1.at(rest)
            }
            _ => unreachable!("paths come from pick"),
        }
    }

    pub fn path_text(path: &[TreeStep]) -> String {
        let text = |step: &TreeStep| match step {
            TreeStep::Key(key) => format!("\"{key}\""),
            TreeStep::Index(index) => index.to_string(),
        };
        format!("[{}]", path.iter().map(text).collect::<Vec<_>>().join(","))
    }
}
