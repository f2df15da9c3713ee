//! What a run did, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Value, json};

use super::event::{Event, Wait};

/// The longest latency that is told apart, in ms: one hour.
const MAX_LATENCY_MS: u64 = 3_600_000;

/// What a stream brought.
#[derive(Default, Serialize)]
struct StreamMetrics {
    records: u64,
    states: u64,
    /// Fields that the schema does not declare, and how many records had them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    undeclared_fields: BTreeMap<String, u64>,
}

pub(super) struct Metrics {
    pub(super) requests: u64,
    /// By endpoint and status; `None` for no answer.
    by_status: BTreeMap<String, BTreeMap<Option<u16>, u64>>,
    /// Requests that were not answered, or with a 5xx.
    pub(super) failed: u64,
    pub(super) retries: u64,
    pub(super) token_fetches: u64,
    pub(super) token_failures: u64,
    /// The longest time under the limit without a break.
    pub(super) rate_limited: Duration,
    waits: BTreeMap<Wait, Duration>,
    latency: Histogram<u32>,
    bytes: u64,
    streams: BTreeMap<String, StreamMetrics>,
    /// Streams that were not read to their ends.
    pub(super) incomplete: Vec<String>,
    /// How long ago the last complete read of streams was.
    pub(super) last_reads: BTreeMap<String, chrono::Duration>,
    /// Alerts raised while the run went on, so that each is raised once.
    pub(super) raised: Vec<&'static str>,
}

impl Default for Metrics {
    fn default() -> Self {
        #[allow(clippy::expect_used)] // fails only for bounds out of order or more than five digits
        let latency = Histogram::new_with_max(MAX_LATENCY_MS, 2).expect("valid bounds");
        Self {
            requests: 0,
            by_status: BTreeMap::new(),
            failed: 0,
            retries: 0,
            token_fetches: 0,
            token_failures: 0,
            rate_limited: Duration::ZERO,
            waits: BTreeMap::new(),
            latency,
            bytes: 0,
            streams: BTreeMap::new(),
            incomplete: Vec::new(),
            last_reads: BTreeMap::new(),
            raised: Vec::new(),
        }
    }
}

impl Metrics {
    /// Counts what happened.
    pub(super) fn count(&mut self, event: &Event<'_>) {
        match *event {
            Event::RequestFinished { endpoint, status, took, bytes, .. } => {
                self.count_request(endpoint, status, took, bytes);
            }
            Event::RetryScheduled => self.retries += 1,
            Event::Waited { cause, time } => *self.waits.entry(cause).or_default() += time,
            Event::TokenFetched { succeeded } => {
                self.token_fetches += 1;
                self.token_failures += u64::from(!succeeded);
            }
            Event::RateLimited { lasting } => self.rate_limited = self.rate_limited.max(lasting),
            Event::RecordsWritten { stream, records } => self.stream(stream).records += records,
            Event::StateWritten { stream } => self.stream(stream).states += 1,
            Event::UndeclaredField { stream, field, records } => {
                self.stream(stream).undeclared_fields.insert(field.to_owned(), records);
            }
            Event::StreamEnded { stream, is_complete: false } => self.incomplete.push(stream.to_owned()),
            Event::LastCompleteRead { stream, age } => {
                self.last_reads.insert(stream.to_owned(), age);
            }
            Event::FileRequestFinished { .. }
            | Event::RowsEstimated { .. }
            | Event::StreamStarted { .. }
            | Event::SyncedThrough { .. }
            | Event::StreamEnded { is_complete: true, .. }
            | Event::TokenInUse { .. }
            | Event::BreakerChanged { .. } => {}
        }
    }

    fn count_request(&mut self, endpoint: &str, status: Option<u16>, took: Duration, bytes: u64) {
        self.requests += 1;
        self.failed += u64::from(status.is_none_or(|status| status >= 500));
        self.bytes += bytes;
        self.latency.saturating_record(u64::try_from(took.as_millis()).unwrap_or(MAX_LATENCY_MS));
        if !self.by_status.contains_key(endpoint) {
            self.by_status.insert(endpoint.to_owned(), BTreeMap::new());
        }
        if let Some(statuses) = self.by_status.get_mut(endpoint) {
            *statuses.entry(status).or_default() += 1;
        }
    }

    fn stream(&mut self, name: &str) -> &mut StreamMetrics {
        self.streams.entry(name.to_owned()).or_default()
    }

    /// Streams with fields that their schemas do not declare, and how many.
    #[cfg(feature = "metrics")]
    pub(super) fn drifted(&self) -> impl Iterator<Item = (&str, usize)> {
        let fields = self.streams.iter().map(|(name, stream)| (name.as_str(), stream.undeclared_fields.len()));
        fields.filter(|(_, fields)| *fields > 0)
    }

    /// The share of requests that failed.
    pub(super) fn error_rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // counts of requests
        let share = self.failed as f64 / self.requests.max(1) as f64;
        share
    }

    /// The latency that 95 of 100 requests stay below.
    pub(super) fn p95(&self) -> Duration {
        Duration::from_millis(self.latency.value_at_quantile(0.95))
    }

    pub(super) fn summary(&self, command: &str, took: Duration, share_of_limit: Option<f64>) -> Value {
        let seconds = |cause| round(self.waits.get(&cause).copied().unwrap_or_default().as_secs_f64());
        let statuses = |statuses: &BTreeMap<Option<u16>, u64>| -> Value {
            let named = |status: Option<u16>| status.map_or("none".to_owned(), |status| status.to_string());
            statuses.iter().map(|(status, count)| (named(*status), json!(count))).collect()
        };
        json!({
            "command": command,
            "seconds": round(took.as_secs_f64()),
            "requests": self.requests,
            "by_endpoint_and_status": self.by_status.iter().map(|(e, s)| (e.clone(), statuses(s))).collect::<Value>(),
            "retries": self.retries,
            "token_fetches": self.token_fetches,
            "seconds_waited": {"limit": seconds(Wait::Limit), "backoff": seconds(Wait::Backoff), "breaker": seconds(Wait::Breaker)},
            "latency_ms": {
                "p50": self.latency.value_at_quantile(0.5),
                "p95": self.latency.value_at_quantile(0.95),
                "max": self.latency.max(),
            },
            "bytes": self.bytes,
            "share_of_limit_used": share_of_limit.map(round),
            "streams": self.streams,
        })
    }
}

/// To the millisecond, which is all that a reader wants.
fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
