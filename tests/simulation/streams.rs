//! The streams as they are, but in small pages and slices, so that few rows make many of them.

use std::sync::LazyLock;

use crate::api::Paging;
use crate::streams::{STREAMS, Stream};
use crate::sync::strategy::{ChangeFields, ChangeWindows, CreatedSlices, Partitions, ReadStrategy, Snapshot};

static BOOKING: CreatedSlices = CreatedSlices {
    endpoint: "/v1/bookings",
    page_size: 10,
    pages_per_slice: 4,
    id_parameter: "bookingUuid",
    fields: ChangeFields { key: "uuid", created: "created", changed: "lastModified", deleted: "_ab_cdc_deleted_at" },
};

static USER: Snapshot = Snapshot {
    endpoint: "/v1/users",
    page_size: 10,
    paging: Paging::PageNumber,
    cursor_endpoint: Some("/travel/v1/users"),
};

static TRANSACTION: ChangeWindows = ChangeWindows {
    endpoint: "/v1/expense",
    partitions: Partitions::Types,
    rows: "expense transactions",
    rows_have_times: true,
    days_per_window: 7,
    cursor_field: "modified_timestamp",
    field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM",
    proven_field_groups: "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR",
    oauth_scope: "liquid:read",
    page_size: 4,
    bytes_per_row: 1_200,
};

/// The streams.
pub(super) fn streams() -> &'static [&'static Stream] {
    static SMALL: LazyLock<Vec<&'static Stream>> = LazyLock::new(|| {
        let small = |stream: &Stream| {
            let strategy: &'static dyn ReadStrategy = match stream.name {
                "BOOKING" => &BOOKING,
                "TRANSACTION" => &TRANSACTION,
                "USER" => &USER,
                // Its pages are as small as Navan makes them.
                _ => stream.strategy,
            };
            &*Box::leak(Box::new(Stream { strategy, ..*stream }))
        };
        STREAMS.iter().map(|stream| small(stream)).collect()
    });
    &SMALL
}
