//! What becomes of a row's bytes: one pass over them, from the page that Navan sent to the RECORD lines that leave.
//!
//! The [`scanner`] goes over a page's body byte by byte and proves that it is whole JSON and UTF-8. Where it is inside a row, the
//! stream's [`schema`] goes along: each value is looked at on the way, whether it has the promised form, whether it is the
//! row's key or cursor. A value that is known to come in two forms gets the promised one ([`coerce`]) by an [`edit`]. At the end of
//! a row its line is written, in one copy unless there are edits; what comes up is a [`batch`] of lines. Nothing is parsed
//! into a tree, and nothing is read twice.

mod batch;
mod coerce;
mod edit;
mod field_index;
mod row_scan;
mod scanner;
mod schema;
pub mod timestamp;

pub use batch::{RecordBatch, Row};
pub use row_scan::RecordFormat;
pub use scanner::{Malformed, Scanner};
pub use schema::RowSchema;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
