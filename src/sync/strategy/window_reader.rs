//! Reading one window of one partition, from its first page to its last, by its cursor.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::{ReadContext, ReadError};
use crate::api::{ChangesPage, ChangesQuery};
use crate::error::Error;
use crate::gateway::Failure;
use crate::record::Row;
use crate::sync::state::time::retention_start;

/// A stretch of days of one expense type.
#[derive(Clone, Debug)]
pub(super) struct ChangeWindow {
    pub(super) expense_type: String,
    pub(super) days: RangeInclusive<NaiveDate>,
    /// Its number within its type.
    pub(super) number: usize,
    /// What tells it from the others of its type: the time at which it starts.
    pub(super) starts: DateTime<Utc>,
    /// Rows that changed before are not wanted.
    pub(super) since: DateTime<Utc>,
}

/// How a window ended.
pub(super) enum WindowOutcome {
    Complete {
        rows: u64,
    },
    /// The type cannot be read with this credential: 403 or 404.
    Refused(u16),
}

/// One window being read.
pub(super) struct WindowReader<'a> {
    read: &'a ReadContext<'a>,
    query: ChangesQuery,
    window: &'a ChangeWindow,
    /// T0: rows that changed after it are not wanted.
    end: DateTime<Utc>,
    /// The rows written so far, with the time of their change.
    written: RefCell<HashMap<u64, Option<DateTime<Utc>>>>,
}

impl<'a> WindowReader<'a> {
    pub(super) fn new(
        read: &'a ReadContext<'a>,
        query: ChangesQuery,
        window: &'a ChangeWindow,
        end: DateTime<Utc>,
    ) -> Self {
        Self { read, query, window, end, written: RefCell::default() }
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
        WindowOutcome::Complete { rows: self.written.borrow().len() as u64 }
    }

    /// Follows the cursor from the first page to the last.
    async fn paginate(&self, days: &RangeInclusive<NaiveDate>) -> Result<(), WindowError> {
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
        rows.retain(|row| self.is_wanted(row));
        self.read.emitter.write(rows).await;
        drop(permit);
    }

    /// Navan filters by whole days; what changed before the start of the read or after T0 is not this read's. A row
    /// whose time cannot be read is written: better twice than never.
    fn is_wanted(&self, row: &Row) -> bool {
        let changed = row.cursor;
        if changed.is_some_and(|changed| changed < self.window.since || changed > self.end) {
            return false;
        }
        let mut written = self.written.borrow_mut();
        match written.get_mut(&row.identity) {
            Some(before) if *before >= changed => false,
            Some(before) => {
                *before = changed;
                true
            }
            None => {
                written.insert(row.identity, changed);
                true
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
