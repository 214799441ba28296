//! The eviction policy of a server: what it deletes when its memory is full.

/// The keys that a server may evict when its memory is full, by its setting `maxmemory-policy`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EvictionPolicy {
    /// None: the server refuses writes instead (`noeviction`).
    NoEviction,
    /// Keys that expire (`volatile-*`): side keys, and documents with a time to live.
    ExpiringKeys,
    /// Any key (`allkeys-*`), documents included.
    AllKeys,
}

impl EvictionPolicy {
    /// The policy in the reply to `INFO memory`. None where the reply does not name one that is known.
    pub(super) fn read(info: &str) -> Option<Self> {
        let policy = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"))?.trim_end();
        match policy {
            "noeviction" => Some(Self::NoEviction),
            // DragonflyDB's cache mode.
            "eviction" => Some(Self::AllKeys),
            _ if policy.starts_with("volatile-") => Some(Self::ExpiringKeys),
            _ if policy.starts_with("allkeys-") => Some(Self::AllKeys),
            _ => None,
        }
    }

    /// The line of `INFO memory` that names the policy.
    pub(crate) fn to_info(self) -> &'static str {
        match self {
            Self::NoEviction => "maxmemory_policy:noeviction\r\n",
            Self::ExpiringKeys => "maxmemory_policy:volatile-lru\r\n",
            Self::AllKeys => "maxmemory_policy:allkeys-lru\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_read_from_the_reply_to_info() {
        let info = |policy| format!("# Memory\r\nused_memory:1\r\nmaxmemory_policy:{policy}\r\nmaxmemory:0\r\n");
        for (policy, expected) in [
            ("noeviction", Some(EvictionPolicy::NoEviction)),
            ("volatile-ttl", Some(EvictionPolicy::ExpiringKeys)),
            ("allkeys-lfu", Some(EvictionPolicy::AllKeys)),
            ("eviction", Some(EvictionPolicy::AllKeys)),
            ("another", None),
        ] {
            assert_eq!(EvictionPolicy::read(&info(policy)), expected, "{policy}");
        }
        assert_eq!(EvictionPolicy::read("# Memory\r\n"), None);
    }
}
