//! Connects to one server, in RESP3 or RESP2, and asks it for notifications.

use super::connection::{CONNECTION_QUEUE, Connection, ConnectionProperties, Driver};
use super::delta_listener::DeltaListener;
use super::notifications::{
    ChannelKind, Listener, NotificationOptions, NotificationSupport, listen_resp3, subscribe_resp2, subscribe_resp3,
};
use super::read_notifier::{NotifyingSocket, ReadNotifier};
use super::server_errors::{ForeignProtocol, ServerErrors};
use super::setup_timeout::{SETUP_TIMEOUT, within_setup_timeout};
use crate::tls::TlsOptions;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ProtocolVersion, RedisResult, Value, cmd};
use std::time::Duration;
use synced_memory_core::error::SyncError;
use synced_memory_core::protocol::{CommitForm, DeltaDelivery, Invalidations};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

/// The silence after which the kernel probes whether the other end of a connection is alive.
const KEEPALIVE_TIME: Duration = Duration::from_secs(15);
/// The time between two such probes.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes that are gathered before a write to the socket.
const WRITE_BUFFER: usize = 64 * 1024;

/// Connects to the server at one address.
pub(super) struct Connector {
    client: Client,
    /// For servers that do not know HELLO.
    resp2_client: Client,
    /// The notifications to ask for; None for none.
    notifications: Option<NotificationOptions>,
    pub(super) errors: ServerErrors,
}

impl Connector {
    /// A connector for the server at this address. Errors: `Options`.
    pub(super) fn new(
        info: ConnectionInfo,
        tls: &TlsOptions,
        notifications: Option<NotificationOptions>,
    ) -> Result<Self, SyncError> {
        let errors = ServerErrors::new(&info);
        let settings = info.redis_settings().clone().set_lib_name("synced-memory", env!("CARGO_PKG_VERSION"));
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true).set_keepalive(keepalive()));
        let client = |protocol| tls.client(info.clone().set_redis_settings(settings.clone().set_protocol(protocol)));
        Ok(Self {
            client: client(ProtocolVersion::RESP3)?,
            resp2_client: client(ProtocolVersion::RESP2)?,
            notifications,
            errors,
        })
    }

    /// Connect in RESP3, or in RESP2 if the server refuses that, and ask for notifications.
    pub(super) async fn connect(&self) -> Result<Connection, SyncError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(SETUP_TIMEOUT))
            // The session decides when a reply is overdue.
            .set_response_timeout(None)
            .set_pipeline_buffer_size(CONNECTION_QUEUE)
            .set_write_backpressure_boundary(WRITE_BUFFER);
        let connected = match self.connect_resp3(config.clone()).await {
            Err(error) if self.errors.is_hello_refused(&error) => self.connect_resp2(config).await,
            connected => connected,
        };
        connected.map_err(|error| self.errors.describe_setup(&error))
    }

    async fn connect_resp3(&self, config: AsyncConnectionConfig) -> RedisResult<Connection> {
        let (sender, pushes) = unbounded_channel();
        let config = config.set_push_sender(sender);
        let (multiplexed, driver) = open(&self.client, config.clone()).await?;
        // On a second connection: a server closes a subscriber whose output buffer is full, and many replies fill it.
        let listening = async {
            let options = self.notifications.as_ref()?;
            let listener = self.client.get_multiplexed_async_connection_with_config(&config).await.ok()?;
            Some(listen_resp3(listener, options).await)
        };
        let listening = timeout(SETUP_TIMEOUT, listening).await.unwrap_or(None).transpose()?;
        let (notifications, listener) = listening.unzip();
        let notifications = notifications.unwrap_or_default();
        let properties = ConnectionProperties { resp: 3, notifications, commit_form: CommitForm::Reserved };
        let mut connection =
            Connection { multiplexed, driver, pushes, properties, _listener: listener, _push_sender: None };
        if let Ok(hello) = connection.request(&cmd("HELLO")).await {
            connection.properties.commit_form = commit_form_of(&hello);
        }
        if self.notifications.is_some() && properties.notifications.invalidations == Invalidations::None {
            // A server without broadcast tracking may still track the keys that this connection reads.
            let tracked = connection.request(cmd("CLIENT").arg("TRACKING").arg("ON")).await;
            if matches!(tracked, Ok(Value::Okay)) {
                connection.properties.notifications.invalidations = Invalidations::Tracked;
            }
        }
        Ok(connection)
    }

    async fn connect_resp2(&self, config: AsyncConnectionConfig) -> RedisResult<Connection> {
        let (multiplexed, driver) = open(&self.resp2_client, config).await?;
        let (sender, pushes) = unbounded_channel();
        let listening = async {
            let subscriptions = self.notifications.as_ref()?.subscriptions.as_ref()?;
            let mut listener = Listener::default();
            subscribe_resp2(&mut listener, &self.resp2_client, subscriptions, sender.clone(), None).await.ok()?;
            Some(listener)
        };
        let listener = timeout(SETUP_TIMEOUT, listening).await.unwrap_or(None);
        let deltas = if listener.is_some() { DeltaDelivery::OutOfBand } else { DeltaDelivery::None };
        let notifications = NotificationSupport { deltas, invalidations: Invalidations::None };
        // A server that does not know HELLO does not say what it is.
        let properties = ConnectionProperties { resp: 2, notifications, commit_form: CommitForm::Reserved };
        Ok(Connection { multiplexed, driver, pushes, properties, _listener: listener, _push_sender: Some(sender) })
    }

    /// Open a connection that only delivers deltas, to this listener. At each `heartbeat` the server must answer a PING on it.
    pub(super) async fn listen(
        &self,
        deltas: &mut DeltaListener,
        channels: ChannelKind,
        heartbeat: Duration,
    ) -> RedisResult<()> {
        let DeltaListener { listener, subscriptions, sender, .. } = deltas;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(SETUP_TIMEOUT))
            .set_response_timeout(None)
            .set_push_sender(sender.clone());
        within_setup_timeout(async {
            match self.client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => subscribe_resp3(listener, connection, subscriptions, channels, heartbeat).await,
                Err(error) if self.errors.is_hello_refused(&error) && matches!(channels, ChannelKind::Plain) => {
                    let heartbeat = Some(heartbeat);
                    subscribe_resp2(listener, &self.resp2_client, subscriptions, sender.clone(), heartbeat).await
                }
                Err(error) => Err(error),
            }
        })
        .await
    }
}

/// The form of scripts for a server with this reply to HELLO. `DragonflyDB` calls itself redis, and says its version.
fn commit_form_of(hello: &Value) -> CommitForm {
    let Value::Map(fields) = hello else { return CommitForm::Reserved };
    let field = |name: &str| fields.iter().find_map(|(key, value)| (as_text(key) == Some(name)).then_some(value));
    let server = field("server").and_then(as_text);
    if matches!(server, Some("redis" | "valkey")) && field("dragonfly_version").is_none() {
        CommitForm::Standard
    } else {
        CommitForm::Reserved
    }
}

fn as_text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// Open a connection. Over plain TCP the caller drives it; over TLS and Unix sockets a task of the redis crate does.
async fn open(client: &Client, config: AsyncConnectionConfig) -> RedisResult<(MultiplexedConnection, Option<Driver>)> {
    let info = client.get_connection_info();
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        return Ok((connection, None));
    };
    within_setup_timeout(async {
        let stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&keepalive())?;
        let read_notifier = ReadNotifier::default();
        let socket = NotifyingSocket::new(stream, read_notifier.clone());
        let connected = MultiplexedConnection::new_with_config(info.redis_settings(), socket, config).await;
        match connected {
            Ok((connection, work)) => Ok((connection, Some(Driver { work: Box::pin(work), read_notifier }))),
            Err(error) => match read_notifier.first_byte().and_then(ForeignProtocol::beginning_with) {
                Some(protocol) => Err(protocol.into()),
                None => Err(error),
            },
        }
    })
    .await
}

fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new().with_time(KEEPALIVE_TIME).with_interval(KEEPALIVE_INTERVAL)
}

/// The same login and options at another address.
pub(super) fn with_address(info: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_scripts_follows_the_reply_to_hello() {
        let form = |fields: &str| {
            let count = fields.split_whitespace().count() / 2;
            let fields: String = fields.split_whitespace().flat_map(|field| ["+", field, "\r\n"]).collect();
            commit_form_of(&redis::parse_redis_value(format!("%{count}\r\n{fields}").as_bytes()).unwrap())
        };
        assert_eq!(form("server redis version 7.0.15 proto 3"), CommitForm::Standard);
        assert_eq!(form("server valkey version 9.1.2"), CommitForm::Standard);
        assert_eq!(form("server redis version 7.4.0 dragonfly_version df-v1.40.1"), CommitForm::Reserved);
        assert_eq!(form("server other version 1"), CommitForm::Reserved);
        assert_eq!(commit_form_of(&Value::Nil), CommitForm::Reserved);
    }
}
