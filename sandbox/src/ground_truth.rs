//! What a reader should end up with: every row as it is sent, and sums to compare with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::expense_type::ExpenseType;
use crate::rows::{Company, write_row};
use crate::stream::Stream;
use crate::table::{RowRef, Table};

/// The rows of a stream as they were when this was made, each the bytes that are sent (if `pretty` is off).
#[derive(Debug)]
pub struct Rows {
    table: Table,
    company: Company,
    stream: Stream,
    /// The next rows, in reverse.
    buffer: Vec<RowRef>,
    taken: u64,
}

impl Rows {
    pub(crate) fn new(table: Table, company: Company, stream: Stream) -> Self {
        Self { table, company, stream, buffer: Vec::new(), taken: 0 }
    }

    /// Appends the next row to `out`; false if there is none.
    pub(crate) fn write_next(&mut self, out: &mut String) -> bool {
        const BATCH: u64 = 4096;
        if self.buffer.is_empty() {
            let (_, rows) = self.table.earliest_first(self.taken, BATCH);
            self.taken += rows.len() as u64;
            self.buffer = rows;
            self.buffer.reverse();
        }
        let Some(row) = self.buffer.pop() else {
            return false;
        };
        write_row(out, &self.company, self.stream, &row);
        true
    }
}

impl Iterator for Rows {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut row = String::with_capacity(4096);
        self.write_next(&mut row).then_some(row)
    }
}

/// How many rows each stream has and what they add up to; sums are exact decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroundTruth {
    /// BOOKING.
    #[serde(rename = "BOOKING")]
    pub booking: BookingTotals,
    /// TRANSACTION.
    #[serde(rename = "TRANSACTION")]
    pub transaction: TransactionTotals,
    /// USER.
    #[serde(rename = "USER")]
    pub user: UserTotals,
    /// Of the other streams, how many rows there are.
    #[serde(flatten)]
    pub others: BTreeMap<String, RowCount>,
}

/// How many rows a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCount {
    /// That many.
    pub rows: u64,
}

/// BOOKING's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingTotals {
    /// How many.
    pub rows: u64,
    /// Their size, in bytes of compact JSON.
    pub bytes: u64,
    /// The sum of their `grandTotal`, whatever the currency.
    #[serde(rename = "grandTotal")]
    pub grand_total: String,
}

/// TRANSACTION's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionTotals {
    /// How many, of all types.
    pub rows: u64,
    /// Their size, in bytes of compact JSON.
    pub bytes: u64,
    /// The sum of their `posted_amount`, whatever the currency.
    pub posted_amount: String,
    /// The same for each type.
    pub types: BTreeMap<ExpenseType, ExpenseTypeTotals>,
}

/// The transactions of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpenseTypeTotals {
    /// How many.
    pub rows: u64,
    /// The sum of their `posted_amount`, whatever the currency.
    pub posted_amount: String,
}

/// USER's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTotals {
    /// How many.
    pub rows: u64,
    /// Their size, in bytes of compact JSON.
    pub bytes: u64,
}

impl GroundTruth {
    /// `others` are the streams whose rows are made where they are asked for.
    pub(crate) fn compute(rows: impl Fn(Stream) -> Rows, others: BTreeMap<String, RowCount>) -> Self {
        let (booking_rows, bytes, grand_total) = add_up_rows(rows(Stream::Booking), "\"grandTotal\":");
        let booking = BookingTotals { rows: booking_rows, bytes, grand_total: grand_total.to_string() };
        let mut types = BTreeMap::new();
        let (mut all_rows, mut all_bytes, mut all) = (0, 0, Decimal::default());
        for kind in ExpenseType::ALL {
            let (rows, bytes, sum) = add_up_rows(rows(Stream::Transaction(kind)), "\"posted_amount\":");
            all_rows += rows;
            all_bytes += bytes;
            all.add(sum);
            types.insert(kind, ExpenseTypeTotals { rows, posted_amount: sum.to_string() });
        }
        let transaction = TransactionTotals { rows: all_rows, bytes: all_bytes, posted_amount: all.to_string(), types };
        let (rows, bytes, _) = add_up_rows(rows(Stream::User), "\"\"");
        Self { booking, transaction, user: UserTotals { rows, bytes }, others }
    }
}

/// How many rows, how many bytes, and the sum of the first number that follows `key` in each.
fn add_up_rows(mut rows: Rows, key: &str) -> (u64, u64, Decimal) {
    let (mut count, mut bytes, mut sum) = (0, 0, Decimal::default());
    let mut row = String::new();
    while rows.write_next(&mut row) {
        count += 1;
        bytes += row.len() as u64;
        if let Some((_, value)) = row.split_once(key) {
            let number = value.split([',', '}']).next().unwrap_or_default();
            sum.add(Decimal::parse(number.trim_matches('"')));
        }
        row.clear();
    }
    (count, bytes, sum)
}
