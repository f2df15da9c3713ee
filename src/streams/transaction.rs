//! TRANSACTION: expenses of all types, by the time of their last change.

use crate::sync::Stream;
use crate::sync::strategy::ChangeWindows;

const CURSOR_FIELD: &str = "modified_timestamp";

const OAUTH_SCOPE: &str = "liquid:read";

pub(super) static TRANSACTION: Stream = Stream {
    name: "TRANSACTION",
    schema: include_str!("../../schemas/transaction.json"),
    key: "id",
    cursor_field: Some(CURSOR_FIELD),
    // Navan writes amounts as text.
    coerced: &[
        "billable_entity_amount",
        "direct_reimbursement_fee_amount",
        "distance_amount",
        "fee",
        "fx_fee_amount",
        "original_amount",
        "personal_amount",
        "posted_amount",
        "reimbursement_amount",
        "rejected_amount",
    ],
    oauth_scope: OAUTH_SCOPE,
    strategy: &ChangeWindows {
        endpoint: "/v1/expense",
        cursor_field: CURSOR_FIELD,
        field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM",
        proven_field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR",
        oauth_scope: OAUTH_SCOPE,
        // As many as Navan gives at most (docs/navan-api.md#expense).
        page_size: 500,
        bytes_per_row: 1_200,
    },
};
