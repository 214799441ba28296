//! Finding the master of a service by asking the sentinels that watch it.

use super::channels::Listening;
use super::server::{Line, Server};
use crate::memory::Tls;
use redis::{ConnectionAddr, ConnectionInfo, PushInfo, PushKind, RedisConnectionInfo, Value, cmd};
use std::sync::Arc;
use std::time::Duration;
use synced_memory_core::error::{ErrorCode, SyncError};
use tokio::task::JoinSet;

/// The channel on which sentinels tell of a new master: `<service> <old host> <old port> <host> <port>`.
const SWITCHES: &str = "+switch-master";
/// Between attempts to hear a sentinel that is away.
const WATCH_AGAIN: Duration = Duration::from_secs(1);

/// A service and the sentinels to ask for its master.
#[derive(Debug)]
pub(crate) struct Service {
    /// Where the sentinels are, with the login of the servers that they watch.
    pub(crate) sentinels: Vec<ConnectionInfo>,
    pub(crate) name: String,
    pub(crate) db: i64,
}

/// The sentinels of one service, ready to be asked.
pub(super) struct Sentinels {
    doors: Vec<Arc<Door>>,
    service: Service,
    tls: Tls,
    listening: Listening,
}

/// One sentinel. Most want no password; some have the one of their servers.
struct Door {
    anonymous: Server,
    with_login: Server,
}

impl Door {
    fn new(info: ConnectionInfo, tls: &Tls) -> Result<Self, SyncError> {
        let anonymous = info.clone().set_redis_settings(RedisConnectionInfo::default());
        Ok(Self { anonymous: Server::new(anonymous, tls, None)?, with_login: Server::new(info, tls, None)? })
    }

    async fn connect(&self) -> Result<Line, SyncError> {
        match self.anonymous.connect().await {
            Err(error) if error.code == ErrorCode::Auth => self.with_login.connect().await,
            result => result,
        }
    }

    async fn master(&self, service: &str) -> Result<Option<(String, u16)>, SyncError> {
        let mut line = self.connect().await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        let answer = line.ask(&question).await.map_err(|error| self.with_login.describe(&error))?;
        let address = redis::from_redis_value::<Option<(String, u16)>>(answer);
        address.map_err(|error| self.with_login.describe(&error.into()))
    }

    /// Ends when this sentinel tells of a new master.
    async fn hear_of_switch(&self, service: &str) {
        loop {
            if let Ok(mut line) = self.connect().await
                && line.ask(cmd("SUBSCRIBE").arg(SWITCHES)).await.is_ok()
                && line.hears(|push| is_switch(push, service)).await
            {
                return;
            }
            tokio::time::sleep(WATCH_AGAIN).await;
        }
    }
}

impl Sentinels {
    pub(super) fn new(service: Service, tls: &Tls, listening: Listening) -> Result<Self, SyncError> {
        let doors = service.sentinels.iter().map(|info| Door::new(info.clone(), tls).map(Arc::new));
        Ok(Self { doors: doors.collect::<Result<_, _>>()?, service, tls: tls.clone(), listening })
    }

    /// A connection to whatever server is the master now.
    pub(super) async fn connect(&self) -> Result<(Arc<Server>, Line), SyncError> {
        let mut last = None;
        for (door, info) in self.doors.iter().zip(&self.service.sentinels) {
            let attempt = match door.master(&self.service.name).await {
                Ok(Some(address)) => self.connect_to_master(info, address).await,
                Ok(None) => {
                    let (sentinel, service) = (info.addr(), &self.service.name);
                    Err(unavailable(&format!("the sentinel at {sentinel} watches no master called {service}")))
                }
                Err(error) => Err(error),
            };
            match attempt {
                Ok(reached) => return Ok(reached),
                // What a later sentinel knows may be newer, but a refused login stays refused.
                Err(error) if error.code == ErrorCode::Auth => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| unavailable("there is no sentinel to ask")))
    }

    async fn connect_to_master(
        &self,
        sentinel: &ConnectionInfo,
        (host, port): (String, u16),
    ) -> Result<(Arc<Server>, Line), SyncError> {
        let settings = sentinel.redis_settings().clone().set_db(self.service.db);
        let info = elsewhere(sentinel, host, port).set_redis_settings(settings);
        let server = Arc::new(Server::new(info, &self.tls, Some(self.listening.clone()))?);
        let mut line = server.connect().await?;
        // A sentinel may not have heard yet that its master came back as a replica.
        match line.ask(&cmd("ROLE")).await {
            Ok(role) if is_master(&role) => Ok((server, line)),
            Ok(_) => Err(server.lost("it is not the master any more")),
            // This user may not ask: a replica will say so when it is written to.
            Err(error) if error.code() == Some("NOPERM") => Ok((server, line)),
            Err(error) => Err(server.describe(&error)),
        }
    }

    /// Tasks of which one ends when a sentinel tells of a new master. Dropping them ends them.
    pub(super) fn watch(&self) -> JoinSet<()> {
        let mut watches = JoinSet::new();
        for door in &self.doors {
            let (door, service) = (Arc::clone(door), self.service.name.clone());
            watches.spawn(async move { door.hear_of_switch(&service).await });
        }
        watches
    }
}

/// The same login and options, on another machine.
pub(super) fn elsewhere(info: &ConnectionInfo, host: String, port: u16) -> ConnectionInfo {
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(addr)
}

fn is_master(role: &Value) -> bool {
    matches!(role, Value::Array(parts) if matches!(parts.first(), Some(Value::BulkString(name)) if name == b"master"))
}

fn is_switch(push: &PushInfo, service: &str) -> bool {
    push.kind == PushKind::Message
        && matches!(push.data.last(), Some(Value::BulkString(text))
            if text.strip_prefix(service.as_bytes()).is_some_and(|rest| rest.starts_with(b" ")))
}

fn unavailable(message: &str) -> SyncError {
    SyncError::new(ErrorCode::Unavailable, format!("{message}; trying again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_switches_of_the_service_count() {
        let push = |text: &str| PushInfo {
            kind: PushKind::Message,
            data: vec![Value::BulkString(SWITCHES.into()), Value::BulkString(text.into())],
        };
        assert!(is_switch(&push("main 127.0.0.1 1 127.0.0.1 2"), "main"));
        assert!(!is_switch(&push("main2 127.0.0.1 1 127.0.0.1 2"), "main"));
    }

    #[test]
    fn masters_are_told_from_replicas() {
        let role = |name: &str| Value::Array(vec![Value::BulkString(name.into()), Value::Int(0)]);
        assert!(is_master(&role("master")) && !is_master(&role("slave")));
    }
}
