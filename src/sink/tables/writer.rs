//! The thread that writes: each record into the file of its stream.

use std::collections::HashMap;
use std::sync::mpsc;

use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use super::column::Columns;
use super::format::Table;
use super::output::{Naming, OutputFile, directory_of, remove_left_over};
use super::{Export, ExportReport, ExportedStream, unwritable};
use crate::error::Error;
use crate::record::RecordLines;

/// By stream, the paths of its columns.
pub(super) type ColumnPaths = HashMap<&'static str, Vec<Vec<String>>>;

/// What is handed over to the thread.
pub(super) enum Queued {
    Records(RecordLines),
    State {
        stream: String,
        state: Value,
    },
    Error {
        stream: String,
        message: String,
    },
    End {
        stream: String,
        is_complete: bool,
    },
    /// Answered once everything before it was taken.
    Flush(oneshot::Sender<()>),
    Finish(oneshot::Sender<Result<ExportReport, Error>>),
}

/// The files of an export.
pub(super) struct Files {
    outputs: Vec<OutputFile>,
    streams: Vec<Stream>,
    by_name: HashMap<&'static [u8], usize>,
    is_series: bool,
}

/// A stream, and where its rows go.
struct Stream {
    name: &'static str,
    file: usize,
    table: usize,
    is_incremental: bool,
    rows: u64,
    state: Option<Value>,
    error: Option<String>,
    is_complete: bool,
}

impl Files {
    /// Begins all files; by stream, the paths of the columns that its records are taken apart into.
    pub(super) fn begin(export: Export) -> Result<(Self, ColumnPaths), Error> {
        let mut paths = ColumnPaths::new();
        let Export { files: wanted, format, excel, is_series } = export;
        let mut begun = Self { outputs: Vec::new(), streams: Vec::new(), by_name: HashMap::new(), is_series };
        for (file, wanted) in wanted.into_iter().enumerate() {
            remove_left_over(directory_of(&wanted.path));
            let mut tables = Vec::new();
            for (table, of) in wanted.tables.into_iter().enumerate() {
                begun.by_name.insert(of.stream.as_bytes(), begun.streams.len());
                begun.streams.push(Stream::new(of.stream, file, table, of.is_incremental));
                let columns = Columns::new(of.schema, of.columns.as_deref(), format.has_objects())?;
                if format.takes_apart(&columns) {
                    paths.insert(of.stream, columns.list.iter().map(|column| column.path.clone()).collect());
                }
                tables.push(Table { name: of.name, columns });
            }
            let output = OutputFile::begin(wanted.path.clone(), format, tables, excel);
            begun.outputs.push(output.map_err(|error| unwritable(&wanted.path, &error))?);
        }
        Ok((begun, paths))
    }

    fn write(&mut self, lines: &RecordLines) -> Result<(), Error> {
        let Some(&number) = self.by_name.get(lines.stream()) else { return Ok(()) };
        let stream = &mut self.streams[number];
        let file = &mut self.outputs[stream.file];
        for record in lines.records() {
            stream.rows += 1;
            file.write(stream.table, &record).map_err(|error| unwritable(file.path(), &error))?;
        }
        Ok(())
    }

    fn stream(&mut self, name: &str) -> Option<&mut Stream> {
        self.by_name.get(name.as_bytes()).map(|&number| &mut self.streams[number])
    }

    fn finish(self) -> Result<ExportReport, Error> {
        let mut notes = Vec::new();
        let mut places = Vec::new();
        for (number, file) in self.outputs.into_iter().enumerate() {
            let mut streams = self.streams.iter().filter(|stream| stream.file == number);
            // Of changes any part is good, since the next export brings the others.
            let is_whole = streams.all(|stream| stream.is_complete || self.is_series && stream.is_incremental);
            let naming = match (is_whole, self.is_series) {
                (false, _) => Naming::Incomplete,
                (true, true) => Naming::Beside,
                (true, false) => Naming::Replace,
            };
            let place = if file.rows == 0 && (self.is_series || !is_whole) {
                None
            } else {
                let wanted = file.path().to_owned();
                let (path, told) = file.finish(naming).map_err(|error| unwritable(&wanted, &error))?;
                notes.extend(told);
                Some(path)
            };
            places.push((place, is_whole));
        }
        let report = |stream: Stream| {
            let (path, is_whole) = &places[stream.file];
            ExportedStream {
                stream: stream.name,
                rows: stream.rows,
                is_complete: stream.is_complete,
                path: path.clone(),
                state: stream.state.filter(|_| *is_whole && stream.is_incremental),
                error: stream.error,
            }
        };
        Ok(ExportReport { streams: self.streams.into_iter().map(report).collect(), notes })
    }
}

impl Stream {
    fn new(name: &'static str, file: usize, table: usize, is_incremental: bool) -> Self {
        Self { name, file, table, is_incremental, rows: 0, state: None, error: None, is_complete: false }
    }
}

/// Takes all that is handed over. Once a file cannot be written, no other row is, so that none is missing in between.
/// Each batch makes `room` for another.
pub(super) fn write_all(
    files: Files,
    queued: &mpsc::Receiver<Queued>,
    room: &Semaphore,
    failed: oneshot::Sender<Error>,
) {
    let mut failed = Some(failed);
    let mut state = Ok(files);
    for item in queued {
        match (item, &mut state) {
            (Queued::Flush(mark), _) => {
                // Whoever waited may have given up (a signal).
                let _ = mark.send(());
            }
            (Queued::Finish(report), _) => {
                let _ = report.send(state.and_then(Files::finish));
                return;
            }
            (Queued::Records(lines), _) => {
                if let Ok(files) = &mut state
                    && let Err(error) = files.write(&lines)
                {
                    // The parts go first: whoever hears of it may end the process.
                    state = Err(error.clone());
                    if let Some(failed) = failed.take() {
                        let _ = failed.send(error);
                    }
                }
                room.add_permits(1);
            }
            (Queued::State { stream, state }, Ok(files)) => {
                if let Some(stream) = files.stream(&stream) {
                    stream.state = Some(state);
                }
            }
            (Queued::Error { stream, message }, Ok(files)) => {
                if let Some(stream) = files.stream(&stream) {
                    stream.error = Some(message);
                }
            }
            (Queued::End { stream, is_complete }, Ok(files)) => {
                if let Some(stream) = files.stream(&stream) {
                    stream.is_complete = is_complete;
                }
            }
            (_, Err(_)) => {}
        }
    }
}
