//! How changes of others come together with ours.

mod diff;

pub use diff::diff;
