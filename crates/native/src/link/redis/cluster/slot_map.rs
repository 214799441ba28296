//! The assignment of slots to nodes.

use super::super::slot::Slot;
use redis::{RedisResult, Value, from_redis_value};
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The address of a node, as `host:port`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct NodeAddress(Arc<str>);

impl NodeAddress {
    /// The address of this host and port.
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self(format!("{host}:{port}").into())
    }

    /// `host:port`.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The host. An IPv6 address has no brackets.
    pub(super) fn host(&self) -> &str {
        self.0.rsplit_once(':').map_or(&self.0, |(host, _)| host)
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.0.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default()
    }
}

impl Borrow<str> for NodeAddress {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The master of each slot, as far as it is known.
pub(super) struct SlotMap {
    masters: Vec<Option<NodeAddress>>,
}

impl SlotMap {
    /// A map in which no master is known.
    pub(super) fn unknown() -> Self {
        Self { masters: vec![None; Slot::COUNT.into()] }
    }

    /// Read the reply to CLUSTER SLOTS. `asked` is the host of the node that answered, which stands for hosts that the
    /// reply leaves out.
    pub(super) fn from_reply(reply: Value, asked: &str) -> RedisResult<Self> {
        let mut map = Self::unknown();
        for range in from_redis_value::<Vec<Vec<Value>>>(reply)? {
            let mut parts = range.into_iter();
            let (Some(first), Some(last), Some(master)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let (first, last): (usize, usize) = (from_redis_value(first)?, from_redis_value(last)?);
            let mut master = from_redis_value::<Vec<Value>>(master)?.into_iter();
            let (Some(host), Some(port)) = (master.next(), master.next()) else { continue };
            let host = from_redis_value::<Option<String>>(host)?.filter(|host| !host.is_empty() && host != "?");
            let address = NodeAddress::new(host.as_deref().unwrap_or(asked), from_redis_value(port)?);
            for slot in map.masters.iter_mut().take(last + 1).skip(first) {
                *slot = Some(address.clone());
            }
        }
        Ok(map)
    }

    /// The master of a slot, if it is known.
    pub(super) fn master(&self, slot: Slot) -> Option<&NodeAddress> {
        self.masters[slot.index()].as_ref()
    }

    /// Note the master of a slot.
    pub(super) fn set_master(&mut self, slot: Slot, master: NodeAddress) {
        self.masters[slot.index()] = Some(master);
    }

    /// True if the master of every slot is known.
    pub(super) fn is_complete(&self) -> bool {
        self.masters.iter().all(Option::is_some)
    }

    /// All masters. Costs the number of slots.
    pub(super) fn masters(&self) -> BTreeSet<NodeAddress> {
        let mut masters = BTreeSet::new();
        // Most slots have the master of the slot before.
        let mut last = None;
        for address in self.masters.iter().flatten() {
            if last != Some(address) {
                masters.insert(address.clone());
                last = Some(address);
            }
        }
        masters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_the_reply_leaves_out_is_that_of_the_node_that_answered() {
        let reply = "*3\r\n*3\r\n:0\r\n:1\r\n*2\r\n$2\r\nh1\r\n:7001\r\n\
                     *3\r\n:2\r\n:2\r\n*2\r\n$0\r\n\r\n:7002\r\n\
                     *3\r\n:4\r\n:16383\r\n*2\r\n$-1\r\n:7003\r\n";
        let map = SlotMap::from_reply(redis::parse_redis_value(reply.as_bytes()).unwrap(), "::1").unwrap();
        let master = |number| map.master(Slot::new(number).unwrap()).map(ToString::to_string);
        assert_eq!([0, 1, 2].map(master), ["h1:7001", "h1:7001", "::1:7002"].map(|node| Some(node.to_owned())));
        assert_eq!((master(3), master(16383)), (None, Some("::1:7003".to_owned())));
        assert!(!map.is_complete());
        let nodes: Vec<_> = map.masters().iter().map(|node| (node.host().to_owned(), node.port())).collect();
        assert_eq!(nodes, [("::1".to_owned(), 7002), ("::1".to_owned(), 7003), ("h1".to_owned(), 7001)]);
    }
}
