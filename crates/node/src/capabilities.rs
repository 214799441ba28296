//! The abilities of a backend as a JavaScript object.

use napi_derive::napi;
use synced_memory_core::protocol::{DeltaDelivery, Invalidations};
use synced_memory_native as native;

/// The abilities of a backend; engine/engine.ts describes them.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Capabilities {
    pub topology: Topology,
    #[napi(ts_type = "2 | 3")]
    pub resp: Option<u8>,
    pub deltas: bool,
    pub changes: ChangeSource,
}

/// The kind of a backend.
#[napi(string_enum = "lowercase")]
pub enum Topology {
    Single,
    Cluster,
    Sentinel,
    File,
    Memory,
}

/// How changes arrive that no delta announces.
#[napi(string_enum = "lowercase")]
pub enum ChangeSource {
    Broadcast,
    Tracking,
    Probing,
}

impl From<native::Capabilities> for Capabilities {
    fn from(native::Capabilities { topology, resp, deltas, invalidations }: native::Capabilities) -> Self {
        Self {
            topology: match topology {
                native::Topology::Single => Topology::Single,
                native::Topology::Cluster => Topology::Cluster,
                native::Topology::Sentinel => Topology::Sentinel,
                native::Topology::File => Topology::File,
                native::Topology::Memory => Topology::Memory,
            },
            resp,
            deltas: deltas != DeltaDelivery::None,
            changes: match invalidations {
                Invalidations::Broadcast => ChangeSource::Broadcast,
                Invalidations::Tracked => ChangeSource::Tracking,
                Invalidations::None => ChangeSource::Probing,
            },
        }
    }
}
