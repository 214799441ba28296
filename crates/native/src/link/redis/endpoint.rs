//! The server that a link connects to: a fixed one, or the one that Sentinel names.

use super::connection::Connection;
use super::connector::Connector;
use super::sentinel::Sentinels;
use std::future::pending;
use std::sync::Arc;
use synced_memory_core::error::SyncError;
use tokio::task::JoinSet;

/// The way to a server.
pub(super) enum Endpoint {
    /// One server, always the same.
    Server(Arc<Connector>),
    /// The current master of a service.
    Sentinel(Sentinels),
}

/// An established connection with its connector.
pub(super) struct Connected {
    pub(super) connector: Arc<Connector>,
    pub(super) connection: Connection,
    pub(super) failover: FailoverWatch,
}

/// Notices when Sentinel names another server as the master.
pub(super) struct FailoverWatch(Option<JoinSet<()>>);

impl Endpoint {
    /// Connect to the server, asking Sentinel for its address where necessary.
    pub(super) async fn connect(&self) -> Result<Connected, SyncError> {
        Ok(match self {
            Self::Server(connector) => {
                let connection = connector.connect().await?;
                Connected { connector: Arc::clone(connector), connection, failover: FailoverWatch(None) }
            }
            Self::Sentinel(sentinels) => {
                // The watch starts first, so that no failover between the question and the watch goes unnoticed.
                let failover = FailoverWatch(Some(sentinels.watch()));
                let (connector, connection) = sentinels.connect().await?;
                Connected { connector, connection, failover }
            }
        })
    }
}

impl FailoverWatch {
    /// True if a failover can happen.
    pub(super) fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// Returns after a failover.
    pub(super) async fn failover(&mut self) {
        match &mut self.0 {
            Some(tasks) => drop(tasks.join_next().await),
            None => pending().await,
        }
    }
}
