//! Layer 5, monitoring: what a run did, counted while it runs, told in one line at its end, with warnings when a number
//! passes a threshold.
//!
//! The other layers do not know who counts. They [`emit`] an [`Event`] where something happens; whoever [`listen`]s makes the
//! log line and the counters of it. Who that is was chosen when the program started.

mod alerts;
mod event;
mod metrics;
mod summary;

pub use event::{Event, Listener, Wait, emit, listen};
pub use summary::{Monitor, SUMMARY};
