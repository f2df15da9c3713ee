//! The messages that go out, but for RECORD, which [`super::RecordLine`] writes around Navan's own bytes.

use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};

use super::Catalog;
use crate::error::{Error, Kind};

/// One message, one line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Message<'a> {
    /// The answer to `spec`: spec.json as it is.
    Spec {
        /// The connector's specification.
        spec: &'a Value,
    },
    /// The answer to `check`.
    ConnectionStatus {
        /// Whether the configuration works.
        #[serde(rename = "connectionStatus")]
        connection_status: ConnectionStatus,
    },
    /// The answer to `discover`.
    Catalog {
        /// The streams there are.
        catalog: &'a Catalog,
    },
    /// A checkpoint of one stream.
    State {
        /// The payload, in Airbyte's per-stream form.
        state: Value,
    },
    /// What Airbyte should know about the run.
    Trace {
        /// The payload.
        trace: Value,
    },
    /// A line of the log.
    Log {
        /// The payload.
        log: LogLine<'a>,
    },
}

/// Whether the configuration works.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConnectionStatus {
    /// At least one stream can be read.
    Succeeded,
    /// Nothing can be read.
    Failed {
        /// What an admin has to do.
        message: String,
    },
}

/// A line of the log.
#[derive(Serialize)]
pub struct LogLine<'a> {
    /// FATAL, ERROR, WARN, INFO, DEBUG or TRACE.
    pub level: &'a str,
    /// The text.
    pub message: &'a str,
}

/// The stages of a stream within one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// The stream was opened.
    Started,
    /// Its first record is about to come, or a pause is over.
    Running,
    /// Navan throttles; the quota is expected back at that time (epoch ms).
    RateLimited {
        /// Epoch milliseconds.
        quota_reset: i64,
    },
    /// Everything was read.
    Complete,
    /// The stream ended early; the cause stands in an ERROR trace.
    Incomplete,
}

/// Builders of the TRACE payloads.
pub struct Trace;

impl Trace {
    /// A stage of a stream.
    pub fn status(stream: &str, namespace: Option<&str>, status: StreamStatus) -> Message<'static> {
        let mut payload = json!({
            "stream_descriptor": descriptor(stream, namespace),
            "status": match status {
                StreamStatus::Started => "STARTED",
                StreamStatus::Running | StreamStatus::RateLimited { .. } => "RUNNING",
                StreamStatus::Complete => "COMPLETE",
                StreamStatus::Incomplete => "INCOMPLETE",
            },
        });
        if let StreamStatus::RateLimited { quota_reset } = status {
            payload["reasons"] = json!([{"type": "RATE_LIMITED", "rate_limited": {"quota_reset": quota_reset}}]);
        }
        Self::of("STREAM_STATUS", "stream_status", payload)
    }

    /// How much a stream will bring: rows and bytes.
    pub fn estimate(stream: &str, rows: u64, bytes: u64) -> Message<'static> {
        let payload = json!({"name": stream, "type": "STREAM", "row_estimate": rows, "byte_estimate": bytes});
        Self::of("ESTIMATE", "estimate", payload)
    }

    /// An error, of one stream or of the whole run.
    pub fn error(error: &Error, stream: Option<&str>) -> Message<'static> {
        let mut payload = json!({
            "message": error.message(),
            "internal_message": error.cause().unwrap_or(error.message()),
            "stack_trace": error.cause().unwrap_or_default(),
            "failure_type": match error.kind() {
                Kind::Config => "config_error",
                Kind::Transient => "transient_error",
                Kind::System => "system_error",
            },
        });
        if let Some(stream) = stream {
            payload["stream_descriptor"] = json!({"name": stream});
        }
        Self::of("ERROR", "error", payload)
    }

    fn of(kind: &str, field: &str, payload: impl Into<Value>) -> Message<'static> {
        #[allow(clippy::cast_precision_loss)] // epoch milliseconds stay exact in a float for 285,000 years
        let emitted_at = Utc::now().timestamp_millis() as f64;
        Message::Trace { trace: json!({"type": kind, "emitted_at": emitted_at, field: payload.into()}) }
    }
}

impl Message<'_> {
    /// A checkpoint: `state` covers everything of `stream` written so far, `records` of it since the last one.
    pub fn state(stream: &str, namespace: Option<&str>, state: &Value, records: u64) -> Message<'static> {
        // The protocol's count is a number with a decimal point.
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53 records between two checkpoints
        let count = records as f64;
        Message::State {
            state: json!({
                "type": "STREAM",
                "stream": {"stream_descriptor": descriptor(stream, namespace), "stream_state": state},
                "sourceStats": {"recordCount": count},
            }),
        }
    }
}

fn descriptor(stream: &str, namespace: Option<&str>) -> Value {
    match namespace {
        Some(namespace) => json!({"name": stream, "namespace": namespace}),
        None => json!({"name": stream}),
    }
}
