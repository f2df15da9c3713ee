//! How far an export is: a line a stream and one for the requests, redrawn on a terminal; elsewhere plain lines, now and then.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

use super::grouped;
use crate::api::Api;
use crate::cli::terminal::{self, WriteLine};
use crate::clock;
use crate::monitor::{Event, Listener, Monitor};

/// Between two drawings on a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Between two plain lines.
const PLAIN: Duration = Duration::from_secs(10);
/// Rates are those of so much time.
const WINDOW: Duration = Duration::from_secs(5);

/// Follows an export by its events, and hands them on to the monitor.
pub(in crate::cli) struct Progress {
    /// Draws all lines at once.
    drawing: ProgressBar,
    is_quiet: bool,
    began: Instant,
    monitor: Rc<Monitor>,
    counts: RefCell<Counts>,
}

#[derive(Default)]
struct Counts {
    streams: BTreeMap<String, StreamCounts>,
    requests: Rate,
}

#[derive(Default)]
struct StreamCounts {
    rows: Rate,
    /// How many there are, if that was told.
    total: Option<u64>,
    is_complete: Option<bool>,
}

/// A count, and how fast it grew of late.
struct Rate {
    count: u64,
    /// What it was, when.
    seen: VecDeque<(Instant, u64)>,
}

impl Progress {
    /// Draws on stderr, unless it is to be quiet.
    pub(in crate::cli) fn new(is_quiet: bool, monitor: Rc<Monitor>) -> Self {
        let drawing = ProgressBar::new_spinner();
        // The template is the same each time, and good.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            drawing.set_style(style);
        }
        Self { drawing, is_quiet, began: Instant::now(), monitor, counts: RefCell::default() }
    }

    /// Writes lines above those that are redrawn.
    pub(in crate::cli) fn lines(&self) -> WriteLine {
        let drawing = self.drawing.clone();
        Arc::new(move |text| drawing.suspend(|| terminal::line(text)))
    }

    /// Since it was begun.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows how far it is, as long as it is polled.
    pub(super) async fn show(&self, api: &Api<'_>) -> Infallible {
        if self.is_quiet {
            return std::future::pending().await;
        }
        let is_plain = self.drawing.is_hidden();
        loop {
            sleep(if is_plain { PLAIN } else { REDRAW }).await;
            let lines = self.counts.borrow_mut().lines(api);
            if is_plain {
                for line in lines {
                    terminal::line(&line);
                }
            } else {
                self.drawing.set_message(lines.join("\n"));
            }
        }
    }

    /// Takes the lines away.
    pub(super) fn clear(&self) {
        self.drawing.finish_and_clear();
    }

    /// Writes a table in their place.
    pub(super) fn table<const COLUMNS: usize>(&self, head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
        if self.is_quiet {
            return;
        }
        let head = head.map(str::to_owned);
        let widths: Vec<usize> = (0..COLUMNS)
            .map(|column| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for row in [&head].into_iter().chain(rows) {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                1 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            });
            terminal::line(cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

impl Listener for Progress {
    fn on(&self, event: &Event<'_>) {
        self.monitor.on(event);
        let mut counts = self.counts.borrow_mut();
        match event {
            Event::RecordsWritten { stream, records } => counts.stream(stream).rows.count += records,
            Event::RowsEstimated { stream, rows } => counts.stream(stream).total = Some(*rows),
            Event::StreamEnded { stream, is_complete } => counts.stream(stream).is_complete = Some(*is_complete),
            Event::RequestFinished { .. } => counts.requests.count += 1,
            _ => {}
        }
    }
}

impl Counts {
    /// One of each stream, and one of the requests.
    fn lines(&mut self, api: &Api<'_>) -> Vec<String> {
        let widest = self.streams.keys().map(String::len).max().unwrap_or(0);
        let streams = self.streams.iter_mut().map(|(name, stream)| format!("{name:widest$}  {}", stream.words()));
        let mut lines: Vec<_> = streams.collect();
        lines.push(requests_line(self, api));
        lines
    }

    fn stream(&mut self, name: &str) -> &mut StreamCounts {
        self.streams.entry(name.to_owned()).or_default()
    }
}

impl StreamCounts {
    /// `12,300 of 20,000 rows, 4,100 rows/s, 2 s left`.
    fn words(&mut self) -> String {
        let rows = grouped(self.rows.count);
        let total = self.total.filter(|total| *total >= self.rows.count);
        let counted = match total {
            Some(total) => format!("{rows} of {} rows", grouped(total)),
            None => format!("{rows} rows"),
        };
        match self.is_complete {
            Some(true) => format!("{rows} rows, done"),
            Some(false) => format!("{rows} rows, not complete"),
            None => {
                let rate = self.rows.a_second();
                let left = total.filter(|_| rate >= 1.0).map(|total| left(total - self.rows.count, rate));
                let left = left.map(|left| format!(", {left} left")).unwrap_or_default();
                format!("{counted}, {} rows/s{left}", grouped(whole(rate)))
            }
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self { count: 0, seen: VecDeque::from([(Instant::now(), 0)]) }
    }
}

impl Rate {
    /// How much it grew a second in the last few.
    fn a_second(&mut self) -> f64 {
        let now = Instant::now();
        self.seen.push_back((now, self.count));
        while self.seen.len() > 2 && now - self.seen[0].0 > WINDOW {
            self.seen.pop_front();
        }
        let (at, count) = self.seen[0];
        let took = (now - at).as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // counts of a few seconds
        if took > 0.0 { (self.count - count) as f64 / took } else { 0.0 }
    }
}

/// What is asked of Navan, against its limit, and what is waited for.
fn requests_line(counts: &mut Counts, api: &Api<'_>) -> String {
    let rate = counts.requests.a_second();
    let limit = match api.observed_limit() {
        Some(limit) => format!(" of the {limit:.1} that Navan lets through"),
        None => String::new(),
    };
    let wait = api.cooldowns().borrow().map(|cooldown| cooldown.until_ms - clock::now().timestamp_millis());
    let wait = wait.filter(|ms| *ms > 0).map(|ms| format!("; waiting for Navan's limit, {} s", (ms + 999) / 1000));
    format!("{rate:.1} requests/s{limit}{}", wait.unwrap_or_default())
}

fn left(rows: u64, rate: f64) -> String {
    #[allow(clippy::cast_precision_loss)] // an estimate
    let seconds = whole(rows as f64 / rate);
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// A number that is no less than 0, rounded up.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
