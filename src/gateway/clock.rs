//! What time it is for Navan.

use std::cell::Cell;

use chrono::{DateTime, Duration, Utc};
use tokio::time::Instant;

use crate::clock;

/// How far ahead of this machine's clock a server's may be to be believed. Were a proxy's taken for Navan's that is years ahead, a
/// state would be, too, and the next reads would find nothing.
const MAX_AHEAD: Duration = Duration::days(1);

/// How far behind: of two clocks the earlier one loses nothing, since the next read begins where this one ends. But one that
/// was never set is no clock.
const MAX_BEHIND: Duration = Duration::days(365);

/// Whether a time can be Navan's that is so far ahead of this machine's.
pub fn is_believed(ahead: Duration) -> bool {
    (-MAX_BEHIND..=MAX_AHEAD).contains(&ahead)
}

/// Navan's clock, read off the `Date` of its answers and carried on by this machine's monotonic clock. Windows and the
/// end of what is read follow it, so a machine whose clock is wrong by hours, or is set while a sync runs, misses nothing.
#[derive(Default)]
pub(super) struct ServerClock {
    seen: Cell<Option<(DateTime<Utc>, Instant)>>,
    was_told: Cell<bool>,
}

impl ServerClock {
    /// Takes note of an answer's `Date` (whole seconds, rounded down by the server).
    pub(super) fn set(&self, date: DateTime<Utc>) {
        // A machine that slept has stopped the one clock, but not the other.
        let ahead = [clock::now(), clock::wall()].map(|ours| date - ours);
        if ahead.iter().all(|ahead| ahead.abs() > MAX_AHEAD) {
            self.warn(date);
        }
        if !ahead.into_iter().any(is_believed) {
            return;
        }
        let now = Instant::now();
        // Dates lag by up to a second, and an answer can be late: what was seen before holds if it is ahead.
        if self.seen.get().is_none_or(|(at, when)| date > at + (now - when) || date < at - Duration::minutes(1)) {
            self.seen.set(Some((date, now)));
        }
    }

    /// Takes note of a time that was not told by Navan itself, unless that was.
    pub(super) fn learn(&self, now: DateTime<Utc>) {
        if self.seen.get().is_none() {
            self.set(now);
        }
    }

    /// Navan's time; this machine's until Navan has told one that can be.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.seen.get().map_or_else(clock::now, |(at, when)| at + when.elapsed())
    }

    fn warn(&self, date: DateTime<Utc>) {
        if !self.was_told.replace(true) {
            tracing::warn!(
                "An answer bears the time {date}, but for this machine it is {}: more than a day apart. The read ends at the earlier of the two; see that this machine's clock is right.",
                clock::now()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_is_not_far_ahead_of_this_machines_is_believed() {
        clock::set(at("2041-11-22T09:00:00Z"));
        for told in ["2041-11-21T09:00:00Z", "2041-11-22T09:00:01Z", "2041-11-23T09:00:00Z", "2041-01-02T00:00:00Z"] {
            let navan = ServerClock::default();
            navan.set(at(told));
            assert_eq!(navan.now(), at(told));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_one_is_not_and_what_was_believed_before_holds() {
        clock::set(at("2041-11-22T09:00:00Z"));
        let navan = ServerClock::default();
        for told in ["1970-01-01T00:00:00Z", "2040-11-21T08:59:59Z", "2041-11-23T09:00:01Z", "2099-01-01T00:00:00Z"] {
            navan.set(at(told));
            assert_eq!(navan.now(), at("2041-11-22T09:00:00Z"));
        }
        navan.set(at("2041-11-22T14:00:00Z"));
        navan.set(at("2099-01-01T00:00:00Z"));
        assert_eq!(navan.now(), at("2041-11-22T14:00:00Z"));
    }
}
