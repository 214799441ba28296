//! Where a memory is: the URL, parsed. No error repeats it, because it may hold a password.

use crate::link::redis::Service;
use percent_encoding::percent_decode_str;
use redis::{ConnectionInfo, IntoConnectionInfo};
use std::path::PathBuf;
use synced_memory_core::error::{ErrorCode, SyncError};

/// A backend and where to find it.
#[derive(Debug)]
pub(crate) enum Target {
    /// `redis:`, `rediss:`, `redis+unix:`
    Redis(Box<ConnectionInfo>),
    /// Some nodes of it: `redis+cluster:`, `rediss+cluster:`
    Cluster(Vec<ConnectionInfo>),
    /// `redis+sentinel:`, `rediss+sentinel:`
    Service(Service),
    /// `file:`
    File(PathBuf),
    /// `memory://name`, or `memory:` alone: shared with nobody.
    Memory(Option<String>),
}

pub(crate) fn parse(url: &str) -> Result<Target, SyncError> {
    let (scheme, rest) = url.split_once(':').ok_or_else(no_scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "redis" | "rediss" | "redis+unix" => redis(url),
        "file" => file(rest).map(Target::File),
        "memory" => Ok(Target::Memory(match rest.trim_start_matches('/') {
            "" => None,
            name => Some(name.to_owned()),
        })),
        "redis+sentinel" => service("redis", rest).map(Target::Service),
        "rediss+sentinel" => service("rediss", rest).map(Target::Service),
        "redis+cluster" => cluster("redis", rest).map(Target::Cluster),
        "rediss+cluster" => cluster("rediss", rest).map(Target::Cluster),
        _ => Err(no_scheme()),
    }
}

fn redis(url: &str) -> Result<Target, SyncError> {
    Ok(Target::Redis(Box::new(server(url)?)))
}

/// `//user:password@node1:port,node2:port`; a cluster has one database.
fn cluster(scheme: &str, rest: &str) -> Result<Vec<ConnectionInfo>, SyncError> {
    let unusable = || {
        options(
            "the URL cannot be used: write redis+cluster://user:password@node1:port,node2:port, with special characters percent-encoded; a cluster has no database but 0",
        )
    };
    let rest = rest.strip_prefix("//").ok_or_else(unusable)?;
    let (hosts, db) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(db, "" | "0") {
        return Err(unusable());
    }
    several(scheme, hosts, 6379)
}

/// `//user:password@sentinel1:port,sentinel2:port/service/database`
fn service(scheme: &str, rest: &str) -> Result<Service, SyncError> {
    let unusable = || {
        options(
            "the URL cannot be used: write redis+sentinel://user:password@sentinel1:port,sentinel2:port/name-of-the-master/database, with special characters percent-encoded",
        )
    };
    let (hosts, path) = rest.strip_prefix("//").and_then(|rest| rest.split_once('/')).ok_or_else(unusable)?;
    let (name, db) = path.split_once('/').unwrap_or((path, "0"));
    let name = percent_decode_str(name).decode_utf8().map_err(|_| unusable())?.into_owned();
    let db: u16 = db.parse().map_err(|_| unusable())?;
    if name.is_empty() || path.contains(['?', '#']) {
        return Err(unusable());
    }
    Ok(Service { sentinels: several(scheme, hosts, 26379)?, name, db: db.into() })
}

/// `user:password@host1:port,host2:port`: each with the login.
fn several(scheme: &str, hosts: &str, default_port: u16) -> Result<Vec<ConnectionInfo>, SyncError> {
    let (login, hosts) = match hosts.rsplit_once('@') {
        Some((login, hosts)) => (format!("{login}@"), hosts),
        None => (String::new(), hosts),
    };
    let each = hosts.split(',').map(|host| {
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if has_port {
            server(&format!("{scheme}://{login}{host}"))
        } else {
            server(&format!("{scheme}://{login}{host}:{default_port}"))
        }
    });
    each.collect()
}

fn server(url: &str) -> Result<ConnectionInfo, SyncError> {
    if url.contains('#') {
        return Err(options(
            "a redis: URL takes no #fragment: TLS certificates are always checked; write # in a password as %23",
        ));
    }
    url.into_connection_info().map_err(|error| {
        // redis-rs describes an unusable URL in fixed texts, followed by the kind of error.
        let why = error.to_string();
        let why = why.split(" - ").next().unwrap_or_default();
        options(format!(
            "the URL cannot be used: {why}; write redis://user:password@host:port/database, with special characters percent-encoded"
        ))
    })
}

/// `file:relative`, `file:/absolute` and `file:///absolute`.
fn file(rest: &str) -> Result<PathBuf, SyncError> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    if path.is_empty() || path.contains(['?', '#']) || (rest.starts_with("//") && !path.starts_with('/')) {
        return Err(options(
            "the file: URL cannot be used: write file:relative/path or file:///absolute/path, with special characters percent-encoded",
        ));
    }
    let path = percent_decode_str(path).decode_utf8().map_err(|_| options("the file: URL is not UTF-8"))?;
    Ok(PathBuf::from(path.as_ref()))
}

fn no_scheme() -> SyncError {
    options("the URL must start with redis:, rediss:, redis+unix:, redis+cluster:, redis+sentinel:, file: or memory:")
}

fn options(message: impl Into<std::borrow::Cow<'static, str>>) -> SyncError {
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
    fn servers() {
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
    fn clusters() {
        for url in ["redis+cluster://ann:pw@a:1,b", "redis+cluster://ann:pw@a:1,b/0", "rediss+cluster://ann:pw@a:1,b/"]
        {
            let Ok(Target::Cluster(nodes)) = parse(url) else { panic!("{url}") };
            let addresses: Vec<_> = nodes.iter().map(|info| info.addr().to_string()).collect();
            assert_eq!(addresses, ["a:1", "b:6379"], "{url}");
            assert!(nodes.iter().all(|info| info.redis_settings().password() == Some("pw")), "{url}");
        }
    }

    #[test]
    fn services() {
        let Ok(Target::Service(service)) = parse("redis+sentinel://ann:p%40ss@a:1,[::1],c/my%20main/3") else {
            panic!("it is one");
        };
        assert_eq!((service.name.as_str(), service.db), ("my main", 3));
        let addresses: Vec<_> = service.sentinels.iter().map(|info| info.addr().to_string()).collect();
        assert_eq!(addresses, ["a:1", "::1:26379", "c:26379"]);
        for info in &service.sentinels {
            assert_eq!(info.redis_settings().password(), Some("p@ss"));
        }
        let Ok(Target::Service(service)) = parse("rediss+sentinel://a:1/main") else { panic!("it is one") };
        assert!(matches!(service.sentinels[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
        assert_eq!(service.db, 0);
    }

    #[test]
    fn files_and_names() {
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
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.code, ErrorCode::Options, "{url}");
            assert!(!error.message.contains("secret"), "{url}: {error}");
        }
    }
}
