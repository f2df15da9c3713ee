//! What a read says of the streams that it fills: a stream, its children, or some of them.
//!
//! All that is said goes through here to the sink, so that the order that the protocol asks for is kept in one place
//! ([`stream_output`]). The streams of one read have one state and end together; each has its own records, and is told of by
//! its own name.

mod stream_output;

use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::Value;

use super::state::FullRefreshState;
use crate::clock;
use crate::config::Config;
use crate::error::Error;
use crate::files::FileTransfer;
use crate::gateway::Cooldown;
use crate::monitor::{Event, emit};
use crate::protocol::StreamStatus;
use crate::record::{Finding, FindingKind, Owner, RecordBatch, RecordFormat};
use crate::sink::Sink;
pub(super) use stream_output::StreamOutput;

/// Where what a read finds goes.
pub(super) struct StreamEmitter<'a> {
    filled: FilledStreams,
    ends_in_the_past: bool,
    /// What fetches the files behind rows, where they are wanted.
    files: Option<Rc<FileTransfer<'a>>>,
    sink: Rc<dyn Sink>,
    progress: RefCell<EmitterProgress>,
}

/// The streams that a read fills.
pub(super) struct FilledStreams {
    /// The name of the first of them.
    pub(super) name: String,
    /// The stream that is read, if it is wanted itself.
    pub(super) own: Option<StreamOutput>,
    /// Its children that are wanted.
    pub(super) children: Vec<StreamOutput>,
    /// How rows become records.
    pub(super) format: RecordFormat,
    /// The field of rows, and of the state, that tells how far changes were read.
    pub(super) cursor_field: Option<&'static str>,
}

#[derive(Default)]
struct EmitterProgress {
    is_open: bool,
    began: Option<DateTime<Utc>>,
    last_state: Option<Value>,
    findings: BTreeMap<Finding, u64>,
    is_estimated: bool,
}

impl<'a> StreamEmitter<'a> {
    /// For the streams that a read fills; their files come by `files`, where they are wanted.
    pub(super) fn new(
        filled: FilledStreams,
        config: &Config,
        files: Option<Rc<FileTransfer<'a>>>,
        sink: Rc<dyn Sink>,
    ) -> Self {
        let ends_in_the_past = config.end_date.is_some();
        Self { filled, ends_in_the_past, files, sink, progress: RefCell::default() }
    }

    fn outputs(&self) -> impl Iterator<Item = &StreamOutput> {
        self.filled.own.iter().chain(&self.filled.children)
    }

    /// The name of the first stream that it fills.
    pub(super) fn name(&self) -> &str {
        &self.filled.name
    }

    /// How the stream's rows become records.
    pub(super) fn format(&self) -> &RecordFormat {
        &self.filled.format
    }

    /// Opens the streams; `given` is the state that they go on from, which is the safe one until the first checkpoint.
    pub(super) fn start(&self, given: Option<&Value>) {
        self.progress().is_open = true;
        self.progress().began = Some(clock::now());
        for output in self.outputs() {
            output.start(&*self.sink, given.cloned());
        }
        if let Some(state) = given {
            self.tell_synced_through(state);
        }
    }

    /// Writes records, and waits until they are written; none if the read was cut off meanwhile.
    pub(super) async fn write(&self, batch: RecordBatch) {
        if batch.is_empty() || !self.progress().is_open {
            return;
        }
        for finding in batch.findings() {
            *self.progress().findings.entry(finding).or_default() += 1;
        }
        let (own, children) = batch.into_lines();
        let own = self.filled.own.iter().zip([own]);
        let all = own.chain(self.filled.children.iter().zip(children)).filter(|(_, lines)| lines.count > 0);
        let mut all: Vec<_> = all.collect();
        if let Some(files) = &self.files {
            for (output, lines) in &mut all {
                if let Some(fields) = output.files.as_ref().filter(|_| files.wants(&output.configured)) {
                    *lines = files.attach(fields, lines, output.configured.include_files).await;
                }
            }
            // It may have been cut off meanwhile.
            if !self.progress().is_open {
                return;
            }
        }
        let written = all.into_iter().map(|(output, lines)| output.enqueue(&*self.sink, lines));
        join_all(written.collect::<Vec<_>>()).await;
    }

    /// Writes a record of the stream itself that is none of Navan's rows, if the stream is wanted.
    pub(super) async fn write_record(&self, data: &Value) {
        if let Some(own) = self.filled.own.as_ref().filter(|_| self.progress().is_open) {
            own.enqueue(&*self.sink, self.filled.format.record(data)).await;
        }
    }

    /// Everything that `state` covers has been written: tells the platform.
    pub(super) fn checkpoint(&self, state: &Value) {
        if self.progress().is_open {
            for output in self.outputs() {
                output.checkpoint(&*self.sink, state.clone());
            }
            self.progress().last_state = Some(state.clone());
        }
    }

    /// Up to when all changes were read, if a state says so.
    fn tell_synced_through(&self, state: &Value) {
        let cursor = self.filled.cursor_field.and_then(|field| state.get(field)?.as_str()?.parse().ok());
        if let Some(time) = cursor.or_else(|| FullRefreshState::last_read_at(state)) {
            self.synced_through(time);
        }
    }

    fn synced_through(&self, time: DateTime<Utc>) {
        // A read that is to end in the past says nothing of how old the rows are.
        for output in self.outputs().filter(|_| !self.ends_in_the_past) {
            emit(&Event::SyncedThrough { stream: output.name(), time });
        }
    }

    /// Says once how much the stream will bring; of its children nobody knows.
    pub(super) fn estimate(&self, rows: u64, bytes: u64) {
        if let Some(own) = &self.filled.own
            && !std::mem::replace(&mut self.progress().is_estimated, true)
        {
            own.estimate(&*self.sink, rows, bytes);
        }
    }

    /// Closes the streams: complete, or with the error that ended them, each after its last safe state.
    pub(super) fn end(&self, result: &Result<(), Error>) {
        if !std::mem::replace(&mut self.progress().is_open, false) {
            return;
        }
        self.tell_findings();
        // On the way a state may stand for what the first read has not come to yet.
        let state = self.progress().last_state.take();
        let began = self.progress().began;
        if result.is_ok() {
            match (state, began) {
                (Some(state), _) if self.filled.cursor_field.is_some() => self.tell_synced_through(&state),
                // Without a cursor a list is as it was when the read of it began.
                (_, Some(began)) => self.synced_through(began),
                _ => {}
            }
        }
        if let Err(error) = result {
            tracing::error!("{}: {}", self.name(), error.cause().unwrap_or(error.message()));
        }
        for output in self.outputs() {
            output.end(&*self.sink, result);
        }
    }

    /// The read is cut off: closes the streams, each after its last safe state, if they are open; whether they were.
    pub(super) fn interrupt(&self) -> bool {
        let was_open = std::mem::replace(&mut self.progress().is_open, false);
        if was_open {
            for output in self.outputs() {
                output.interrupt(&*self.sink);
            }
        }
        was_open
    }

    /// Navan's limit makes the streams wait, if they are open, or no longer does.
    pub(super) fn rate_limited(&self, cooldown: Option<Cooldown>) {
        if self.progress().is_open {
            for output in self.outputs() {
                let limited = |cooldown: Cooldown| StreamStatus::RateLimited { quota_reset: cooldown.until_ms };
                output.status(&*self.sink, cooldown.map_or(StreamStatus::Running, limited));
            }
        }
    }

    /// In which stream's name something is told: the parent's, unless it is not wanted or has it not. Of what is in the rows of no stream
    /// that is wanted, nobody need know.
    fn concerned(&self, finding: Finding) -> Option<&str> {
        let own = self.filled.own.as_ref().map(StreamOutput::name);
        match self.filled.format.owner(finding) {
            Owner::Parent => own,
            Owner::All => Some(&self.filled.name),
            Owner::Child(child) => {
                let own = own.filter(|_| finding.kind != FindingKind::UndeclaredMember);
                own.or_else(|| self.filled.children.get(child).map(StreamOutput::name))
            }
        }
    }

    /// What was found in the rows, once a field.
    fn tell_findings(&self) {
        let findings = std::mem::take(&mut self.progress().findings);
        for (finding, count) in findings {
            let Some(name) = self.concerned(finding) else { continue };
            let place = self.filled.format.place(finding);
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
                FindingKind::Undeclared | FindingKind::UndeclaredMember => {
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
