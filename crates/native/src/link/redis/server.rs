//! Connecting to a server, and saying what went wrong without its password.

use super::channels::Listening;
use super::herald::{Herald, Heralded};
use super::news::{Heard, listen, subscribe};
use crate::memory::Tls;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, ErrorKind, ProtocolVersion,
    PushInfo, RedisError, RedisResult, TlsCertificates, cmd,
};
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::command::{Changes, Commits};
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Pipelines on their way at once: as many as the connection's queue has room for.
pub(super) const MAX_FLIGHTS: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence after which the kernel asks whether the other end is still there, and how often.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));
/// How much is gathered before a write to the socket.
const WRITE_BUFFER: usize = 64 * 1024;

/// Where to connect to, and how.
pub(super) struct Server {
    client: Client,
    /// For servers that know no HELLO.
    resp2_client: Client,
    /// `host:port`, for messages.
    name: String,
    password: Option<String>,
    /// What is to be heard; None: nothing is.
    listening: Option<Listening>,
}

/// Moves bytes between a connection's queue and its socket.
pub(super) struct Driver {
    pub(super) work: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Called when the socket has something.
    pub(super) herald: Herald,
}

/// A connection that works.
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    /// To be polled; None where a task does.
    pub(super) driver: Option<Driver>,
    /// What the server sends unasked, and the news that the connection is lost.
    pub(super) pushes: UnboundedReceiver<PushInfo>,
    /// The version of the protocol.
    pub(super) resp: u8,
    pub(super) heard: Heard,
    /// Hears what `pushes` bring, beside.
    _listener: Option<JoinSet<()>>,
    /// There, a loss of the connection shows in the next reply; the channel just stays open.
    _silent: Option<UnboundedSender<PushInfo>>,
}

impl Line {
    /// Send one command before the line is put to use, and wait for its reply.
    pub(super) async fn ask(&mut self, question: &redis::Cmd) -> RedisResult<redis::Value> {
        let mut connection = self.connection.clone();
        let asking = connection.send_packed_command(question);
        let asking = async {
            match &mut self.driver {
                None => asking.await,
                Some(driver) => tokio::select! {
                    biased;
                    answer = asking => answer,
                    () = driver.work.as_mut() => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                },
            }
        };
        timeout(CONNECT_TIMEOUT, asking).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    /// Wait for a push such as this; false where the connection is lost before.
    pub(super) async fn hears(&mut self, is_it: impl Fn(&PushInfo) -> bool) -> bool {
        loop {
            let push = match &mut self.driver {
                None => self.pushes.recv().await,
                Some(driver) => tokio::select! {
                    push = self.pushes.recv() => push,
                    () = driver.work.as_mut() => None,
                },
            };
            match push {
                None => return false,
                Some(push) if push.kind == redis::PushKind::Disconnection => return false,
                Some(push) if is_it(&push) => return true,
                Some(_) => {}
            }
        }
    }
}

impl Server {
    pub(super) fn new(info: ConnectionInfo, tls: &Tls, listening: Option<Listening>) -> Result<Self, SyncError> {
        let name = info.addr().to_string();
        let settings = info.redis_settings().clone().set_lib_name("synced-memory", env!("CARGO_PKG_VERSION"));
        let password = settings.password().map(str::to_owned);
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true).set_keepalive(keepalive()));
        let client =
            |protocol| make_client(info.clone().set_redis_settings(settings.clone().set_protocol(protocol)), tls);
        Ok(Self {
            client: client(ProtocolVersion::RESP3)?,
            resp2_client: client(ProtocolVersion::RESP2)?,
            name,
            password,
            listening,
        })
    }

    pub(super) async fn connect(&self) -> Result<Line, SyncError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // Sessions know when a reply is overdue.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(MAX_FLIGHTS)
            .set_write_backpressure_boundary(WRITE_BUFFER);
        let (sender, pushes) = unbounded_channel();
        let with_pushes = config.clone().set_push_sender(sender.clone());
        match open(&self.client, with_pushes).await {
            Ok((connection, driver)) => {
                // On a connection of its own: servers end one that listens and has much else to read.
                let config = config.set_push_sender(sender);
                let listening = async {
                    let listening = self.listening.as_ref()?;
                    let listener = self.client.get_multiplexed_async_connection_with_config(&config).await.ok()?;
                    Some(listen(listener, listening).await)
                };
                let (heard, listener) = timeout(CONNECT_TIMEOUT, listening).await.unwrap_or(None).unzip();
                let heard = heard.unwrap_or_default();
                let mut line = Line { connection, driver, pushes, resp: 3, heard, _listener: listener, _silent: None };
                if self.listening.is_some() && line.heard.1 == Changes::Unheard {
                    // Servers that know no prefixes may still tell of what was read on the same connection.
                    let tracked = line.ask(cmd("CLIENT").arg("TRACKING").arg("ON")).await;
                    let is_tracked = matches!(tracked, Ok(redis::Value::Okay));
                    line.heard.1 = if is_tracked { Changes::OfRead } else { Changes::Unheard };
                }
                return Ok(line);
            }
            Err(error) if !self.is_hello_refused(&error) => return Err(self.describe(&error)),
            Err(_) => {}
        }
        match open(&self.resp2_client, config).await {
            Ok((connection, driver)) => {
                let listening = async {
                    let listening = self.listening.as_ref()?;
                    subscribe(&self.resp2_client, listening, sender.clone()).await
                };
                let listener = timeout(CONNECT_TIMEOUT, listening).await.unwrap_or(None);
                let commits = if listener.is_some() { Commits::Beside } else { Commits::Unheard };
                Ok(Line {
                    connection,
                    driver,
                    pushes,
                    resp: 2,
                    heard: (commits, Changes::Unheard),
                    _listener: listener,
                    _silent: Some(sender),
                })
            }
            Err(error) => Err(self.describe(&error)),
        }
    }

    pub(super) fn lost(&self, why: &str) -> SyncError {
        SyncError::new(ErrorCode::Unavailable, format!("lost the connection to {}: {why}; connecting again", self.name))
    }

    /// The server knows no RESP3, or does not let this user ask for it.
    fn is_hello_refused(&self, error: &RedisError) -> bool {
        let detail = error.detail().unwrap_or_default().to_ascii_lowercase();
        error.kind() == ErrorKind::RESP3NotSupported
            || error.code() == Some("NOPROTO")
            || (detail.contains("unknown command") && detail.contains("hello"))
            || (error.code() == Some("NOPERM") && detail.contains("hello"))
            // HELLO brought the password along: a server that still asks for one, as Valkey does, did not know the command.
            || (error.code() == Some("NOAUTH") && self.password.is_some())
    }

    pub(super) fn describe(&self, error: &RedisError) -> SyncError {
        let text = error.to_string();
        // Some servers repeat the arguments of a command they do not know.
        let mut text = text.split(", with args").next().unwrap_or_default().to_owned();
        if let Some(password) = self.password.as_deref().filter(|password| !password.is_empty()) {
            text = text.replace(password, "***");
        }
        let name = &self.name;
        if is_auth(error) {
            return SyncError::new(
                ErrorCode::Auth,
                format!("{name} refused the user name or password: {text}; correct them in the URL"),
            );
        }
        if is_tls(error) {
            return SyncError::new(
                ErrorCode::Tls,
                format!(
                    "{name}: no TLS connection: {text}; give the authority that signed the server's certificate as \
                     tls.ca, and a certificate and key where the server asks for one as tls.cert and tls.key"
                ),
            );
        }
        let is_tls_timeout =
            error.is_timeout() && matches!(self.client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
        let hint = if is_tls_timeout { " (is it a port for TLS?)" } else { "" };
        SyncError::new(ErrorCode::Unavailable, format!("cannot reach {name}: {text}{hint}; trying again"))
    }
}

async fn open(client: &Client, config: AsyncConnectionConfig) -> RedisResult<(MultiplexedConnection, Option<Driver>)> {
    let info = client.get_connection_info();
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        return Ok((connection, None));
    };
    let connecting = async {
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&keepalive())?;
        let settings = info.redis_settings();
        let herald = Herald::default();
        let stream = Heralded::new(stream, Arc::clone(&herald));
        let (connection, work) = MultiplexedConnection::new_with_config(settings, stream, config).await?;
        Ok((connection, Some(Driver { work: Box::pin(work), herald })))
    };
    timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1)
}

fn is_auth(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
        // A password where the server has none.
        || (error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.starts_with("AUTH ")))
}

/// A certificate was refused, here or there, or the other side does not speak TLS.
fn is_tls(error: &RedisError) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>()).and_then(io::Error::get_ref);
    cause.is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>)
}

fn make_client(info: ConnectionInfo, tls: &Tls) -> Result<Client, SyncError> {
    let unusable = |error| SyncError::new(ErrorCode::Options, format!("the URL cannot be used: {error}"));
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(info).map_err(|error| unusable(error.to_string()));
    }
    // An error means that the process has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // As with OpenSSL, this file takes the place of the well-known authorities.
    let root_cert = match std::env::var_os("SSL_CERT_FILE") {
        _ if tls.ca.is_some() => tls.ca.clone().map(String::into_bytes),
        Some(file) => Some(std::fs::read(&file).map_err(|error| {
            unusable(format!("SSL_CERT_FILE names {}, which cannot be read: {error}", file.to_string_lossy()))
        })?),
        None => None,
    };
    let client_tls = tls.client.clone().map(|(certificate, key)| ClientTlsConfig {
        client_cert: certificate.into_bytes(),
        client_key: key.into_bytes(),
    });
    Client::build_with_tls(info, TlsCertificates { client_tls, root_cert }).map_err(|error| {
        SyncError::new(ErrorCode::Options, format!("tls: the certificates or the key cannot be used: {error}"))
    })
}
