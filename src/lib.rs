//! An Airbyte source for Navan: bookings, expense transactions and users.
//!
//! A call goes down this list, data comes back up:
//!
//! 1. [`cli`] has the commands, and chooses what everything below works with. It hands a read, and
//! 2. [`streams`], the list of what can be read, one declaration each, to
//! 3. [`sync`], the data sync pipeline: what to read next, when to checkpoint. It asks
//! 4. [`api`] for pages: Navan's endpoints, paging and envelopes. Each request carries a token, from
//! 5. [`auth`], which keeps one that is always good, shared with other syncs by [`shared_state`] if that is wanted; and all requests go through
//! 6. [`gateway`]: rate limit, retries, circuit breaker.
//!
//! What a page's bytes become on their way up is [`record`]'s: one pass, to RECORD lines. They leave through a [`sink`], with the [`files`] behind them where
//! those are wanted. All of it
//! stands on [`config`], [`error`], [`secret`], [`clock`], [`buffer`], [`hash`], [`shutdown`], [`protocol`] (Airbyte's types) and [`monitor`], whose
//! events every layer emits.

// The reader of these pages is a developer, who has private items documented as well.
#![allow(rustdoc::private_intra_doc_links)]
// Some of what the layers tell is only for `export`, OpenTelemetry or shared state; a build without it, which is for the demo, is none to lint.
#![cfg_attr(
    not(all(feature = "export", feature = "otlp", feature = "shared-state")),
    allow(unused, clippy::unused_async)
)]

mod api;
mod auth;
#[doc(hidden)]
pub mod bench;
mod buffer;
pub mod cli;
mod clock;
mod config;
mod error;
mod files;
mod gateway;
mod hash;
mod monitor;
mod protocol;
mod record;
mod secret;
mod shared_state;
mod shutdown;
mod sink;
pub mod streams;
mod sync;

#[cfg(test)]
#[path = "../tests/simulation/mod.rs"]
mod simulation;
