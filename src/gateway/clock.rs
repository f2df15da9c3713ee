//! What time it is for Navan.

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Navan's clock, read off the `Date` of its answers and carried on by this machine's monotonic clock. Windows and the
/// end of what is read follow it, so a machine whose clock is wrong, or is set while a sync runs, misses nothing.
#[derive(Default)]
pub(super) struct Clock {
    seen: Mutex<Option<(DateTime<Utc>, Instant)>>,
}

impl Clock {
    /// Takes note of an answer's `Date` (whole seconds, rounded down by the server).
    pub(super) fn set(&self, date: DateTime<Utc>) {
        let mut seen = self.seen.lock();
        let now = Instant::now();
        // Dates lag by up to a second, and an answer can be late: what was seen before holds if it is ahead.
        if seen.is_none_or(|(at, when)| date > at + (now - when) || date < at - chrono::Duration::minutes(1)) {
            *seen = Some((date, now));
        }
    }

    /// Navan's time; this machine's until Navan has answered.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.seen.lock().map_or_else(Utc::now, |(at, when)| at + when.elapsed())
    }
}
