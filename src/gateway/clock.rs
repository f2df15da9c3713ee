//! What time it is for Navan.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// Navan's clock, read off the `Date` of its answers and carried on by this machine's monotonic clock. Windows and the
/// end of what is read follow it, so a machine whose clock is wrong, or is set while a sync runs, misses nothing.
#[derive(Default)]
pub(super) struct ServerClock {
    seen: Cell<Option<(DateTime<Utc>, Instant)>>,
}

impl ServerClock {
    /// Takes note of an answer's `Date` (whole seconds, rounded down by the server).
    pub(super) fn set(&self, date: DateTime<Utc>) {
        let now = Instant::now();
        // Dates lag by up to a second, and an answer can be late: what was seen before holds if it is ahead.
        if self.seen.get().is_none_or(|(at, when)| date > at + (now - when) || date < at - chrono::Duration::minutes(1))
        {
            self.seen.set(Some((date, now)));
        }
    }

    /// Navan's time; this machine's until Navan has answered.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.seen.get().map_or_else(crate::clock::now, |(at, when)| at + when.elapsed())
    }
}
