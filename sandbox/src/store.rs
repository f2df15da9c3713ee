//! The tables of all streams.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{DAY_MS, retention_start};
use crate::expense_type::ExpenseType;
use crate::fault_schedule::DriftEvent;
use crate::rng::mix;
use crate::settings::Settings;
use crate::stream::Stream;
use crate::table::{InitialRows, RowRef, Table};

#[derive(Debug)]
pub(crate) struct Store {
    bookings: Table,
    users: Table,
    transactions: BTreeMap<ExpenseType, Table>,
    /// A table without rows.
    empty: Table,
}

/// Which rows a reader has been sent so far: the first `count` of those with keys between `from` and `to` (ms since
/// the epoch, both included).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowsRead {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) count: u64,
}

/// The bookings of a sandbox that starts at `start`.
pub(crate) fn initial_bookings(settings: &Settings, start: DateTime<Utc>) -> InitialRows {
    let first = settings.first_booking.unwrap_or(two_years_before(start)).min(start);
    initial_rows(settings, 0, settings.bookings, first, start)
}

fn initial_rows(settings: &Settings, tag: u64, count: u64, first: DateTime<Utc>, start: DateTime<Utc>) -> InitialRows {
    InitialRows {
        seed: mix(settings.seed ^ (tag << 40)),
        count,
        start_ms: first.timestamp_millis(),
        span_ms: (start - first).num_milliseconds(),
    }
}

fn two_years_before(start: DateTime<Utc>) -> DateTime<Utc> {
    start - TimeDelta::days(730)
}

impl Store {
    /// The tables of a sandbox that starts at `start`.
    pub(crate) fn new(settings: &Settings, start: DateTime<Utc>) -> Self {
        let first_transaction = retention_start(start).and_time(chrono::NaiveTime::MIN).and_utc();
        let table =
            |tag: u64, count: u64, first: DateTime<Utc>| Table::new(initial_rows(settings, tag, count, first, start));
        let of_type = |kind: ExpenseType| (kind, table(2 + kind.ordinal(), settings.transactions, first_transaction));
        Self {
            bookings: Table::new(initial_bookings(settings, start)),
            users: table(1, settings.users, two_years_before(start)),
            transactions: ExpenseType::ALL.into_iter().map(of_type).collect(),
            empty: table(99, 0, start),
        }
    }

    pub(crate) fn table(&self, stream: Stream) -> &Table {
        match stream {
            Stream::Booking => &self.bookings,
            Stream::User => &self.users,
            // Each type has a table; `empty` only spares a panic that cannot happen.
            Stream::Transaction(kind) => self.transactions.get(&kind).unwrap_or(&self.empty),
        }
    }

    fn table_mut(&mut self, stream: Stream) -> &mut Table {
        match stream {
            Stream::Booking => &mut self.bookings,
            Stream::User => &mut self.users,
            Stream::Transaction(kind) => self.transactions.get_mut(&kind).unwrap_or(&mut self.empty),
        }
    }

    /// Inserts `count` rows as of `now` and returns their indexes.
    pub(crate) fn insert(&mut self, stream: Stream, count: u64, now: DateTime<Utc>) -> Vec<u64> {
        let table = self.table_mut(stream);
        (0..count).map(|_| table.insert(now.timestamp_millis())).collect()
    }

    /// Changes a row; false if there is none.
    pub(crate) fn touch(&mut self, stream: Stream, index: u64, now: DateTime<Utc>) -> bool {
        // Transactions are ordered by their last change, the others by their creation.
        let moves = matches!(stream, Stream::Transaction(_));
        self.table_mut(stream).touch(index, now.timestamp_millis(), moves)
    }

    /// Deletes a row; false if there is none.
    pub(crate) fn delete(&mut self, stream: Stream, index: u64) -> bool {
        self.table_mut(stream).delete(index)
    }

    /// Moves rows between the pages of a read: inserts, touches and deletes rows among those that were read.
    pub(crate) fn apply_drift(&mut self, stream: Stream, read: RowsRead, event: DriftEvent, now: DateTime<Utc>) {
        for nth in 0..event.insert + event.touch + event.delete {
            let Some(row) = self.random_row(stream, read, mix(event.number << 20 | nth)) else {
                return;
            };
            if nth < event.insert {
                self.table_mut(stream).insert(row.key);
            } else if nth < event.insert + event.touch {
                self.touch(stream, row.index, now);
            } else {
                self.delete(stream, row.index);
            }
        }
    }

    /// What happens to bookings between two times: each day some of them change, and one goes.
    pub(crate) fn live_through(&mut self, settings: &Settings, from: DateTime<Utc>, to: DateTime<Utc>) {
        if settings.changes_a_day == 0 {
            return;
        }
        let day_of = |time: DateTime<Utc>| time.timestamp_millis().div_euclid(DAY_MS);
        for day in day_of(from) + 1..=day_of(to) {
            let Some(midnight) = DateTime::from_timestamp_millis(day * DAY_MS) else { return };
            for nth in 0..=settings.changes_a_day {
                let random = mix(settings.seed ^ day.cast_unsigned() << 16 ^ nth);
                let Some(row) = self.bookings.any(random) else { return };
                if nth < settings.changes_a_day {
                    // Some time in the day, but not after its end.
                    let at = midnight + TimeDelta::milliseconds((random % DAY_MS.cast_unsigned()).cast_signed());
                    self.touch(Stream::Booking, row.index, at.min(to));
                } else {
                    self.delete(Stream::Booking, row.index);
                }
            }
        }
    }

    /// One of the rows that were read, chosen by the `random` bits.
    fn random_row(&self, stream: Stream, read: RowsRead, random: u64) -> Option<RowRef> {
        let table = self.table(stream);
        let among = table.count(read.from, read.to).min(read.count);
        let nth = random.checked_rem(among)?;
        let (_, rows) = match stream {
            Stream::User => table.earliest_first(nth, 1),
            Stream::Booking | Stream::Transaction(_) => table.latest_first(read.from, read.to, nth, 1),
        };
        rows.first().copied()
    }
}
