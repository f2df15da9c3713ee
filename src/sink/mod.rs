//! Where messages go. The pipeline hands records, states and statuses to a [`Sink`]; which one it is was chosen when the program
//! started: Airbyte's protocol on stdout, or [`tables`] in files.

mod airbyte;
#[cfg(feature = "export")]
pub mod tables;

use futures::future::LocalBoxFuture;

pub use airbyte::AirbyteWriter;

use crate::protocol::Message;
use crate::record::RecordLines;

/// Takes messages and records, and keeps their order.
pub trait Sink {
    /// The paths of the columns, by their numbers, whose cells it wants to have noted in the records of a stream.
    fn columns(&self, _stream: &str) -> Option<Vec<Vec<String>>> {
        None
    }

    /// Takes a batch of a stream's records at once; what it returns waits until there is room for another. Whoever produces records waits
    /// for it before it asks for more, which bounds how many there are in memory.
    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()>;

    /// Takes a message; never waits.
    fn message(&self, message: &Message<'_>);

    /// Waits until all that was taken so far is where it belongs.
    fn flush(&self) -> LocalBoxFuture<'_, ()>;
}
