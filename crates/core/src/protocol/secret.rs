//! The secret of a prefix. Replicas recognise the delta messages of the memory's writers by it, since every user of a server
//! may be allowed to publish on every channel.

use std::fmt;
use std::sync::Arc;

/// A text that only clients know that may read the keys of a memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret of this text, which must not be empty, and of at least 128 random bits where it is a new one.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The keyed digest of a message in two parts, as lower-case hexadecimal digits: `sha1(secret + sha1(secret + message))`.
    /// Because of the outer digest, nobody without the secret can extend a message. `delta_message.lua` computes it, too.
    pub(super) fn digest(&self, start: &[u8], text: &[u8]) -> String {
        let mut inner = sha1_smol::Sha1::from(self.0.as_bytes());
        inner.update(start);
        inner.update(text);
        let mut outer = sha1_smol::Sha1::from(self.0.as_bytes());
        outer.update(inner.digest().to_string().as_bytes());
        outer.digest().to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
