//! An Airbyte source for Navan: bookings, expense transactions and users.
//!
//! A call goes down five layers, data comes back up:
//!
//! 1. [`cli`] has the four commands of Airbyte's protocol; a read is handed to
//! 2. [`sync`], the data sync pipeline: which streams there are, what to read next, when to checkpoint. It asks
//! 3. [`api`] for pages: Navan's endpoints and page shapes, typed. Each request needs a token from
//! 4. [`auth`], which keeps one that is always good; and all requests go through
//! 5. [`gateway`]: pace, retries, circuit breaker, request log.
//!
//! All of them stand on [`config`], [`error`], [`secret`], [`signal`], [`monitor`] (what was measured, with thresholds) and
//! [`protocol`] (Airbyte's messages, and the only writer to stdout).

// The reader of these pages is a developer, who has private items documented as well.
#![allow(rustdoc::private_intra_doc_links)]

pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod error;
pub mod gateway;
pub mod monitor;
pub mod protocol;
pub mod secret;
pub mod signal;
pub mod sync;
