//! Navan's REST API simulated, since Navan has no sandbox of its own: for tests, demonstrations and
//! benchmarks of what reads from it.
//!
//! ```
//! # fn main() -> anyhow::Result<()> {
//! use navan_sandbox::{Sandbox, Settings};
//!
//! let sandbox = Sandbox::start(Settings { bookings: 1_000, ..Settings::default() })?;
//! println!("{}", sandbox.url());
//! # Ok(())
//! # }
//! ```
//!
//! A request passes these, in this order:
//!
//! - `server`: the accept loop, which can also not answer at all
//! - `gate`: counting (`counts`), delay, limit (`limit`) and faults (`faults` says what can go wrong,
//!   `inject` when, `wire` how it looks)
//! - `routes`: the endpoints, one file each, and `/sandbox/...`, which controls all this over HTTP
//! - `store` and `table`: which rows a stream has, and which of them a page shows
//! - `rows`: what is in a row, made up from the seed as it is asked for
//!
//! Around them: `settings`, the `clock`, `tokens`, `cursor`, and `expected`, what a reader should end up
//! with. A new stream takes a file in `rows`, one in `routes`, and a table in `store`.

mod answer;
mod clock;
mod counts;
mod cursor;
mod decimal;
mod expected;
mod expense;
mod faults;
mod gate;
mod inject;
mod limit;
mod routes;
mod rows;
mod sandbox;
mod server;
mod settings;
mod store;
mod table;
mod tokens;
mod wire;
mod world;

pub use counts::{Counts, Logged};
pub use expected::{BookingFacts, Facts, Rows, TransactionFacts, TypeFacts, UserFacts};
pub use expense::ExpenseType;
pub use faults::{Drift, Every, Fault, Faults, Numbered, Outage, RetryAfter};
pub use limit::{Limit, LimitKind, Tell};
pub use sandbox::Sandbox;
pub use settings::{Region, Settings};
