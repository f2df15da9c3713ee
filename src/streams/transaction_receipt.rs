//! `TRANSACTION_RECEIPT`: links to the receipts of expense transactions.
//!
//! A row does not tell when it changed, so it is read by the days that it is asked for.

use crate::api::Access;
use crate::files::FileFields;
use crate::sync::Stream;
use crate::sync::strategy::{ChangeWindows, Partitions};

const OAUTH_SCOPE: &str = "liquid:read";

pub(super) static TRANSACTION_RECEIPT: Stream = Stream {
    name: "TRANSACTION_RECEIPT",
    also_called: &["RECEIPT"],
    schema: include_str!("../../schemas/transaction_receipt.json"),
    key: Some("transaction_id"),
    cursor_field: None,
    created_field: None,
    coerced: &[],
    extension: &[],
    access: Access::Scope(OAUTH_SCOPE),
    files: Some(FileFields { links: &["receipt_url", "e_receipt_url"], name: &["transaction_id"] }),
    strategy: &ChangeWindows {
        endpoint: "/v1/expense/transactions/receipts",
        // Nobody is known to have asked for statement payments here (docs/navan-api.md#receipts).
        partitions: Partitions::Together(&[
            ("card-transactions", "TRANSACTIONS"),
            ("connect-transactions", "CONNECT"),
            ("manual-transactions", "MANUAL_TRANSACTIONS"),
            ("repayments", "REPAYMENTS"),
            ("fees", "FEES"),
            ("adjustments", "ADJUSTMENTS"),
            ("daily-rebates", "DAILY_REBATE"),
            ("disputes", "DISPUTE"),
        ]),
        rows: "receipts",
        cursor_field: "synced_through",
        rows_have_times: false,
        days_per_window: 1,
        field_groups: "",
        proven_field_groups: "",
        oauth_scope: OAUTH_SCOPE,
        page_size: 500,
        bytes_per_row: 300,
    },
    children: &[],
};
