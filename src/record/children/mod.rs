//! Rows inside rows: the lists in a parent's row as streams of their own, out of the same pass over its bytes.
//!
//! A child's declaration ([`ChildRows`]) says which of the parent's fields each of its rows carries, and where its lists are. It is
//! compiled onto the parent's schema: each place there that matters to a child gets a [`Target`]. The scan notes where the values of
//! such places stand ([`capture`]), and when a row has ended, they are written as [`lines`], with what the scan has noted about
//! them, so that a column here holds just what the parent's column holds. A value that the parent has no place for has
//! none here either: it stands in `_extra`, under its path in the child's row.

pub(super) mod capture;
mod declaration;
mod format;
mod lines;

pub use declaration::{ChildList, ChildRows};
pub use format::Owner;
#[cfg(test)]
pub use format::columns;
pub(super) use format::{ChildOutput, Children};
pub(super) use lines::{ChildWriter, RowParts};

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
