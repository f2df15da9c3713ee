//! The messages that go out, one a line.

use serde::Serialize;
use serde_json::Value;

use super::{Catalog, Trace};

/// One message.
#[derive(Debug, Serialize)]
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
        state: StatePayload<'a>,
    },
    /// What Airbyte should know about the run.
    Trace {
        /// The payload.
        trace: Trace<'a>,
    },
    /// A line of the log.
    Log {
        /// The payload.
        log: LogMessage<'a>,
    },
}

impl<'a> Message<'a> {
    /// A checkpoint: `state` covers everything of `stream` written so far, `records` of it since the last one.
    pub fn state(stream: &'a str, namespace: Option<&'a str>, state: &'a Value, records: u64) -> Self {
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53 records between two checkpoints
        let record_count = records as f64;
        let stream_descriptor = StreamDescriptor { name: stream, namespace };
        let stream = StreamCheckpoint { stream_descriptor, stream_state: state };
        Self::State { state: StatePayload::Stream { stream, source_stats: SourceStats { record_count } } }
    }

    /// A trace.
    pub fn trace(trace: Trace<'a>) -> Self {
        Self::Trace { trace }
    }
}

/// Whether the configuration works.
#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
pub struct LogMessage<'a> {
    /// FATAL, ERROR, WARN, INFO, DEBUG or TRACE.
    pub level: &'a str,
    /// The text.
    pub message: &'a str,
}

/// Which stream is meant.
#[derive(Debug, Serialize)]
pub(super) struct StreamDescriptor<'a> {
    /// Its name.
    pub name: &'a str,
    /// The namespace that the catalog gave it, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
}

/// The payload of a STATE.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StatePayload<'a> {
    /// Of one stream.
    Stream {
        /// The stream and its state.
        stream: StreamCheckpoint<'a>,
        /// What the state covers.
        #[serde(rename = "sourceStats")]
        source_stats: SourceStats,
    },
}

impl StatePayload<'_> {
    /// The stream's name, and its state.
    pub fn checkpoint(&self) -> (&str, &Value) {
        let Self::Stream { stream, .. } = self;
        (stream.stream_descriptor.name, stream.stream_state)
    }
}

/// A stream's state.
#[derive(Debug, Serialize)]
pub struct StreamCheckpoint<'a> {
    stream_descriptor: StreamDescriptor<'a>,
    stream_state: &'a Value,
}

/// What a state covers.
#[derive(Debug, Serialize)]
pub struct SourceStats {
    /// The protocol's count is a number with a decimal point.
    #[serde(rename = "recordCount")]
    record_count: f64,
}
