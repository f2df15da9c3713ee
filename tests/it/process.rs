//! A connector while it runs: its stdout read step by step, or not at all.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::harness::{Connector, Run};

/// Within what everything here must happen that happens at all: far more than it takes on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A `read` that is under way. Its stdout is taken only as far as a test asks, so that the connector has to wait.
pub(crate) struct Process {
    child: Child,
    stdout: Option<ChildStdout>,
    received: Vec<u8>,
}

impl Process {
    /// Starts `connector`, which must live on, since its files go with it.
    pub(crate) fn reading(connector: &Connector) -> Self {
        let mut child = connector.start("read");
        let stdout = child.stdout.take();
        Self { child, stdout, received: Vec::new() }
    }

    /// What a `/proc` file says of it.
    pub(crate) fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(PathBuf::from(format!("/proc/{}", self.child.id())).join(file)).unwrap()
    }

    /// Takes so many bytes more from stdout, or all that are left if they are fewer.
    pub(crate) fn take(&mut self, bytes: u64) {
        self.stdout.as_mut().unwrap().take(bytes).read_to_end(&mut self.received).unwrap();
    }

    /// Takes from stdout until a line came that begins like this.
    pub(crate) fn take_until(&mut self, head: &str) {
        let mut block = [0; 4096];
        let mut looked_at = 0;
        loop {
            let whole = self.received.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let mut lines = self.received[looked_at..whole].split(|byte| *byte == b'\n');
            if lines.any(|line| line.starts_with(head.as_bytes())) {
                return;
            }
            looked_at = whole;
            let read = self.stdout.as_mut().unwrap().read(&mut block).unwrap();
            assert_ne!(read, 0, "stdout ended without {head}");
            self.received.extend_from_slice(&block[..read]);
        }
    }

    /// Goes away as a reader.
    pub(crate) fn close(&mut self) {
        self.stdout = None;
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success(), "no such process");
    }

    /// Waits for its end without taking anything from stdout.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        let mut status = None;
        until(within, "the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Takes the rest of stdout, and waits for the end.
    pub(crate) fn finish(mut self) -> Run {
        self.take(u64::MAX);
        self.run()
    }

    /// Waits for the end; what was not taken from stdout is lost.
    pub(crate) fn run(mut self) -> Run {
        self.stdout = None;
        let status = self.child.wait().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Run::of(status, String::from_utf8_lossy(&self.received).into_owned(), stderr)
    }

    /// Waits for the end; what was taken from stdout until now, as bytes.
    pub(crate) fn received(mut self) -> Vec<u8> {
        self.stdout = None;
        self.child.wait().unwrap();
        self.received
    }
}

/// Looks again and again until `holds`.
///
/// # Panics
/// When it has not come true `within` that time.
pub(crate) fn until(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Looks until `value` was the same a hundred times in a row, and returns it.
pub(crate) fn settled(mut value: impl FnMut() -> u64) -> u64 {
    let (mut last, mut same) = (value(), 0);
    until(DEADLINE, "it comes to rest", || {
        let now = value();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same >= 100
    });
    last
}
