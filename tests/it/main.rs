//! The real connector, as a process, against the sandbox over real HTTP.
//!
//! [`harness`] starts it and reads its messages; each other module is one theme.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // tests fail by panicking

mod bad_input;
mod changes;
mod commands;
mod harness;
mod month;
mod order;
mod position;
mod refusals;
mod resume;
mod secrets;
mod state_files;
mod tokens;
mod users;
mod values;
mod volume;
