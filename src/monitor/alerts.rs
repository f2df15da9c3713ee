//! The numbers that somebody should look at, and their thresholds. Each is a WARN in the log.

use std::time::Duration;

use super::event::Event;
use super::metrics::Metrics;

/// Share of requests that fail.
const ERROR_RATE: f64 = 0.05;

/// Below this many requests a share says nothing.
const MIN_REQUESTS: u64 = 100;

/// Latency that 95 of 100 requests should stay below.
const P95: Duration = Duration::from_secs(5);

/// Rate limited for so long without a break.
const RATE_LIMITED: Duration = Duration::from_mins(5);

/// Share of the observed limit. A sync keeps to 80 %, and is a little above that by its first requests.
const MAX_SHARE_OF_LIMIT: f64 = 0.85;

/// Age of the last complete read of a stream that is read weekly.
const MAX_READ_AGE_DAYS: i64 = 8;

/// Something that somebody should look at.
pub struct Alert {
    /// The name of the rule for the same in monitoring/alerts.yml.
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    /// What is the matter, in a sentence.
    pub(super) summary: String,
}

/// How soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// At once.
    P1,
    /// Soon.
    P2,
    /// When there is time.
    P3,
}

/// What an event alerts of; what lasts is alerted of once.
pub(super) fn on_event(metrics: &mut Metrics, event: &Event<'_>) -> Option<String> {
    match *event {
        Event::RequestFinished { .. } => on_request(metrics),
        Event::TokenFetched { succeeded: false } => Some("A token could not be fetched.".to_owned()),
        Event::RateLimited { lasting } => {
            (lasting >= RATE_LIMITED && warn_once(metrics, "rate limit")).then(|| rate_limited(lasting))
        }
        Event::LastCompleteRead { stream, age } => on_last_read(stream, age),
        _ => None,
    }
}

fn on_request(metrics: &mut Metrics) -> Option<String> {
    if metrics.requests < MIN_REQUESTS {
        return None;
    }
    if metrics.error_rate() > ERROR_RATE && warn_once(metrics, "error rate") {
        return Some(error_rate(metrics));
    }
    if metrics.p95() > P95 && warn_once(metrics, "latency") {
        return Some(latency(metrics));
    }
    None
}

fn rate_limited(lasting: Duration) -> String {
    format!(
        "Navan has throttled this sync for {} minutes. Lower `max_concurrency` or `requests_per_second`, or ask Navan for a higher limit.",
        lasting.as_secs() / 60
    )
}

fn on_last_read(stream: &str, age: chrono::Duration) -> Option<String> {
    (age.num_days() >= MAX_READ_AGE_DAYS).then(|| {
        format!(
            "The last complete read of {stream} began {} days ago. Check the schedule of this connection.",
            age.num_days()
        )
    })
}

/// Alerts that stand at the end, also those of a short run.
pub(super) fn at_the_end(metrics: &Metrics, share_of_limit: Option<f64>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut add = |name, severity, summary| alerts.push(Alert { name, severity, summary });
    if metrics.error_rate() > ERROR_RATE {
        add("NavanErrorRate", Severity::P2, error_rate(metrics));
    }
    if metrics.p95() > P95 {
        add("NavanSlow", Severity::P3, latency(metrics));
    }
    if metrics.token_failures > 0 {
        let summary = format!("{} of {} token fetches failed.", metrics.token_failures, metrics.token_fetches);
        add("NavanTokenFailure", Severity::P1, summary);
    }
    if metrics.rate_limited >= RATE_LIMITED {
        add("NavanThrottled", Severity::P3, rate_limited(metrics.rate_limited));
    }
    if let Some(share) = share_of_limit.filter(|share| metrics.requests >= MIN_REQUESTS && *share > MAX_SHARE_OF_LIMIT)
    {
        let summary = format!("The sync used {:.0} % of Navan's observed limit.", share * 100.0);
        add("NavanLimitNearlyUsed", Severity::P3, summary);
    }
    alerts
}

/// Those that the log has told of already, where they were found.
#[cfg(feature = "metrics")]
pub(super) fn on_the_way(metrics: &Metrics) -> Vec<Alert> {
    // One of a kind, so that whoever is told has one incident of it.
    let incomplete = (!metrics.incomplete.is_empty()).then(|| Alert {
        name: "NavanStreamIncomplete",
        severity: Severity::P2,
        summary: format!("Not read to the end: {}.", metrics.incomplete.join(", ")),
    });
    let drifted: Vec<_> = metrics.drifted().map(|(stream, fields)| format!("{stream} ({fields})")).collect();
    let drifted = (!drifted.is_empty()).then(|| Alert {
        name: "NavanSchemaDrift",
        severity: Severity::P3,
        summary: format!("Fields that no schema knows, which stand in `_extra`: {}.", drifted.join(", ")),
    });
    let old = metrics.last_reads.iter().filter_map(|(stream, age)| {
        Some(Alert { name: "NavanBookingsOld", severity: Severity::P2, summary: on_last_read(stream, *age)? })
    });
    incomplete.into_iter().chain(drifted).chain(old).collect()
}

fn warn_once(metrics: &mut Metrics, alert: &'static str) -> bool {
    let is_first = !metrics.raised.contains(&alert);
    if is_first {
        metrics.raised.push(alert);
    }
    is_first
}

fn error_rate(metrics: &Metrics) -> String {
    format!("{} of {} requests failed ({:.1} %).", metrics.failed, metrics.requests, metrics.error_rate() * 100.0)
}

fn latency(metrics: &Metrics) -> String {
    format!("Navan answers slowly: 5 of 100 requests take longer than {:.1} s.", metrics.p95().as_secs_f64())
}
