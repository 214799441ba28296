//! One error type with a stable code.

use std::borrow::Cow;
use std::fmt;

/// What went wrong, for programs. The text of a code never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A value that JSON cannot hold, or a batch that is not in the wire format.
    NotSerializable,
    /// Containers nested deeper than [`crate::document::MAX_DEPTH`].
    TooDeep,
    /// The document would exceed the size limit.
    TooLarge,
    /// An attribute name that the library keeps for itself.
    ReservedName,
    /// A path or index that is not in the document.
    NotFound,
    /// Something to add to, or to add, that is not a number, or a sum that is not finite.
    NotANumber,
    /// Stored bytes that are not a document: not JSON, no envelope, invalid UTF-8.
    Malformed,
    /// The key holds something that is not a string.
    WrongType,
    /// The server refused the user name or the password.
    Auth,
    /// The server's certificate cannot be trusted, or it does not trust ours.
    Tls,
    /// The server refused for good: no permission, too large, a full quota.
    Refused,
    /// A commit was sent so long ago that the server cannot tell any more whether it was applied.
    OutcomeUnknown,
    /// Somebody else changed what mutations relied on.
    Conflict,
    /// Attributes that a cluster keeps on different nodes cannot be changed together.
    CrossSlot,
    /// The server cannot be reached.
    Unavailable,
    /// A URL or an option that cannot be used.
    Options,
    /// The embedded file cannot be opened, read or written.
    File,
    /// The memory has been closed.
    Closed,
    /// A reply that no server of this protocol sends, or a bug here.
    Internal,
}

impl ErrorCode {
    /// The code as users see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSerializable => "ERR_NOT_SERIALIZABLE",
            Self::TooDeep => "ERR_TOO_DEEP",
            Self::TooLarge => "ERR_TOO_LARGE",
            Self::ReservedName => "ERR_RESERVED_NAME",
            Self::NotFound => "ERR_NOT_FOUND",
            Self::NotANumber => "ERR_NOT_A_NUMBER",
            Self::Malformed => "ERR_MALFORMED",
            Self::WrongType => "ERR_WRONG_TYPE",
            Self::Auth => "ERR_AUTH",
            Self::Tls => "ERR_TLS",
            Self::Refused => "ERR_REFUSED",
            Self::OutcomeUnknown => "ERR_OUTCOME_UNKNOWN",
            Self::Conflict => "ERR_CONFLICT",
            Self::CrossSlot => "ERR_CROSS_SLOT",
            Self::Unavailable => "ERR_UNAVAILABLE",
            Self::Options => "ERR_OPTIONS",
            Self::File => "ERR_FILE",
            Self::Closed => "ERR_CLOSED",
            Self::Internal => "ERR_INTERNAL",
        }
    }
}

/// A coded error whose message says what to do. Never holds a password or a document.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct SyncError {
    /// What went wrong, for programs.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: Cow<'static, str>,
}

impl SyncError {
    /// An error with this code and message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}
