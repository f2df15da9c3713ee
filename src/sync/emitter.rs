//! One stream of one read, as the platform sees it: its status, its records, its checkpoints.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures::future::LocalBoxFuture;
use serde_json::Value;

use crate::error::Error;
use crate::gateway::Cooldown;
use crate::monitor::{Event, emit};
use crate::protocol::{ConfiguredStream, Message, StreamStatus, Trace};
use crate::record::{Finding, FindingKind, RecordBatch, RecordFormat};
use crate::sink::Sink;

/// A word to the log each so many records.
const PROGRESS_EVERY: u64 = 10_000;

/// What a stream says. All of it goes through here, so the protocol's order is kept in one place: STARTED,
/// RUNNING just before the first record, each STATE after the records it covers, COMPLETE or INCOMPLETE last.
pub(super) struct StreamEmitter {
    configured: ConfiguredStream,
    format: RecordFormat,
    sink: Rc<dyn Sink>,
    progress: RefCell<EmitterProgress>,
}

#[derive(Default)]
struct EmitterProgress {
    is_open: bool,
    is_running: bool,
    records: u64,
    records_since_state: u64,
    last_state: Option<Value>,
    findings: BTreeMap<Finding, u64>,
    is_estimated: bool,
}

impl StreamEmitter {
    pub(super) fn new(format: RecordFormat, configured: ConfiguredStream, sink: Rc<dyn Sink>) -> Self {
        Self { configured, format, sink, progress: RefCell::default() }
    }

    /// The stream's name.
    pub(super) fn name(&self) -> &str {
        &self.configured.name
    }

    /// What the user chose.
    pub(super) fn configured(&self) -> &ConfiguredStream {
        &self.configured
    }

    /// How the stream's rows become records.
    pub(super) fn format(&self) -> &RecordFormat {
        &self.format
    }

    /// Opens the stream; `given` is the state that it goes on from, which is the safe one until the first checkpoint.
    pub(super) fn start(&self, given: Option<Value>) {
        let mut progress = self.progress();
        progress.is_open = true;
        progress.last_state = given;
        self.send_status(StreamStatus::Started);
    }

    /// Writes records, and waits until they are written.
    pub(super) async fn write(&self, batch: RecordBatch) {
        if batch.is_empty() {
            return;
        }
        if let Some(written) = self.enqueue(batch) {
            written.await;
        }
    }

    /// Hands records to the sink, unless the read was cut off meanwhile. Not async, so that no STATE comes between the records
    /// and their count.
    fn enqueue(&self, batch: RecordBatch) -> Option<LocalBoxFuture<'_, ()>> {
        let mut progress = self.progress();
        if !progress.is_open {
            return None;
        }
        if !std::mem::replace(&mut progress.is_running, true) {
            self.send_status(StreamStatus::Running);
        }
        for finding in batch.findings() {
            *progress.findings.entry(finding).or_default() += 1;
        }
        let records = batch.len() as u64;
        let written = self.sink.records(batch);
        let before = progress.records;
        progress.records += records;
        progress.records_since_state += records;
        emit(&Event::RecordsWritten { stream: self.name(), records });
        if progress.records / PROGRESS_EVERY > before / PROGRESS_EVERY {
            tracing::info!("{}: {} records so far.", self.name(), progress.records);
        }
        Some(written)
    }

    /// Everything that `state` covers has been written: tells the platform.
    pub(super) fn checkpoint(&self, state: Value) {
        let mut progress = self.progress();
        if progress.is_open {
            self.send_state(&mut progress, &state);
            progress.last_state = Some(state);
        }
    }

    /// Says once how much the stream will bring.
    pub(super) fn estimate(&self, rows: u64, bytes: u64) {
        if !std::mem::replace(&mut self.progress().is_estimated, true) {
            let namespace = self.configured.namespace.as_deref();
            self.sink.message(&Message::trace(Trace::estimate(self.name(), namespace, rows, bytes)));
        }
    }

    /// Closes the stream: complete, or with the error that ended it, after its last safe state.
    pub(super) fn end(&self, result: &Result<(), Error>) {
        let mut progress = self.progress();
        if !std::mem::replace(&mut progress.is_open, false) {
            return;
        }
        self.tell_findings(&mut progress);
        let status = match result {
            Ok(()) => StreamStatus::Complete,
            Err(error) => {
                self.repeat_state(&mut progress);
                tracing::error!("{}: {}", self.name(), error.cause().unwrap_or(error.message()));
                self.sink.message(&Message::trace(Trace::error(
                    error,
                    Some((self.name(), self.configured.namespace.as_deref())),
                )));
                StreamStatus::Incomplete
            }
        };
        self.send_status(status);
    }

    /// The read is cut off: closes the stream, after its last safe state, if it is open; whether it was.
    pub(super) fn interrupt(&self) -> bool {
        let mut progress = self.progress();
        let was_open = std::mem::replace(&mut progress.is_open, false);
        if was_open {
            self.repeat_state(&mut progress);
            self.send_status(StreamStatus::Incomplete);
        }
        was_open
    }

    /// Navan's limit makes the stream wait, if it is open, or no longer does.
    pub(super) fn rate_limited(&self, cooldown: Option<Cooldown>) {
        if self.progress().is_open {
            let limited = |cooldown: Cooldown| StreamStatus::RateLimited { quota_reset: cooldown.until_ms };
            self.send_status(cooldown.map_or(StreamStatus::Running, limited));
        }
    }

    /// Writes the last safe state again: what was written after it belongs to no other, and one that the read was given
    /// stands nowhere in its output yet, though that may be all that the next read gets.
    fn repeat_state(&self, progress: &mut EmitterProgress) {
        if let Some(state) = progress.last_state.take() {
            self.send_state(progress, &state);
        }
    }

    fn send_state(&self, progress: &mut EmitterProgress, state: &Value) {
        let records = std::mem::take(&mut progress.records_since_state);
        self.sink.message(&Message::state(self.name(), self.configured.namespace.as_deref(), state, records));
        emit(&Event::StateWritten { stream: self.name() });
    }

    fn send_status(&self, status: StreamStatus) {
        let trace = Trace::status(self.name(), self.configured.namespace.as_deref(), status);
        self.sink.message(&Message::trace(trace));
    }

    /// What was found in the rows, once a field.
    fn tell_findings(&self, progress: &mut EmitterProgress) {
        let name = self.name();
        for (finding, count) in std::mem::take(&mut progress.findings) {
            let place = self.format.place(finding);
            match finding.kind {
                FindingKind::Nulled => tracing::warn!(
                    "{name}: `{place}` held what its column cannot hold (records: {count}); the column is null there, and the value stands in `_extra`."
                ),
                FindingKind::Repaired => tracing::warn!(
                    "{name}: `{place}` came in another form than the schema promises (records: {count}); it was brought to that one, and nothing of it was lost."
                ),
                FindingKind::Mended => tracing::warn!(
                    "{name}: half a character, or what is no JSON, was replaced by U+FFFD, by an escape, or by text (records: {count})."
                ),
                FindingKind::NoKey => tracing::warn!(
                    "{name}: rows came without `{place}` (records: {count}); they are written with an empty one. A destination that deduplicates by it keeps only one of them: append, or ask Navan why it is missing."
                ),
                FindingKind::Undeclared => {
                    emit(&Event::UndeclaredField { stream: name, field: &place, records: count });
                    tracing::info!(
                        "{name}: the schema does not know the field `{place}` (records: {count}); it stands in `_extra`."
                    );
                }
            }
        }
    }

    fn progress(&self) -> RefMut<'_, EmitterProgress> {
        self.progress.borrow_mut()
    }
}
