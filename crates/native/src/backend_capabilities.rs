//! The properties of a backend that were found by trying.

use synced_memory_core::protocol::{DeltaDelivery, Invalidations};

/// The properties of the backend behind a memory, as far as they are known now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// The kind of backend.
    pub topology: Topology,
    /// The version of RESP in use. None without a connection, and where the backend is not a server.
    pub resp: Option<u8>,
    /// The way in which deltas of other writers arrive.
    pub deltas: DeltaDelivery,
    /// The changes that the backend announces by key.
    pub invalidations: Invalidations,
}

impl Capabilities {
    /// The properties of a backend that is not a server, and so announces every change.
    pub(crate) fn of_local(topology: Topology) -> Self {
        Self { topology, resp: None, deltas: DeltaDelivery::InOrder, invalidations: Invalidations::Broadcast }
    }

    /// The properties of a server without a connection.
    pub(crate) fn of_disconnected(topology: Topology) -> Self {
        Self { topology, resp: None, deltas: DeltaDelivery::None, invalidations: Invalidations::None }
    }
}

/// The kind of a backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topology {
    /// One server.
    Single,
    /// A cluster of servers.
    Cluster,
    /// The server that Sentinel names as the master.
    Sentinel,
    /// An embedded file.
    File,
    /// A store in this process.
    Memory,
}

impl Topology {
    /// The name in lower case, such as `single`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}
