//! The memory that a journal belongs to, identified by its prefix and its server.

use crate::url::{self, Target};
use std::path::Path;
use synced_memory_core::error::{ErrorCode, SyncError};

/// The memory that a journal belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MemoryIdentity {
    /// The prefix of the memory's keys.
    pub(super) prefix: String,
    /// The kind of the backend and its database or service, a space, and the addresses, separated by commas. It has no password.
    pub(super) server: String,
}

impl MemoryIdentity {
    /// The memory with this URL and prefix. Errors: `Options`.
    pub(crate) fn new(url: &str, prefix: &str) -> Result<Self, SyncError> {
        let addresses = |infos: &[redis::ConnectionInfo]| {
            infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(",")
        };
        let server = match url::parse(url)? {
            Target::Redis(info) => format!("redis/{} {}", info.redis_settings().db(), info.addr()),
            Target::Cluster(nodes) => format!("cluster {}", addresses(&nodes)),
            Target::Sentinel(config) => {
                format!("sentinel/{}/{} {}", config.service, config.db, addresses(&config.sentinels))
            }
            Target::File(path) => format!("file {}", absolute(&path)),
            Target::Memory(_) => {
                return Err(SyncError::new(
                    ErrorCode::Options,
                    "a memory: URL keeps everything in this process: a journal has no server to go on with; leave journal out",
                ));
            }
        };
        Ok(Self { prefix: prefix.to_owned(), server })
    }

    /// Whether the memory keeps its documents in this file.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        self.server == format!("file {}", absolute(path))
    }

    /// Whether the server is the one of a journal. Two lists of nodes name the same cluster where they have one in common.
    pub(super) fn has_server(&self, other: &str) -> bool {
        let split = |server: &str| server.rsplit_once(' ').map(|(kind, list)| (kind.to_owned(), list.to_owned()));
        match (split(&self.server), split(other)) {
            (Some((kind, list)), Some((other_kind, other_list))) if !kind.starts_with("file") => {
                kind == other_kind && list.split(',').any(|address| other_list.split(',').any(|other| other == address))
            }
            _ => self.server == other,
        }
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_server(url: &str, other: &str) -> bool {
        let server = |url: &str| MemoryIdentity::new(url, "memory:").unwrap();
        server(url).has_server(&server(other).server)
    }

    #[test]
    fn a_server_is_told_by_its_addresses_and_its_database() {
        assert!(has_server("redis://ann:secret@h:1/2", "redis://h:1/2"));
        assert!(!has_server("redis://h:1/2", "redis://h:1/3"));
        assert!(!has_server("redis://h:1", "redis://g:1"));
        assert!(has_server("redis+cluster://a:1,b:1", "redis+cluster://b:1,c:1"));
        assert!(!has_server("redis+cluster://a:1", "redis+cluster://c:1"));
        assert!(!has_server("redis+sentinel://a:1/x", "redis+sentinel://a:1/y"));
        assert!(has_server("file:a b.db", "file:./a b.db") || !has_server("file:a b.db", "file:c.db"));
    }

    #[test]
    fn an_owner_has_no_password() {
        let owner = MemoryIdentity::new("redis+sentinel://ann:secret@a:1/x", "memory:").unwrap();
        assert!(!format!("{owner:?}").contains("secret"));
        assert_eq!(MemoryIdentity::new("memory:", "memory:").unwrap_err().code, ErrorCode::Options);
    }
}
