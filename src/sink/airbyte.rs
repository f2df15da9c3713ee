//! Airbyte's protocol on stdout: one JSON message a line. The only writer to stdout.
//!
//! Messages and batches of records go through one queue to one thread, which writes them in the order in which they
//! were handed over; so a STATE handed over after the records that it covers also follows them on stdout. Whoever produces
//! records waits until they are written, so that a slow reader of stdout slows the fetching as well. Messages never wait, so
//! that a log line cannot block anything; how many there are is bounded by the records.

use std::io::{ErrorKind, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::sync::oneshot;

use super::Sink;
use crate::protocol::Message;
use crate::record::RecordLines;
use crate::shutdown::end_unread;

/// How long to wait for a stdout that was made non-blocking, and is full.
const BUSY: Duration = Duration::from_millis(5);

/// A handle on stdout; clones write to the same queue.
#[derive(Clone)]
pub struct AirbyteWriter {
    queue: mpsc::Sender<Queued>,
}

enum Queued {
    /// Answered once they are written.
    Records(RecordLines, oneshot::Sender<()>),
    Message(Vec<u8>),
    /// Answered once everything before it is written.
    Flush(oneshot::Sender<()>),
}

impl AirbyteWriter {
    /// Starts the thread that writes to `output`, which is stdout but in tests.
    ///
    /// A reader that goes away ends the process as it ends any other program in a pipe: by SIGPIPE, quietly. Any other
    /// fault of the output (a full disk) ends it with exit code 1 and a word on stderr, since stdout takes none.
    pub fn spawn(output: impl Write + Send + 'static) -> Self {
        let (queue, queued) = mpsc::channel();
        thread::spawn(move || write_all(output, &queued));
        Self { queue }
    }

    fn enqueue(&self, queued: Queued) {
        // An error would mean that the writer is gone; then the process is ending already.
        let _ = self.queue.send(queued);
    }

    /// The same of what is answered.
    fn enqueue_and_wait(&self, queued: impl FnOnce(oneshot::Sender<()>) -> Queued) -> LocalBoxFuture<'_, ()> {
        let (mark, reached) = oneshot::channel();
        self.enqueue(queued(mark));
        // As above: without a writer the process is ending.
        reached.map(|_| ()).boxed_local()
    }
}

impl Sink for AirbyteWriter {
    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()> {
        self.enqueue_and_wait(|mark| Queued::Records(lines, mark))
    }

    fn message(&self, message: &Message<'_>) {
        let mut line = Vec::with_capacity(256);
        // Writing to memory cannot fail, and no message has a map with keys that are not strings.
        if serde_json::to_writer(&mut line, message).is_ok() {
            let mut line = without_line_ends(line);
            line.push(b'\n');
            self.enqueue(Queued::Message(line));
        }
    }

    fn flush(&self) -> LocalBoxFuture<'_, ()> {
        self.enqueue_and_wait(Queued::Flush)
    }
}

fn write_all(mut output: impl Write, queued: &mpsc::Receiver<Queued>) {
    for item in queued {
        let (written, mark) = match item {
            Queued::Records(lines, mark) => (write(&mut output, lines.as_bytes()), Some(mark)),
            Queued::Message(line) => (write(&mut output, &line), None),
            Queued::Flush(mark) => (Ok(()), Some(mark)),
        };
        if let Err(error) = written {
            end_without_output(&error);
        }
        // Whoever waited may have given up (a signal).
        let _ = mark.map(|mark| mark.send(()));
    }
}

fn write(output: &mut impl Write, mut lines: &[u8]) -> std::io::Result<()> {
    while !lines.is_empty() {
        match output.write(lines) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => lines = &lines[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(BUSY),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        match output.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(BUSY),
            done => return done,
        }
    }
}

/// Some readers end a line at U+0085, U+2028 and U+2029 too, so that these leave as escapes, as they do in records.
fn without_line_ends(line: Vec<u8>) -> Vec<u8> {
    const ESCAPES: [(char, &str); 3] = [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    match std::str::from_utf8(&line) {
        Ok(text) if ESCAPES.iter().any(|(end, _)| text.contains(*end)) => {
            ESCAPES.iter().fold(text.to_owned(), |text, (end, escape)| text.replace(*end, escape)).into_bytes()
        }
        _ => line,
    }
}

fn end_without_output(error: &std::io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        end_unread();
    }
    let _ = writeln!(std::io::stderr(), "source-navan: cannot write to stdout: {error}");
    std::process::exit(1)
}
