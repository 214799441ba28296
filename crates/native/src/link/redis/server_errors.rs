//! Errors of a server, in words that help and without its password.

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisError};
use rustls::AlertDescription;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use synced_memory_core::error::{ErrorCode, SyncError};
use synced_memory_core::protocol::busy_refusal;

/// Makes errors that name one server.
pub(super) struct ServerErrors {
    /// The address, such as `host:port`.
    name: String,
    password: Option<String>,
    database: i64,
    uses_tls: bool,
}

impl ServerErrors {
    /// For the server at this address.
    pub(super) fn new(info: &ConnectionInfo) -> Self {
        Self {
            name: info.addr().to_string(),
            password: info.redis_settings().password().map(str::to_owned),
            database: info.redis_settings().db(),
            uses_tls: matches!(info.addr(), ConnectionAddr::TcpTls { .. }),
        }
    }

    /// The connection is lost or of no more use.
    pub(super) fn lost(&self, reason: &str) -> SyncError {
        let name = &self.name;
        SyncError::new(ErrorCode::Unreachable, format!("lost the connection to {name}: {reason}; connecting again"))
    }

    /// An error while a connection is set up: of the login (`Auth`), the database (`Database`), TLS (`Tls`, `Certificate`) or the
    /// protocol (`NotRedis`), or else `Unreachable`.
    pub(super) fn describe_setup(&self, error: &RedisError) -> SyncError {
        let (name, text) = (&self.name, self.quote(error));
        if text.contains("refused to switch database") && busy(error).is_none() {
            let database = self.database;
            let message = format!("{name} has no database {database}: {text}; correct the database in the URL");
            return SyncError::new(ErrorCode::Database, message);
        }
        if protocol_of(error) == Some(ForeignProtocol::Other) {
            let message = format!("{name} does not speak the protocol of Redis; correct host and port");
            return SyncError::new(ErrorCode::NotRedis, message);
        }
        self.describe(error)
    }

    /// An error of CLUSTER SLOTS: of a server that is no node of a cluster (`NotCluster`), or any other.
    pub(super) fn describe_cluster(&self, error: &RedisError) -> SyncError {
        let (name, text) = (&self.name, self.quote(error));
        let lower = text.to_ascii_lowercase();
        if lower.contains("cluster") && (lower.contains("disabled") || lower.contains("unknown command")) {
            let scheme = if self.uses_tls { "rediss" } else { "redis" };
            let message = format!("{name} is not a node of a cluster; use {scheme}://{name}");
            return SyncError::new(ErrorCode::NotCluster, message);
        }
        self.describe_question(error, "CLUSTER SLOTS", "+cluster|slots (+cluster before Redis 7)")
    }

    /// An error of a command that a link cannot do without: no permission for it (`Refused`), or any other. `rule` permits it.
    pub(super) fn describe_question(&self, error: &RedisError, command: &str, rule: &str) -> SyncError {
        if error.code() != Some("NOPERM") {
            return self.describe(error);
        }
        let (name, text) = (&self.name, self.quote(error));
        let message = format!("{name} does not permit {command} to this user: {text}; add {rule} to the user's ACL");
        SyncError::new(ErrorCode::Refused, message)
    }

    /// An error of the redis crate: refused credentials (`Auth`), a server that is busy (`Busy`), no TLS connection (`Tls`,
    /// `Certificate`), or else `Unreachable`.
    pub(super) fn describe(&self, error: &RedisError) -> SyncError {
        let (name, text) = (&self.name, self.quote(error));
        if let Some(SyncError { code, message }) = busy(error) {
            return SyncError::new(code, format!("{name}: {message}"));
        }
        if error.code() == Some("NOAUTH") && self.password.is_none() {
            let scheme = if self.uses_tls { "rediss" } else { "redis" };
            let message = format!("{name} requires a password; use {scheme}://:PASSWORD@{name}");
            return SyncError::new(ErrorCode::Auth, message);
        }
        if is_auth(error) {
            return SyncError::new(
                ErrorCode::Auth,
                format!("{name} refused the user name or password: {text}; correct them in the URL"),
            );
        }
        match tls_error_code(error) {
            Some(ErrorCode::Certificate) => SyncError::new(
                ErrorCode::Certificate,
                format!(
                    "{name}: a certificate was refused: {text}; give the authority that signed the server's certificate as \
                     tls.ca, and a certificate and key where the server asks for one as tls.cert and tls.key"
                ),
            ),
            Some(code) => {
                let remedy = if self.uses_tls {
                    "use a port of the server for TLS, or a URL without TLS such as redis:"
                } else {
                    "use a URL with TLS such as rediss:"
                };
                SyncError::new(code, format!("{name}: no TLS connection: {text}; {remedy}"))
            }
            None => {
                let is_other_port = if self.uses_tls {
                    error.is_timeout()
                } else {
                    error.is_connection_dropped() && !error.is_connection_refusal()
                };
                let hint = match (is_other_port, self.uses_tls) {
                    (false, _) => "",
                    (true, true) => " (is it a port for TLS?)",
                    (true, false) => " (is it a port for TLS only?)",
                };
                SyncError::new(ErrorCode::Unreachable, format!("cannot reach {name}: {text}{hint}; trying again"))
            }
        }
    }

    /// The text of an error, without the password.
    fn quote(&self, error: &RedisError) -> String {
        let text = error.to_string();
        // Some servers quote the arguments of a command that they do not know, which may be a document.
        let text = text.split(", with args").next().unwrap_or_default();
        match self.password.as_deref().filter(|password| !password.is_empty()) {
            Some(password) => text.replace(password, "***"),
            None => text.to_owned(),
        }
    }

    /// The server does not know RESP3, or does not allow this user to ask for it.
    pub(super) fn is_hello_refused(&self, error: &RedisError) -> bool {
        let detail = error.detail().unwrap_or_default().to_ascii_lowercase();
        error.kind() == ErrorKind::RESP3NotSupported
            || error.code() == Some("NOPROTO")
            || (detail.contains("unknown command") && detail.contains("hello"))
            || (error.code() == Some("NOPERM") && detail.contains("hello"))
            // HELLO carries the password. A server that still asks for one, as Valkey does, did not know HELLO.
            || (error.code() == Some("NOAUTH") && self.password.is_some())
    }
}

/// The error of a command that the server cannot execute now. None where the refusal does not pass by itself.
pub(super) fn busy(error: &RedisError) -> Option<SyncError> {
    let detail = error.detail().unwrap_or_default();
    let code = match error.code().unwrap_or_default() {
        // The redis crate leaves the code out where SELECT was refused.
        "ERR" if detail.contains("is loading the dataset") => "LOADING",
        "ERR" if detail.contains("is busy running") => "BUSY",
        code => code,
    };
    busy_refusal(&format!("{code} {detail}"))
}

fn is_auth(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
        // The URL has a password, the server has none.
        || (error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.starts_with("AUTH ")))
}

/// A protocol other than that of Redis, in which a server has answered in plain text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ForeignProtocol {
    Tls,
    Other,
}

impl ForeignProtocol {
    /// The protocol whose first byte this is. None if it can be the first byte of a Redis server.
    pub(super) fn beginning_with(byte: u8) -> Option<Self> {
        match byte {
            b'+' | b'-' | b':' | b'$' | b'*' | b'_' | b',' | b'#' | b'!' | b'=' | b'(' | b'%' | b'~' | b'>' | b'|' => {
                None
            }
            // An alert, or a handshake.
            0x15 | 0x16 => Some(Self::Tls),
            _ => Some(Self::Other),
        }
    }
}

impl Error for ForeignProtocol {}

impl fmt::Display for ForeignProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "the server speaks TLS",
            Self::Other => "the server does not speak the protocol of Redis",
        })
    }
}

impl From<ForeignProtocol> for RedisError {
    fn from(protocol: ForeignProtocol) -> Self {
        io::Error::other(protocol).into()
    }
}

/// The other protocol that an error of the connector reports.
fn protocol_of(error: &RedisError) -> Option<ForeignProtocol> {
    io_cause(error)?.downcast_ref().copied()
}

/// The cause of an I/O error. The redis crate 1.8 gives an I/O error in an `Arc`.
fn io_cause(error: &RedisError) -> Option<&(dyn Error + Send + Sync + 'static)> {
    let error = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    error.downcast_ref::<io::Error>()?.get_ref()
}

/// `Certificate` where one side refused the certificate of the other, `Tls` where one of them does not speak TLS or they have no
/// version or cipher in common.
fn tls_error_code(error: &RedisError) -> Option<ErrorCode> {
    if protocol_of(error) == Some(ForeignProtocol::Tls) {
        return Some(ErrorCode::Tls);
    }
    match io_cause(error)?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::AlertReceived(
            AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => Some(ErrorCode::Certificate),
        rustls::Error::AlertReceived(_)
        | rustls::Error::InvalidMessage(_)
        | rustls::Error::PeerIncompatible(_)
        | rustls::Error::UnsupportedNameType => Some(ErrorCode::Tls),
        _ => None,
    }
}
