//! TRANSACTION: expenses of all types, by the time of their last change. The lists in them are streams of their own: line items,
//! custom fields, and the bookings that they paid for.

use crate::api::Access;
use crate::record::{ChildList, ChildRows};
use crate::sync::strategy::{ChangeWindows, Partitions};
use crate::sync::{ChildStream, Stream};

const CURSOR_FIELD: &str = "modified_timestamp";

/// What tells of which version of which transaction a row is.
const CARRIED: &[(&str, &str)] = &[("id", "transaction_id"), (CURSOR_FIELD, CURSOR_FIELD)];

const OAUTH_SCOPE: &str = "liquid:read";

pub(super) static TRANSACTION: Stream = Stream {
    name: "TRANSACTION",
    also_called: &["EXPENSE"],
    schema: include_str!("../../schemas/transaction.json"),
    key: Some("id"),
    cursor_field: Some(CURSOR_FIELD),
    created_field: None,
    // Navan writes amounts as text.
    coerced: &[
        "billable_entity_amount",
        "direct_reimbursement_fee_amount",
        "distance_amount",
        "fee",
        "fx_fee_amount",
        "line_items[].amount",
        "original_amount",
        "personal_amount",
        "posted_amount",
        "reimbursement_amount",
        "rejected_amount",
    ],
    extension: &[],
    access: Access::Scope(OAUTH_SCOPE),
    files: None,
    strategy: &ChangeWindows {
        endpoint: "/v1/expense",
        partitions: Partitions::Types,
        rows: "expense transactions",
        cursor_field: CURSOR_FIELD,
        rows_have_times: true,
        days_per_window: 7,
        field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM",
        proven_field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR",
        oauth_scope: OAUTH_SCOPE,
        // As many as Navan gives at most (docs/navan-api.md#expense).
        page_size: 500,
        bytes_per_row: 1_200,
    },
    children: &[
        ChildStream {
            name: "TRANSACTION_LINE_ITEM",
            schema: include_str!("../../schemas/transaction_line_item.json"),
            key: &["transaction_id", "index"],
            rows: ChildRows { carried: CARRIED, lists: &[ChildList::objects("line_items")] },
            files: None,
        },
        ChildStream {
            name: "TRANSACTION_CUSTOM_FIELD",
            schema: include_str!("../../schemas/transaction_custom_field.json"),
            key: &["transaction_id", "index"],
            rows: ChildRows { carried: CARRIED, lists: &[ChildList::objects("custom_field_values")] },
            files: None,
        },
        ChildStream {
            name: "TRANSACTION_BOOKING",
            schema: include_str!("../../schemas/transaction_booking.json"),
            key: &["transaction_id", "booking_uuid"],
            rows: ChildRows {
                carried: CARRIED,
                lists: &[
                    ChildList::texts("navan_booking_uuid", "booking_uuid"),
                    ChildList::texts("booking_details.navan_booking_uuids", "booking_uuid"),
                ],
            },
            files: None,
        },
    ],
};
