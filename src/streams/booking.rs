//! BOOKING: what was booked, with prices, people and policy.
//!
//! A booking changes for months after it was created, and Navan's filters miss such changes, so it is read in full.

use crate::sync::Stream;
use crate::sync::strategy::CreatedSlices;

pub(super) static BOOKING: Stream = Stream {
    name: "BOOKING",
    schema: include_str!("../../schemas/booking.json"),
    key: "uuid",
    cursor_field: Some("created"),
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
    oauth_scope: "bookings:read",
    // A page has as many rows as Navan gives at most (docs/navan-api.md#bookings).
    strategy: &CreatedSlices { endpoint: "/v1/bookings", page_size: 100, pages_per_slice: 50 },
};
