//! Rows, generated when they are asked for.
//!
//! A row is a function of the seed, its stream, its index and its version; the same four always give the
//! same bytes. Nothing is kept, so a company of millions of bookings costs no memory, and rows are
//! written straight into the response's body, so that the sandbox is faster than its clients.

mod booking;
mod booking_facts;
mod booking_parts;
mod company;
mod currency;
mod json;
mod numbers;
mod person;
mod place;
mod price;
mod purchase;
mod reference;
mod shuffle;
mod transaction;
mod trip;
mod user;
mod vendor;
mod vocab;

pub(crate) use company::Company;
pub(crate) use transaction::FieldGroups;

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
