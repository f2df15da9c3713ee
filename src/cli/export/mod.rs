//! `export`: streams as tables in files, for people.
//!
//! What the arguments mean is a [`plan`]. The streams are read as `read` reads them, but the sink writes tables; with a [`state_file`] only what
//! changed since the last export, into files beside its own. How far it is, stands on the [`progress`] lines.

mod plan;
mod progress;
mod state_file;

use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use serde_json::{Map, Value};

use super::config_source::ConfigArguments;
use super::publishing::{Kind, Publishing};
use super::terminal;
use crate::api::Apis;
use crate::clock;
use crate::error::Error;
use crate::gateway::{Http, Network, Timings};
use crate::monitor::{self, Monitor};
use crate::protocol::StreamStates;
use crate::shutdown::{end_by, interruption};
use crate::sink::Sink;
use crate::sink::tables::{ExportReport, ExportedStream, Format, TableSink};
use crate::streams::{STREAMS, offered, tables};
use crate::sync::SyncRun;
use plan::{Day, Plan};
pub(super) use progress::Progress;
use state_file::StateFile;

#[derive(Args)]
pub(super) struct ExportArguments {
    /// The streams, such as BOOKING or bookings.
    #[arg(value_name = "STREAM")]
    streams: Vec<String>,
    /// All streams.
    #[arg(long, conflicts_with = "streams")]
    streams_all: bool,
    /// A directory, which gets a file a stream, or a file for one stream; an .xlsx file has a sheet a stream.
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    /// The format [default: by the end of PATH, else csv].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The first day: of creation for bookings, of change for expenses. Other streams have no days.
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Option<Day>,
    /// The last day, likewise.
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    until: Option<Day>,
    /// Only these columns, in this order.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// Only what changed since the export that left this state, into new files; then replaces the state.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// CSV that Excel opens as it is: marked as UTF-8, and no text can be taken for a formula.
    #[arg(long)]
    excel: bool,
    /// Say nothing but warnings and errors.
    #[arg(long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

/// Exports; whether all that was asked for came.
pub(super) async fn run(
    arguments: &ExportArguments,
    progress: &Rc<Progress>,
    monitor: &Rc<Monitor>,
) -> Result<bool, Error> {
    if let (Some(from), Some(until)) = (arguments.from, arguments.until)
        && until.end() <= from.begin()
    {
        return Err(Error::config("Nothing lies between --from and --until: give a later --until."));
    }
    let config = arguments.config.config(period(arguments))?;
    // Before anything is asked of Navan: whatever is wrong here would be a pity later.
    let Plan { catalog, export } = Plan::new(arguments, &tables(&offered(&config)), clock::now())?;
    let state = arguments.state.as_deref().map(StateFile::open).transpose()?;
    let timings = Timings::from_environment();
    let network: Rc<dyn Network> = Rc::new(Http::new(&timings, config.some_speak_tls())?);
    let apis = Apis::new(&config, &network, &timings)?;
    let files = Rc::new(TableSink::begin(export)?);
    let sink: Rc<dyn Sink> = Rc::clone(&files) as _;
    let no_states = StreamStates::default();
    let states = state.as_ref().map_or(&no_states, StateFile::states);
    let sync = SyncRun::new(&apis, &config, STREAMS, catalog, states, None, &sink)?;
    let publishing = Publishing::start(&config, &timings, monitor, Kind::Export)?;
    monitor::listen(Rc::clone(progress) as _);
    let (mut signal, mut failure) = (None, None);
    tokio::select! {
        biased;
        error = files.failure() => failure = Some(error),
        by = interruption() => {
            sync.interrupt();
            signal = Some(by);
        }
        never = publishing.go_on(&apis) => match never {},
        _ = sync.run() => {}
        never = progress.show(&apis.navan) => match never {},
    }
    progress.clear();
    monitor.summarise("export", progress.elapsed(), apis.navan.share_of_limit_used());
    let written = async {
        if let Some(error) = failure {
            return Err(error);
        }
        let report = tokio::select! {
            report = files.finish() => report?,
            signal = interruption() => end_by(signal),
        };
        tell(&report, progress, signal.is_some(), state.is_some());
        if let Some(state) = state {
            state.replace(&report)?;
        }
        Ok(report.streams.iter().all(|stream| stream.is_complete))
    };
    let is_complete = written.await;
    tokio::select! {
        () = publishing.finish(&apis, monitor, is_complete.as_ref().is_ok_and(|complete| *complete)) => {}
        by = interruption() => signal = Some(by),
    }
    match signal {
        Some(signal) => end_by(signal),
        None => is_complete,
    }
}

/// The configuration's dates, as the arguments have them.
fn period(arguments: &ExportArguments) -> Map<String, Value> {
    let begin = arguments.from.map(|day| ("start_date".to_owned(), day.begin().into()));
    let end = arguments.until.map(|day| ("end_date".to_owned(), day.end().into()));
    begin.into_iter().chain(end).collect()
}

/// What came and where it is, in place of the progress.
fn tell(report: &ExportReport, progress: &Progress, is_interrupted: bool, has_state: bool) {
    for note in &report.notes {
        tracing::warn!("{note}");
    }
    let rows: Vec<_> = report.streams.iter().map(row).collect();
    progress.table(["stream", "rows", "file"], &rows);
    for ExportedStream { stream, error, .. } in &report.streams {
        if let Some(error) = error {
            terminal::line(&format!("error: {stream}: {error}"));
        }
    }
    if is_interrupted {
        let kept = report.streams.iter().any(|stream| stream.state.is_some());
        tracing::warn!(
            "{}",
            match (has_state, kept) {
                (true, true) =>
                    "Interrupted. What came of the changes is whole up to the state; the same command goes on from there.",
                (true, false) =>
                    "Interrupted before there was anything to go on from; the same command begins as this one did.",
                (false, _) => "Interrupted. A file that is not whole has `incomplete` in its name.",
            }
        );
    }
}

fn row(stream: &ExportedStream) -> [String; 3] {
    let place = match &stream.path {
        Some(path) if stream.is_complete => path.display().to_string(),
        Some(path) => format!("{}, not complete", path.display()),
        None if stream.is_complete => "none: nothing is new".to_owned(),
        None => "none".to_owned(),
    };
    [stream.stream.to_owned(), grouped(stream.rows), place]
}

/// A count as people read it: `12,345`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (number, digit) in digits.chars().enumerate() {
        if number > 0 && (digits.len() - number).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), text);
        }
    }
}
