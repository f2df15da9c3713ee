//! TRANSACTION: expenses of all types, by the time of their last change.

use super::{Source, Stream};

pub(super) static TRANSACTION: Stream = Stream {
    name: "TRANSACTION",
    schema: include_str!("../../../schemas/transaction.json"),
    key: "id",
    time: "modified_timestamp",
    wavering: &[],
    scope: "liquid:read",
    source: Source::Expense,
};
