//! The tables of all streams.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::expense_floor;
use crate::expense_type::ExpenseType;
use crate::faults::Numbered;
use crate::rng::mix;
use crate::settings::Settings;
use crate::stream::Stream;
use crate::table::{Pick, Spread, Table};

#[derive(Debug)]
pub(crate) struct Store {
    bookings: Table,
    users: Table,
    transactions: BTreeMap<ExpenseType, Table>,
    nothing: Table,
}

impl Store {
    /// The tables of a sandbox that starts at `start`.
    pub(crate) fn new(settings: &Settings, start: DateTime<Utc>) -> Self {
        let two_years_ago = start - TimeDelta::days(730);
        let first_booking = settings.first_booking.unwrap_or(two_years_ago).min(start);
        let floor = expense_floor(start).and_time(chrono::NaiveTime::MIN).and_utc();
        let table = |tag: u64, count: u64, first: DateTime<Utc>| {
            Table::new(Spread {
                seed: mix(settings.seed ^ (tag << 40)),
                count,
                start_ms: first.timestamp_millis(),
                span_ms: (start - first).num_milliseconds(),
            })
        };
        let of_type = |kind: ExpenseType| (kind, table(2 + kind.number(), settings.transactions, floor));
        Self {
            bookings: table(0, settings.bookings, first_booking),
            users: table(1, settings.users, two_years_ago),
            transactions: ExpenseType::ALL.into_iter().map(of_type).collect(),
            nothing: table(99, 0, start),
        }
    }

    pub(crate) fn table(&self, stream: Stream) -> &Table {
        match stream {
            Stream::Booking => &self.bookings,
            Stream::User => &self.users,
            // Each type has a table; `nothing` only spares a panic that cannot happen.
            Stream::Transaction(kind) => self.transactions.get(&kind).unwrap_or(&self.nothing),
        }
    }

    fn table_mut(&mut self, stream: Stream) -> &mut Table {
        match stream {
            Stream::Booking => &mut self.bookings,
            Stream::User => &mut self.users,
            Stream::Transaction(kind) => self.transactions.get_mut(&kind).unwrap_or(&mut self.nothing),
        }
    }

    /// Puts in `count` rows as of `now` and returns their indexes.
    pub(crate) fn insert(&mut self, stream: Stream, count: u64, now: DateTime<Utc>) -> Vec<u64> {
        let table = self.table_mut(stream);
        (0..count).map(|_| table.insert(now.timestamp_millis())).collect()
    }

    pub(crate) fn touch(&mut self, stream: Stream, index: u64, now: DateTime<Utc>) -> bool {
        let moves = matches!(stream, Stream::Transaction(_));
        self.table_mut(stream).touch(index, now.timestamp_millis(), moves)
    }

    pub(crate) fn remove(&mut self, stream: Stream, index: u64) -> bool {
        self.table_mut(stream).remove(index)
    }

    /// Makes rows move between the pages of a read: inserts, touches and deletes rows among the first
    /// `read` of those that the range `from` to `to` (ms) has.
    pub(crate) fn drift(
        &mut self,
        stream: Numbered,
        (from, to, read): (i64, i64, u64),
        (insert, touch, delete, event): (u64, u64, u64, u64),
        now: DateTime<Utc>,
    ) {
        let stream = match stream {
            Numbered::Booking => Stream::Booking,
            Numbered::User => Stream::User,
        };
        for nth in 0..insert + touch + delete {
            let Some(pick) = self.somewhere(stream, (from, to, read), mix(event << 20 | nth)) else {
                return;
            };
            if nth < insert {
                self.table_mut(stream).insert(pick.key);
            } else if nth < insert + touch {
                self.touch(stream, pick.index, now);
            } else {
                self.remove(stream, pick.index);
            }
        }
    }

    fn somewhere(&self, stream: Stream, (from, to, read): (i64, i64, u64), luck: u64) -> Option<Pick> {
        let table = self.table(stream);
        let among = table.count(from, to).min(read);
        let place = luck.checked_rem(among)?;
        let (_, picks) = match stream {
            Stream::User => table.earliest_first(place, 1),
            Stream::Booking | Stream::Transaction(_) => table.latest_first(from, to, place, 1),
        };
        picks.first().copied()
    }
}
