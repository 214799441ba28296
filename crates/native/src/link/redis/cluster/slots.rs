//! Which node of a cluster serves which key.

use redis::{RedisResult, Value, from_redis_value};
use std::sync::Arc;

/// How many slots every cluster has.
pub(super) const SLOTS: usize = 16384;

/// A master, as `host:port`.
pub(super) type Address = Arc<str>;

/// The slot of a key: that of its hash tag, where it has one.
pub(super) fn slot(key: &str) -> usize {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    usize::from(crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key).as_bytes())) % SLOTS
}

/// CRC-16/XMODEM, as the cluster specification says.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| (crc << 1) ^ if crc >> 15 == 1 { 0x1021 } else { 0 })
    })
}

/// Where a node says that a command belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Redirect {
    pub(super) slot: usize,
    /// The host is empty where it is the same as that of the node that answered.
    pub(super) host: String,
    pub(super) port: u16,
    /// The slot is on its way there: this one command goes there, and only after ASKING.
    pub(super) ask: bool,
}

impl Redirect {
    /// What an error reply says: `MOVED <slot> <host>:<port>` or `ASK` with the same.
    pub(in super::super) fn parse(message: &str) -> Option<Self> {
        let mut words = message.split(' ');
        let ask = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let slot = words.next()?.parse().ok().filter(|slot| *slot < SLOTS)?;
        let (host, port) = words.next()?.rsplit_once(':')?;
        Some(Self { slot, host: host.to_owned(), port: port.parse().ok()?, ask })
    }
}

/// The slots' masters out of the reply to CLUSTER SLOTS of the node at `asked`.
pub(super) fn masters(reply: Value, asked: &str) -> RedisResult<Vec<Option<Address>>> {
    let mut slots = vec![None; SLOTS];
    for range in from_redis_value::<Vec<Vec<Value>>>(reply)? {
        let mut parts = range.into_iter();
        let (Some(first), Some(last), Some(master)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (first, last): (usize, usize) = (from_redis_value(first)?, from_redis_value(last)?);
        let mut master = from_redis_value::<Vec<Value>>(master)?.into_iter();
        let (Some(host), Some(port)) = (master.next(), master.next()) else { continue };
        let host = from_redis_value::<Option<String>>(host)?.filter(|host| !host.is_empty() && host != "?");
        let address = address(host.as_deref().unwrap_or(asked), from_redis_value(port)?);
        for slot in slots.iter_mut().take(last + 1).skip(first) {
            *slot = Some(Arc::clone(&address));
        }
    }
    Ok(slots)
}

pub(super) fn address(host: &str, port: u16) -> Address {
    format!("{host}:{port}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("sm:{memory:tasks}:writer"), slot("memory:tasks"));
        assert_eq!(slot("a{b}c"), slot("b"));
        assert_ne!(slot("a{}c"), slot(""));
    }

    #[test]
    fn redirections() {
        let moved = Redirect { slot: 3999, host: "::1".into(), port: 6381, ask: false };
        assert_eq!(Redirect::parse("MOVED 3999 ::1:6381"), Some(moved));
        let ask = Redirect { slot: 7, host: String::new(), port: 1, ask: true };
        assert_eq!(Redirect::parse("ASK 7 :1"), Some(ask));
        for other in ["MOVED", "MOVED 16384 h:1", "MOVED 1 h", "ERR MOVED 1 h:1"] {
            assert_eq!(Redirect::parse(other), None, "{other}");
        }
    }
}
