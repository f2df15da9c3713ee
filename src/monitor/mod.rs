//! Layer 5, monitoring: what a run did, counted while it runs, told in one line at its end, with warnings when a number
//! passes a threshold.

mod alerts;
mod totals;

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use totals::Totals;
pub use totals::Wait;

/// The counters of one run. All layers write to it; nobody decides by it.
#[derive(Default)]
pub struct Monitor {
    totals: Mutex<Totals>,
}

impl Monitor {
    /// A request was answered with `status`, or not at all.
    pub fn requested(&self, endpoint: &str, status: Option<u16>, took: Duration, bytes: u64) {
        let alert = {
            let mut totals = self.totals();
            totals.requested(endpoint, status, took, bytes);
            alerts::on_request(&mut totals)
        };
        alerts::raise(alert);
    }

    /// A request is about to be tried again.
    pub fn retried(&self) {
        self.totals().retries += 1;
    }

    /// A request waited.
    pub fn waited(&self, cause: Wait, time: Duration) {
        self.totals().waited(cause, time);
    }

    /// A token was fetched, or could not be.
    pub fn token_fetched(&self, succeeded: bool) {
        let alert = {
            let mut totals = self.totals();
            totals.token_fetches += 1;
            totals.token_failures += u64::from(!succeeded);
            (!succeeded).then(|| "A token could not be fetched.".to_owned())
        };
        alerts::raise(alert);
    }

    /// Requests are held back by the limit, since so long.
    pub fn throttled(&self, lasting: Duration) {
        let alert = alerts::on_throttling(&mut self.totals(), lasting);
        alerts::raise(alert);
    }

    /// The last complete read of a stream is so old.
    pub fn last_complete_read(&self, stream: &str, age: chrono::Duration) {
        alerts::raise(alerts::on_last_read(stream, age));
    }

    /// Records and checkpoints of a stream were written.
    pub fn wrote(&self, stream: &str, records: u64, states: u64) {
        self.totals().wrote(stream, records, states);
    }

    /// Ends the run: the summary as one INFO, and a warning for each number past its threshold.
    pub fn summarise(&self, command: &str, took: Duration, share_of_limit: Option<f64>) {
        let (summary, alerts) = {
            let totals = self.totals();
            (totals.summary(command, took, share_of_limit), alerts::at_the_end(&totals, share_of_limit))
        };
        for alert in alerts {
            alerts::raise(Some(alert));
        }
        tracing::info!("{summary}");
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock()
    }
}
