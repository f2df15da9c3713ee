//! A running connector, whose stdout is read step by step, or not at all.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::harness::{Connector, Run};

/// The timeout of every wait here: far more than it takes on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A `read` that is under way. Its stdout is read only as far as a test asks, so that the connector has to wait.
pub(crate) struct Process {
    child: Child,
    stdout: Option<ChildStdout>,
    received: Vec<u8>,
}

impl Process {
    /// Starts `connector`, which must live on, since its files go with it.
    pub(crate) fn start_read(connector: &Connector) -> Self {
        Self::of(connector.start("read"))
    }

    /// One that was started.
    pub(crate) fn of(mut child: Child) -> Self {
        let stdout = child.stdout.take();
        Self { child, stdout, received: Vec::new() }
    }

    /// What a `/proc` file says of it.
    pub(crate) fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(PathBuf::from(format!("/proc/{}", self.child.id())).join(file)).unwrap()
    }

    /// Reads so many bytes more from stdout, or all that are left if they are fewer.
    pub(crate) fn read_bytes(&mut self, bytes: u64) {
        self.stdout.as_mut().unwrap().take(bytes).read_to_end(&mut self.received).unwrap();
    }

    /// Reads stdout until a line begins with `head`.
    pub(crate) fn read_until_line(&mut self, head: &str) {
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

    /// Closes the pipe behind its stdout.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success(), "no such process");
    }

    /// Waits for its end without reading stdout.
    pub(crate) fn wait_exit(&mut self, within: Duration) -> ExitStatus {
        let mut status = None;
        wait_until(within, "the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Reads the rest of stdout, and waits for the end.
    pub(crate) fn finish(mut self) -> Run {
        self.read_bytes(u64::MAX);
        self.run()
    }

    /// Waits for the end; what was not read from stdout is lost.
    pub(crate) fn run(mut self) -> Run {
        self.stdout = None;
        let status = self.child.wait().unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Run::new(status, String::from_utf8_lossy(&self.received).into_owned(), stderr)
    }

    /// Waits for the end; returns what was read from stdout, as bytes.
    pub(crate) fn received(mut self) -> Vec<u8> {
        self.stdout = None;
        self.child.wait().unwrap();
        self.received
    }
}

/// Polls until `holds`.
///
/// # Panics
/// When it has not come true `within` that time.
pub(crate) fn wait_until(within: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls until `value` was the same a hundred times in a row, and returns it.
pub(crate) fn wait_until_stable(mut value: impl FnMut() -> u64) -> u64 {
    let (mut last, mut same) = (value(), 0);
    wait_until(DEADLINE, "it comes to rest", || {
        let now = value();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same >= 100
    });
    last
}
