//! The real connector, as a process, against the sandbox over real HTTP.
//!
//! [`harness`] starts it and reads its messages; each other module is one theme.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // tests fail by panicking

mod backpressure;
mod bad_input;
mod changes;
mod commands;
mod cursors;
mod drift;
mod harness;
mod interruption;
mod kill;
mod month;
mod order;
mod position;
mod process;
mod progress;
mod refusals;
mod resume;
mod secrets;
mod slices;
mod state_files;
mod tokens;
mod truth;
mod users;
mod values;
mod volume;
