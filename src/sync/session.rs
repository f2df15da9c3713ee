//! One stream of one read, as the platform sees it: its status, its records, its checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;

use super::conform::{Found, Schema, write_edited};
use super::json::{compact, has_line_breaks};
use super::streams::Stream;
use crate::api::Rows;
use crate::error::Error;
use crate::gateway::Pause;
use crate::monitor::Monitor;
use crate::protocol::{ConfiguredStream, Message, Output, RecordBlock, RecordLine, StreamStatus, Trace};

/// A word to the log each so many records.
const PROGRESS_EACH: u64 = 10_000;

/// What a stream says on stdout. All of it goes through here, so the protocol's order is kept in one place: STARTED,
/// RUNNING just before the first record, each STATE after the records it covers, COMPLETE or INCOMPLETE last.
pub(super) struct Session {
    /// The stream.
    pub(super) stream: &'static Stream,
    /// What the user chose.
    pub(super) configured: ConfiguredStream,
    schema: Schema,
    output: Output,
    monitor: Arc<Monitor>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    open: bool,
    running: bool,
    records: u64,
    since_state: u64,
    last_state: Option<Value>,
    unforeseen: BTreeMap<String, u64>,
    estimated: bool,
}

impl Session {
    pub(super) fn new(
        stream: &'static Stream,
        configured: ConfiguredStream,
        output: Output,
        monitor: Arc<Monitor>,
    ) -> Result<Self, Error> {
        let schema = Schema::compile(stream.schema, stream.key, stream.time, stream.wavering)?;
        Ok(Self { stream, configured, schema, output, monitor, progress: Mutex::default() })
    }

    /// Opens the stream; `given` is the state that it goes on from, which is the safe one until the first checkpoint.
    pub(super) fn start(&self, given: Option<Value>) {
        let mut progress = self.progress();
        progress.open = true;
        progress.last_state = given;
        self.status(StreamStatus::Started);
    }

    /// Writes those rows of a page that `wanted` takes, in the form that the schema promises.
    pub(super) async fn write(&self, rows: Rows, mut wanted: impl FnMut(&str, &Found<'_>) -> bool) {
        let line = RecordLine::of(self.stream.name, self.configured.namespace.as_deref());
        let mut block = RecordBlock::default();
        let mut compacted = String::new();
        let mut records = 0;
        for mut row in rows.iter() {
            if has_line_breaks(row) {
                compacted.clear();
                compact(row, &mut compacted);
                row = &compacted;
            }
            let found = self.schema.look(row);
            if !wanted(row, &found) {
                continue;
            }
            self.note(&found.unforeseen);
            line.append(&mut block, |bytes| write_edited(row, &found.edits, bytes));
            records += 1;
            if block.is_full() {
                self.hand_over(&mut block, &mut records).await;
            }
        }
        self.hand_over(&mut block, &mut records).await;
    }

    /// Everything that `state` covers has been written: tells the platform.
    pub(super) fn checkpoint(&self, state: Value) {
        let mut progress = self.progress();
        if progress.open {
            self.send_state(&mut progress, &state);
            progress.last_state = Some(state);
        }
    }

    /// Says once how much the stream will bring.
    pub(super) fn estimate(&self, rows: u64, bytes: u64) {
        if !std::mem::replace(&mut self.progress().estimated, true) {
            self.output.message(&Trace::estimate(self.stream.name, rows, bytes));
        }
    }

    /// Closes the stream: complete, or with the error that ended it, after its last safe state.
    pub(super) fn end(&self, result: &Result<(), Error>) {
        let mut progress = self.progress();
        if !std::mem::replace(&mut progress.open, false) {
            return;
        }
        self.tell_unforeseen(&mut progress);
        let status = match result {
            Ok(()) => StreamStatus::Complete,
            Err(error) => {
                self.repeat_state(&mut progress);
                tracing::error!("{}: {}", self.stream.name, error.cause().unwrap_or(error.message()));
                self.output.message(&Trace::error(error, Some(self.stream.name)));
                StreamStatus::Incomplete
            }
        };
        self.status(status);
    }

    /// The read is cut off: closes the stream, after its last safe state, if it is open; whether it was.
    pub(super) fn interrupt(&self) -> bool {
        let mut progress = self.progress();
        let open = std::mem::replace(&mut progress.open, false);
        if open {
            self.repeat_state(&mut progress);
            self.status(StreamStatus::Incomplete);
        }
        open
    }

    /// Navan's limit makes the open streams wait, or no longer does.
    pub(super) fn throttle(&self, pause: Option<Pause>) {
        let progress = self.progress();
        if progress.open {
            self.status(pause.map_or(StreamStatus::Running, |p| StreamStatus::RateLimited { quota_reset: p.until_ms }));
        }
    }

    async fn hand_over(&self, block: &mut RecordBlock, records: &mut u64) {
        if *records == 0 {
            return;
        }
        let room = self.output.room().await;
        // Under the lock, so that no STATE comes between the block and its count.
        let mut progress = self.progress();
        if !progress.open {
            return; // the read was cut off meanwhile
        }
        if !std::mem::replace(&mut progress.running, true) {
            self.status(StreamStatus::Running);
        }
        self.output.records(block, room);
        let before = progress.records;
        progress.records += *records;
        progress.since_state += *records;
        self.monitor.wrote(self.stream.name, *records, 0);
        if progress.records / PROGRESS_EACH > before / PROGRESS_EACH {
            tracing::info!("{}: {} records so far.", self.stream.name, progress.records);
        }
        *records = 0;
    }

    /// Writes the last safe state again: what was written after it belongs to no other, and one that the read was given
    /// stands nowhere in its output yet, though that may be all that the next read gets.
    fn repeat_state(&self, progress: &mut Progress) {
        if let Some(state) = progress.last_state.take() {
            self.send_state(progress, &state);
        }
    }

    fn send_state(&self, progress: &mut Progress, state: &Value) {
        let records = std::mem::take(&mut progress.since_state);
        self.output.message(&Message::state(self.stream.name, self.configured.namespace.as_deref(), state, records));
        self.monitor.wrote(self.stream.name, 0, 1);
    }

    fn status(&self, status: StreamStatus) {
        self.output.message(&Trace::status(self.stream.name, self.configured.namespace.as_deref(), status));
    }

    fn note(&self, unforeseen: &[&str]) {
        for path in unforeseen {
            *self.progress().unforeseen.entry((*path).to_owned()).or_default() += 1;
        }
    }

    fn tell_unforeseen(&self, progress: &mut Progress) {
        for (path, count) in std::mem::take(&mut progress.unforeseen) {
            tracing::warn!(
                "{}: in {count} records, `{path}` has a form that the schema does not have; it was passed on as Navan sent it.",
                self.stream.name
            );
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock()
    }
}
