//! How changes of others come together with ours.

mod align;
mod diff;

pub use diff::diff;
