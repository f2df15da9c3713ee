//! The real connector, as a process, against the sandbox over real HTTP.
//!
//! [`harness`] starts it and reads its messages; each other module is one theme.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // tests fail by panicking
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // counts are small
#![allow(clippy::needless_pass_by_value)] // a test reads best with plain values

mod backpressure;
mod bad_input;
mod changes;
mod commands;
mod cursors;
mod drift;
mod endless;
mod faults;
mod gateway;
mod harness;
mod interruption;
mod kill;
mod matrix;
mod month;
mod order;
mod position;
mod process;
mod progress;
mod refusals;
mod release;
mod resume;
mod secrets;
mod slices;
mod state_files;
mod tokens;
mod truth;
mod users;
mod values;
mod volume;
