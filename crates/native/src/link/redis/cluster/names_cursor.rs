//! Listing the names of a cluster, one master after the other.

use super::slot_map::NodeAddress;
use std::collections::BTreeSet;

/// A position in the listing. Sessions see it as `<node> <cursor of that node>`, or as `0` at the start and at the end.
pub(super) struct NamesCursor {
    pub(super) node: NodeAddress,
    /// The node's own cursor.
    pub(super) cursor: String,
}

impl NamesCursor {
    /// The position that a session's cursor stands for. If its node has left the cluster, that is the start of the next
    /// node. None if there is no node to ask.
    pub(super) fn decode(text: &str, masters: &BTreeSet<NodeAddress>) -> Option<Self> {
        let start_of = |node: &NodeAddress| Self { node: node.clone(), cursor: "0".to_owned() };
        match text.split_once(' ') {
            Some((node, cursor)) => match masters.get(node) {
                Some(node) => Some(Self { node: node.clone(), cursor: cursor.to_owned() }),
                None => masters.iter().find(|master| master.as_str() > node).map(start_of),
            },
            None => masters.first().map(start_of),
        }
    }

    /// The session's next cursor, after this node has answered with its own.
    pub(super) fn encode_next(node: &NodeAddress, cursor: &str, masters: &BTreeSet<NodeAddress>) -> String {
        if cursor != "0" {
            return format!("{node} {cursor}");
        }
        let next = masters.iter().find(|master| *master > node);
        next.map_or_else(|| "0".to_owned(), |next| format!("{next} 0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_master_is_asked_once_even_if_one_leaves() {
        let mut masters: BTreeSet<_> = [1, 2, 3].map(|port| NodeAddress::new("h", port)).into();
        let decode = |text: &str, masters: &BTreeSet<_>| {
            NamesCursor::decode(text, masters).map(|cursor| (cursor.node.port(), cursor.cursor))
        };
        assert_eq!(decode("0", &masters), Some((1, "0".to_owned())));
        assert_eq!(NamesCursor::encode_next(&NodeAddress::new("h", 1), "17", &masters), "h:1 17");
        assert_eq!(decode("h:1 17", &masters), Some((1, "17".to_owned())));
        assert_eq!(NamesCursor::encode_next(&NodeAddress::new("h", 1), "0", &masters), "h:2 0");
        masters.remove("h:2");
        assert_eq!(decode("h:2 5", &masters), Some((3, "0".to_owned())));
        assert_eq!(NamesCursor::encode_next(&NodeAddress::new("h", 3), "0", &masters), "0");
        masters.remove("h:3");
        assert_eq!(decode("h:3 5", &masters), None);
    }
}
