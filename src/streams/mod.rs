//! The streams there are, one file each: what identifies a row, which scope it takes, how it is read.
//!
//! Each is a value that the engine in [`crate::sync`] reads; it knows none of them by name. To add one: write its file here and
//! its schema in schemas/, add it to [`STREAMS`], and give the sandbox a route. Everything else follows from the list.

mod booking;
mod transaction;
mod user;

use crate::sync::Stream;

/// Every stream, in the order in which `discover` offers them.
pub static STREAMS: &[&Stream] = &[&booking::BOOKING, &transaction::TRANSACTION, &user::USER];
