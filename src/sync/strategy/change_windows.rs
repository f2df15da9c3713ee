//! Reading by the time of the last change, in windows, incrementally.
//!
//! Each of the [`Partitions`] has a cursor of its own, `synced_through`: all its changes up to then are written.
//! A read goes back a little before it (changes appear late), not before the retention of the API begins, and up to T0, the
//! time at which the read began. The range is cut into windows of whole days; those of all partitions are read side by side,
//! each following its cursor. Whenever a partition's windows are complete without a gap up to a later time, its cursor
//! moves there, and a checkpoint tells. What slipped out of sight meanwhile, a [`second_look`](super::second_look) brings.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;

use super::missing;
use super::partitions::Partitions;
use super::row_numbers::WrittenVersions;
use super::second_look::SecondLooks;
use super::window_progress::ReadProgress;
use super::window_reader::{
    ChangeWindow, FieldGroups, FirstOfType, ReadTimes, WindowOutcome, WindowReader, WindowReading, WindowRefusal,
};
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy, Surveyed, Tried, change_trials};
use crate::api::ChangesQuery;
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::sync::state::time::{midnight, retention_start, whole_second};
use crate::sync::state::{
    FullRefreshState, PartitionCursors, Resume, StreamState, resume_full_refresh, resume_partitions,
};

/// After how many windows the rest can be estimated.
const WINDOWS_BEFORE_ESTIMATE: usize = 4;

/// How often windows are looked at again, since rows changed while they were read.
const MAX_SECOND_LOOKS: usize = 3;

/// How often the first request for a type may be answered 429, before another one tells whether the limit is the type's alone.
const MAX_429S: u32 = 12;

/// What changed in lists of expenses.
pub struct ChangeWindows {
    /// The path at or below which they are.
    pub endpoint: &'static str,
    /// What is asked for on its own.
    pub partitions: Partitions,
    /// What the rows are, for the sentence on a company without them.
    pub rows: &'static str,
    /// Under what the state tells the time up to which all partitions are read. Rows that tell the time of their last change have it
    /// under the same name.
    pub cursor_field: &'static str,
    /// Whether they do.
    pub rows_have_times: bool,
    /// Days a window: short enough that a partition with many changes is read by many windows side by side, and that little is read
    /// again after an interruption.
    pub days_per_window: u64,
    /// Groups of fields that are asked for, with commas, so that the columns do not depend on the company's defaults.
    pub field_groups: &'static str,
    /// Those of them that every company is known to have.
    pub proven_field_groups: &'static str,
    /// The scope that the company's API must grant, for the sentence on a company without it.
    pub oauth_scope: &'static str,
    /// Rows a page.
    pub page_size: u64,
    /// Bytes of a row, about, in compact JSON.
    pub bytes_per_row: u64,
}

impl ChangeWindows {
    /// What of one partition changed on some days.
    pub(super) fn query(
        &self,
        partition: &str,
        days: RangeInclusive<NaiveDate>,
        field_groups: &'static str,
    ) -> ChangesQuery {
        self.partitions.query(self.endpoint, partition, days, self.page_size).with_groups(field_groups)
    }

    async fn read_changes(&self, read: &ReadContext<'_>, resume: Resume) -> Result<(), ReadError> {
        let emitter = read.emitter;
        let now = read.began;
        if !read.configured.is_incremental() {
            warn_overwriting(read);
        }
        let given = match resume {
            Resume::From(StreamState::Partitions(cursors)) => cursors,
            _ => PartitionCursors::default(),
        };
        let partitions = self.partitions.names(read.config);
        let windows = plan(read, &partitions, self.days_per_window, &given, now);
        let end = whole_second(now);
        let mut progress = ReadProgress::new(given.clone(), &windows, end);
        progress.second_looks =
            SecondLooks::resume(self.rows_have_times, &given.unsure, &partitions, windows.iter(), end);
        let times = ReadTimes { end, unsure_since: progress.second_looks.since(end) };
        let field_groups = FieldGroups {
            current: Cell::new(self.field_groups),
            proven: self.proven_field_groups,
            are_settled: tokio::sync::Mutex::new(false),
            told_totals: RefCell::default(),
        };
        self.read_windows(read, windows, &mut progress, &field_groups, times).await?;
        // One refusal says little: each type that was refused is asked once more, and one that can be read for all its windows.
        let (first, others) = progress.take_refused_of_unread_types();
        self.read_windows(read, first, &mut progress, &field_groups, times).await?;
        let mut again = progress.refused_of_read_types();
        again.extend(others.into_iter().filter_map(|window| progress.put_off_if_refused(window)));
        self.read_windows(read, again, &mut progress, &field_groups, times).await?;
        let failed_first = progress.take_failed_first();
        self.read_windows(read, failed_first, &mut progress, &field_groups, times).await?;
        self.look_again(read, &mut progress, &field_groups, times).await?;
        // A read of few windows knows its size no sooner than this.
        progress.planned = progress.done;
        self.estimate(read, &progress);
        if progress.left_out > 0 {
            tracing::info!(
                "{}: {} rows were left out that an earlier read has brought or the next one will.",
                emitter.name(),
                progress.left_out
            );
        }
        let result = self.judge(read, &given, &mut progress);
        if read.configured.is_incremental() {
            emitter.checkpoint(&self.state(read, &progress));
        } else if result.is_ok() {
            emitter.checkpoint(&FullRefreshState::completed(read.configured.sync_id, end).to_state());
        }
        result.map_err(ReadError::from)
    }

    async fn read_windows(
        &self,
        read: &ReadContext<'_>,
        mut windows: VecDeque<ChangeWindow>,
        progress: &mut ReadProgress,
        field_groups: &FieldGroups,
        times: ReadTimes,
    ) -> Result<(), ReadError> {
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < read.config.max_concurrency
                && let Some(window) = progress.next_of(&mut windows)
            {
                let is_first = !progress.read.contains(&window.partition);
                running.push(self.read_window(read, window, is_first, field_groups, times).boxed_local());
            }
            let Some(done) = running.next().await else { return Ok(()) };
            let (mut window, ended, reading) = done?;
            let outcome = match ended {
                Ok(Some(outcome)) => outcome,
                Ok(None) => {
                    progress.put_down(&window);
                    window.written = reading.written;
                    // At once, so that a type that is held back alone does not take its time with each of its windows.
                    if window.was_throttled {
                        windows.push_front(window);
                    } else {
                        windows.push_back(window);
                    }
                    continue;
                }
                Err(failure) => {
                    // The others go on meanwhile; then the window comes back.
                    let is_first_time = !window.was_throttled;
                    window.was_throttled |= matches!(failure, Failure::Throttled { .. });
                    let witnesses = progress.witnesses(&self.partitions.names(read.config), &window.partition);
                    let outcome = self.judge_failure(failure, is_first_time, read, witnesses);
                    running.push(outcome.map(|outcome| Ok((window, Ok(outcome?), reading))).boxed_local());
                    continue;
                }
            };
            progress.put_down(&window);
            let is_complete = matches!(outcome, WindowOutcome::Complete { .. });
            if is_complete {
                if progress.compare(&window, &reading) {
                    tracing::warn!(
                        "{}: Navan gives the same rows of {} whatever days it is asked for; each is written once.",
                        read.emitter.name(),
                        window.partition
                    );
                }
                progress.second_looks.read(&window, reading);
            } else {
                window.written = reading.written;
            }
            progress.note_obstacle(&window, &outcome);
            if window.read_before.is_some() {
                end_second_look(read, window, outcome, progress);
                continue;
            }
            match outcome {
                WindowOutcome::Complete { rows, left_out, not_yet } => {
                    progress.left_out += left_out;
                    let moved = progress.complete(&window, rows, not_yet);
                    if progress.done >= WINDOWS_BEFORE_ESTIMATE {
                        self.estimate(read, progress);
                    }
                    if moved && read.configured.is_incremental() {
                        read.emitter.checkpoint(&self.state(read, progress));
                    }
                }
                WindowOutcome::Passed => {
                    progress.pass(&window);
                }
                WindowOutcome::Refused { refusal, is_there, .. } => {
                    if is_there {
                        progress.read.insert(window.partition.clone());
                    }
                    progress.put_off(window, refusal);
                }
                WindowOutcome::Broken { why, is_defect, .. } => match progress.split(&window) {
                    Some(days) => windows.extend(days),
                    None => progress.fail(window, why, is_defect),
                },
            }
        }
    }

    /// What an outage, or tokens that are refused, are to a window that they ended, if that is not the API's doing: a row of the types
    /// given tells. A window that was only held with those that fail has no outcome yet.
    async fn judge_failure(
        &self,
        failure: Failure,
        is_first_time: bool,
        read: &ReadContext<'_>,
        witnesses: Vec<String>,
    ) -> Result<Option<WindowOutcome>, ReadError> {
        let yesterday = read.api.now().date_naive() - Days::new(1);
        for partition in witnesses {
            let query = self.query(&partition, yesterday..=yesterday, self.proven_field_groups).one_row();
            // One that has to wait for the limit as well tells nothing.
            let answer = read.api.changes_page(&query.with_max_429s(1), None, read.emitter.format()).await;
            if answer.is_err_and(|failure| failure.refused_with().is_none()) {
                continue;
            }
            return Ok(match failure {
                Failure::Outage { was_sent: false, .. } => None,
                // The limit may have been over just now.
                Failure::Throttled { .. } if is_first_time => None,
                _ => Some(WindowOutcome::Broken { why: failure.to_string(), is_defect: false, obstacle: None }),
            });
        }
        // The limit holds back all: it is for the limiter to say how long.
        if matches!(failure, Failure::Throttled { .. }) { Ok(None) } else { Err(failure.into()) }
    }

    /// Reads a window. An outage is for others to judge, and so are tokens that are refused, or a limit that holds back the first of a
    /// type.
    async fn read_window(
        &self,
        read: &ReadContext<'_>,
        window: ChangeWindow,
        is_first: bool,
        field_groups: &FieldGroups,
        times: ReadTimes,
    ) -> Result<(ChangeWindow, Result<Option<WindowOutcome>, Failure>, WindowReading), ReadError> {
        let mut query = self.query(&window.partition, window.days.clone(), field_groups.current.get());
        if is_first {
            query = query.with_max_429s(MAX_429S);
        }
        let (ended, reading) = WindowReader::new(read, query, field_groups, &window, times).read().await;
        match ended {
            Ok(outcome) => Ok((window, Ok(Some(outcome)), reading)),
            Err(failure @ (Failure::Outage { .. } | Failure::Unauthorized { .. } | Failure::Throttled { .. })) => {
                Ok((window, Err(failure), reading))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Reads the windows once more from which a row may have slipped away, until there are none.
    async fn look_again(
        &self,
        read: &ReadContext<'_>,
        progress: &mut ReadProgress,
        field_groups: &FieldGroups,
        times: ReadTimes,
    ) -> Result<(), ReadError> {
        for look in 0.. {
            for partition in progress.second_looks.unsure_types() {
                let now = read.api.now();
                let first_day = times.unsure_since.date_naive().max(retention_start(now));
                let query = self.query(&partition, first_day..=now.date_naive(), field_groups.current.get());
                progress.second_looks.look_for_changes(read, &partition, query, times.unsure_since).await?;
            }
            let windows = progress.second_looks.take_suspects();
            if windows.is_empty() {
                break;
            }
            if look == MAX_SECOND_LOOKS {
                tracing::warn!(
                    "{}: rows went on changing while they were read, however often that was looked at; some may have come in no page. The next read looks again.",
                    read.emitter.name()
                );
                for window in windows {
                    progress.second_looks.leave(window);
                }
                break;
            }
            tracing::info!(
                "{}: rows changed while they were read; {} windows are read once more.",
                read.emitter.name(),
                windows.len()
            );
            self.read_windows(read, windows, progress, field_groups, times).await?;
        }
        Ok(())
    }

    /// What is said of the types and windows that could not be read.
    fn judge(
        &self,
        read: &ReadContext<'_>,
        given: &PartitionCursors,
        progress: &mut ReadProgress,
    ) -> Result<(), Error> {
        if let Some(error) = progress.obstacle() {
            return Err(error);
        }
        let mut lost = Vec::new();
        for (partition, (refusal, windows)) in std::mem::take(&mut progress.refused) {
            if progress.read.contains(&partition) {
                let obstacle = progress.obstacles.get(&partition).map(|error| error.message().to_owned());
                let why = obstacle.unwrap_or_else(|| format!("Navan answered {}", refusal.words));
                progress.broken.extend(windows.iter().map(|window| window.missing(&why, refusal.status == 400)));
            } else if given.knows(&partition) {
                lost.push((partition.clone(), refusal.words.clone()));
                progress.skipped.insert(partition, refusal);
            } else {
                tracing::warn!(
                    "{}: {partition} cannot be read with this credential (Navan answered {}); it was skipped.",
                    read.emitter.name(),
                    refusal.words
                );
                progress.skipped.insert(partition, refusal);
            }
        }
        if !progress.skipped.is_empty() && progress.skipped.len() == self.partitions.names(read.config).len() {
            return Err(self.all_refused(&progress.skipped));
        }
        let missing = progress.take_missing();
        if !missing.is_empty() {
            return Err(missing::error(&missing));
        }
        if !lost.is_empty() {
            return Err(no_longer_readable(&lost));
        }
        Ok(())
    }

    /// One type that can be read is enough; the others may not be in use.
    async fn probe_types(&self, target: ProbeTarget<'_>) -> Result<(), ReadError> {
        // Today may not have begun where the account lives.
        let yesterday = target.api.now().date_naive() - Days::new(1);
        let mut first: Option<Failure> = None;
        for partition in &self.partitions.names(target.config) {
            let query = self.query(partition, yesterday..=yesterday, self.proven_field_groups).one_row();
            match target.api.changes_page(&query, None, target.format).await {
                Ok(_) => return Ok(()),
                Err(failure) if WindowRefusal::of(&failure).is_some() => {
                    first.get_or_insert(failure);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        let Some(failure) = first else { return Ok(()) };
        Err(self.absence(failure).into())
    }

    /// That all of it is refused.
    pub(super) fn absence(&self, failure: Failure) -> Error {
        Error::config(format!("{}.", self.not_switched_on())).with_cause(failure)
    }

    fn all_refused(&self, refused: &BTreeMap<String, WindowRefusal>) -> Error {
        let words = refused.values().map(|refusal| &*refusal.words).max_by_key(|words| words.len()).unwrap_or_default();
        let all: Vec<_> =
            refused.iter().map(|(partition, refusal)| format!("{partition}: {}", refusal.words)).collect();
        Error::config(format!(
            "{}, and give the credential the scope {}. Navan answered {words}.",
            self.not_switched_on(),
            self.oauth_scope
        ))
        .with_cause(format!("every type is refused ({})", all.join(", ")))
    }

    /// What is said of a company without them.
    fn not_switched_on(&self) -> String {
        format!(
            "Navan lets this credential read no {}: have Navan's support switch on the Expense API for your company",
            self.rows
        )
    }

    fn estimate(&self, read: &ReadContext<'_>, progress: &ReadProgress) {
        let rows = progress.rows.saturating_mul(progress.planned as u64) / progress.done.max(1) as u64;
        read.emitter.estimate(rows, rows.saturating_mul(self.bytes_per_row));
    }

    /// The stream's state as things stand.
    fn state(&self, read: &ReadContext<'_>, progress: &ReadProgress) -> Value {
        let partitions = self.partitions.names(read.config);
        let in_use = partitions.iter().map(String::as_str);
        let in_use: Vec<_> = in_use.filter(|partition| !progress.is_out_of_use(partition)).collect();
        let mut cursors = progress.cursors.clone();
        cursors.unsure = progress.second_looks.to_state();
        cursors.to_state(self.cursor_field, &in_use, retention_start(read.api.now()))
    }
}

impl ReadStrategy for ChangeWindows {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh, SyncMode::Incremental], is_resumable: true }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.probe_types(target).boxed_local()
    }

    fn survey<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Surveyed>> {
        change_trials::survey(self, target).boxed_local()
    }

    fn try_out<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Tried>> {
        change_trials::run(self, target).boxed_local()
    }

    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        if configured.is_incremental() {
            return resume_partitions(configured, self.cursor_field, state);
        }
        resume_full_refresh(configured, state)
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, resume: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.read_changes(read, resume).boxed_local()
    }
}

/// Of incremental streams it is said too, by `PyAirbyte`, which merges them all the same; so they are not warned about.
fn warn_overwriting(read: &ReadContext<'_>) {
    if read.configured.overwrites {
        tracing::warn!(
            "{}: the destination overwrites the stream, but Navan's API only has changes since {}; what it holds from before is lost for good. Choose Incremental | Append + Deduped.",
            read.emitter.name(),
            retention_start(read.api.now())
        );
    }
}

/// The windows of all partitions, of so many days each, the earliest first, so that all move on alike.
fn plan(
    read: &ReadContext<'_>,
    partitions: &[String],
    days: u64,
    cursors: &PartitionCursors,
    now: DateTime<Utc>,
) -> VecDeque<ChangeWindow> {
    let retention = midnight(retention_start(read.api.now()));
    let end = whole_second(now);
    if end < retention {
        tracing::warn!(
            "{}: `end_date` lies before {retention}, and Navan's API only has changes since then; nothing is read.",
            read.emitter.name()
        );
    }
    let mut windows = Vec::new();
    for partition in partitions {
        let since = match cursors.synced_through(partition) {
            None => retention.max(read.config.start_date),
            Some(through) => {
                if through < retention {
                    tracing::warn!(
                        "{}: {partition} was last read up to {through}, but Navan's API only has changes since {retention}; those in between cannot be read any more. Read at least once a month.",
                        read.emitter.name()
                    );
                }
                let since = through - Duration::days(i64::from(read.config.lookback_days));
                if through > end {
                    tracing::warn!(
                        "{}: the state says that {partition} was read up to {through}, but for Navan it is {end}; nothing of it is read before {since}. If the state is wrong, clear it.",
                        read.emitter.name()
                    );
                }
                // Of days that are unsure, what was read before is no reason to leave a row out.
                let is_unsure = cursors.unsure.contains_key(partition);
                retention.max(if is_unsure { midnight(since.date_naive()) } else { since })
            }
        };
        windows.extend(windows_of(partition, days, since, end));
    }
    windows.sort_by_key(|window| window.number);
    windows.into()
}

fn windows_of(partition: &str, days: u64, since: DateTime<Utc>, end: DateTime<Utc>) -> Vec<ChangeWindow> {
    let mut windows = Vec::new();
    let mut from = since.date_naive();
    while from <= end.date_naive() && since <= end {
        let next = from + Days::new(days);
        let to = (next - Days::new(1)).min(end.date_naive());
        windows.push(ChangeWindow {
            partition: partition.to_owned(),
            days: from..=to,
            number: windows.len(),
            starts: midnight(from),
            since,
            written: WrittenVersions::default(),
            first: FirstOfType::Unread,
            was_throttled: false,
            rows_before: None,
            read_before: None,
        });
        from = next;
    }
    windows
}

/// A window that was read once more and could not be stays unsure, for the next read to look at.
fn end_second_look(read: &ReadContext<'_>, window: ChangeWindow, outcome: WindowOutcome, progress: &mut ReadProgress) {
    match outcome {
        // The retention has left it behind; there is nothing to look at any more.
        WindowOutcome::Complete { .. } | WindowOutcome::Passed => {}
        WindowOutcome::Broken { why, is_defect, .. } => {
            progress.broken.push(window.missing(&why, is_defect));
            progress.second_looks.leave(window);
        }
        WindowOutcome::Refused { refusal, .. } => {
            tracing::warn!(
                "{}: what of {} changed from {} to {} could not be looked at again (Navan answered {}); the next read looks again.",
                read.emitter.name(),
                window.partition,
                window.days.start(),
                window.days.end(),
                refusal.words
            );
            progress.second_looks.leave(window);
        }
    }
}

/// The error of types that an earlier read has read.
fn no_longer_readable(lost: &[(String, String)]) -> Error {
    let types: Vec<_> = lost.iter().map(|(partition, words)| format!("{partition} (Navan answered {words})")).collect();
    Error::config(format!(
        "Navan no longer lets this credential read {}, which an earlier sync has read. All else has been read. Give the credential back what it had, or take the types out of `transaction_types`.",
        types.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::timestamp::parse;

    fn at(text: &str) -> DateTime<Utc> {
        parse(text).unwrap()
    }

    #[test]
    fn windows_cover_each_day_once_and_reach_the_end() {
        let (since, end) = (at("2026-09-01T12:00:00Z"), at("2026-11-22T10:00:00Z"));
        let windows = windows_of("fees", 7, since, end);
        let days: Vec<_> =
            windows.iter().flat_map(|w| w.days.start().iter_days().take_while(|d| d <= w.days.end())).collect();
        let expected: Vec<_> = since.date_naive().iter_days().take_while(|day| *day <= end.date_naive()).collect();
        assert_eq!(days, expected);
        assert_eq!(windows[1].starts, at("2026-09-08T00:00:00Z"));
        assert!(windows_of("fees", 7, at("2099-01-01T00:00:00Z"), end).is_empty());
    }

    #[test]
    fn a_cursor_moves_only_over_windows_without_a_gap() {
        let end = at("2026-09-25T00:00:00Z");
        let windows = VecDeque::from(windows_of("fees", 7, at("2026-09-01T00:00:00Z"), end));
        let mut progress = ReadProgress::new(PartitionCursors::default(), &windows, end);
        let mut complete = |number: usize| {
            progress.complete(&windows[number], 0, None).then(|| progress.cursors.synced_through("fees").unwrap())
        };
        assert_eq!(complete(1), None);
        assert_eq!(complete(0), Some(at("2026-09-15T00:00:00Z")));
        assert_eq!(complete(3), None);
        assert_eq!(complete(2), Some(at("2026-09-25T00:00:00Z")));
    }
}
