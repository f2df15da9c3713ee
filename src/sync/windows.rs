//! Reading by the time of the last change, in windows, incrementally: TRANSACTION.
//!
//! Each expense type is a partition with a position of its own, `synced_through`: all its changes up to then are written.
//! A read goes back a little before it (changes appear late), not before the floor that the API sets, and up to T0, the
//! time at which the read began. The range is cut into windows of whole days; those of all types are read side by side,
//! each following its cursor. Whenever a type's windows are complete without a gap up to a later time, its position
//! moves there, and a checkpoint tells.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::Read;
use super::conform::Found;
use super::marker;
use super::position::Positions;
use super::session::Session;
use super::time::{floor, midnight, whole_second};
use crate::api::{CursorPage, Rows};
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::SyncMode;

/// Days a window: short enough that a type with many changes is read by many windows side by side, and that little is
/// read again after an interruption.
const DAYS_A_WINDOW: u64 = 7;

/// After how many windows the rest can be estimated.
const WINDOWS_TO_ESTIMATE_BY: usize = 4;

/// A stretch of days of one type.
#[derive(Clone, Debug)]
struct Window {
    kind: String,
    days: RangeInclusive<NaiveDate>,
    /// Its number within its type.
    number: usize,
    /// The type's position once it and all before it are complete.
    reaches: DateTime<Utc>,
    /// Rows that changed before are not wanted.
    since: DateTime<Utc>,
}

/// How a window ended.
enum Ended {
    Complete {
        rows: u64,
    },
    /// The type cannot be read with this credential: 403 or 404.
    Refused(u16),
}

/// How far each type has come.
struct Advance {
    positions: Positions,
    /// Numbers of the complete windows beyond the first gap, and what the position will be.
    complete: HashMap<String, BTreeMap<usize, DateTime<Utc>>>,
    next: HashMap<String, usize>,
}

/// Reads all changes that the given state does not cover; in full refresh, all that the API still has.
pub(super) async fn read(read: &Read<'_>, session: &Session, state: Option<&Value>) -> Result<(), Error> {
    let incremental = session.configured.sync_mode == SyncMode::Incremental;
    let now = read.api.now();
    let positions = match state.filter(|_| incremental) {
        Some(state) => Positions::from_state(session.stream.name, state)?,
        None => Positions::default(),
    };
    let windows = plan(read, session, &positions, now);
    let advance = Mutex::new(Advance { positions, complete: HashMap::new(), next: HashMap::new() });
    let refused: Mutex<BTreeMap<String, u16>> = Mutex::default();
    all_windows(read, session, windows, &advance, &refused, incremental).await?;
    let refused = refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    if refused.len() == read.transaction_types.len() {
        return Err(all_refused(&refused));
    }
    let positions = advance.into_inner().unwrap_or_else(PoisonError::into_inner).positions;
    session.checkpoint(if incremental {
        positions.to_state(&in_use(read, &refused), floor(read.api.now()))
    } else {
        marker::complete(session.configured.sync_id, whole_second(now))
    });
    Ok(())
}

/// The windows of all types, the earliest first, so that all types move on alike.
fn plan(read: &Read<'_>, session: &Session, positions: &Positions, now: DateTime<Utc>) -> Vec<Window> {
    let floor = midnight(floor(now));
    let end = whole_second(now);
    let mut windows = Vec::new();
    for kind in read.transaction_types {
        let since = match positions.of(kind) {
            None => floor.max(read.start_date),
            Some(through) => {
                if through < floor {
                    tracing::warn!(
                        "{}: {kind} was last read up to {through}, but Navan's API only has changes since {floor}; those in between cannot be read any more. Read at least once a month.",
                        session.stream.name
                    );
                }
                floor.max(through - Duration::days(i64::from(read.lookback_days)))
            }
        };
        windows.extend(windows_of(kind, since, end));
    }
    windows.sort_by_key(|window| window.number);
    windows
}

fn windows_of(kind: &str, since: DateTime<Utc>, end: DateTime<Utc>) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut from = since.date_naive();
    while from <= end.date_naive() && since <= end {
        let next = from + Days::new(DAYS_A_WINDOW);
        let to = (next - Days::new(1)).min(end.date_naive());
        let number = windows.len();
        windows.push(Window {
            kind: kind.to_owned(),
            days: from..=to,
            number,
            reaches: midnight(next).min(end),
            since,
        });
        from = next;
    }
    windows
}

async fn all_windows(
    read: &Read<'_>,
    session: &Session,
    windows: Vec<Window>,
    advance: &Mutex<Advance>,
    refused: &Mutex<BTreeMap<String, u16>>,
    incremental: bool,
) -> Result<(), Error> {
    let end = windows.iter().map(|window| window.reaches).max();
    let planned = windows.len();
    let mut done = 0;
    let one = async |window: Window| -> Result<_, Error> {
        if locked(refused).contains_key(&window.kind) {
            return Ok((window, None));
        }
        let ended = OneWindow { read, session, window: &window, end: end.unwrap_or_default() }.read().await?;
        Ok((window, Some(ended)))
    };
    let mut running = std::pin::pin!(stream::iter(windows).map(one).buffer_unordered(read.side_by_side));
    let mut rows = 0;
    while let Some(ended) = running.next().await {
        let (window, ended) = ended?;
        match ended {
            Some(Ended::Complete { rows: more }) => {
                (done, rows) = (done + 1, rows + more);
                if done >= WINDOWS_TO_ESTIMATE_BY {
                    estimate(session, rows, done, planned);
                }
                let state = locked(advance).complete(&window, |positions| {
                    positions.to_state(&in_use(read, &locked(refused)), floor(read.api.now()))
                });
                if let Some(state) = state.filter(|_| incremental) {
                    session.checkpoint(state);
                }
            }
            Some(Ended::Refused(status)) => {
                if locked(refused).insert(window.kind.clone(), status).is_none() {
                    tracing::warn!(
                        "{}: {} cannot be read with this credential (Navan answered {status}); it is skipped, and its state kept.",
                        session.stream.name,
                        window.kind
                    );
                }
            }
            None => {}
        }
    }
    Ok(())
}

/// Bytes of a transaction, about, in compact JSON.
const BYTES_A_ROW: u64 = 1_200;

fn estimate(session: &Session, rows: u64, done: usize, planned: usize) {
    let rows = rows * planned as u64 / done as u64;
    session.estimate(rows, rows * BYTES_A_ROW);
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
            if days.is_empty() {
                return Ok(Ended::Complete { rows: 0 }); // the month turned: they cannot be read any more
            }
            match self.follow(&days, &mut written).await {
                Ok(()) => return Ok(Ended::Complete { rows: written.len() as u64 }),
                Err(Stopped::Cursor(_)) if !restarted => restarted = true,
                Err(Stopped::Cursor(failure)) => return Err(failure.into()),
                Err(Stopped::Type(status)) => return Ok(Ended::Refused(status)),
                Err(Stopped::Loop) => {
                    return Err(Error::system(format!(
                        "Navan's paging of {} runs in a circle: it gave the same cursor twice. Please report this with the log.",
                        self.window.kind
                    )));
                }
                Err(Stopped::Passed) => return Ok(Ended::Complete { rows: written.len() as u64 }),
                Err(Stopped::Failure(failure)) => return Err(failure.into()),
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

    async fn write(&self, rows: Rows, written: &mut Written) {
        self.session.write(rows, |row, found| self.wants(row, found, written)).await;
    }

    /// Navan filters by whole days; what changed before the start of the read or after T0 is not this read's. A row
    /// whose time cannot be read is written: better twice than never.
    fn wants(&self, row: &str, found: &Found<'_>, written: &mut Written) -> bool {
        let changed = found.time.and_then(super::time::parse);
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

impl Advance {
    /// Takes note of a complete window; gives the state if the type's position moved.
    fn complete(&mut self, window: &Window, state: impl FnOnce(&Positions) -> Value) -> Option<Value> {
        let next = self.next.entry(window.kind.clone()).or_default();
        let complete = self.complete.entry(window.kind.clone()).or_default();
        complete.insert(window.number, window.reaches);
        let mut reached = None;
        while let Some(reaches) = complete.remove(next) {
            *next += 1;
            reached = Some(reaches);
        }
        let moved = self.positions.advance(&window.kind, reached?);
        moved.then(|| state(&self.positions))
    }
}

fn in_use<'a>(read: &'a Read<'_>, refused: &BTreeMap<String, u16>) -> Vec<&'a str> {
    read.transaction_types.iter().filter(|kind| !refused.contains_key(*kind)).map(String::as_str).collect()
}

fn all_refused(refused: &BTreeMap<String, u16>) -> Error {
    Error::config(
        "Navan lets this credential read no expense transactions: have Navan's support switch on the Expense API for your company, and give the credential the scope liquid:read.",
    )
    .because(format!("statuses by type: {refused:?}"))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Its holders cannot panic, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        super::super::time::parse(text).unwrap()
    }

    #[test]
    fn windows_cover_each_day_once_and_reach_the_end() {
        let (since, end) = (at("2026-09-01T12:00:00Z"), at("2026-11-22T10:00:00Z"));
        let windows = windows_of("fees", since, end);
        let days: Vec<_> =
            windows.iter().flat_map(|w| w.days.start().iter_days().take_while(|d| d <= w.days.end())).collect();
        let expected: Vec<_> = since.date_naive().iter_days().take_while(|day| *day <= end.date_naive()).collect();
        assert_eq!(days, expected);
        assert_eq!(windows.last().unwrap().reaches, end);
        assert_eq!(windows[0].reaches, at("2026-09-08T00:00:00Z"));
        assert!(windows_of("fees", at("2099-01-01T00:00:00Z"), end).is_empty());
    }

    #[test]
    fn a_position_moves_only_over_windows_without_a_gap() {
        let windows = windows_of("fees", at("2026-09-01T00:00:00Z"), at("2026-09-25T00:00:00Z"));
        let mut advance = Advance { positions: Positions::default(), complete: HashMap::new(), next: HashMap::new() };
        let mut complete =
            |number: usize| advance.complete(&windows[number], |p| p.of("fees").unwrap().to_rfc3339().into());
        assert_eq!(complete(1), None);
        assert_eq!(complete(0), Some("2026-09-15T00:00:00+00:00".into()));
        assert_eq!(complete(3), None);
        assert_eq!(complete(2), Some("2026-09-25T00:00:00+00:00".into()));
    }
}
