//! This machine's time.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

thread_local! {
    /// What the clock said, and when it was asked.
    static READ: Cell<Option<(DateTime<Utc>, Instant)>> = const { Cell::new(None) };
}

/// The time of day when this thread first asked, carried on by the clock that all waits go by: so it follows a simulation's clock
/// too, and no message bears an earlier time than the one before it.
pub fn now() -> DateTime<Utc> {
    let (at, when) = READ.get().unwrap_or_else(|| {
        let read = (started_at(), Instant::now());
        READ.set(Some(read));
        read
    });
    at + when.elapsed()
}

/// What the machine's clock says at present, which goes on while the machine sleeps; but for one that was set for a test.
pub fn wall() -> DateTime<Utc> {
    if is_simulated() { now() } else { Utc::now() }
}

/// The time that the machine tells; in builds for development the environment's `SOURCE_NAVAN_NOW`, if it is a time, so that
/// a simulated Navan can live in any year.
fn started_at() -> DateTime<Utc> {
    simulated_start().unwrap_or_else(Utc::now)
}

fn simulated_start() -> Option<DateTime<Utc>> {
    #[cfg(debug_assertions)]
    return std::env::var("SOURCE_NAVAN_NOW").ok().and_then(|now| now.parse().ok());
    #[cfg(not(debug_assertions))]
    None
}

fn is_simulated() -> bool {
    cfg!(test) || simulated_start().is_some()
}

/// Has this thread's clock say `at` now.
#[cfg(test)]
pub fn set(at: DateTime<Utc>) {
    READ.set(Some((at, Instant::now())));
}
