//! Reading by the time of the last change, in windows, incrementally: TRANSACTION.
//!
//! Each expense type is a partition with a position of its own, `synced_through`: all its changes up to then are written.
//! A read goes back a little before it (changes appear late), not before the floor that the API sets, and up to T0, the
//! time at which the read began. The range is cut into windows of whole days; those of all types are read side by side,
//! each following its cursor. Whenever a type's windows are complete without a gap up to a later time, its position
//! moves there, and a checkpoint tells.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, Duration, Utc};
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::Value;

use super::Read;
use super::marker;
use super::position::Positions;
use super::session::Session;
use super::time::{floor, midnight, whole_second};
use super::window::{self, Ended, Window};
use crate::error::Error;
use crate::protocol::SyncMode;

/// Days a window: short enough that a type with many changes is read by many windows side by side, and that little is
/// read again after an interruption.
const DAYS_A_WINDOW: u64 = 7;

/// After how many windows the rest can be estimated.
const WINDOWS_TO_ESTIMATE_BY: usize = 4;

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
    // Of incremental streams it is said too, by PyAirbyte, which merges them all the same.
    if !incremental && session.configured.overwrites {
        tracing::warn!(
            "{}: the destination overwrites the stream, but Navan's API only has changes since {}; what it holds from before is lost for good. Choose Incremental | Append + Deduped.",
            session.stream.name,
            floor(now)
        );
    }
    let positions = match state.filter(|_| incremental) {
        Some(state) => Positions::from_state(session.stream.name, state)?,
        None => Positions::default(),
    };
    let windows = plan(read, session, &positions, now);
    let advance = Mutex::new(Advance { positions, complete: HashMap::new(), next: HashMap::new() });
    let refused: Mutex<BTreeMap<String, u16>> = Mutex::default();
    all_windows(read, session, windows, &advance, &refused, incremental).await?;
    let refused = refused.into_inner();
    if refused.len() == read.transaction_types.len() {
        return Err(all_refused(&refused));
    }
    for (kind, status) in &refused {
        tracing::warn!(
            "{}: {kind} cannot be read with this credential (Navan answered {status}); it was skipped, and its state kept.",
            session.stream.name
        );
    }
    let positions = advance.into_inner().positions;
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
        if refused.lock().contains_key(&window.kind) {
            return Ok((window, None));
        }
        let ended = window::read(read, session, &window, end.unwrap_or_default()).await?;
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
                let state = advance.lock().complete(&window, |positions| {
                    positions.to_state(&in_use(read, &refused.lock()), floor(read.api.now()))
                });
                if let Some(state) = state.filter(|_| incremental) {
                    session.checkpoint(state);
                }
            }
            Some(Ended::Refused(status)) => {
                refused.lock().insert(window.kind, status);
            }
            None => {}
        }
    }
    // A read of few windows knows its size no sooner than this.
    estimate(session, rows, 1, 1);
    Ok(())
}

/// Bytes of a transaction, about, in compact JSON.
const BYTES_A_ROW: u64 = 1_200;

fn estimate(session: &Session, rows: u64, done: usize, planned: usize) {
    let rows = rows.saturating_mul(planned as u64) / done as u64;
    session.estimate(rows, rows.saturating_mul(BYTES_A_ROW));
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
