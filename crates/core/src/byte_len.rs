//! Lengths of texts and positions in texts, in bytes. Types of their own, because indexes and counts of elements are
//! about as common.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// The length of a text, or of a part of one, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteLen(pub usize);

/// A position in a text, in bytes from its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteOffset(pub usize);

impl ByteLen {
    /// The length of a text.
    pub const fn of(text: &str) -> Self {
        Self(text.len())
    }

    /// The number with commas between thousands, for messages.
    pub fn grouped(self) -> String {
        let mut text = self.0.to_string();
        let mut position = text.len();
        while position > 3 {
            position -= 3;
            text.insert(position, ',');
        }
        text
    }

    /// The difference; None where `other` is longer.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference; 0 where `other` is longer.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl ByteOffset {
    /// The start of a text.
    pub const START: Self = Self(0);
}

impl fmt::Display for ByteLen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Add for ByteLen {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for ByteLen {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for ByteLen {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for ByteLen {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for ByteLen {
    fn sum<I: Iterator<Item = Self>>(lengths: I) -> Self {
        Self(lengths.map(|len| len.0).sum())
    }
}

impl Add<ByteLen> for ByteOffset {
    type Output = Self;

    fn add(self, len: ByteLen) -> Self {
        Self(self.0 + len.0)
    }
}

impl Sub<ByteLen> for ByteOffset {
    type Output = Self;

    fn sub(self, len: ByteLen) -> Self {
        Self(self.0 - len.0)
    }
}

impl Sub for ByteOffset {
    type Output = ByteLen;

    fn sub(self, earlier: Self) -> ByteLen {
        ByteLen(self.0 - earlier.0)
    }
}

impl AddAssign<ByteLen> for ByteOffset {
    fn add_assign(&mut self, len: ByteLen) {
        self.0 += len.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_in_messages() {
        let texts = [0, 999, 1_000, 12_345, 67_108_864].map(|len| ByteLen(len).grouped());
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "67,108,864"]);
    }
}
