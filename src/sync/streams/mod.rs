//! The streams there are, one file each: where its rows come from, what identifies them, how they are read.
//!
//! To add one: write its file here and its schema in schemas/, add it to [`STREAMS`], and give the sandbox a route.

mod booking;
mod transaction;
mod user;

use crate::error::Error;
use crate::protocol::{StreamDescription, SyncMode};

/// Every stream, in the order in which `discover` offers them.
pub static STREAMS: &[&Stream] = &[&booking::BOOKING, &transaction::TRANSACTION, &user::USER];

/// A stream.
pub struct Stream {
    /// Its name.
    pub name: &'static str,
    /// Its JSON Schema, from schemas/.
    pub schema: &'static str,
    /// The field that identifies a row.
    pub key: &'static str,
    /// The field that tells when a row was created or changed, by which it is read; empty if there is none.
    pub time: &'static str,
    /// Top-level fields that Navan sends in two forms; they get the one that the schema promises
    /// (docs/navan-api.md#rows).
    pub wavering: &'static [&'static str],
    /// The scope that a credential needs for it.
    pub scope: &'static str,
    /// Where its rows come from, and how they are read.
    pub source: Source,
}

/// Where rows come from, and how they are read.
pub enum Source {
    /// A page-numbered list at a path, read whole.
    List(&'static str),
    /// Bookings, by creation time; resumable.
    Bookings,
    /// Expense transactions, by the time of their last change; incremental.
    Expense,
}

impl Stream {
    /// The stream of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        STREAMS.iter().copied().find(|stream| stream.name == name)
    }

    /// What `discover` says of it.
    ///
    /// # Errors
    /// A `system_error` if its schema was broken when the binary was built.
    pub fn describe(&self) -> Result<StreamDescription, Error> {
        let json_schema = serde_json::from_str(self.schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").because(e))?;
        let incremental = matches!(self.source, Source::Expense);
        Ok(StreamDescription {
            name: self.name,
            json_schema,
            supported_sync_modes: if incremental {
                &[SyncMode::FullRefresh, SyncMode::Incremental]
            } else {
                &[SyncMode::FullRefresh]
            },
            source_defined_cursor: incremental,
            default_cursor_field: if incremental { vec![self.time] } else { vec![] },
            source_defined_primary_key: vec![vec![self.key]],
            is_resumable: !matches!(self.source, Source::List(_)),
        })
    }
}
