//! A page split into its rows by serde_json: the least that a reader of rows does.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A page of any of Navan's lists: its rows stand in `data` (bookings, users) or in `content` (transactions).
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, alias = "content")]
    data: Vec<&'a RawValue>,
}

/// The rows of a page, after a check that it is UTF-8.
///
/// # Errors
/// If it is not, or if it is no JSON with rows.
pub fn rows(body: &[u8]) -> anyhow::Result<Vec<&RawValue>> {
    let page: Page = serde_json::from_str(str::from_utf8(body)?)?;
    Ok(page.data)
}

/// The CPU time of `work`, user and system together, and what it returned.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let before = cpu_time();
    let result = work();
    (cpu_time().saturating_sub(before), result)
}

/// The CPU time of this process so far.
fn cpu_time() -> Duration {
    // The kernel's time is never negative.
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}
