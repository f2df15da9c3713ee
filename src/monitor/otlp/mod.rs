//! The way to OpenTelemetry: spans and metrics, by OTLP over HTTP.
//!
//! The messages of the protocol are the OpenTelemetry project's, and their way out is that of all else here. Its SDK would bring threads and a
//! blocking HTTP client, beside the one thread and the one client that there are.

mod attribute;
mod environment;
mod points;
mod spans;

use std::convert::Infallible;
use std::time::Duration;

use futures::future::join;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::event::Event;
use super::outlet::{MAX_ANSWER_TIME, words};
use attribute::attribute;
use environment::Endpoint;
pub use environment::OtlpConfig;
use spans::{BATCH, Spans};

/// How long a span waits at most for a batch to become full.
const SPANS_EVERY: Duration = Duration::from_secs(5);

/// Spans and metrics of a run on their way to a collector.
pub(super) struct Otlp {
    client: Client,
    traces: Option<Endpoint>,
    metrics: Option<Endpoint>,
    resource: Resource,
    spans: Spans,
    /// Of sending the spans that wait.
    turn: Mutex<()>,
}

/// Why something did not come.
struct Lost {
    why: String,
    /// The next try would not do better.
    is_final: bool,
}

impl Otlp {
    /// The run begins. `labels` are those that its metrics carry.
    pub(super) fn new(config: &OtlpConfig, client: Client, labels: &[(&str, &str)]) -> Self {
        let OtlpConfig { name, traces, metrics, resource } = config.clone();
        let given = resource.iter().map(|(name, value)| (&**name, &**value));
        // None may be there twice.
        let given = given.filter(|(name, _)| labels.iter().all(|(label, _)| label != name));
        let attributes = given.chain(labels.iter().copied()).map(|(name, value)| attribute(name, value));
        Self {
            client,
            traces,
            metrics,
            resource: Resource { attributes: attributes.collect(), ..Resource::default() },
            spans: Spans::begin(name),
            turn: Mutex::default(),
        }
    }

    /// Makes spans of what happened.
    pub(super) fn on(&self, event: &Event<'_>) {
        if self.traces.is_some() {
            self.spans.on(event);
        }
    }

    /// Sends spans as they come, and the metrics after each such time; never ends. `tell` gets a sentence for what fails.
    pub(super) async fn keep_sending(
        &self,
        every: Duration,
        text: impl Fn() -> String,
        tell: impl Fn(&str),
    ) -> Infallible {
        let spans = async {
            loop {
                self.spans.wait(SPANS_EVERY).await;
                if let Err(why) = self.send_spans(BATCH).await {
                    tell(&why);
                    sleep(SPANS_EVERY).await;
                }
            }
        };
        let metrics = async {
            loop {
                if let Err(why) = self.send_metrics(&text()).await {
                    tell(&why);
                }
                sleep(every).await;
            }
        };
        join(spans, metrics).await.0
    }

    /// The run has ended: sends what is left.
    ///
    /// # Errors
    /// A sentence that says what did not come.
    pub(super) async fn finish(&self, text: &str, is_complete: bool) -> Result<(), String> {
        if self.traces.is_some() {
            self.spans.end(is_complete);
        }
        let left = timeout(MAX_ANSWER_TIME, join(self.send_spans(1), self.send_metrics(text))).await;
        let (spans, metrics) = left.map_err(|_| lost("spans and metrics", "it takes too long"))?;
        spans.and(metrics)?;
        match self.spans.left_out() {
            0 => Ok(()),
            spans => Err(lost("spans", &format!("it was too slow for {spans} of them"))),
        }
    }

    /// Sends the spans that wait, once, and then as long as there are so many.
    async fn send_spans(&self, enough: usize) -> Result<(), String> {
        let Some(traces) = &self.traces else { return Ok(()) };
        let _turn = self.turn.lock().await;
        let mut refused = Ok(());
        while self.spans.waiting() > 0 {
            let spans = self.spans.batch();
            let sent = spans.len();
            let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
            let of_resource =
                ResourceSpans { resource: Some(self.resource.clone()), scope_spans, ..Default::default() };
            let request = ExportTraceServiceRequest { resource_spans: vec![of_resource] };
            match self.send(traces, &request).await {
                Err(Lost { why, is_final: false }) => return Err(lost("spans", &why)),
                // The others may be taken.
                Err(Lost { why, .. }) => refused = refused.and(Err(lost("spans", &why))),
                Ok(()) => {}
            }
            self.spans.done(sent);
            if self.spans.waiting() < enough {
                break;
            }
        }
        refused
    }

    async fn send_metrics(&self, text: &str) -> Result<(), String> {
        let Some(endpoint) = &self.metrics else { return Ok(()) };
        let metrics = points::metrics(text, self.spans.began());
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }];
        let of_resource =
            ResourceMetrics { resource: Some(self.resource.clone()), scope_metrics, ..Default::default() };
        let request = ExportMetricsServiceRequest { resource_metrics: vec![of_resource] };
        self.send(endpoint, &request).await.map_err(|Lost { why, .. }| lost("metrics", &why))
    }

    async fn send(&self, endpoint: &Endpoint, message: &impl Message) -> Result<(), Lost> {
        let request = self.client.post(endpoint.url.clone()).headers(endpoint.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/x-protobuf").timeout(MAX_ANSWER_TIME);
        let failed = |error: reqwest::Error| Lost { why: words(&error.without_url()), is_final: false };
        let answer = request.body(message.encode_to_vec()).send().await.map_err(failed)?;
        let status = answer.status();
        if !status.is_success() {
            let may_pass = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Lost { why: format!("it answered {}", status.as_u16()), is_final: !may_pass });
        }
        let body = answer.bytes().await.map_err(failed)?;
        // The answer to metrics has the same form. An empty one, which most collectors give, says that all is well.
        let said = ExportTraceServiceResponse::decode(body).unwrap_or_default().partial_success.unwrap_or_default();
        match said.rejected_spans {
            0 => Ok(()),
            some => Err(Lost { why: format!("it refused {some} of them"), is_final: true }),
        }
    }
}

fn lost(what: &str, why: &str) -> String {
    format!("The {what} did not reach the OpenTelemetry collector: {why}")
}

/// Who made them.
fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
