//! BOOKING: what was booked, with prices, people and policy.
//!
//! A booking changes for months after it was created. So it is read in full, or by its changes as far as Navan's filter for them is proved
//! to work, with a sweep of all bookings now and then. The lists in it are streams of their own: passengers, segments, trips, what it
//! is allocated to, custom fields, documents.

use crate::api::Access;
use crate::files::FileFields;
use crate::record::{ChildList, ChildRows, DELETED_COLUMN};
use crate::sync::strategy::{ChangeFields, CreatedSlices};
use crate::sync::{ChildStream, Stream};

const KEY: &str = "uuid";
const CREATED: &str = "created";
const CHANGED: &str = "lastModified";

/// What tells of which version of which booking a row is.
const CARRIED: &[(&str, &str)] = &[(KEY, "booking_uuid"), (CREATED, CREATED), (CHANGED, CHANGED)];

pub(super) static BOOKING: Stream = Stream {
    name: "BOOKING",
    also_called: &[],
    schema: include_str!("../../schemas/booking.json"),
    key: Some(KEY),
    cursor_field: Some(CHANGED),
    created_field: Some(CREATED),
    coerced: &[
        "corporateDiscountUsed",
        "domestic",
        "endDate",
        "flight",
        "outOfPolicyViolationTypes",
        "outOfPolicyViolations",
        "preferredVendor",
        "startDate",
    ],
    extension: &[],
    access: Access::Scope("bookings:read"),
    files: None,
    // A page has as many rows as Navan gives at most (docs/navan-api.md#bookings).
    strategy: &CreatedSlices {
        endpoint: "/v1/bookings",
        page_size: 100,
        pages_per_slice: 50,
        id_parameter: "bookingUuid",
        fields: ChangeFields { key: KEY, created: CREATED, changed: CHANGED, deleted: DELETED_COLUMN },
    },
    children: &[
        ChildStream {
            name: "BOOKING_PASSENGER",
            schema: include_str!("../../schemas/booking_passenger.json"),
            key: &["booking_uuid", "index"],
            rows: ChildRows { carried: CARRIED, lists: &[ChildList::objects("passengers")] },
            files: None,
        },
        ChildStream {
            name: "BOOKING_SEGMENT",
            schema: include_str!("../../schemas/booking_segment.json"),
            key: &["booking_uuid", "index"],
            rows: ChildRows { carried: CARRIED, lists: &[ChildList::objects("segments")] },
            files: None,
        },
        ChildStream {
            name: "BOOKING_TRIP",
            schema: include_str!("../../schemas/booking_trip.json"),
            key: &["booking_uuid", "trip_uuid"],
            rows: ChildRows {
                carried: CARRIED,
                lists: &[ChildList::texts("tripUuids", "trip_uuid")
                    .beside(&[("tripName", "trip_name"), ("tripDescription", "trip_description")])],
            },
            files: None,
        },
        ChildStream {
            name: "BOOKING_ALLOCATION",
            schema: include_str!("../../schemas/booking_allocation.json"),
            key: &["booking_uuid", "dimension", "index"],
            rows: ChildRows {
                carried: CARRIED,
                lists: &[
                    ChildList::texts("departments", "name").labelled("dimension", "department"),
                    ChildList::texts("costCenters", "name").labelled("dimension", "cost_center"),
                    ChildList::texts("regions", "name").labelled("dimension", "region"),
                    ChildList::texts("subsidiaries", "name").labelled("dimension", "subsidiary"),
                    ChildList::texts("billableEntities", "name").labelled("dimension", "billable_entity"),
                    ChildList::texts("projects", "name").labelled("dimension", "project"),
                ],
            },
            files: None,
        },
        ChildStream {
            name: "BOOKING_CUSTOM_FIELD",
            schema: include_str!("../../schemas/booking_custom_field.json"),
            key: &["booking_uuid", "index"],
            rows: ChildRows { carried: CARRIED, lists: &[ChildList::objects("customFields")] },
            files: None,
        },
        ChildStream {
            name: "BOOKING_DOCUMENT",
            schema: include_str!("../../schemas/booking_document.json"),
            key: &["booking_uuid", "kind", "index"],
            rows: ChildRows {
                carried: CARRIED,
                lists: &[
                    ChildList::value("invoice", "reference")
                        .labelled("kind", "invoice")
                        .beside(&[("invoiceNumber", "number")]),
                    ChildList::value("pdf", "reference").labelled("kind", "itinerary"),
                    ChildList::texts("etickets", "reference").labelled("kind", "eticket"),
                ],
            },
            files: Some(FileFields { links: &["reference"], name: &["booking_uuid", "kind", "index"] }),
        },
    ],
};
