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
        let read = (Utc::now(), Instant::now());
        READ.set(Some(read));
        read
    });
    at + when.elapsed()
}

/// Has this thread's clock say `at` now.
#[cfg(test)]
pub fn set(at: DateTime<Utc>) {
    READ.set(Some((at, Instant::now())));
}
