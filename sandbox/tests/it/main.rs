//! The sandbox as a client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say so and fail")]

mod client;
mod docs;
mod drift;
mod expense;
mod faults;
mod paging;
mod plausible;
mod program;
mod rate_limit;
mod rows;
mod token;
