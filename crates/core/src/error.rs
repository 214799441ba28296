//! The error type of the library.

use std::borrow::Cow;
use std::fmt;

/// The kind of an error, for programs. The text of a code never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A value is not JSON, or a batch of mutations cannot be decoded.
    NotSerializable,
    /// Containers are nested deeper than [`MAX_DEPTH`](crate::document::MAX_DEPTH).
    TooDeep,
    /// A document is longer than the limit, or holds a number that is.
    TooLarge,
    /// An attribute has a name that the library reserves.
    ReservedName,
    /// A path or an index leads to nothing.
    NotFound,
    /// An increment or its target is not a number, or the sum is not finite.
    NotANumber,
    /// Stored bytes are not a document: not JSON, without the two fields, or not UTF-8.
    Malformed,
    /// A key holds something that is not a string.
    WrongType,
    /// The server refused the user name or the password.
    Auth,
    /// The server does not have the database that the URL names.
    Database,
    /// The other end of the connection does not speak the protocol of Redis.
    NotRedis,
    /// The URL is that of a cluster, and the server is not a node of one.
    NotCluster,
    /// One end of the connection speaks TLS and the other does not, or they share no version or cipher.
    Tls,
    /// The server's certificate is not trusted, or the server does not trust the client's.
    Certificate,
    /// The server refused a command for good: no permission, too large, a full quota.
    Refused,
    /// A commit was sent so long ago that the server cannot tell whether it was applied.
    OutcomeUnknown,
    /// The server may evict keys that the protocol needs. Only a warning has this code.
    Eviction,
    /// Another writer changed something that a mutation relies on.
    Conflict,
    /// A group changes attributes that different nodes of a cluster keep.
    CrossSlot,
    /// The backend cannot be reached.
    Unreachable,
    /// The backend was reached and cannot carry out the command now, such as a server that is loading its data.
    Busy,
    /// A URL or an option cannot be used.
    Options,
    /// The embedded file cannot be opened, read or written.
    File,
    /// A journal cannot be opened, read or written, or belongs to another memory.
    Journal,
    /// A journal has reached its limit, with mutations that are not acknowledged.
    JournalFull,
    /// Another process, or another memory of this one, has the journal open.
    JournalInUse,
    /// The memory is closed.
    Closed,
    /// A reply is not one that the protocol has, or the library has a bug.
    Internal,
}

impl ErrorCode {
    /// The codes of errors of a connection that only a person can correct: to wait does not help.
    pub const LASTING_CONNECTION_ERRORS: [Self; 7] =
        [Self::Auth, Self::Database, Self::NotRedis, Self::NotCluster, Self::Tls, Self::Certificate, Self::Refused];

    /// Whether an error of a connection stays until a person corrects something: to wait does not help.
    pub fn is_lasting(self) -> bool {
        Self::LASTING_CONNECTION_ERRORS.contains(&self)
    }

    /// The text of the code, which users see.
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
            Self::Database => "ERR_DATABASE",
            Self::NotRedis => "ERR_NOT_REDIS",
            Self::NotCluster => "ERR_NOT_CLUSTER",
            Self::Tls => "ERR_TLS",
            Self::Certificate => "ERR_CERTIFICATE",
            Self::Refused => "ERR_REFUSED",
            Self::OutcomeUnknown => "ERR_OUTCOME_UNKNOWN",
            Self::Eviction => "ERR_EVICTION",
            Self::Conflict => "ERR_CONFLICT",
            Self::CrossSlot => "ERR_CROSS_SLOT",
            Self::Unreachable => "ERR_UNREACHABLE",
            Self::Busy => "ERR_BUSY",
            Self::Options => "ERR_OPTIONS",
            Self::File => "ERR_FILE",
            Self::Journal => "ERR_JOURNAL",
            Self::JournalFull => "ERR_JOURNAL_FULL",
            Self::JournalInUse => "ERR_JOURNAL_IN_USE",
            Self::Closed => "ERR_CLOSED",
            Self::Internal => "ERR_INTERNAL",
        }
    }
}

/// An error with a code and a message. The message says what happened, to what, and what to do; it never holds a password or
/// a part of a document.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct SyncError {
    /// The kind of the error, for programs.
    pub code: ErrorCode,
    /// The explanation, for people.
    pub message: Cow<'static, str>,
}

impl SyncError {
    /// Make an error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}
