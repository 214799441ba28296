//! Redis servers for tests: `redis-server` on the path, or the binary that `SYNCED_MEMORY_TEST_SERVER` names.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server of one test, on a free port and in a temporary folder. Dropping it kills the server.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    settings: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// A server that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&["--save", ""])
    }

    /// A server that has every write on disk before it answers.
    pub(crate) fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn with(settings: &[&str]) -> Self {
        let mut server = Self::absent(settings);
        server.restart();
        server
    }

    /// A node of a cluster, without slots, that keeps nothing on disk, with more settings.
    pub(crate) fn cluster_node(more: &[&str]) -> Self {
        let settings = ["--save", "", "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
        let settings = [settings.as_slice(), more].concat();
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        // The cluster's bus uses the port that is 10,000 higher: Redis 6.2 has no option for another. Both are below the
        // range from which systems take the ports of outgoing connections.
        let ports = || std::iter::repeat_with(|| 11_000 + u16::try_from(random() % 11_000).unwrap());
        let port = ports().find(|&port| is_free(port) && is_free(port + 10_000)).unwrap();
        let mut server = Self::absent_on(port, &settings);
        server.restart();
        server
    }

    /// A free port, where `restart` starts a server.
    pub(crate) fn absent(settings: &[&str]) -> Self {
        Self::absent_on(TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), settings)
    }

    fn absent_on(port: u16, settings: &[&str]) -> Self {
        let settings = settings.iter().map(ToString::to_string).collect();
        Self { port, folder: tempfile::tempdir().unwrap(), settings, child: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kill the server if it runs, and start it again. Returns once its log says that it listens: whatever answers on
    /// the port could be another server.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let log = self.folder.path().join("log");
        let binary = std::env::var_os("SYNCED_MEMORY_TEST_SERVER").unwrap_or("redis-server".into());
        let mut child = Command::new(binary)
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--dir"])
            .arg(self.folder.path())
            .args(&self.settings)
            .stdout(File::create(&log).unwrap())
            .spawn()
            .expect("redis-server must be installed: apt-get install redis-server");
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let output = std::fs::read_to_string(&log).unwrap();
            if output.to_lowercase().contains("ready to accept connections") {
                break;
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "redis-server does not start: {output}");
            std::thread::yield_now();
        }
        self.child = Some(child);
    }

    /// Kill the server as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Send a signal: `STOP` suspends the server without closing its connections, `CONT` lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Send one command with redis-cli. Gives its output.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// A number that differs between processes and calls.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
