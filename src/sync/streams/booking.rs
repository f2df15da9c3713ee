//! BOOKING: what was booked, with prices, people and policy.
//!
//! A booking changes for months after it was created, and Navan's filters miss such changes, so it is read in full.

use super::{Source, Stream};

pub(super) static BOOKING: Stream = Stream {
    name: "BOOKING",
    schema: include_str!("../../../schemas/booking.json"),
    key: "uuid",
    time: "created",
    wavering: &[
        "corporateDiscountUsed",
        "domestic",
        "endDate",
        "flight",
        "outOfPolicyViolationTypes",
        "outOfPolicyViolations",
        "preferredVendor",
        "startDate",
    ],
    scope: "bookings:read",
    source: Source::Bookings,
};
