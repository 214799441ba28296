//! Redirects: a cluster node's answer that another node serves the slot of a command.

use super::slot::Slot;
use redis::{RedisError, ServerError, ServerErrorKind, Value};

/// The node that a command belongs to, according to the node that refused it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Redirect {
    pub(super) kind: RedirectKind,
    pub(super) slot: Slot,
    /// Empty if it is the host of the node that answered.
    pub(super) host: String,
    pub(super) port: u16,
}

/// The scope of a redirect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RedirectKind {
    /// The other node serves the slot from now on.
    Moved,
    /// The slot is being moved to the other node, which takes this one command after ASKING.
    Ask,
}

impl Redirect {
    /// The redirect that a reply is. None for every other reply.
    pub(super) fn from_reply(reply: &Value) -> Option<Self> {
        match reply {
            Value::ServerError(error) => Self::from_error(error),
            _ => None,
        }
    }

    fn from_error(error: &ServerError) -> Option<Self> {
        let kind = match error.kind()? {
            ServerErrorKind::Moved => RedirectKind::Moved,
            ServerErrorKind::Ask => RedirectKind::Ask,
            _ => return None,
        };
        let error = RedisError::from(error.clone());
        let (node, slot) = error.redirect_node()?;
        let (host, port) = node.rsplit_once(':')?;
        Some(Self { kind, slot: Slot::new(slot)?, host: host.to_owned(), port: port.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_and_ask_replies_are_redirects() {
        let redirect = |reply: &str| Redirect::from_reply(&redis::parse_redis_value(reply.as_bytes()).unwrap());
        let moved =
            Redirect { kind: RedirectKind::Moved, slot: Slot::new(3999).unwrap(), host: "::1".into(), port: 6381 };
        assert_eq!(redirect("-MOVED 3999 ::1:6381\r\n"), Some(moved));
        let ask = Redirect { kind: RedirectKind::Ask, slot: Slot::new(7).unwrap(), host: String::new(), port: 1 };
        assert_eq!(redirect("-ASK 7 :1\r\n"), Some(ask));
        for other in [
            "-MOVED\r\n",
            "-MOVED 16384 h:1\r\n",
            "-MOVED 1 h\r\n",
            "-ERR MOVED 1 h:1\r\n",
            "+MOVED 1 h:1\r\n",
            ":1\r\n",
        ] {
            assert_eq!(redirect(other), None, "{other}");
        }
    }
}
