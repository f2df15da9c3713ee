//! Reading one window of one expense type, from its first page to its last.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::Read;
use super::conform::Found;
use super::session::Session;
use super::time::{floor, parse};
use crate::api::{CursorPage, Rows};
use crate::error::Error;
use crate::gateway::Failure;

/// A stretch of days of one type.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) kind: String,
    pub(super) days: RangeInclusive<NaiveDate>,
    /// Its number within its type.
    pub(super) number: usize,
    /// The type's position once it and all before it are complete.
    pub(super) reaches: DateTime<Utc>,
    /// Rows that changed before are not wanted.
    pub(super) since: DateTime<Utc>,
}

/// How a window ended.
pub(super) enum Ended {
    Complete {
        rows: u64,
    },
    /// The type cannot be read with this credential: 403 or 404.
    Refused(u16),
}

/// Reads a window; rows that changed after `end`, which is T0, are not wanted.
pub(super) async fn read(
    read: &Read<'_>,
    session: &Session,
    window: &Window,
    end: DateTime<Utc>,
) -> Result<Ended, Error> {
    OneWindow { read, session, window, end }.read().await
}

/// One window being read.
struct OneWindow<'a> {
    read: &'a Read<'a>,
    session: &'a Session,
    window: &'a Window,
    /// T0.
    end: DateTime<Utc>,
}

/// The rows of a window written so far, by key, with the time of their change.
type Written = HashMap<Box<str>, Option<DateTime<Utc>>>;

impl OneWindow<'_> {
    /// Follows the cursor from the first page to the last. A cursor that Navan no longer knows costs the window a new
    /// start, once; what is written already is not written again.
    async fn read(&self) -> Result<Ended, Error> {
        let mut written = Written::new();
        let mut restarted = false;
        loop {
            let days = self.days_still_there();
            if days.start() > self.window.days.start() {
                self.tell_passed(*days.start());
            }
            if days.is_empty() {
                return Ok(Ended::Complete { rows: written.len() as u64 });
            }
            match self.follow(&days, &mut written).await {
                Ok(()) | Err(Stopped::Passed) => return Ok(Ended::Complete { rows: written.len() as u64 }),
                Err(Stopped::Cursor(_)) if !restarted => restarted = true,
                Err(Stopped::Cursor(failure) | Stopped::Failure(failure)) => return Err(failure.into()),
                Err(Stopped::Type(status)) => return Ok(Ended::Refused(status)),
                Err(Stopped::Loop) => {
                    return Err(Error::system(format!(
                        "Navan's paging of {} runs in a circle: it gave the same cursor twice. Please report this with the log.",
                        self.window.kind
                    )));
                }
            }
        }
    }

    async fn follow(&self, days: &RangeInclusive<NaiveDate>, written: &mut Written) -> Result<(), Stopped> {
        let mut cursors = HashSet::new();
        let (days, mut page) = self.first_page(days).await?;
        loop {
            let CursorPage { rows, next } = page;
            let Some(cursor) = next else {
                self.write(rows, written).await;
                return Ok(());
            };
            if !cursors.insert(cursor.clone()) {
                return Err(Stopped::Loop);
            }
            // The next page is asked for before this one is written.
            let fetched = self.read.api.expense(&self.window.kind, &days, Some(&cursor));
            let ((), fetched) = futures::join!(self.write(rows, written), fetched);
            page = fetched.map_err(Stopped::on_cursor)?;
        }
    }

    /// The first page, and the days that it is of. Around the turn of a month Navan's floor may be a month later than
    /// thought here, so a refusal is asked once more from there.
    async fn first_page(
        &self,
        days: &RangeInclusive<NaiveDate>,
    ) -> Result<(RangeInclusive<NaiveDate>, CursorPage), Stopped> {
        let failure = match self.read.api.expense(&self.window.kind, days, None).await {
            Ok(page) => return Ok((days.clone(), page)),
            Err(failure) => failure,
        };
        let later = floor(self.read.api.now() + Duration::days(1));
        let turning = later > floor(self.read.api.now() - Duration::days(1)) && *days.start() < later;
        if failure.refused_with() != Some(400) || !turning {
            return Err(Stopped::on_first_page(failure));
        }
        self.tell_passed(later);
        if *days.end() < later {
            return Err(Stopped::Passed);
        }
        let days = later..=*days.end();
        let page = self.read.api.expense(&self.window.kind, &days, None).await.map_err(Stopped::on_first_page)?;
        Ok((days, page))
    }

    /// The window's days, without those that have passed below the floor since it was planned.
    fn days_still_there(&self) -> RangeInclusive<NaiveDate> {
        (*self.window.days.start()).max(floor(self.read.api.now()))..=*self.window.days.end()
    }

    fn tell_passed(&self, floor: NaiveDate) {
        tracing::warn!(
            "{}: the month turned before {} was read from {} on; Navan's API only has changes since {floor} now.",
            self.session.stream.name,
            self.window.kind,
            self.window.days.start(),
        );
    }

    async fn write(&self, rows: Rows, written: &mut Written) {
        self.session.write(rows, |row, found| self.wants(row, found, written)).await;
    }

    /// Navan filters by whole days; what changed before the start of the read or after T0 is not this read's. A row
    /// whose time cannot be read is written: better twice than never.
    fn wants(&self, row: &str, found: &Found<'_>, written: &mut Written) -> bool {
        let changed = found.time.and_then(parse);
        if changed.is_some_and(|changed| changed < self.window.since || changed > self.end) {
            return false;
        }
        match written.get_mut(found.key.unwrap_or(row)) {
            Some(before) if *before >= changed => false,
            Some(before) => {
                *before = changed;
                true
            }
            None => {
                written.insert(found.key.unwrap_or(row).into(), changed);
                true
            }
        }
    }
}

/// Why following a cursor stopped before its end.
enum Stopped {
    /// The cursor was refused.
    Cursor(Failure),
    /// The cursor was there before.
    Loop,
    /// The type cannot be read.
    Type(u16),
    /// All days of the window have passed below the floor while it was asked for.
    Passed,
    /// Anything else.
    Failure(Failure),
}

impl Stopped {
    fn on_first_page(failure: Failure) -> Self {
        match failure.refused_with() {
            Some(status @ (403 | 404)) => Self::Type(status),
            _ => Self::Failure(failure),
        }
    }

    fn on_cursor(failure: Failure) -> Self {
        match failure.refused_with() {
            Some(400 | 410) => Self::Cursor(failure),
            _ => Self::on_first_page(failure),
        }
    }
}
