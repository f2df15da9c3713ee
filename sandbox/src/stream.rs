//! The streams.

use crate::expense_type::ExpenseType;

/// A stream, or the part of one that has a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Booking,
    Transaction(ExpenseType),
    User,
}
