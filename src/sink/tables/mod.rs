//! Tables in files: what a read brings as CSV, JSON Lines, Parquet or an Excel workbook, for people.
//!
//! A [`column`] list is made of each stream's schema; a record's data is taken apart into a [`row`] of it, which a [`format`] writes to
//! an [`output`] file. That stands under another name until it is whole. The work is done on a thread of its own, in the order in which
//! records, states and statuses were handed over. What becomes of the states, [`TableSink::finish`] leaves to its caller: those of a stream
//! whose rows are where they belong.

mod column;
mod csv;
mod format;
mod jsonl;
mod number;
mod output;
mod parquet;
mod row;
mod writer;
mod xlsx;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::Sink;
use crate::error::Error;
use crate::protocol::Message;
use crate::record::RecordLines;
pub use column::{Column, all as columns_of, named};
pub use format::Format;
pub use output::{behind_links, directory_of, sync_directory};
use writer::{ColumnPaths, Files, Queued};

/// How much a file takes in memory before it is written.
const BUFFER: usize = 256 << 10;

/// How many batches of records wait to be written before whoever reads them waits, so that neither side is ever idle.
const QUEUED_BATCHES: usize = 4;

/// What is to be written, and where.
pub struct Export {
    /// The files, each with the tables in it.
    pub files: Vec<ExportFile>,
    /// In which format.
    pub format: Format,
    /// CSV is for Excel.
    pub excel: bool,
    /// Each file is one of several that together are the table, so none is replaced, and none is written without rows.
    pub is_series: bool,
}

/// A file to be written.
pub struct ExportFile {
    /// Where it is to be.
    pub path: PathBuf,
    /// What is in it.
    pub tables: Vec<ExportTable>,
}

/// A table to be written.
pub struct ExportTable {
    /// Its stream.
    pub stream: &'static str,
    /// The stream's JSON Schema.
    pub schema: &'static str,
    /// What it is called where tables have names.
    pub name: String,
    /// The columns that are wanted, in order; all of them without it.
    pub columns: Option<Vec<String>>,
    /// Only changes are read, so that what came is whole up to its state, whatever is still missing.
    pub is_incremental: bool,
}

/// What an export brought.
pub struct ExportReport {
    /// By stream.
    pub streams: Vec<ExportedStream>,
    /// Sentences on what is not as it was.
    pub notes: Vec<String>,
}

/// What was written of a stream.
pub struct ExportedStream {
    /// Its name.
    pub stream: &'static str,
    /// How many rows.
    pub rows: u64,
    /// Whether it was read to its end.
    pub is_complete: bool,
    /// Where they are; nowhere if there were none to write.
    pub path: Option<PathBuf>,
    /// Its last state, if it may be gone on from: the rows that it covers are in their file.
    pub state: Option<Value>,
    /// Why it was not read to its end.
    pub error: Option<String>,
}

/// Writes tables to files.
pub struct TableSink {
    columns: ColumnPaths,
    queue: mpsc::Sender<Queued>,
    /// A permit for each batch that may still wait to be written.
    room: Arc<Semaphore>,
    failure: RefCell<Option<oneshot::Receiver<Error>>>,
}

impl TableSink {
    /// Begins the files, and starts the thread that writes them.
    ///
    /// # Errors
    /// A `config_error` if a file cannot be begun where it is to be.
    pub fn begin(export: Export) -> Result<Self, Error> {
        let (files, columns) = Files::begin(export)?;
        let (queue, queued) = mpsc::channel();
        let (failed, failure) = oneshot::channel();
        let room = Arc::new(Semaphore::new(QUEUED_BATCHES));
        let made = Arc::clone(&room);
        thread::spawn(move || writer::write_all(files, &queued, &made, failed));
        Ok(Self { columns, queue, room, failure: RefCell::new(Some(failure)) })
    }

    /// Waits until a file cannot be written, which may never be.
    pub async fn failure(&self) -> Error {
        let failure = self.failure.take();
        match failure {
            Some(failure) => match failure.await {
                Ok(error) => error,
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }

    /// Gives each file its name: what came, and where it is.
    ///
    /// # Errors
    /// A `config_error` if a file cannot be written; files that have their names are whole all the same.
    pub async fn finish(&self) -> Result<ExportReport, Error> {
        let (report, reported) = oneshot::channel();
        self.enqueue(Queued::Finish(report));
        reported.await.unwrap_or_else(|_| Err(Error::system("The thread that writes files has ended.")))
    }

    fn enqueue(&self, queued: Queued) {
        // Without the thread there is an error already, which `failure` has told.
        let _ = self.queue.send(queued);
    }
}

impl Sink for TableSink {
    fn columns(&self, stream: &str) -> Option<Vec<Vec<String>>> {
        self.columns.get(stream).cloned()
    }

    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()> {
        self.enqueue(Queued::Records(lines));
        // Each batch takes the room that an earlier one has left. The semaphore is never closed.
        self.room.acquire().map(|permit| permit.into_iter().for_each(SemaphorePermit::forget)).boxed_local()
    }

    fn message(&self, message: &Message<'_>) {
        let queued = match message {
            Message::State { state } => {
                let (stream, state) = state.checkpoint();
                Queued::State { stream: stream.to_owned(), state: state.clone() }
            }
            Message::Trace { trace } => match trace.end() {
                Some((stream, is_complete)) => Queued::End { stream: stream.to_owned(), is_complete },
                None => match trace.error_message() {
                    Some((Some(stream), message)) => {
                        Queued::Error { stream: stream.to_owned(), message: message.to_owned() }
                    }
                    _ => return,
                },
            },
            _ => return,
        };
        self.enqueue(queued);
    }

    fn flush(&self) -> LocalBoxFuture<'_, ()> {
        let (mark, reached) = oneshot::channel();
        self.enqueue(Queued::Flush(mark));
        reached.map(|_| ()).boxed_local()
    }
}

/// What to say of a file that cannot be written.
fn unwritable(path: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => ": its directory is not there; make it, or name another",
        io::ErrorKind::PermissionDenied => "; name a place where you may write",
        _ => "",
    };
    Error::config(format!("{} cannot be written: {error}{hint}.", path.display()))
}
