//! The real connector, as a process, against the sandbox over real HTTP.
//!
//! [`harness`] starts it and reads its messages; each other module is one topic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // tests fail by panicking
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // counts are small
#![allow(clippy::needless_pass_by_value)] // a test reads best with plain values

mod alerting;
mod alerts_while_running;
mod api_errors;
mod backpressure;
mod bad_input;
mod between;
mod booking_changes;
mod changes_between_reads;
mod changes_during_reads;
mod children;
mod commands;
mod connections;
mod doctor;
mod export;
mod fault_cases;
mod faults;
mod files;
mod gateway;
mod ground_truth;
mod harness;
mod interruption;
mod kill;
mod message_order;
mod metrics;
mod month_boundary;
mod obstacles;
mod odd_answers;
mod odd_ends;
mod odd_lists;
mod odd_rows;
mod odd_types;
mod odd_words;
mod otlp;
mod page_cursors;
mod pages;
mod permanent_faults;
mod personal_data;
mod process;
mod progress;
mod promised;
mod receipts;
mod redis_server;
mod reference_lists;
mod release;
mod resume;
mod rooms;
mod scim;
mod scripted;
mod secrets;
mod shared_limit;
mod shared_token;
mod slices;
mod state_files;
mod tokens;
mod type_cursors;
mod users;
mod values;
mod volume;
mod without_ceremony;
