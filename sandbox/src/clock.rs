//! The sandbox's time, which can be set and runs on from there.

use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;

pub(crate) const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    set_to: DateTime<Utc>,
    set_at: Instant,
}

impl Clock {
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        Self { set_to: now, set_at: Instant::now() }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.set_to + TimeDelta::from_std(self.set_at.elapsed()).unwrap_or(TimeDelta::MAX)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.set_to += TimeDelta::from_std(by).unwrap_or_default();
    }
}

/// The earliest day whose changes the Expense API still has: the first of the month two months back.
pub(crate) fn retention_start(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let first = today.with_day(1).unwrap_or(today);
    first.checked_sub_months(chrono::Months::new(2)).unwrap_or(first)
}
