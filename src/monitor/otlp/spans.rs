//! A run as a trace: a span around all of it, in that one for each stream, in that one for each request. Their names and attributes are those of
//! OpenTelemetry's [conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span) where there are such.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use tokio::sync::Notify;
use uuid::Uuid;

use super::attribute::{attribute, nanoseconds};
use crate::monitor::event::{Event, stream_being_read};

/// How many spans are sent at once.
pub(super) const BATCH: usize = 512;

/// How many wait for a collector that does not take them; there is no room for more.
const MAX_WAITING: usize = 4_096;

/// The spans of a run.
pub(super) struct Spans {
    trace_id: Vec<u8>,
    run: OpenSpan,
    name: &'static str,
    streams: RefCell<BTreeMap<String, OpenSpan>>,
    /// Those that have ended, in this order.
    waiting: RefCell<VecDeque<Span>>,
    /// There was no room for so many.
    left_out: Cell<u64>,
    /// A batch is full.
    full: Notify,
}

/// A span that has not ended.
struct OpenSpan {
    id: Vec<u8>,
    began: SystemTime,
    records: u64,
}

impl OpenSpan {
    fn begin() -> Self {
        Self { id: span_id(), began: SystemTime::now(), records: 0 }
    }
}

impl Spans {
    /// The run called `name` begins.
    pub(super) fn begin(name: &'static str) -> Self {
        Self {
            trace_id: Uuid::new_v4().as_bytes().to_vec(),
            run: OpenSpan::begin(),
            name,
            streams: RefCell::default(),
            waiting: RefCell::default(),
            left_out: Cell::default(),
            full: Notify::new(),
        }
    }

    /// When the run began.
    pub(super) fn began(&self) -> SystemTime {
        self.run.began
    }

    /// Makes of an event what there is to be made of it.
    pub(super) fn on(&self, event: &Event<'_>) {
        match *event {
            Event::StreamStarted { stream } => {
                self.streams.borrow_mut().insert(stream.to_owned(), OpenSpan::begin());
            }
            Event::RecordsWritten { stream, records } => {
                if let Some(open) = self.streams.borrow_mut().get_mut(stream) {
                    open.records += records;
                }
            }
            Event::StreamEnded { stream, is_complete } => {
                let open = self.streams.borrow_mut().remove(stream);
                if let Some(open) = open {
                    self.end_stream(stream, open, (!is_complete).then_some("it was not read to its end"));
                }
            }
            Event::RequestFinished { .. } => self.request(event),
            _ => {}
        }
    }

    /// The run has ended, and whatever is open with it.
    pub(super) fn end(&self, is_complete: bool) {
        for (stream, open) in self.streams.take() {
            self.end_stream(&stream, open, Some("the run ended before"));
        }
        let error = (!is_complete).then_some("not everything was read");
        let OpenSpan { id, began, .. } = &self.run;
        self.add(Span {
            span_id: id.clone(),
            name: self.name.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanoseconds(*began),
            end_time_unix_nano: nanoseconds(SystemTime::now()),
            status: error.map(failed),
            ..Span::default()
        });
    }

    fn end_stream(&self, stream: &str, open: OpenSpan, error: Option<&str>) {
        self.add(Span {
            span_id: open.id,
            parent_span_id: self.run.id.clone(),
            name: format!("read {stream}"),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanoseconds(open.began),
            end_time_unix_nano: nanoseconds(SystemTime::now()),
            attributes: vec![attribute("navan.stream", stream), attribute("navan.records", open.records)],
            status: error.map(failed),
            ..Span::default()
        });
    }

    /// Each attempt is a span of its own, as the conventions want it. The whole address is left out: its parameters are nobody's business.
    fn request(&self, event: &Event<'_>) {
        let Event::RequestFinished {
            correlation_id, method, url, endpoint, status, resends, took, bytes, error, ..
        } = *event
        else {
            return;
        };
        let ended = SystemTime::now();
        let mut attributes = vec![
            attribute("http.request.method", method),
            attribute("url.scheme", url.scheme()),
            attribute("url.template", endpoint),
            attribute("server.address", url.host_str().unwrap_or_default()),
            attribute("server.port", u64::from(url.port_or_known_default().unwrap_or_default())),
            attribute("http.response.body.size", bytes),
            attribute("navan.correlation_id", correlation_id.to_string()),
        ];
        if let Some(status) = status {
            attributes.push(attribute("http.response.status_code", u64::from(status)));
        }
        if resends > 0 {
            attributes.push(attribute("http.request.resend_count", u64::from(resends)));
        }
        let stream = stream_being_read();
        if let Some(stream) = &stream {
            attributes.push(attribute("navan.stream", &**stream));
        }
        let kind_of_error = match status {
            Some(status) if status >= 400 => Some(status.to_string()),
            Some(_) => error.map(|_| "incomplete_answer".to_owned()),
            None => Some("no_answer".to_owned()),
        };
        let is_failed = kind_of_error.is_some();
        attributes.extend(kind_of_error.map(|kind| attribute("error.type", kind)));
        let streams = self.streams.borrow();
        let parent = stream.and_then(|stream| streams.get(&*stream)).unwrap_or(&self.run);
        self.add(Span {
            span_id: span_id(),
            parent_span_id: parent.id.clone(),
            name: format!("{method} {endpoint}"),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: nanoseconds(ended.checked_sub(took).unwrap_or(ended)),
            end_time_unix_nano: nanoseconds(ended),
            attributes,
            status: is_failed.then(|| failed(error.unwrap_or_default())),
            ..Span::default()
        });
    }

    fn add(&self, span: Span) {
        let mut waiting = self.waiting.borrow_mut();
        // The span around all others is the last one, and says more than any.
        if waiting.len() >= MAX_WAITING && !span.parent_span_id.is_empty() {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        waiting.push_back(Span { trace_id: self.trace_id.clone(), ..span });
        if waiting.len() >= BATCH {
            self.full.notify_one();
        }
    }

    /// Waits until a batch is full, but not for ever.
    pub(super) async fn wait(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.full.notified()).await;
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// The first of them. They wait on until they are known to have come.
    pub(super) fn batch(&self) -> Vec<Span> {
        self.waiting.borrow().iter().take(BATCH).cloned().collect()
    }

    /// So many of the first ones are done with.
    pub(super) fn done(&self, spans: usize) {
        self.waiting.borrow_mut().drain(..spans);
    }

    /// For how many there was no room.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.get()
    }
}

fn failed(why: &str) -> Status {
    Status { code: StatusCode::Error.into(), message: why.to_owned() }
}

/// Any but zero, which stands for none.
fn span_id() -> Vec<u8> {
    fastrand::u64(1..).to_be_bytes().to_vec()
}
