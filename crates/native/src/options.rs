//! The options of [`Memory::open`](crate::Memory::open).

use crate::journal::JournalOptions;
use crate::tls::TlsOptions;
use std::fmt;
use synced_memory_core::config::HistoryOptions;

/// The store to open, and which part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// The store, with a scheme of `redis:`, `rediss:`, `redis+unix:`, `redis+sentinel:`, `rediss+sentinel:`,
    /// `redis+cluster:`, `rediss+cluster:`, `file:` or `memory:`.
    pub url: String,
    /// The prefix that the keys of all memories on one connection share, such as `memory:`.
    pub base: String,
    /// The prefix of this memory's keys: `base` itself, or `base` followed by a scope, such as `memory:<scope>:`.
    pub prefix: String,
    /// The attributes to load; None for all that exist.
    pub names: Option<Vec<String>>,
    /// The maximum length of one document, in bytes.
    pub max_document_bytes: usize,
    /// Every commit makes its attribute expire after this many milliseconds. None: commits leave the expiry as it is.
    pub ttl_ms: Option<u64>,
    /// The histories that the memory records. None: none.
    pub history: Option<HistoryOptions>,
    /// Certificates, for TLS schemes.
    pub tls: TlsOptions,
    /// The [label](synced_memory_core::writer_label) of the memory's writer. One that goes on from a journal keeps that of the journal.
    pub label: Option<String>,
    /// The name of this host, with which `$writers()` lists the memory's writer. None: it is not listed.
    pub host: Option<String>,
    /// The journal that the memory keeps. None: its mutations that are not acknowledged are lost with the process.
    pub journal: Option<JournalOptions>,
}

impl OpenOptions {
    /// The defaults of the JavaScript package: prefix `memory:`, every attribute, documents of up to 64 MiB.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            base: "memory:".to_owned(),
            prefix: "memory:".to_owned(),
            names: None,
            max_document_bytes: 64 << 20,
            ttl_ms: None,
            history: None,
            tls: TlsOptions::default(),
            label: None,
            host: None,
            journal: None,
        }
    }
}

/// Leaves out the URL, which may hold a password.
impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions").field("prefix", &self.prefix).field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_has_no_password() {
        let options = OpenOptions::new("redis://user:s3cret@localhost:6379");
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
