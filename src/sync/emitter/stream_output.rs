//! One stream as the platform sees it: its status, its records, its checkpoints.

use std::cell::{RefCell, RefMut};

use futures::future::LocalBoxFuture;
use serde_json::Value;

use crate::error::Error;
use crate::files::FileFields;
use crate::monitor::{Event, emit};
use crate::protocol::{ConfiguredStream, Message, StreamStatus, Trace};
use crate::record::RecordLines;
use crate::sink::Sink;

/// A word to the log each so many records.
const PROGRESS_EVERY: u64 = 10_000;

/// What one stream says, in the protocol's order: STARTED, RUNNING just before the first record, each STATE after the records it
/// covers, COMPLETE or INCOMPLETE last.
pub(in crate::sync) struct StreamOutput {
    pub(super) configured: ConfiguredStream,
    /// The files behind its rows, if there are any.
    pub(super) files: Option<FileFields>,
    progress: RefCell<OutputProgress>,
}

#[derive(Default)]
struct OutputProgress {
    is_running: bool,
    records: u64,
    records_since_state: u64,
    last_state: Option<Value>,
}

impl StreamOutput {
    pub(in crate::sync) fn new(configured: ConfiguredStream, files: Option<FileFields>) -> Self {
        Self { configured, files, progress: RefCell::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.configured.name
    }

    fn namespace(&self) -> Option<&str> {
        self.configured.namespace.as_deref()
    }

    /// Opens the stream; `given` is the state that it goes on from, which is the safe one until the first checkpoint.
    pub(super) fn start(&self, sink: &dyn Sink, given: Option<Value>) {
        self.progress().last_state = given;
        emit(&Event::StreamStarted { stream: self.name() });
        self.status(sink, StreamStatus::Started);
    }

    /// Hands records to the sink. Not async, so that no STATE comes between the records and their count.
    pub(super) fn enqueue<'a>(&self, sink: &'a dyn Sink, lines: RecordLines) -> LocalBoxFuture<'a, ()> {
        let mut progress = self.progress();
        if !std::mem::replace(&mut progress.is_running, true) {
            self.status(sink, StreamStatus::Running);
        }
        let records = lines.count;
        let written = sink.records(lines);
        let before = progress.records;
        progress.records += records;
        progress.records_since_state += records;
        emit(&Event::RecordsWritten { stream: self.name(), records });
        if progress.records / PROGRESS_EVERY > before / PROGRESS_EVERY {
            tracing::info!("{}: {} records so far.", self.name(), progress.records);
        }
        written
    }

    /// Everything that `state` covers has been written.
    pub(super) fn checkpoint(&self, sink: &dyn Sink, state: Value) {
        let mut progress = self.progress();
        self.send_state(sink, &mut progress, &state);
        progress.last_state = Some(state);
    }

    /// Says how much the stream will bring.
    pub(super) fn estimate(&self, sink: &dyn Sink, rows: u64, bytes: u64) {
        emit(&Event::RowsEstimated { stream: self.name(), rows });
        sink.message(&Message::trace(Trace::estimate(self.name(), self.namespace(), rows, bytes)));
    }

    /// Closes the stream, after its last safe state if it is not complete.
    pub(super) fn end(&self, sink: &dyn Sink, result: &Result<(), Error>) {
        emit(&Event::StreamEnded { stream: self.name(), is_complete: result.is_ok() });
        match result {
            Ok(()) => self.status(sink, StreamStatus::Complete),
            Err(error) => {
                self.repeat_state(sink);
                sink.message(&Message::trace(Trace::error(error, Some((self.name(), self.namespace())))));
                self.status(sink, StreamStatus::Incomplete);
            }
        }
    }

    /// The read is cut off.
    pub(super) fn interrupt(&self, sink: &dyn Sink) {
        self.repeat_state(sink);
        self.status(sink, StreamStatus::Incomplete);
    }

    pub(super) fn status(&self, sink: &dyn Sink, status: StreamStatus) {
        sink.message(&Message::trace(Trace::status(self.name(), self.namespace(), status)));
    }

    /// Writes the last safe state again: what was written after it belongs to no other, and one that the read was given
    /// stands nowhere in its output yet, though that may be all that the next read gets.
    fn repeat_state(&self, sink: &dyn Sink) {
        let mut progress = self.progress();
        if let Some(state) = progress.last_state.take() {
            self.send_state(sink, &mut progress, &state);
        }
    }

    fn send_state(&self, sink: &dyn Sink, progress: &mut OutputProgress, state: &Value) {
        let records = std::mem::take(&mut progress.records_since_state);
        sink.message(&Message::state(self.name(), self.namespace(), state, records));
        emit(&Event::StateWritten { stream: self.name() });
    }

    fn progress(&self) -> RefMut<'_, OutputProgress> {
        self.progress.borrow_mut()
    }
}
