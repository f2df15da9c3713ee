//! What becomes of a row's bytes: one pass over them, from the page that Navan sent to the RECORD lines that leave.
//!
//! The [`scanner`] goes over a page's body byte by byte and proves that it is whole JSON and UTF-8. Where it is inside a row, the
//! stream's [`schema`] goes along: each value is looked at on the way, whether it has the promised form, whether it is the
//! row's key or cursor. A value in another form is brought to the promised one ([`coerce`]) by an [`edit`], where nothing is lost
//! by that; else its column is null, and it stands in the column [`extra`], as do fields that no schema declares. The members of a SCIM
//! resource's [`extension`]s become columns; [`personal_data`] is hashed or left out, if
//! that is wanted. What
//! is worth a word about all this is a [`finding`]. At the end of a row its line is written, in one copy unless there are
//! edits; the lists in it become rows of their own, as far as they are wanted ([`children`]). What comes up is a [`batch`] of
//! lines, with a note of where their [`cells`] stand if they are to become a table.
//! Nothing is parsed into a tree, and nothing is read twice.

// The scan's steps are few and short: a call costs as much as most of them.
#![allow(clippy::inline_always)]

mod batch;
mod cells;
pub mod children;
mod coerce;
mod edit;
mod escapes;
mod extension;
mod extra;
mod field_index;
mod field_names;
mod finding;
mod number;
mod personal_data;
mod row_scan;
mod scanner;
mod schema;
mod special_bytes;
pub mod timestamp;
mod undeclared;

pub use batch::{Identity, Record, RecordBatch, RecordLines, Row};
pub use cells::Cell;
pub use children::{ChildList, ChildRows, Owner};
pub use field_names::FieldNames;
pub use finding::{Finding, FindingKind};
pub use personal_data::PersonalData;
pub use row_scan::{ChildRecords, RecordFormat};
pub use scanner::{Malformed, Scanner};
pub use schema::{DELETED_COLUMN, ERROR_COLUMN, EXTRA, PATH_COLUMN, RowSchema};

#[cfg(test)]
pub(crate) mod differential;
#[cfg(test)]
mod tests;
