//! Hash slots of a cluster.

use synced_memory_core::protocol::hash_tag;

/// One of the 16384 hash slots. A cluster assigns each to a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Slot(u16);

impl Slot {
    /// The number of slots of every cluster.
    pub(super) const COUNT: u16 = 16384;

    /// The slot with this number; None if there is no such slot.
    pub(super) fn new(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// The slot of a key: that of its hash tag, or of the whole key if it has none.
    pub(super) fn of_key(key: &str) -> Self {
        Self(crc16(hash_tag(key).unwrap_or(key).as_bytes()) % Self::COUNT)
    }

    /// The number of the slot, as an index.
    pub(super) fn index(self) -> usize {
        self.0.into()
    }
}

/// CRC-16/XMODEM, as the [cluster
/// specification](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/) demands.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| (crc << 1) ^ if crc >> 15 == 1 { 0x1021 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(Slot::of_key("foo"), Slot(12182));
        assert_eq!(Slot::of_key("sm:{memory:tasks}:writer"), Slot::of_key("memory:tasks"));
        assert_eq!(Slot::of_key("a{b}c"), Slot::of_key("b"));
        assert_ne!(Slot::of_key("a{}c"), Slot::of_key(""));
        assert_eq!((Slot::new(16383), Slot::new(16384)), (Some(Slot(16383)), None));
    }
}
