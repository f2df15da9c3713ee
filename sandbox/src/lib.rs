//! Navan's REST API simulated, since Navan has no sandbox of its own: for tests, demonstrations and
//! benchmarks of what reads from it.
//!
//! ```
//! # fn main() -> anyhow::Result<()> {
//! use navan_sandbox::{Sandbox, Settings, UpdatedFilter};
//!
//! let sandbox = Sandbox::start(Settings { bookings: 1_000, ..Settings::default() })?;
//! println!("{}", sandbox.url());
//! # Ok(())
//! # }
//! ```
//!
//! A request passes these, in this order; `app` puts them together:
//!
//! - `server`: the accept loop, which can also close a connection without a response
//! - `middleware`: counting (`counts`), latency, rate limit (`rate_limit`) and faults (`faults` says what can go
//!   wrong, `fault_schedule` when, `wire` what it looks like)
//! - `routes`: the endpoints, one file each; beside them `control` for `/sandbox/...`, which controls all this over HTTP
//! - `store` and `table`: which rows a stream has, and which of them a page shows
//! - `rows`: what is in a row, generated from the seed when it is asked for
//!
//! All of them share `state`. Besides there are `settings`, the `clock`, `tokens`, `cursor`, the `rng`, and
//! `ground_truth`: what a reader should end up with. A new stream takes a file in `rows`, one in `routes`, and a
//! table in `store`.

mod app;
mod clock;
mod control;
mod counts;
mod cursor;
mod decimal;
mod expense_type;
mod fault_schedule;
mod faults;
mod ground_truth;
mod middleware;
mod rate_limit;
mod response;
mod rng;
mod routes;
mod rows;
mod sandbox;
mod server;
mod settings;
mod state;
mod store;
mod stream;
mod table;
mod tokens;
mod wire;

pub use counts::{Counts, LoggedRequest};
pub use expense_type::ExpenseType;
pub use faults::{Every, Fault, Faults, Outage, PagedStream, RetryAfter, RowDrift};
pub use ground_truth::{BookingTotals, ExpenseTypeTotals, GroundTruth, RowCount, Rows, TransactionTotals, UserTotals};
pub use rate_limit::{LimitAlgorithm, LimitHeaders, RateLimit};
pub use routes::files::content as file_content;
pub use sandbox::Sandbox;
pub use settings::{ListShape, ReferenceForm, Region, Settings, UpdatedFilter};
