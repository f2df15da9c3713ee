//! A Redis server of the test's own, where one is installed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Connection, cmd};
use tempfile::TempDir;

/// The variable with its program; without it, the one on the path, and no test where there is none.
const PROGRAM: &str = "SOURCE_NAVAN_REDIS_SERVER";

/// One server, with nothing in it at first. It ends with the value.
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl RedisServer {
    /// Starts it with more settings, `--maxmemory 1mb` for one; `None`, with a word, where Redis is not installed.
    #[allow(clippy::print_stderr)] // whoever runs the tests should know
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        let named = std::env::var_os(PROGRAM);
        let program = named.clone().unwrap_or_else(|| "redis-server".into());
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--rdbcompression", "no"]);
        command.arg("--dir").arg(directory.path()).args(settings).stdout(Stdio::null());
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) => {
                assert!(named.is_none(), "{PROGRAM}: {error}");
                eprintln!("skipped: redis-server is not installed");
                return None;
            }
        };
        let server = Self { process, port, directory };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not listen");
            sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn connect(&self) -> Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// The names of all tokens there.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let mut names: Vec<String> = cmd("KEYS").arg("source-navan:*:token").query(&mut self.connect()).unwrap();
        names.sort();
        names
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        cmd("GET").arg(name).query(&mut self.connect()).unwrap()
    }

    pub(crate) fn set(&self, name: &str, value: &[u8]) {
        cmd("SET").arg(name).arg(value).exec(&mut self.connect()).unwrap();
    }

    /// All that it has, as it writes it to its file.
    pub(crate) fn dump(&self) -> Vec<u8> {
        cmd("SAVE").exec(&mut self.connect()).unwrap();
        std::fs::read(self.directory.path().join("dump.rdb")).unwrap()
    }

    /// It stops answering, but keeps its connections.
    #[cfg(unix)]
    pub(crate) fn pause(&self) {
        assert!(Command::new("kill").args(["-STOP", &self.process.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
