//! The real connector, as a process, against the sandbox over real HTTP.
//!
//! [`harness`] starts it and reads its messages; each other module is one theme.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // tests fail by panicking

mod commands;
mod endless;
mod faults;
mod gateway;
mod harness;
mod matrix;
