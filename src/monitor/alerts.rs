//! The numbers that somebody should look at, and their thresholds. Each is a WARN in the log.

use std::time::Duration;

use super::totals::Totals;

/// Share of requests that fail.
const ERROR_RATE: f64 = 0.05;

/// Below this many requests a share says nothing.
const REQUESTS_LEAST: u64 = 100;

/// Latency that 95 of 100 requests should stay below.
const P95: Duration = Duration::from_secs(5);

/// Throttled for so long without a break.
const THROTTLED: Duration = Duration::from_mins(5);

/// Share of the observed limit.
const SHARE_OF_LIMIT: f64 = 0.8;

/// Age of the last complete read of a stream that is read weekly.
const LAST_READ_DAYS: i64 = 8;

pub(super) fn raise(alert: Option<String>) {
    if let Some(alert) = alert {
        tracing::warn!("{alert}");
    }
}

/// Alerts that arise while the run goes on; each is raised once.
pub(super) fn on_request(totals: &mut Totals) -> Option<String> {
    if totals.requests < REQUESTS_LEAST {
        return None;
    }
    if totals.error_rate() > ERROR_RATE && first(totals, "error rate") {
        return Some(error_rate(totals));
    }
    if totals.p95() > P95 && first(totals, "latency") {
        return Some(latency(totals));
    }
    None
}

pub(super) fn on_throttling(totals: &mut Totals, lasting: Duration) -> Option<String> {
    totals.throttled = totals.throttled.max(lasting);
    (lasting >= THROTTLED && first(totals, "throttling")).then(|| throttling(lasting))
}

fn throttling(lasting: Duration) -> String {
    format!(
        "Navan has throttled this sync for {} minutes. Lower `max_concurrency` or `requests_per_second`, or ask Navan for a higher limit.",
        lasting.as_secs() / 60
    )
}

pub(super) fn on_last_read(stream: &str, age: chrono::Duration) -> Option<String> {
    (age.num_days() >= LAST_READ_DAYS).then(|| {
        format!(
            "The last complete read of {stream} began {} days ago. Check the schedule of this connection.",
            age.num_days()
        )
    })
}

/// Alerts that stand at the end, also those of a short run.
pub(super) fn at_the_end(totals: &Totals, share_of_limit: Option<f64>) -> Vec<String> {
    let mut alerts = Vec::new();
    if totals.error_rate() > ERROR_RATE {
        alerts.push(error_rate(totals));
    }
    if totals.p95() > P95 {
        alerts.push(latency(totals));
    }
    if totals.token_failures > 0 {
        alerts.push(format!("{} of {} token fetches failed.", totals.token_failures, totals.token_fetches));
    }
    if totals.throttled >= THROTTLED {
        alerts.push(throttling(totals.throttled));
    }
    if let Some(share) = share_of_limit.filter(|share| (share * 100.0).round() > SHARE_OF_LIMIT * 100.0) {
        alerts.push(format!("The sync used {:.0} % of Navan's observed limit.", share * 100.0));
    }
    alerts
}

fn first(totals: &mut Totals, alert: &'static str) -> bool {
    let first = !totals.raised.contains(&alert);
    if first {
        totals.raised.push(alert);
    }
    first
}

fn error_rate(totals: &Totals) -> String {
    format!("{} of {} requests failed ({:.1} %).", totals.failed, totals.requests, totals.error_rate() * 100.0)
}

fn latency(totals: &Totals) -> String {
    format!("Navan answers slowly: 5 of 100 requests take longer than {:.1} s.", totals.p95().as_secs_f64())
}
