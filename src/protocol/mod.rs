//! Airbyte's protocol, version 0: what comes in (the configured catalog, the state) and what goes out.
//!
//! Everything that leaves the process on stdout goes through one [`Output`], as one JSON message a line: typed
//! [`Message`]s, blocks of RECORD lines, and the log, whose events become LOG messages in [`logging`].

mod catalog;
pub mod logging;
mod message;
mod output;
mod record;
mod state;

pub use catalog::{Catalog, ConfiguredCatalog, ConfiguredStream, StreamDescription, SyncMode};
pub use message::{ConnectionStatus, Message, StreamStatus, Trace};
pub use output::{Output, RecordBlock, Room};
pub use record::RecordLine;
pub use state::{FULL_REFRESH_COMPLETE, NO_CURSOR, StreamStates};
