//! Merging: the mutations between two documents, and pending mutations transformed over the changes of other writers.

mod align;
mod diff;
mod host_patch;
mod mapping;
mod queue_patch;
mod touched;
mod transform;

pub use diff::{diff, diff_of_ends};
pub use host_patch::HostPatch;
pub use transform::{Transform, Transformed};
