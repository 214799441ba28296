//! Sentinel: finding the master of a service, and noticing when another server becomes the master.

use super::connection::Connection;
use super::connector::{Connector, with_address};
use super::notifications::NotificationOptions;
use crate::backoff::Backoff;
use crate::tls::TlsOptions;
use crate::url::SentinelConfig;
use redis::{ConnectionInfo, PushInfo, PushKind, RedisConnectionInfo, Value, cmd};
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::task::JoinSet;

/// The channel on which a sentinel announces a new master: `<service> <old host> <old port> <host> <port>`.
const FAILOVER_CHANNEL: &str = "+switch-master";
/// The limits of the delay between attempts to watch a sentinel that is away.
const FIRST_WATCH_DELAY: Duration = Duration::from_millis(500);
const LONGEST_WATCH_DELAY: Duration = Duration::from_secs(2);

/// The sentinels that watch one service.
pub(super) struct Sentinels {
    clients: Vec<Arc<SentinelClient>>,
    config: SentinelConfig,
    tls: TlsOptions,
    notifications: NotificationOptions,
}

impl Sentinels {
    /// Errors: `Options`.
    pub(super) fn new(
        config: SentinelConfig,
        tls: &TlsOptions,
        notifications: NotificationOptions,
    ) -> Result<Self, SyncError> {
        let clients = config.sentinels.iter().map(|info| SentinelClient::new(info.clone(), tls).map(Arc::new));
        Ok(Self { clients: clients.collect::<Result<_, _>>()?, config, tls: tls.clone(), notifications })
    }

    /// Ask one sentinel after the other for the master, and connect to it.
    pub(super) async fn connect(&self) -> Result<(Arc<Connector>, Connection), SyncError> {
        let service = &self.config.service;
        let mut last_error = None;
        for (client, sentinel) in self.clients.iter().zip(&self.config.sentinels) {
            let attempt = match client.master_address(service).await {
                Ok(Some(address)) => self.connect_to_master(sentinel, address).await,
                Ok(None) => {
                    Err(unavailable(&format!("the sentinel at {} watches no master called {service}", sentinel.addr())))
                }
                Err(error) => Err(error),
            };
            match attempt {
                Ok(connected) => return Ok(connected),
                // The next sentinel may know a newer master, but every master refuses the same credentials.
                Err(error) if error.code == ErrorCode::Auth => return Err(error),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| unavailable("there is no sentinel to ask")))
    }

    async fn connect_to_master(
        &self,
        sentinel: &ConnectionInfo,
        (host, port): (String, u16),
    ) -> Result<(Arc<Connector>, Connection), SyncError> {
        let settings = sentinel.redis_settings().clone().set_db(self.config.db);
        let info = with_address(sentinel, host, port).set_redis_settings(settings);
        let connector = Arc::new(Connector::new(info, &self.tls, Some(self.notifications.clone()))?);
        let mut connection = connector.connect().await?;
        // The sentinel may not know yet that its master has come back as a replica.
        match connection.request(&cmd("ROLE")).await {
            Ok(role) if is_master(&role) => Ok((connector, connection)),
            Ok(_) => Err(connector.errors.lost("it is not the master any more")),
            // This user may not use ROLE. A replica will refuse the first write.
            Err(error) if error.code() == Some("NOPERM") => Ok((connector, connection)),
            Err(error) => Err(connector.errors.describe(&error)),
        }
    }

    /// Tasks that each watch one sentinel. The first to end does so because its sentinel announced a new master.
    /// Dropping the set ends them all.
    pub(super) fn watch(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for client in &self.clients {
            let (client, service) = (Arc::clone(client), self.config.service.clone());
            tasks.spawn(async move { client.wait_for_failover(&service).await });
        }
        tasks
    }
}

/// One sentinel. Most want no password; some have the password of the servers that they watch.
struct SentinelClient {
    anonymous: Connector,
    with_login: Connector,
}

impl SentinelClient {
    fn new(info: ConnectionInfo, tls: &TlsOptions) -> Result<Self, SyncError> {
        let anonymous = info.clone().set_redis_settings(RedisConnectionInfo::default());
        Ok(Self { anonymous: Connector::new(anonymous, tls, None)?, with_login: Connector::new(info, tls, None)? })
    }

    async fn connect(&self) -> Result<Connection, SyncError> {
        match self.anonymous.connect().await {
            Err(error) if error.code == ErrorCode::Auth => self.with_login.connect().await,
            result => result,
        }
    }

    /// The address of the service's master. None if this sentinel does not watch the service.
    async fn master_address(&self, service: &str) -> Result<Option<(String, u16)>, SyncError> {
        let mut connection = self.connect().await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        let describe = |error| {
            let (command, rule) = ("SENTINEL GET-MASTER-ADDR-BY-NAME", "+sentinel|get-master-addr-by-name");
            self.with_login.errors.describe_question(&error, command, rule)
        };
        let reply = connection.request(&question).await.map_err(describe)?;
        redis::from_redis_value(reply).map_err(|error| self.with_login.errors.describe(&error.into()))
    }

    /// Returns when this sentinel announces a new master. Connects again whenever the connection is lost.
    async fn wait_for_failover(&self, service: &str) {
        let mut backoff = Backoff::new(FIRST_WATCH_DELAY, LONGEST_WATCH_DELAY);
        loop {
            if let Ok(mut connection) = self.connect().await
                && connection.request(cmd("SUBSCRIBE").arg(FAILOVER_CHANNEL)).await.is_ok()
            {
                backoff.reset();
                if connection.wait_for_push(|push| is_failover(push, service)).await {
                    return;
                }
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }
}

fn is_master(role: &Value) -> bool {
    matches!(role, Value::Array(parts) if matches!(parts.first(), Some(Value::BulkString(name)) if name == b"master"))
}

fn is_failover(push: &PushInfo, service: &str) -> bool {
    push.kind == PushKind::Message
        && matches!(push.data.last(), Some(Value::BulkString(text))
            if text.strip_prefix(service.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))
}

fn unavailable(message: &str) -> SyncError {
    SyncError::new(ErrorCode::Unreachable, format!("{message}; trying again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failover_of_the_service_counts() {
        let push = |text: &str| PushInfo {
            kind: PushKind::Message,
            data: vec![Value::BulkString(FAILOVER_CHANNEL.into()), Value::BulkString(text.into())],
        };
        assert!(is_failover(&push("main 127.0.0.1 1 127.0.0.1 2"), "main"));
        assert!(!is_failover(&push("main2 127.0.0.1 1 127.0.0.1 2"), "main"));
    }

    #[test]
    fn the_reply_to_role_tells_a_master_from_a_replica() {
        let role = |name: &str| Value::Array(vec![Value::BulkString(name.into()), Value::Int(0)]);
        assert!(is_master(&role("master")) && !is_master(&role("slave")));
    }
}
