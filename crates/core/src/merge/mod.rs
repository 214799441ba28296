//! How changes of others come together with ours.

mod align;
mod diff;
mod list_map;
mod transform;

pub use diff::diff;
pub use transform::{Carried, Transform};
