//! Checks and their failures.

use std::fmt;

/// A check that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Stable name of the check.
    pub check: &'static str,
    /// The values that were found.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.detail)
    }
}

pub(crate) type Check<T = ()> = Result<T, Failure>;

pub(crate) fn fail<T>(check: &'static str, detail: impl Into<String>) -> Check<T> {
    Err(Failure { check, detail: detail.into() })
}

/// Fails the check if `holds` is false. `detail` is called only then.
pub(crate) fn ensure<S: Into<String>>(holds: bool, check: &'static str, detail: impl FnOnce() -> S) -> Check {
    if holds { Ok(()) } else { fail(check, detail()) }
}
