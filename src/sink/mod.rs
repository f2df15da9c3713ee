//! Where messages go. The pipeline hands records, states and statuses to a [`Sink`]; which one it is was chosen when the program
//! started.

mod airbyte;

use futures::future::LocalBoxFuture;
use tokio::sync::OwnedSemaphorePermit;

pub use airbyte::AirbyteWriter;

use crate::protocol::Message;
use crate::record::RecordBatch;

/// Takes messages and records, and keeps their order.
pub trait Sink {
    /// Waits while the sink has enough records to write; then one batch may come.
    fn ready(&self) -> LocalBoxFuture<'_, WritePermit>;

    /// Takes a batch of records.
    fn records(&self, batch: RecordBatch, permit: WritePermit);

    /// Takes a message; never waits.
    fn message(&self, message: &Message<'_>);

    /// Waits until all that was taken so far is where it belongs.
    fn flush(&self) -> LocalBoxFuture<'_, ()>;
}

/// Room for one batch, given back when it is dropped; without a semaphore's permit in sinks that never make anybody wait.
#[derive(Debug, Default)]
pub struct WritePermit {
    _held: Option<OwnedSemaphorePermit>,
}
