//! TRACE: what Airbyte should know about a run while it goes on.

use serde::Serialize;

use super::message::StreamDescriptor;
use crate::clock;
use crate::error::{Error, FailureType};

/// The last status of a stream of which everything was read.
const COMPLETE: &str = "COMPLETE";
/// That of one that ended early.
const INCOMPLETE: &str = "INCOMPLETE";

/// The payload of a TRACE. Each has the time at which it was made, epoch milliseconds as a number with a decimal point.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Trace<'a> {
    /// A stage of a stream.
    StreamStatus {
        /// Epoch milliseconds.
        emitted_at: f64,
        /// The stage.
        stream_status: StatusPayload<'a>,
    },
    /// How much a stream will bring.
    Estimate {
        /// Epoch milliseconds.
        emitted_at: f64,
        /// The numbers.
        estimate: EstimatePayload<'a>,
    },
    /// An error, of one stream or of the whole run.
    Error {
        /// Epoch milliseconds.
        emitted_at: f64,
        /// The error.
        error: ErrorPayload<'a>,
    },
}

/// The stages of a stream within one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// The stream was opened.
    Started,
    /// Its first record is about to come, or a pause is over.
    Running,
    /// Navan's limit makes it wait; the quota is expected back at that time (epoch ms).
    RateLimited {
        /// Epoch milliseconds.
        quota_reset: i64,
    },
    /// Everything was read.
    Complete,
    /// The stream ended early; the cause stands in an ERROR trace.
    Incomplete,
}

/// A stage of a stream.
#[derive(Debug, Serialize)]
pub struct StatusPayload<'a> {
    stream_descriptor: StreamDescriptor<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<[StatusReason; 1]>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum StatusReason {
    RateLimited { rate_limited: QuotaReset },
}

#[derive(Debug, Serialize)]
struct QuotaReset {
    quota_reset: i64,
}

/// How much a stream will bring.
#[derive(Debug, Serialize)]
pub struct EstimatePayload<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(rename = "type")]
    scope: &'static str,
    row_estimate: u64,
    byte_estimate: u64,
}

/// An error.
#[derive(Debug, Serialize)]
pub struct ErrorPayload<'a> {
    message: &'a str,
    internal_message: &'a str,
    stack_trace: &'a str,
    failure_type: FailureType,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_descriptor: Option<StreamDescriptor<'a>>,
}

impl<'a> Trace<'a> {
    /// A stage of a stream.
    pub fn status(name: &'a str, namespace: Option<&'a str>, status: StreamStatus) -> Self {
        let reasons = match status {
            StreamStatus::RateLimited { quota_reset } => {
                Some([StatusReason::RateLimited { rate_limited: QuotaReset { quota_reset } }])
            }
            _ => None,
        };
        let status = match status {
            StreamStatus::Started => "STARTED",
            StreamStatus::Running | StreamStatus::RateLimited { .. } => "RUNNING",
            StreamStatus::Complete => COMPLETE,
            StreamStatus::Incomplete => INCOMPLETE,
        };
        let stream_descriptor = StreamDescriptor { name, namespace };
        Self::StreamStatus { emitted_at: now(), stream_status: StatusPayload { stream_descriptor, status, reasons } }
    }

    /// How much a stream will bring: rows and bytes.
    pub fn estimate(name: &'a str, namespace: Option<&'a str>, row_estimate: u64, byte_estimate: u64) -> Self {
        let estimate = EstimatePayload { name, namespace, scope: "STREAM", row_estimate, byte_estimate };
        Self::Estimate { emitted_at: now(), estimate }
    }

    /// An error, of one stream or of the whole run.
    pub fn error(error: &'a Error, stream: Option<(&'a str, Option<&'a str>)>) -> Self {
        let error = ErrorPayload {
            message: error.message(),
            internal_message: error.cause().unwrap_or(error.message()),
            stack_trace: error.cause().unwrap_or_default(),
            failure_type: error.failure_type(),
            stream_descriptor: stream.map(|(name, namespace)| StreamDescriptor { name, namespace }),
        };
        Self::Error { emitted_at: now(), error }
    }
}

impl Trace<'_> {
    /// Of the end of a stream: its name, and whether everything was read.
    pub fn end(&self) -> Option<(&str, bool)> {
        let Self::StreamStatus { stream_status: StatusPayload { stream_descriptor, status, .. }, .. } = self else {
            return None;
        };
        match *status {
            COMPLETE => Some((stream_descriptor.name, true)),
            INCOMPLETE => Some((stream_descriptor.name, false)),
            _ => None,
        }
    }

    /// Of an error: the name of the stream that it is about, unless it is about the whole, and the sentence.
    pub fn error_message(&self) -> Option<(Option<&str>, &str)> {
        match self {
            Self::Error { error, .. } => {
                Some((error.stream_descriptor.as_ref().map(|stream| stream.name), error.message))
            }
            _ => None,
        }
    }
}

#[allow(clippy::cast_precision_loss)] // epoch milliseconds stay exact in a float for 285,000 years
fn now() -> f64 {
    clock::now().timestamp_millis() as f64
}
