//! TRANSACTION: expenses of all types, by the time of their last change.

use crate::sync::Stream;
use crate::sync::strategy::ChangeWindows;

pub(super) static TRANSACTION: Stream = Stream {
    name: "TRANSACTION",
    schema: include_str!("../../schemas/transaction.json"),
    key: "id",
    cursor_field: Some("modified_timestamp"),
    coerced: &[],
    oauth_scope: "liquid:read",
    strategy: &ChangeWindows { endpoint: "/v1/expense" },
};
