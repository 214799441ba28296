//! TLS options, and the client of the redis crate that they configure.

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};
use std::fmt;
use synced_memory_core::error::{ErrorCode, SyncError};

/// Certificates for `rediss:` URLs, as PEM text.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct TlsOptions {
    /// The certificates of the authorities that may have signed the server's certificate. None: the file that
    /// `SSL_CERT_FILE` names, or else the authorities that Mozilla trusts.
    pub ca: Option<String>,
    /// The certificate of this client and its private key, for servers that require one.
    pub client: Option<(String, String)>,
}

/// Shows no field: one of them is a private key.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").finish_non_exhaustive()
    }
}

impl TlsOptions {
    /// A client for this server. It uses TLS where the address asks for it. Errors: `Options`.
    pub(crate) fn client(&self, info: ConnectionInfo) -> Result<Client, SyncError> {
        if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Client::open(info).map_err(|error| unusable_url(&error.to_string()));
        }
        // The only error is that the process has installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client_tls = self.client.clone().map(|(certificate, key)| ClientTlsConfig {
            client_cert: certificate.into_bytes(),
            client_key: key.into_bytes(),
        });
        Client::build_with_tls(info, TlsCertificates { client_tls, root_cert: self.root_certificates()? }).map_err(
            |error| {
                let message = format!("tls: the certificates or the key cannot be used: {error}");
                SyncError::new(ErrorCode::Options, message)
            },
        )
    }

    /// The authorities to trust instead of the well-known ones. `SSL_CERT_FILE` is read as OpenSSL reads it.
    fn root_certificates(&self) -> Result<Option<Vec<u8>>, SyncError> {
        if let Some(ca) = &self.ca {
            return Ok(Some(ca.clone().into_bytes()));
        }
        let Some(file) = std::env::var_os("SSL_CERT_FILE") else { return Ok(None) };
        std::fs::read(&file).map(Some).map_err(|error| {
            unusable_url(&format!("SSL_CERT_FILE names {}, which cannot be read: {error}", file.to_string_lossy()))
        })
    }
}

fn unusable_url(reason: &str) -> SyncError {
    SyncError::new(ErrorCode::Options, format!("the URL cannot be used: {reason}"))
}
