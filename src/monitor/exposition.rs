//! The run's numbers as Prometheus knows them, under the names of docs/monitoring.md.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::event::{BreakerPhase, Event, Wait};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    /// It only grows, from 0 at the start of each run.
    Counter,
    /// It is as it is.
    Gauge,
    /// How many there were, by their size.
    Histogram,
}

/// A metric: its name, what it is, and what it says.
pub(super) type Metric = (&'static str, MetricKind, &'static str);

const REQUESTS: &str = "navan_requests_total";
const DURATION: &str = "navan_request_duration_seconds";
const BYTES: &str = "navan_response_bytes_total";
const RETRIES: &str = "navan_retries_total";
const WAITS: &str = "navan_wait_duration_seconds";
const UTILIZATION: &str = "navan_rate_limit_utilization_ratio";
const LIMIT: &str = "navan_rate_limit_requests_per_second";
const THROTTLED: &str = "navan_rate_limited_seconds";
const TOKENS: &str = "navan_token_fetches_total";
const TOKEN_EXPIRES: &str = "navan_token_expires_timestamp_seconds";
const BREAKER: &str = "navan_circuit_breaker_state";
const OPENINGS: &str = "navan_circuit_breaker_openings_total";
const RECORDS: &str = "navan_records_total";
const STATES: &str = "navan_states_total";
const SYNCED_THROUGH: &str = "navan_stream_synced_through_timestamp_seconds";
const COMPLETE: &str = "navan_stream_complete";
const UNDECLARED: &str = "navan_stream_undeclared_fields";
const START: &str = "navan_sync_start_timestamp_seconds";
const RUNNING: &str = "navan_sync_running";
const PUBLISHED: &str = "navan_published_timestamp_seconds";
const LAST_SUCCESS: &str = "navan_last_success_timestamp_seconds";

/// All of them.
pub(super) const METRICS: [Metric; 21] = {
    use MetricKind::{Counter, Gauge, Histogram};
    [
        (REQUESTS, Counter, "Requests, by endpoint and the answer's status; `none` for no answer."),
        (DURATION, Histogram, "From sending a request to the end of its answer, by endpoint."),
        (BYTES, Counter, "Bytes of answers, by endpoint."),
        (RETRIES, Counter, "Requests that were tried again."),
        (WAITS, Histogram, "How long requests waited, by cause: `limit`, `backoff`, `breaker`."),
        (UTILIZATION, Gauge, "The share of Navan's observed limit that was used; 0 before a limit was seen."),
        (LIMIT, Gauge, "Navan's observed limit, in requests a second; none before one was seen."),
        (THROTTLED, Gauge, "The longest time for which Navan's limit held requests back without a break."),
        (TOKENS, Counter, "Access tokens that were asked for, by result: `success`, `failure`."),
        (TOKEN_EXPIRES, Gauge, "When the access token in use ends."),
        (BREAKER, Gauge, "The circuit breaker: 0 closed, 1 half-open, 2 open."),
        (OPENINGS, Counter, "How often the circuit breaker opened."),
        (RECORDS, Counter, "Records, by stream."),
        (STATES, Counter, "States, by stream."),
        (SYNCED_THROUGH, Gauge, "Up to when all of a stream's changes were read, by stream."),
        (COMPLETE, Gauge, "Whether the last run that has ended read all of a stream, by stream: 1 or 0."),
        (UNDECLARED, Gauge, "How many fields came that a stream's schema does not declare, by stream."),
        (START, Gauge, "When the run began."),
        (RUNNING, Gauge, "Whether the run goes on: 1, or 0 once it has ended."),
        (PUBLISHED, Gauge, "When these metrics were written."),
        (LAST_SUCCESS, Gauge, "When the last run that read all of its streams ended."),
    ]
};

/// The upper bounds of durations, in seconds. The alert is at 5.
const BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Counts a run.
pub(super) struct Exposition {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// Streams that were begun and have not ended.
    open: RefCell<BTreeSet<String>>,
    /// The longest time under the limit without a break.
    throttled: Cell<Duration>,
}

impl Exposition {
    /// At zero. Each of its series carries these labels.
    pub(super) fn new(labels: &[(&'static str, &str)]) -> Result<Self, BuildError> {
        let suffix = Matcher::Suffix("duration_seconds".to_owned());
        let mut builder = PrometheusBuilder::new().set_buckets_for_metric(suffix, &BUCKETS)?;
        for (name, value) in labels {
            builder = builder.add_global_label(*name, *value);
        }
        let recorder = builder.build_recorder();
        let exposition =
            Self { handle: recorder.handle(), recorder, open: RefCell::default(), throttled: Cell::default() };
        exposition.begin();
        Ok(exposition)
    }

    /// What does not say of which endpoint or stream it is begins at once; the rest with [`Event::StreamStarted`] and the first answer.
    fn begin(&self) {
        with_local_recorder(&self.recorder, || {
            for (name, kind, help) in METRICS {
                match kind {
                    MetricKind::Counter => describe_counter!(name, help),
                    MetricKind::Gauge => describe_gauge!(name, help),
                    MetricKind::Histogram => describe_histogram!(name, help),
                }
            }
            counter!(RETRIES).increment(0);
            counter!(OPENINGS).increment(0);
            for result in ["success", "failure"] {
                counter!(TOKENS, "result" => result).increment(0);
            }
            gauge!(BREAKER).set(0.0);
            // A Pushgateway would keep that of a run before.
            gauge!(UTILIZATION).set(0.0);
            gauge!(THROTTLED).set(0.0);
            gauge!(START).set(now());
            gauge!(RUNNING).set(1.0);
        });
    }

    /// Counts what happened.
    pub(super) fn count(&self, event: &Event<'_>) {
        match *event {
            Event::StreamStarted { stream } => drop(self.open.borrow_mut().insert(stream.to_owned())),
            Event::StreamEnded { stream, .. } => drop(self.open.borrow_mut().remove(stream)),
            Event::RateLimited { lasting } => self.throttled.set(self.throttled.get().max(lasting)),
            _ => {}
        }
        with_local_recorder(&self.recorder, || {
            gauge!(THROTTLED).set(self.throttled.get().as_secs_f64());
            count(event);
        });
    }

    /// How much of the limit is used, as far as it was seen.
    pub(super) fn limit(&self, observed: Option<f64>, share_used: Option<f64>) {
        with_local_recorder(&self.recorder, || {
            if let Some(observed) = observed {
                gauge!(LIMIT).set(observed);
            }
            if let Some(share) = share_used {
                gauge!(UTILIZATION).set(share);
            }
        });
    }

    /// The run has ended, and read all that was wanted of it or not.
    pub(super) fn end(&self, is_complete: bool) {
        with_local_recorder(&self.recorder, || {
            gauge!(RUNNING).set(0.0);
            for stream in self.open.take() {
                gauge!(COMPLETE, "stream" => stream).set(0.0);
            }
            if is_complete {
                gauge!(LAST_SUCCESS).set(now());
            }
        });
    }

    /// All of it, in Prometheus' text format.
    pub(super) fn text(&self) -> String {
        with_local_recorder(&self.recorder, || gauge!(PUBLISHED).set(now()));
        self.handle.render()
    }
}

fn count(event: &Event<'_>) {
    match *event {
        Event::RequestFinished { endpoint, status, took, bytes, .. } => {
            let status = status.map_or("none".to_owned(), |status| status.to_string());
            let endpoint = endpoint.to_owned();
            counter!(REQUESTS, "endpoint" => endpoint.clone(), "status" => status).increment(1);
            histogram!(DURATION, "endpoint" => endpoint.clone()).record(took);
            counter!(BYTES, "endpoint" => endpoint).increment(bytes);
        }
        Event::RetryScheduled => counter!(RETRIES).increment(1),
        Event::Waited { cause, time } => {
            let cause = match cause {
                Wait::Limit => "limit",
                Wait::Backoff => "backoff",
                Wait::Breaker => "breaker",
            };
            histogram!(WAITS, "cause" => cause).record(time);
        }
        Event::TokenFetched { succeeded } => {
            counter!(TOKENS, "result" => if succeeded { "success" } else { "failure" }).increment(1);
        }
        Event::TokenInUse { expires } => gauge!(TOKEN_EXPIRES).set(seconds(expires)),
        Event::BreakerChanged { phase } => {
            gauge!(BREAKER).set(match phase {
                BreakerPhase::Closed => 0.0,
                BreakerPhase::HalfOpen => 1.0,
                BreakerPhase::Open => 2.0,
            });
            counter!(OPENINGS).increment(u64::from(phase == BreakerPhase::Open));
        }
        Event::StreamStarted { stream } => {
            let stream = stream.to_owned();
            counter!(RECORDS, "stream" => stream.clone()).increment(0);
            counter!(STATES, "stream" => stream).increment(0);
        }
        Event::RecordsWritten { stream, records } => {
            counter!(RECORDS, "stream" => stream.to_owned()).increment(records);
        }
        Event::StateWritten { stream } => counter!(STATES, "stream" => stream.to_owned()).increment(1),
        Event::SyncedThrough { stream, time } => {
            gauge!(SYNCED_THROUGH, "stream" => stream.to_owned()).set(seconds(time));
        }
        Event::UndeclaredField { stream, .. } => gauge!(UNDECLARED, "stream" => stream.to_owned()).increment(1.0),
        Event::StreamEnded { stream, is_complete } => {
            gauge!(COMPLETE, "stream" => stream.to_owned()).set(f64::from(u8::from(is_complete)));
            gauge!(UNDECLARED, "stream" => stream.to_owned()).increment(0.0);
        }
        Event::FileRequestFinished { .. }
        | Event::LastCompleteRead { .. }
        | Event::RateLimited { .. }
        | Event::RowsEstimated { .. } => {}
    }
}

fn now() -> f64 {
    seconds(SystemTime::now().into())
}

/// Since 1970, as Prometheus has times.
fn seconds(time: DateTime<Utc>) -> f64 {
    #[allow(clippy::cast_precision_loss)] // milliseconds are exact for longer than anybody reads
    let milliseconds = time.timestamp_millis() as f64;
    milliseconds / 1_000.0
}
