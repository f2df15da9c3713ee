//! The log and the counters of a run: what is made of its events.

#[cfg(feature = "metrics")]
use std::cell::OnceCell;
use std::cell::RefCell;
#[cfg(feature = "metrics")]
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::alerts;
#[cfg(feature = "metrics")]
use super::alerts::Alert;
use super::event::{Event, Listener};
use super::metrics::Metrics;
#[cfg(feature = "metrics")]
use super::outlet::Outlet;

/// The target of the summary in the log.
pub const SUMMARY: &str = "source_navan::summary";

/// Listens to one run.
#[derive(Default)]
pub struct Monitor {
    metrics: RefCell<Metrics>,
    /// What takes the metrics elsewhere, if anything does.
    #[cfg(feature = "metrics")]
    outlet: OnceCell<Rc<Outlet>>,
}

impl Monitor {
    /// From now on counts for `outlet` as well.
    #[cfg(feature = "metrics")]
    pub fn count_for(&self, outlet: &Rc<Outlet>) {
        // A run has one.
        let _ = self.outlet.set(Rc::clone(outlet));
    }

    /// All that somebody should look at, now that the run is over.
    #[cfg(feature = "metrics")]
    pub fn alerts(&self, share_of_limit: Option<f64>) -> Vec<Alert> {
        let metrics = self.metrics.borrow();
        let mut alerts = alerts::at_the_end(&metrics, share_of_limit);
        alerts.append(&mut alerts::on_the_way(&metrics));
        alerts
    }

    /// Ends the run: the summary as one INFO, and a warning for each number past its threshold.
    pub fn summarise(&self, command: &str, took: Duration, share_of_limit: Option<f64>) {
        let metrics = self.metrics.borrow();
        for alert in alerts::at_the_end(&metrics, share_of_limit) {
            tracing::warn!("{}", alert.summary);
        }
        tracing::info!(target: SUMMARY, "{}", metrics.summary(command, took, share_of_limit));
    }
}

impl Listener for Monitor {
    fn on(&self, event: &Event<'_>) {
        let mut metrics = self.metrics.borrow_mut();
        metrics.count(event);
        if let Some(alert) = alerts::on_event(&mut metrics, event) {
            tracing::warn!("{alert}");
        }
        log(event);
        #[cfg(feature = "metrics")]
        if let Some(outlet) = self.outlet.get() {
            outlet.count(event);
        }
    }
}

/// One line in the request log. Nothing of the answer's content, and no parameter, is in it.
fn log(event: &Event<'_>) {
    let milliseconds = |took: &Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let line = match event {
        Event::RequestFinished { correlation_id, endpoint, status, attempt, took, bytes, error, .. } => json!({
            "correlation_id": correlation_id.to_string(),
            "endpoint": endpoint,
            "status": status,
            "attempt": attempt,
            "ms": milliseconds(took),
            "bytes": bytes,
            "error": error,
        }),
        Event::FileRequestFinished { correlation_id, host, attempt, took, bytes, error } => json!({
            "correlation_id": correlation_id.to_string(),
            "file_host": host,
            "attempt": attempt,
            "ms": milliseconds(took),
            "bytes": bytes,
            "error": error,
        }),
        _ => return,
    };
    tracing::debug!("{line}");
}
