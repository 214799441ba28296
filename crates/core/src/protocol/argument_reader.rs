//! Reads the arguments of a RESP command one by one.

use std::str::FromStr;

/// The arguments that have not been decoded yet. Every method gives None where they are not what it wants.
pub(super) struct ArgumentReader<'a>(pub(super) &'a [Vec<u8>]);

impl<'a> ArgumentReader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    /// All that are left, at least one.
    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        let mut texts = vec![self.text()?];
        while !self.is_empty() {
            texts.push(self.text()?);
        }
        Some(texts)
    }

    /// The name of an option in capitals; empty at the end.
    pub(super) fn option(&mut self) -> Option<String> {
        if self.is_empty() { Some(String::new()) } else { self.text().map(|name| name.to_ascii_uppercase()) }
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Option<T> {
        self.text()?.parse().ok()
    }

    /// The next `count` arguments.
    pub(super) fn split_off(&mut self, count: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(Self(taken))
    }
}
