//! A check that did not hold.

use std::fmt;

/// What a simulation found wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The check, by a stable name.
    pub check: &'static str,
    /// What was found.
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

/// `detail` is asked only where the check does not hold.
pub(crate) fn ensure<S: Into<String>>(holds: bool, check: &'static str, detail: impl FnOnce() -> S) -> Check {
    if holds { Ok(()) } else { fail(check, detail()) }
}
