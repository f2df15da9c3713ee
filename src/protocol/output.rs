//! The only writer to stdout.
//!
//! Messages and blocks of records go through one queue to one thread, which writes them in the order in which they
//! were handed over; so a STATE handed over after the records that it covers also follows them on stdout. Records need
//! room first: when the reader of stdout is slow, whoever produces records waits, and with it the fetching. Messages
//! never wait, so that a log line cannot block anything; how many there are is bounded by the records.

use std::io::{ErrorKind, Write};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Message;
use crate::signal::end_by;

/// How many blocks of records may wait for the reader of stdout.
const BLOCKS_WAITING: usize = 2;

/// How many bytes of records are handed over at once: large enough that a write costs nothing beside its copy.
const BLOCK_BYTES: usize = 128 * 1024;

/// A handle on stdout; clones write to the same queue.
#[derive(Clone)]
pub struct Output {
    queue: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
}

enum Item {
    Lines(Vec<u8>, Option<OwnedSemaphorePermit>),
    /// Answered once everything before it is written.
    Mark(oneshot::Sender<()>),
}

/// Whole RECORD lines that wait to be handed over together.
#[derive(Default)]
pub struct RecordBlock(Vec<u8>);

/// Room for one block in the queue.
pub struct Room(Option<OwnedSemaphorePermit>);

impl RecordBlock {
    /// The lines so far, to append to.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Whether it is worth handing over.
    pub fn is_full(&self) -> bool {
        self.0.len() >= BLOCK_BYTES
    }
}

impl Output {
    /// Starts the thread that writes to `sink`, which is stdout but in tests.
    ///
    /// A reader that goes away ends the process as it ends any other program in a pipe: by SIGPIPE, quietly. Any other
    /// fault of the sink (a full disk) ends it with exit code 1 and a word on stderr, since stdout takes none.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        let (queue, items) = mpsc::channel();
        thread::spawn(move || write_all(sink, &items));
        Self { queue, room: Arc::new(Semaphore::new(BLOCKS_WAITING)) }
    }

    /// Hands a message over; never waits.
    pub fn message(&self, message: &Message<'_>) {
        let mut line = Vec::with_capacity(256);
        // Writing to memory cannot fail, and no message has a map with keys that are not strings.
        if serde_json::to_writer(&mut line, message).is_ok() {
            line.push(b'\n');
            self.hand_over(Item::Lines(line, None));
        }
    }

    /// Waits while the reader of stdout is behind.
    pub async fn room(&self) -> Room {
        // The semaphore is never closed, so this is always a permit.
        Room(Arc::clone(&self.room).acquire_owned().await.ok())
    }

    /// Hands a block over and leaves an empty one.
    pub fn records(&self, block: &mut RecordBlock, room: Room) {
        let lines = std::mem::replace(&mut block.0, Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4));
        self.hand_over(Item::Lines(lines, room.0));
    }

    /// Waits until everything handed over so far is written.
    pub async fn written(&self) {
        let (mark, reached) = oneshot::channel();
        self.hand_over(Item::Mark(mark));
        // An error would mean that the writer is gone; then the process is ending already.
        let _ = reached.await;
    }

    fn hand_over(&self, item: Item) {
        // As above: without a writer the process is ending.
        let _ = self.queue.send(item);
    }
}

fn write_all(mut sink: impl Write, items: &mpsc::Receiver<Item>) {
    for item in items {
        let written = match item {
            Item::Lines(lines, _room) => sink.write_all(&lines).and_then(|()| sink.flush()),
            Item::Mark(mark) => {
                // Whoever waited may have given up (a signal).
                let _ = mark.send(());
                Ok(())
            }
        };
        if let Err(error) = written {
            end_without_output(&error);
        }
    }
}

fn end_without_output(error: &std::io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        end_by(signal_hook::consts::SIGPIPE);
    }
    let _ = writeln!(std::io::stderr(), "source-navan: cannot write to stdout: {error}");
    std::process::exit(1)
}
