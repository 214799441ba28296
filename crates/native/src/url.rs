//! Parsing the URL of a memory. No error message repeats the URL, because it may hold a password.

use percent_encoding::percent_decode_str;
use redis::{ConnectionInfo, IntoConnectionInfo};
use std::path::PathBuf;
use synced_memory_core::error::{ErrorCode, SyncError};

/// The backend that a URL names.
#[derive(Debug)]
pub(crate) enum Target {
    /// One server: `redis:`, `rediss:`, `redis+unix:`.
    Redis(Box<ConnectionInfo>),
    /// Some nodes of a cluster: `redis+cluster:`, `rediss+cluster:`.
    Cluster(Vec<ConnectionInfo>),
    /// The master of a service: `redis+sentinel:`, `rediss+sentinel:`.
    Sentinel(SentinelConfig),
    /// An embedded file: `file:`.
    File(PathBuf),
    /// A store in this process: `memory://name`, or `memory:` for a private one.
    Memory(Option<String>),
}

/// A service that Sentinel watches: a master and its replicas under one name.
#[derive(Debug)]
pub(crate) struct SentinelConfig {
    /// The addresses of the sentinels, each with the user name and password of the service's servers.
    pub(crate) sentinels: Vec<ConnectionInfo>,
    /// The name of the service.
    pub(crate) service: String,
    /// The database on the service's servers.
    pub(crate) db: i64,
}

/// The backend that a URL names. Errors: `Options`.
pub(crate) fn parse(url: &str) -> Result<Target, SyncError> {
    let (scheme, rest) = url.split_once(':').ok_or_else(unknown_scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "redis" | "rediss" | "redis+unix" => parse_server(url).map(|info| Target::Redis(Box::new(info))),
        "file" => parse_file(rest).map(Target::File),
        "memory" => check_parameters(rest, &[]).map(|()| {
            let name = rest.trim_start_matches('/');
            Target::Memory((!name.is_empty()).then(|| name.to_owned()))
        }),
        "redis+sentinel" => parse_sentinel("redis", rest).map(Target::Sentinel),
        "rediss+sentinel" => parse_sentinel("rediss", rest).map(Target::Sentinel),
        "redis+cluster" => parse_cluster("redis", rest).map(Target::Cluster),
        "rediss+cluster" => parse_cluster("rediss", rest).map(Target::Cluster),
        _ => Err(unknown_scheme()),
    }
}

/// `//user:password@node1:port,node2:port`. A cluster has one database, number 0.
fn parse_cluster(scheme: &str, rest: &str) -> Result<Vec<ConnectionInfo>, SyncError> {
    let unusable = || {
        options_error(
            "the URL cannot be used: write redis+cluster://user:password@node1:port,node2:port, with special characters \
             percent-encoded; a cluster has no database but 0",
        )
    };
    let rest = rest.strip_prefix("//").ok_or_else(unusable)?;
    let (hosts, db) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(db, "" | "0") {
        return Err(unusable());
    }
    parse_servers(scheme, hosts, 6379)
}

/// `//user:password@sentinel1:port,sentinel2:port/service/database`
fn parse_sentinel(scheme: &str, rest: &str) -> Result<SentinelConfig, SyncError> {
    let unusable = || {
        options_error(
            "the URL cannot be used: write \
             redis+sentinel://user:password@sentinel1:port,sentinel2:port/name-of-the-master/database, with special \
             characters percent-encoded",
        )
    };
    let (hosts, path) = rest.strip_prefix("//").and_then(|rest| rest.split_once('/')).ok_or_else(unusable)?;
    let (service, db) = path.split_once('/').unwrap_or((path, "0"));
    let service = percent_decode_str(service).decode_utf8().map_err(|_| unusable())?.into_owned();
    let db: u16 = db.parse().map_err(|_| unusable())?;
    if service.is_empty() || path.contains(['?', '#']) {
        return Err(unusable());
    }
    Ok(SentinelConfig { sentinels: parse_servers(scheme, hosts, 26379)?, service, db: db.into() })
}

/// `user:password@host1:port,host2:port`. Every server gets the user name and the password.
fn parse_servers(scheme: &str, hosts: &str, default_port: u16) -> Result<Vec<ConnectionInfo>, SyncError> {
    let (login, hosts) = match hosts.rsplit_once('@') {
        Some((login, hosts)) => (format!("{login}@"), hosts),
        None => (String::new(), hosts),
    };
    let servers = hosts.split(',').map(|host| {
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if has_port {
            parse_server(&format!("{scheme}://{login}{host}"))
        } else {
            parse_server(&format!("{scheme}://{login}{host}:{default_port}"))
        }
    });
    servers.collect()
}

/// The URL of one server, as the redis crate reads it.
fn parse_server(url: &str) -> Result<ConnectionInfo, SyncError> {
    if url.contains('#') {
        return Err(options_error(
            "a redis: URL takes no #fragment: TLS certificates are always checked; write # in a password as %23",
        ));
    }
    let is_unix = url.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("redis+unix"));
    if is_unix && url.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/')) {
        return Err(options_error(
            "a redis+unix: URL has nothing between // and the path of the socket: write the login as redis+unix:///path?user=name&pass=password",
        ));
    }
    check_parameters(url, if is_unix { &["db", "user", "pass"] } else { &[] })?;
    url.into_connection_info().map_err(|error| {
        // The redis crate 1.8 describes an unusable URL by a fixed text, followed by " - " and the kind of error.
        let reason = error.to_string();
        let reason = reason.split(" - ").next().unwrap_or_default();
        options_error(format!(
            "the URL cannot be used: {reason}; write redis://user:password@host:port/database, with special characters \
             percent-encoded"
        ))
    })
}

/// Refuses a URL with a parameter that is not in `known`: nothing would read it. The message does not repeat the parameter, because
/// it may be the end of a password.
fn check_parameters(url: &str, known: &[&str]) -> Result<(), SyncError> {
    let Some((_, query)) = url.split_once('?') else { return Ok(()) };
    let mut names = query.split('&').map(|parameter| parameter.split('=').next().unwrap_or_default());
    if names.all(|name| known.contains(&name)) {
        return Ok(());
    }
    Err(options_error(
        "the URL has parameters after ? that nothing reads: pass settings as options of open, and write ? in a password as %3F",
    ))
}

/// `file:relative`, `file:/absolute` or `file:///absolute`.
fn parse_file(rest: &str) -> Result<PathBuf, SyncError> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    if path.is_empty() || path.contains(['?', '#']) || (rest.starts_with("//") && !path.starts_with('/')) {
        return Err(options_error(
            "the file: URL cannot be used: write file:relative/path or file:///absolute/path, with special characters \
             percent-encoded",
        ));
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|_| {
        options_error("the file: URL cannot be used: its path is not UTF-8; percent-encode the bytes of UTF-8 text")
    })?;
    // SQLite keeps names that begin with a colon, such as `:memory:`, and `file:` URIs for itself.
    if path.starts_with(':') || path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        return Err(options_error(
            "the file: URL names no file: for a memory without a file use memory: or memory://name; write a path that \
             begins with : or file: as file:./path",
        ));
    }
    if path.contains('\0') {
        return Err(options_error("the file: URL cannot be used: a path cannot hold the character with the code 0"));
    }
    Ok(PathBuf::from(path.as_ref()))
}

fn unknown_scheme() -> SyncError {
    options_error(
        "the URL must start with redis:, rediss:, redis+unix:, redis+cluster:, redis+sentinel:, file: or memory:",
    )
}

fn options_error(message: impl Into<std::borrow::Cow<'static, str>>) -> SyncError {
    SyncError::new(ErrorCode::Options, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::ConnectionAddr;

    fn redis_info(url: &str) -> ConnectionInfo {
        match parse(url) {
            Ok(Target::Redis(info)) => *info,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_server_url_gives_address_login_and_database() {
        let info = redis_info("redis://ann:p%40ss@example.org:7000/3");
        assert_eq!(*info.addr(), ConnectionAddr::Tcp("example.org".into(), 7000));
        let settings = info.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("ann"), Some("p@ss"), 3));
        assert_eq!(*redis_info("redis://localhost").addr(), ConnectionAddr::Tcp("localhost".into(), 6379));
        assert!(matches!(redis_info("rediss://h:1").addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        #[cfg(unix)]
        assert_eq!(*redis_info("redis+unix:///run/r.sock?db=2").addr(), ConnectionAddr::Unix("/run/r.sock".into()));
    }

    #[test]
    fn a_cluster_url_lists_nodes_that_share_a_login() {
        for url in ["redis+cluster://ann:pw@a:1,b", "redis+cluster://ann:pw@a:1,b/0", "rediss+cluster://ann:pw@a:1,b/"]
        {
            let Ok(Target::Cluster(nodes)) = parse(url) else { panic!("{url}") };
            let addresses: Vec<_> = nodes.iter().map(|info| info.addr().to_string()).collect();
            assert_eq!(addresses, ["a:1", "b:6379"], "{url}");
            assert!(nodes.iter().all(|info| info.redis_settings().password() == Some("pw")), "{url}");
        }
    }

    #[test]
    fn a_sentinel_url_names_sentinels_service_and_database() {
        let Ok(Target::Sentinel(config)) = parse("redis+sentinel://ann:p%40ss@a:1,[::1],c/my%20main/3") else {
            panic!("it is a Sentinel URL");
        };
        assert_eq!((config.service.as_str(), config.db), ("my main", 3));
        let addresses: Vec<_> = config.sentinels.iter().map(|info| info.addr().to_string()).collect();
        assert_eq!(addresses, ["a:1", "::1:26379", "c:26379"]);
        for info in &config.sentinels {
            assert_eq!(info.redis_settings().password(), Some("p@ss"));
        }
        let Ok(Target::Sentinel(config)) = parse("rediss+sentinel://a:1/main") else { panic!("it is a Sentinel URL") };
        assert!(matches!(config.sentinels[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        assert_eq!(config.db, 0);
    }

    #[test]
    fn file_and_memory_urls_give_a_path_or_a_name() {
        for (url, path) in [
            ("file:.synced-memory/memory.db", ".synced-memory/memory.db"),
            ("file:/tmp/a%20b.db", "/tmp/a b.db"),
            ("file:///tmp/a.db", "/tmp/a.db"),
            ("file://localhost/tmp/a.db", "/tmp/a.db"),
        ] {
            assert!(matches!(parse(url), Ok(Target::File(parsed)) if parsed.to_str() == Some(path)), "{url}");
        }
        assert!(matches!(parse("memory:"), Ok(Target::Memory(None))));
        assert!(matches!(parse("memory://"), Ok(Target::Memory(None))));
        assert!(matches!(parse("memory://tests"), Ok(Target::Memory(Some(name))) if name == "tests"));
    }

    #[test]
    fn errors_are_coded_and_hold_no_credentials() {
        for url in [
            "",
            "secret",
            "http://user:secret@host",
            "redis://user:secret@host:port",
            "redis://user:secret@host/notanumber",
            "redis://user:secret@/",
            "redis://:secret@host#insecure",
            "redis://user:secret@host?timeout=5",
            "redis://host/0?protocol=resp3",
            "REDISS://user:se?cret@host",
            "redis+unix:///run/r.sock?db=1&secret=2",
            "redis+unix://user:secret@/run/r.sock",
            "Redis+Unix://secret/run/r.sock",
            "redis+cluster://a,b?secret",
            "redis+sentinel://a/main?secret",
            "memory://name?secret=1",
            "redis+cluster://user:secret@host/1",
            "redis+cluster://user:secret@host:port",
            "redis+cluster://user:secret@a,",
            "redis+cluster:secret",
            "rediss+sentinel://user:secret@host",
            "redis+sentinel://user:secret@host/",
            "redis+sentinel://user:secret@host/main/x",
            "redis+sentinel://user:secret@host/main#x",
            "redis+sentinel://user:secret@host:port/main",
            "redis+sentinel://user:secret@host,/main",
            "redis+sentinel:secret",
            "file:",
            "file://host/secret",
            "file:a?secret=1",
            "file::memory:",
            "file:%3Amemory%3A",
            "file::secret.db",
            "file:file::memory:",
            "file:file:/secret.db",
            "file:a%00b",
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.code, ErrorCode::Options, "{url}");
            assert!(!error.message.contains("secret"), "{url}: {error}");
        }
    }
}
