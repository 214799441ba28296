//! A server of a test's own: on a free port, in a temporary folder, gone with its handle. It is the `redis-server`
//! on the path, or the binary that `SYNCED_MEMORY_TEST_SERVER` names.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) struct RedisServer {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    settings: Vec<String>,
    child: Option<Child>,
}

impl RedisServer {
    /// Nothing is persisted.
    pub(crate) fn start() -> Self {
        Self::with(&["--save", ""])
    }

    /// Every acknowledged write is on disk.
    pub(crate) fn durable() -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(crate) fn with(settings: &[&str]) -> Self {
        let mut server = Self::absent(settings);
        server.restart();
        server
    }

    /// A port where no server is yet.
    pub(crate) fn absent(settings: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(ToString::to_string).collect();
        Self { port, folder: tempfile::tempdir().unwrap(), settings, child: None }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns once the server says that it listens: whether something answers on the port would not do, it could be
    /// somebody else's.
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
            let said = std::fs::read_to_string(&log).unwrap();
            if said.to_lowercase().contains("ready to accept connections") {
                break;
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "redis-server does not start: {said}");
            std::thread::yield_now();
        }
        self.child = Some(child);
    }

    /// As a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// `STOP` makes the server deaf without closing a connection; `CONT` goes on.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Send one command with redis-cli, and give what it prints.
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
