//! Reading one window of one partition, from its first page to its last, by its cursor.

use std::cell::RefCell;
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::row_numbers::{ByNumber, RowNumbers};
use super::{ReadContext, ReadError};
use crate::api::{ChangesPage, ChangesQuery};
use crate::error::Error;
use crate::gateway::Failure;
use crate::record::{Identity, Row};
use crate::sync::state::time::{midnight, retention_start};

/// In place of a time that cannot be read.
const NO_TIME: i64 = i64::MIN;

/// A stretch of days of one expense type.
#[derive(Clone, Debug)]
pub(super) struct ChangeWindow {
    pub(super) expense_type: String,
    pub(super) days: RangeInclusive<NaiveDate>,
    /// Its number within its type.
    pub(super) number: usize,
    /// What tells it from the others of its type: the time at which it starts.
    pub(super) starts: DateTime<Utc>,
    /// What changed before was read before.
    pub(super) since: DateTime<Utc>,
}

/// How a window ended.
pub(super) enum WindowOutcome {
    Complete {
        rows: u64,
        /// Rows that were read before, or that the next read will bring.
        left_out: u64,
    },
    /// The type cannot be read with this credential: 403 or 404.
    Refused(u16),
}

/// One window being read.
pub(super) struct WindowReader<'a> {
    read: &'a ReadContext<'a>,
    query: ChangesQuery,
    window: &'a ChangeWindow,
    /// T0, when the read began.
    end: DateTime<Utc>,
    rows: RefCell<WindowRows>,
}

/// The rows of a window.
#[derive(Default)]
struct WindowRows {
    numbers: RowNumbers,
    /// Those written so far, with the time of their change in epoch milliseconds; [`NO_TIME`] if it cannot be read.
    written: ByNumber<i64>,
    /// How many were left out as read before, or for the next read to bring.
    left_out: u64,
}

impl<'a> WindowReader<'a> {
    pub(super) fn new(
        read: &'a ReadContext<'a>,
        query: ChangesQuery,
        window: &'a ChangeWindow,
        end: DateTime<Utc>,
    ) -> Self {
        Self { read, query, window, end, rows: RefCell::default() }
    }

    /// Reads the window. A cursor that Navan no longer knows costs it a new start, once; what is written already is not
    /// written again.
    pub(super) async fn read(&self) -> Result<WindowOutcome, ReadError> {
        let mut restarted = false;
        loop {
            let days = self.days_still_there();
            if days.start() > self.window.days.start() {
                self.warn_retention_passed(*days.start());
            }
            if days.is_empty() {
                return Ok(self.complete());
            }
            match self.paginate(&days).await {
                Ok(()) | Err(WindowError::RetentionPassed) => return Ok(self.complete()),
                Err(WindowError::CursorRefused(_)) if !restarted => restarted = true,
                Err(WindowError::CursorRefused(failure) | WindowError::Request(failure)) => return Err(failure.into()),
                Err(WindowError::TypeRefused(status)) => return Ok(WindowOutcome::Refused(status)),
                Err(WindowError::CursorRepeated) => {
                    return Err(Error::system(format!(
                        "Navan's paging of {} runs in a circle: it gave the same cursor twice. Please report this with the log.",
                        self.window.expense_type
                    ))
                    .into());
                }
            }
        }
    }

    fn complete(&self) -> WindowOutcome {
        let rows = self.rows.borrow();
        WindowOutcome::Complete { rows: rows.written.len() as u64, left_out: rows.left_out }
    }

    /// Follows the cursor from the first page to the last.
    async fn paginate(&self, days: &RangeInclusive<NaiveDate>) -> Result<(), WindowError> {
        self.rows.borrow_mut().begin_look();
        let mut cursors = HashSet::new();
        let (query, mut page) = self.first_page(days).await?;
        loop {
            let Some(cursor) = page.next_cursor.take() else {
                self.write(page).await;
                return Ok(());
            };
            if !cursors.insert(cursor.clone()) {
                return Err(WindowError::CursorRepeated);
            }
            // The next page is asked for before this one is written.
            let fetched = self.read.api.changes_page(&query, Some(&cursor), self.read.emitter.format());
            let ((), fetched) = futures::join!(self.write(page), fetched);
            page = fetched.map_err(WindowError::on_cursor)?;
        }
    }

    /// The first page, and the query that it answers. Around the turn of a month Navan's retention may begin a month later
    /// than thought here, so a refusal is asked once more from there.
    async fn first_page(&self, days: &RangeInclusive<NaiveDate>) -> Result<(ChangesQuery, ChangesPage), WindowError> {
        let query = self.query.clone().on(days.clone());
        let failure = match self.read.api.changes_page(&query, None, self.read.emitter.format()).await {
            Ok(page) => return Ok((query, page)),
            Err(failure) => failure,
        };
        let now = self.read.api.now();
        let later = retention_start(now + Duration::days(1));
        let turning = later > retention_start(now - Duration::days(1)) && *days.start() < later;
        if failure.refused_with() != Some(400) || !turning {
            return Err(WindowError::on_first_page(failure));
        }
        self.warn_retention_passed(later);
        if *days.end() < later {
            return Err(WindowError::RetentionPassed);
        }
        let query = query.on(later..=*days.end());
        let page = self.read.api.changes_page(&query, None, self.read.emitter.format()).await;
        Ok((query, page.map_err(WindowError::on_first_page)?))
    }

    /// The window's days, without those that the retention has left behind since it was planned.
    fn days_still_there(&self) -> RangeInclusive<NaiveDate> {
        (*self.window.days.start()).max(retention_start(self.read.api.now()))..=*self.window.days.end()
    }

    fn warn_retention_passed(&self, retention: NaiveDate) {
        tracing::warn!(
            "{}: the month turned before {} was read from {} on; Navan's API only has changes since {retention} now.",
            self.read.emitter.name(),
            self.window.expense_type,
            self.window.days.start(),
        );
    }

    async fn write(&self, page: ChangesPage) {
        let ChangesPage { mut rows, permit, .. } = page;
        {
            let mut seen = self.rows.borrow_mut();
            rows.retain(|row| seen.is_wanted(row, self.is_for_another_read(row)));
        }
        self.read.emitter.write(rows).await;
        drop(permit);
    }

    /// Whether an incremental read leaves the row out, since another read has brought it or will: the API filters by whole
    /// days, so that it also gives what changed on the first day before the look-back begins; and what changed after T0 is
    /// the next read's. What lies outside the days that were asked for, or ahead of Navan's clock, no other read brings.
    fn is_for_another_read(&self, row: &Row) -> bool {
        let Some(changed) = row.cursor.filter(|_| self.read.emitter.configured().is_incremental()) else {
            return false;
        };
        let first_day = midnight(*self.window.days.start());
        let was_before = first_day <= changed && changed < self.window.since;
        let is_of_the_next = self.end < changed && changed <= self.read.api.now();
        was_before || is_of_the_next
    }
}

impl WindowRows {
    /// The window is read from its first page.
    fn begin_look(&mut self) {
        self.numbers.begin_look();
        self.left_out = 0;
    }

    /// Whether a row is to be written: not if this version of it was.
    fn is_wanted(&mut self, row: &Row, is_for_another_read: bool) -> bool {
        if is_for_another_read {
            self.left_out += 1;
            return false;
        }
        let changed = row.cursor.map_or(NO_TIME, |changed| changed.timestamp_millis());
        match self.written.entry(self.numbers.of(row)) {
            Entry::Vacant(entry) => {
                entry.insert(changed);
                true
            }
            // Without times nobody can say which of two versions is the newer one, so both are written.
            Entry::Occupied(mut entry) => {
                let has_times = *entry.get() != NO_TIME && changed != NO_TIME;
                let is_known = match row.identity {
                    Identity::Key(_) => has_times && *entry.get() >= changed,
                    Identity::Content(_) => true,
                };
                if !is_known {
                    entry.insert(changed);
                }
                !is_known
            }
        }
    }
}

/// Why following a cursor stopped before its end.
enum WindowError {
    CursorRefused(Failure),
    CursorRepeated,
    /// The type cannot be read.
    TypeRefused(u16),
    /// The retention has left all days of the window behind while it was asked for.
    RetentionPassed,
    Request(Failure),
}

impl WindowError {
    fn on_first_page(failure: Failure) -> Self {
        match failure.refused_with() {
            Some(status @ (403 | 404)) => Self::TypeRefused(status),
            _ => Self::Request(failure),
        }
    }

    fn on_cursor(failure: Failure) -> Self {
        match failure.refused_with() {
            Some(400 | 410) => Self::CursorRefused(failure),
            _ => Self::on_first_page(failure),
        }
    }
}
