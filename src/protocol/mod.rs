//! Airbyte's protocol, version 0, as types: what comes in (the configured catalog, the state) and what goes out.
//!
//! Nothing here writes: messages go to a [`crate::sink`]. RECORD is not among them, since its line is written around Navan's
//! own bytes by [`crate::record`].

mod catalog;
mod message;
mod state;
mod trace;

pub use catalog::{Catalog, ConfiguredCatalog, ConfiguredStream, DefaultCatalog, StreamDescription, SyncMode};
pub use message::{ConnectionStatus, LogMessage, Message};
pub use state::{FULL_REFRESH_COMPLETE, NO_CURSOR, StreamStates, kind_in_words};
pub use trace::{StreamStatus, Trace};
