//! What rows there were, and when: what the records are held against.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use navan_sandbox::{ExpenseType, Sandbox};
use serde_json::Value;

/// Which list of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Bookings,
    Users,
    Transactions(ExpenseType),
}

/// A row as it was for a while. Times are epoch milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) table: Table,
    /// The streams that have rows of it.
    pub(super) streams: Vec<&'static str>,
    pub(super) id: String,
    /// When it was created or, of a transaction, last modified.
    pub(super) time: i64,
    /// When it was last modified.
    pub(super) modified: i64,
    pub(super) from: i64,
    pub(super) until: i64,
}

/// All rows, as they were at all times.
pub(super) struct Truth {
    pub(super) versions: Vec<Version>,
    current: HashMap<(Table, u64), usize>,
}

impl Table {
    pub(super) fn stream(self) -> &'static str {
        match self {
            Self::Bookings => "BOOKING",
            Self::Users => "USER",
            Self::Transactions(_) => "TRANSACTION",
        }
    }

    /// The streams in which a row has rows: its own, and of those of its lists that are read here the ones with elements.
    fn streams(self, row: &Value) -> Vec<&'static str> {
        let has_elements = |list: &str| row[list].as_array().is_some_and(|list| !list.is_empty());
        let is_paid =
            row["navan_booking_uuid"].is_string() || row["booking_details"]["navan_booking_uuids"].is_string();
        let children = match self {
            Self::Bookings => {
                vec![("BOOKING_PASSENGER", has_elements("passengers")), ("BOOKING_SEGMENT", has_elements("segments"))]
            }
            Self::Users => vec![],
            Self::Transactions(_) => vec![
                ("TRANSACTION_LINE_ITEM", has_elements("line_items")),
                ("TRANSACTION_CUSTOM_FIELD", has_elements("custom_field_values")),
                ("TRANSACTION_BOOKING", is_paid),
            ],
        };
        let children = children.into_iter().filter(|(_, has_rows)| *has_rows).map(|(child, _)| child);
        [self.stream()].into_iter().chain(children).collect()
    }

    fn row(self, navan: &Sandbox, index: u64) -> Option<(String, i64)> {
        match self {
            Self::Bookings => navan.booking(index),
            Self::Users => navan.user(index),
            Self::Transactions(kind) => navan.transaction(kind, index),
        }
    }
}

impl Truth {
    /// Of the rows that `navan` begins with, of these expense types.
    pub(super) fn of(navan: &Sandbox, types: &[ExpenseType]) -> Self {
        let mut truth = Self { versions: Vec::new(), current: HashMap::new() };
        let settings = navan.settings();
        let of_types = types.iter().map(|kind| (Table::Transactions(*kind), settings.transactions));
        let tables = [(Table::Bookings, settings.bookings), (Table::Users, settings.users)];
        for (table, rows) in tables.into_iter().chain(of_types) {
            for index in 0..rows {
                truth.begins(navan, table, index, i64::MIN);
            }
        }
        truth
    }

    /// The row is there from now on, or is another one.
    pub(super) fn changed(&mut self, navan: &Sandbox, table: Table, index: u64) {
        let now = navan.now().timestamp_millis();
        self.ends(table, index, now);
        self.begins(navan, table, index, now);
    }

    /// The row is gone.
    pub(super) fn deleted(&mut self, navan: &Sandbox, table: Table, index: u64) {
        self.ends(table, index, navan.now().timestamp_millis());
    }

    fn begins(&mut self, navan: &Sandbox, table: Table, index: u64, from: i64) {
        let Some((row, time)) = table.row(navan, index) else { return };
        let row: Value = serde_json::from_str(&row).expect("a row is JSON");
        let id = row["uuid"].as_str().or(row["id"].as_str()).expect("a row has a key").to_owned();
        self.current.insert((table, index), self.versions.len());
        let modified = row["lastModified"].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
        let modified = modified.map_or(time, |modified| modified.timestamp_millis());
        let streams = table.streams(&row);
        self.versions.push(Version { table, streams, id, time, modified, from, until: i64::MAX });
    }

    fn ends(&mut self, table: Table, index: u64, now: i64) {
        if let Some(version) = self.current.remove(&(table, index)) {
            self.versions[version].until = now;
        }
    }
}
