//! Reading one window of one partition, from its first page to its last, by its cursor.

mod window_rows;
mod window_start;

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::rc::Rc;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use window_rows::WindowRows;
pub(super) use window_start::FieldGroups;
use window_start::WindowStart;

use super::missing::MissingRange;
use super::row_numbers::WrittenVersions;
use super::{BARREN_PAGES_TOLD, BRIEF_ATTEMPTS, MAX_BARREN_PAGES, ReadContext, UNZONED_MARGIN};
use crate::api::{ChangesPage, ChangesQuery, NextPage, looks_full};
use crate::error::Error;
use crate::gateway::Failure;
use crate::hash::hash;
use crate::record::Row;
use crate::sync::state::time::{midnight, retention_start};

/// A stretch of days of one partition.
#[derive(Clone, Debug)]
pub(super) struct ChangeWindow {
    pub(super) partition: String,
    pub(super) days: RangeInclusive<NaiveDate>,
    /// Its number within its type.
    pub(super) number: usize,
    /// What tells it from the others of its type: the time at which it starts.
    pub(super) starts: DateTime<Utc>,
    /// What changed before was read before.
    pub(super) since: DateTime<Utc>,
    /// What of it has been written in this read, if it was begun before.
    pub(super) written: WrittenVersions,
    /// What the type's first window with rows was like.
    pub(super) first: FirstOfType,
    /// It was held back once by a limit that may be its type's alone.
    pub(super) was_throttled: bool,
    /// Which rows it had then, if that is known.
    pub(super) rows_before: Option<u64>,
    /// When it was read to its end before, if it is read once more for what slipped out of sight.
    pub(super) read_before: Option<RangeInclusive<DateTime<Utc>>>,
}

/// What is known of the first window of a type that has rows: by it shows whether Navan heeds the days that it is asked for.
#[derive(Clone, Debug, Default)]
pub(super) enum FirstOfType {
    /// None was read yet.
    #[default]
    Unread,
    /// This one was, and no other yet.
    Known(Rc<FirstWindow>),
    /// Another one has other rows.
    Different,
}

/// The first and the last row of a page, by their keys and times.
pub(super) type Ends = [(u64, Option<DateTime<Utc>>); 2];

/// The first window of a type that has rows.
#[derive(Debug)]
pub(super) struct FirstWindow {
    /// The first and the last row of its first page.
    pub(super) ends: Ends,
    pub(super) written: WrittenVersions,
}

/// The times that count for all windows of a read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadTimes {
    /// T0, when the read began.
    pub(super) end: DateTime<Utc>,
    /// Changes since then may have moved a row out of sight.
    pub(super) unsure_since: DateTime<Utc>,
}

impl ChangeWindow {
    /// The window as something that could not be read.
    pub(super) fn missing(&self, why: &str, is_defect: bool) -> MissingRange {
        let Self { partition, days, .. } = self;
        let what = format!("what of {partition} changed from {} to {} ({why})", days.start(), days.end());
        MissingRange { what, is_defect }
    }
}

/// How a window ended.
pub(super) enum WindowOutcome {
    Complete {
        rows: u64,
        /// Rows that were read before, or that the next read will bring.
        left_out: u64,
        /// The day that could not be asked for yet: the window is complete up to where it begins.
        not_yet: Option<NaiveDate>,
    },
    /// The retention has left all its days behind.
    Passed,
    /// The type cannot be read with this credential, or not this window of it.
    Refused {
        refusal: WindowRefusal,
        /// A page of it was read before, so that the type is there.
        is_there: bool,
        /// It is not Navan that refuses.
        obstacle: Option<Error>,
    },
    /// It could not be read to its end.
    Broken {
        why: String,
        /// The API contradicts itself, or what is known of it.
        is_defect: bool,
        /// Something stands between this machine and Navan.
        obstacle: Option<Error>,
    },
}

/// How Navan refuses a type, or a window of it.
#[derive(Clone, Debug)]
pub(super) struct WindowRefusal {
    pub(super) status: u16,
    /// The same with Navan's words.
    pub(super) words: String,
}

/// One window being read.
pub(super) struct WindowReader<'a> {
    read: &'a ReadContext<'a>,
    query: ChangesQuery,
    field_groups: &'a FieldGroups,
    window: &'a ChangeWindow,
    times: ReadTimes,
    rows: RefCell<WindowRows>,
}

/// What reading a window has shown beside its rows.
pub(super) struct WindowReading {
    /// From when to when it was read, by Navan's clock.
    pub(super) time: RangeInclusive<DateTime<Utc>>,
    /// It came in more pages than one, so that rows could move between them.
    pub(super) was_paged: bool,
    /// When rows changed while windows were read.
    pub(super) changed_since: Vec<DateTime<Utc>>,
    pub(super) written: WrittenVersions,
    /// What tells which rows it had, whatever their versions: the sum of their numbers.
    pub(super) rows: u64,
    /// The first and the last row of its first page.
    pub(super) ends: Option<Ends>,
    /// It is the type's first window once more.
    pub(super) is_first_again: bool,
}

impl<'a> WindowReader<'a> {
    pub(super) fn new(
        read: &'a ReadContext<'a>,
        query: ChangesQuery,
        field_groups: &'a FieldGroups,
        window: &'a ChangeWindow,
        times: ReadTimes,
    ) -> Self {
        Self { read, query, field_groups, window, times, rows: RefCell::default() }
    }

    /// Reads the window, and says what that has shown. A failure is one in which other windows would have a part too.
    pub(super) async fn read(&self) -> (Result<WindowOutcome, Failure>, WindowReading) {
        let began = self.read.api.now();
        let ended_with = self.read_days().await;
        // Navan's clock can be set back meanwhile.
        let ended = self.read.api.now().max(began);
        let mut rows = self.rows.borrow_mut();
        let was_paged = rows.pages.max(rows.pages_of_first_look) > 1;
        let is_final = !was_paged && matches!(ended_with, Ok(WindowOutcome::Complete { .. }));
        let is_needed = !is_final || matches!(self.window.first, FirstOfType::Unread);
        let reading = WindowReading {
            time: began..=ended,
            was_paged,
            changed_since: std::mem::take(&mut rows.changed_since),
            rows: rows.numbers_in_sum(),
            written: if is_needed { self.window.written.with(rows.versions()) } else { WrittenVersions::default() },
            ends: rows.ends,
            is_first_again: rows.first.is_some(),
        };
        (ended_with, reading)
    }

    /// Reads the window's days. A cursor that Navan no longer knows, or a page that came before, costs it a new start, once; what is
    /// written already is not written again.
    async fn read_days(&self) -> Result<WindowOutcome, Failure> {
        let mut restarted = false;
        loop {
            let days = self.days_still_there();
            if days.start() > self.window.days.start() {
                self.warn_retention_passed(*days.start());
            }
            if days.is_empty() {
                return Ok(WindowOutcome::Passed);
            }
            return match self.paginate(&days).await {
                Ok(not_yet) => Ok(self.complete(not_yet)),
                Err(WindowError::RetentionPassed) => Ok(WindowOutcome::Passed),
                Err(WindowError::CursorRefused(_) | WindowError::Repeated) if !restarted => {
                    restarted = true;
                    continue;
                }
                Err(WindowError::Refused(refusal, obstacle)) => {
                    Ok(WindowOutcome::Refused { refusal, is_there: false, obstacle })
                }
                Err(WindowError::RefusedLater(refusal, obstacle)) => {
                    Ok(WindowOutcome::Refused { refusal, is_there: true, obstacle })
                }
                Err(WindowError::CursorRefused(failure) | WindowError::Request(failure)) => match failure {
                    Failure::Exhausted { .. } | Failure::Refused(_) => {
                        let obstacle = failure.as_obstacle();
                        let is_defect = matches!(failure, Failure::Refused(_)) && obstacle.is_none();
                        let why = failure.to_string();
                        Ok(WindowOutcome::Broken { why, is_defect, obstacle })
                    }
                    failure => Err(failure),
                },
                Err(WindowError::Paging(what)) => {
                    Ok(WindowOutcome::Broken { why: what.to_owned(), is_defect: true, obstacle: None })
                }
                Err(WindowError::Repeated) => {
                    let why = "a page came twice, in the place of another".to_owned();
                    Ok(WindowOutcome::Broken { why, is_defect: true, obstacle: None })
                }
            };
        }
    }

    fn complete(&self, not_yet: Option<NaiveDate>) -> WindowOutcome {
        let rows = self.rows.borrow();
        WindowOutcome::Complete { rows: rows.written.len() as u64, left_out: rows.left_out.len() as u64, not_yet }
    }

    /// Follows the cursor from the first page to the last. Returns the day that could not be asked for yet.
    async fn paginate(&self, days: &RangeInclusive<NaiveDate>) -> Result<Option<NaiveDate>, WindowError> {
        self.rows.borrow_mut().begin_look();
        let mut cursors = HashSet::new();
        let WindowStart { query, mut page, not_yet } = self.start(days).await?;
        let (mut cursor, mut was_asked_again, mut given) = (None::<String>, false, 0);
        loop {
            let (rows, is_again) = (page.rows.len() as u64, was_asked_again);
            let missing = page.total.filter(|total| *total > given + rows);
            let next = std::mem::replace(&mut page.next, NextPage::None);
            match next {
                NextPage::Cursor(next) if cursors.insert(hash(next.as_bytes())) => {
                    (cursor, was_asked_again) = (Some(next), false);
                    given += rows;
                }
                NextPage::Cursor(_) => {
                    return Err(WindowError::Paging("its paging runs in a circle: it gave the same cursor twice"));
                }
                // The same page is asked for once more.
                NextPage::None if missing.is_some() && !was_asked_again && !self.was_told_total() => {
                    was_asked_again = true;
                }
                NextPage::Unreachable if !was_asked_again => was_asked_again = true,
                NextPage::None if missing.is_some() && page.is_full => {
                    return Err(WindowError::Paging("it says that it has more rows than its pages give"));
                }
                NextPage::Unreachable => {
                    return Err(WindowError::Paging(
                        "more rows follow (`has_next`, or a full page), but it does not say where: `next_cursor` is missing",
                    ));
                }
                NextPage::Doubtful(next) => {
                    self.write(page, is_again).await?;
                    self.follow_doubtful(&query, next, &mut cursors).await?;
                    return Ok(not_yet);
                }
                NextPage::None => {
                    self.tell_doubtful_end(missing, given + rows, page.is_untold && looks_full(rows));
                    self.write(page, is_again).await?;
                    return Ok(not_yet);
                }
            }
            // The next page is asked for before this one is written.
            let fetched = self.read.api.changes_page(&query, cursor.as_deref(), self.read.emitter.format());
            let (written, fetched) = futures::join!(self.write(page, is_again), fetched);
            written?;
            page = fetched.map_err(WindowError::on_cursor)?;
        }
    }

    /// Follows a cursor that should not be there. What brings nothing new behind it, or fails, is the end that it should be.
    async fn follow_doubtful(
        &self,
        query: &ChangesQuery,
        first: String,
        cursors: &mut HashSet<u64>,
    ) -> Result<(), WindowError> {
        let (mut cursor, mut leads_on) = (first, false);
        let brief = query.clone().with_attempts(BRIEF_ATTEMPTS);
        while cursors.insert(hash(cursor.as_bytes())) {
            let query = if leads_on { query } else { &brief };
            let mut page = match self.read.api.changes_page(query, Some(&cursor), self.read.emitter.format()).await {
                Ok(page) => page,
                Err(Failure::Refused(_) | Failure::Exhausted { .. }) if !leads_on => return Ok(()),
                Err(failure) => return Err(WindowError::on_cursor(failure)),
            };
            let next = std::mem::replace(&mut page.next, NextPage::None);
            let before = self.rows.borrow().distinct();
            self.write(page, true).await?;
            leads_on = self.rows.borrow().distinct() > before;
            match next {
                NextPage::Cursor(next) | NextPage::Doubtful(next) if leads_on => cursor = next,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Whether it was told of this type that its rows are fewer than Navan says.
    fn was_told_total(&self) -> bool {
        self.field_groups.told_totals.borrow().contains(&self.window.partition)
    }

    /// A word on an end of which the numbers say otherwise, or nothing.
    fn tell_doubtful_end(&self, total: Option<u64>, given: u64, may_go_on: bool) {
        let ChangeWindow { partition, days, .. } = self.window;
        let name = self.read.emitter.name();
        let what = format!("of {partition}, changed from {} to {}", days.start(), days.end());
        if let Some(total) = total {
            if !self.field_groups.told_totals.borrow_mut().insert(partition.clone()) {
                return;
            }
            tracing::warn!("{name}: {what}: Navan reports {total} rows, but gave {given}; all that came are written.");
        } else if may_go_on {
            tracing::warn!("{name}: {what}: Navan gave {given} rows, and does not say whether there are more.");
        }
    }

    /// The window's days, without those that the retention has left behind since it was planned.
    fn days_still_there(&self) -> RangeInclusive<NaiveDate> {
        (*self.window.days.start()).max(retention_start(self.read.api.now()))..=*self.window.days.end()
    }

    fn warn_retention_passed(&self, retention: NaiveDate) {
        tracing::warn!(
            "{}: the month turned before {} was read from {} on; Navan's API only has changes since {retention} now.",
            self.read.emitter.name(),
            self.window.partition,
            self.window.days.start(),
        );
    }

    /// Writes what of a page is to be written. It must not be one that came before, unless it was asked for again.
    async fn write(&self, page: ChangesPage, is_again: bool) -> Result<(), WindowError> {
        let ChangesPage { mut rows, permit, .. } = page;
        let (barren, is_repeated) = {
            let mut seen = self.rows.borrow_mut();
            let is_repeated = seen.is_repeated(&rows);
            let (before, repeated, had_rows) = (seen.distinct(), seen.numbers.repeated(), !rows.is_empty());
            let changed = rows.rows().iter().filter_map(|row| row.cursor);
            seen.changed_since.extend(changed.filter(|changed| *changed > self.times.unsure_since));
            if seen.pages == 0 {
                seen.note_first_page(&rows, &self.window.first);
            }
            rows.retain(|row, data| seen.is_wanted(row, data, &self.window.written, self.is_for_another_read(row)));
            // In a second look the pages of the first bring only rows that are known.
            seen.pages += 1;
            let is_known = seen.looks > 1 && had_rows && seen.pages <= seen.pages_of_first_look;
            let new_ones_are_repeats = seen.distinct() - before <= seen.numbers.repeated() - repeated;
            let is_barren = new_ones_are_repeats && !is_known;
            seen.barren = if is_barren { seen.barren + 1 } else { 0 };
            (seen.barren, is_repeated)
        };
        self.read.emitter.write(rows).await;
        drop(permit);
        if barren == BARREN_PAGES_TOLD {
            tracing::warn!(
                "{}: {barren} pages of {} in a row brought no new row.",
                self.read.emitter.name(),
                self.window.partition
            );
        }
        if barren >= MAX_BARREN_PAGES {
            return Err(WindowError::Paging(
                "it does not end: 100 pages in a row brought no new row, each with a cursor to the next",
            ));
        }
        if is_repeated && !is_again { Err(WindowError::Repeated) } else { Ok(()) }
    }

    /// Whether an incremental read leaves the row out, since another read has brought it or will: the API filters by whole
    /// days, so that it also gives what changed on the first day before the look-back begins; and what changed after T0 is
    /// the next read's. What lies outside the days that were asked for, or ahead of Navan's clock, no other read brings.
    fn is_for_another_read(&self, row: &Row) -> bool {
        let Some(changed) = row.cursor else { return false };
        if self.read.config.end_date.is_some() && changed > self.times.end {
            return true;
        }
        if !self.read.configured.is_incremental() {
            return false;
        }
        let first_day = midnight(*self.window.days.start());
        let margin = if row.is_zoned { Duration::zero() } else { UNZONED_MARGIN };
        let was_before = first_day <= changed && changed + margin < self.window.since;
        let is_of_the_next = self.times.end < changed && changed <= self.read.api.now();
        was_before || is_of_the_next
    }
}

/// Why following a cursor stopped before its end.
enum WindowError {
    CursorRefused(Failure),
    /// The paging contradicts itself, in words.
    Paging(&'static str),
    /// A page came that came before.
    Repeated,
    /// The type cannot be read, or not this window of it.
    Refused(WindowRefusal, Option<Error>),
    /// A page of the window that is not its first.
    RefusedLater(WindowRefusal, Option<Error>),
    /// The retention has left all days of the window behind while it was asked for.
    RetentionPassed,
    Request(Failure),
}

impl WindowError {
    fn on_first_page(failure: Failure) -> Self {
        match WindowRefusal::of(&failure) {
            Some(refusal) => Self::Refused(refusal, failure.as_obstacle()),
            None => Self::Request(failure),
        }
    }

    fn on_cursor(failure: Failure) -> Self {
        match WindowRefusal::of(&failure) {
            Some(WindowRefusal { status: 400 | 410, .. }) => Self::CursorRefused(failure),
            Some(refusal) => Self::RefusedLater(refusal, failure.as_obstacle()),
            None => Self::Request(failure),
        }
    }
}

impl WindowRefusal {
    /// Of a failure that is one: the server says that it has not what is asked for, or not for this credential.
    pub(super) fn of(failure: &Failure) -> Option<Self> {
        let status = failure.refused_with().filter(|status| matches!(status, 400..=499 | 501 | 505))?;
        Some(Self { status, words: failure.refusal_in_words()? })
    }
}
