//! Rows, generated when they are asked for.
//!
//! A row is a function of the seed, its stream, its index and its version; the same four always give the
//! same bytes. Nothing is kept, so a company of millions of bookings costs no memory, and rows are
//! written straight into the response's body, so that the sandbox is faster than its clients.
//!
//! What is true comes before what is written, so that rows agree. `person` is who works for the company, at one of the
//! offices of `place`; `trip` who travels where and when; `booking_facts` what was booked for it, at which `price`; `purchase` what a
//! transaction is about, of which `category`; `reference` the company's own lists. `booking`, `transaction`, `user` and `scim_user` write rows of that
//! with `json` and `numbers`, which also know the oddities.

mod booking;
mod booking_facts;
mod booking_parts;
mod category;
mod company;
mod currency;
mod json;
mod numbers;
mod person;
mod place;
mod price;
mod purchase;
mod reference;
mod scim_user;
mod shuffle;
mod transaction;
mod transaction_fields;
mod trip;
mod user;
mod vendor;
mod vocab;

pub(crate) use company::Company;
pub(crate) use transaction::FieldGroups;
pub(crate) use transaction_fields::has_receipt;

use crate::stream::Stream;
use crate::table::RowRef;

/// Appends a row of any stream, complete.
pub(crate) fn write_row(out: &mut String, company: &Company, stream: Stream, row_ref: &RowRef) {
    match stream {
        Stream::Booking => company.booking(out, row_ref, false),
        Stream::Transaction(kind) => company.transaction(out, kind, row_ref, FieldGroups::ALL),
        Stream::User => company.user(out, row_ref),
    }
}
