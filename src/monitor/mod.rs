//! Layer 5, monitoring: what a run did, counted while it runs, told in one line at its end, with warnings when a number
//! passes a threshold; and, where that is configured, as metrics that go to Prometheus, or as spans and metrics to OpenTelemetry ([`outlet`]).
//!
//! The other layers do not know who counts. They [`emit`] an [`Event`] where something happens; whoever [`listen`]s makes the
//! log line and the counters of it. Who that is was chosen when the program started.

mod alerts;
#[cfg(feature = "metrics")]
#[cfg(test)]
mod docs;
mod event;
#[cfg(feature = "metrics")]
mod exposition;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "metrics")]
mod outlet;
mod outlet_config;
mod summary;
mod textfile;
#[cfg(feature = "metrics")]
mod webhook;

pub use event::{BreakerPhase, Event, Listener, Wait, emit, listen, reading};
#[cfg(feature = "otlp")]
pub use otlp::OtlpConfig;
#[cfg(feature = "metrics")]
pub use outlet::Outlet;
pub use outlet_config::OutletConfig;
pub use summary::{Monitor, SUMMARY};
