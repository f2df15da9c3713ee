//! A run's spans and metrics, as a collector of OpenTelemetry's gets them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use navan_sandbox::{Every, Fault, Faults, RetryAfter, Sandbox, Settings};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message;

use crate::harness::{Connector, Run};
use crate::metrics::free_address;

pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// What comes with each request to the collector, and nowhere else.
const KEY: &str = "key-of-the-collector";

/// A request to the collector: its path, its headers, its body.
type Received = (String, HeaderMap, Vec<u8>);

/// A collector, and what it got.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Collector {
    /// One that gives this answer to all.
    fn answering(status: u16, body: Vec<u8>) -> Self {
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let of_server = Arc::clone(&received);
        let (send, address) = std::sync::mpsc::channel();
        thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(listener.local_addr().unwrap()).unwrap();
                let app = Router::new().fallback(any(async move |request: Request| {
                    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
                    let body_received = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
                    of_server.lock().unwrap().push((path, headers, body_received.to_vec()));
                    (StatusCode::from_u16(status).unwrap(), body)
                }));
                axum::serve(listener, app).await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), received }
    }

    fn start() -> Self {
        Self::answering(200, Vec::new())
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn of<T: Message + Default>(&self, path: &str) -> Vec<T> {
        let received = self.received().into_iter().filter(|(to, ..)| to == path);
        received.map(|(.., body)| T::decode(&*body).unwrap()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.of::<ExportTraceServiceRequest>("/v1/traces").into_iter();
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// What the last metrics say of `name`, by the values of their labels.
    fn counts(&self, name: &str) -> BTreeMap<String, i64> {
        let last = self.of::<ExportMetricsServiceRequest>("/v1/metrics").pop().unwrap();
        let scopes = last.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        let metric = scopes.flat_map(|scope| scope.metrics).find(|metric| metric.name == name).unwrap();
        let points = match metric.data.unwrap() {
            Data::Sum(sum) => sum.data_points,
            Data::Gauge(gauge) => gauge.data_points,
            other => panic!("{other:?}"),
        };
        let value = |value| match value {
            number_data_point::Value::AsInt(value) => value,
            number_data_point::Value::AsDouble(value) => value as i64,
        };
        let labels = |attributes: &[KeyValue]| {
            let attributes: Vec<_> = attributes.iter().map(|own| text(attributes, &own.key)).collect();
            attributes.join(" ")
        };
        points.into_iter().map(|point| (labels(&point.attributes), value(point.value.unwrap()))).collect()
    }
}

/// The value of an attribute, as text; nothing if it is not there.
fn text(attributes: &[KeyValue], name: &str) -> String {
    let mut found = attributes.iter().filter(|attribute| attribute.key == name);
    let value = found.next().map(|attribute| attribute.value.clone().unwrap().value.unwrap());
    assert!(found.next().is_none(), "{name} is there twice");
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        None => String::new(),
        other => panic!("{name}: {other:?}"),
    }
}

fn is_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == SpanStatus::Error)
}

fn monitored(sandbox: &Sandbox, collector: &str) -> Connector {
    let connector = Connector::against(sandbox).environment(ENDPOINT, collector);
    connector.environment("OTEL_EXPORTER_OTLP_HEADERS", format!("x-key={KEY}"))
}

/// What was told of it.
fn told(run: &Run) -> Vec<&str> {
    run.logs("WARN").into_iter().filter(|line| line.contains("OpenTelemetry") || line.contains("OTEL_")).collect()
}

fn sandbox(faults: Faults) -> Sandbox {
    Sandbox::start(Settings { bookings: 600, transactions: 20, users: 500, faults, ..Settings::default() }).unwrap()
}

fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// Nothing came that nobody should see, and the collector's key where it belongs.
fn assert_discreet(collector: &Collector, sandbox: &Sandbox) {
    for (path, headers, body) in collector.received() {
        assert_eq!(
            (&headers["x-key"], &headers["content-type"]),
            (&KEY.parse().unwrap(), &"application/x-protobuf".parse().unwrap())
        );
        let body = String::from_utf8_lossy(&body);
        let settings = sandbox.settings();
        let mut secrets = sandbox.counts().tokens;
        secrets.extend([settings.client_id.clone(), settings.client_secret.clone(), KEY.to_owned()]);
        assert!(secrets.len() > 3 && secrets.iter().all(|secret| !body.contains(secret)), "{path}");
        let log = sandbox.counts().log;
        let queries = log.iter().filter_map(|seen| seen.target.split_once('?')).map(|(_, query)| query);
        assert!(queries.clone().count() > 10 && !body.contains("Bearer"), "{path}");
        assert!(queries.flat_map(|query| query.split('&')).all(|parameter| !body.contains(parameter)), "{path}");
    }
}

#[test]
fn each_request_is_a_span_in_that_of_its_stream_in_that_of_the_sync() {
    const LATENCY: u64 = 30;
    let every = |n, fault| Every { n, offset: 0, fault, endpoint: None };
    let too_many = Fault::TooMany { retry_after: RetryAfter::None };
    let faults = vec![every(9, Fault::Status(500)), every(11, too_many), every(13, Fault::Drop)];
    let sandbox = sandbox(Faults { every: faults, latency_ms: LATENCY, ..Faults::default() });
    let collector = Collector::start();
    let began = nanoseconds(SystemTime::now());
    let connector = monitored(&sandbox, &collector.url()).environment("SOURCE_NAVAN_TIME_SCALE", 0.02);
    let run = connector.environment("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test").read();
    let ended = nanoseconds(SystemTime::now());
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]), "{:?}", run.errors());

    // Of all requests, and of nothing else.
    let spans = collector.spans();
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (span.span_id.clone(), span)).collect();
    assert_eq!(by_id.len(), spans.len());
    let (requests, rest): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.kind() == SpanKind::Client);
    let of_span = |span: &&Span| {
        let attribute = |name| text(&span.attributes, name);
        let status = attribute("http.response.status_code").parse().unwrap_or(0);
        (attribute("navan.correlation_id"), attribute("http.request.method"), attribute("url.template"), status)
    };
    let of_log = |seen: navan_sandbox::LoggedRequest| {
        let path = seen.target.split('?').next().unwrap().to_owned();
        (seen.correlation_id.unwrap(), seen.method, path, seen.status)
    };
    let mut told: Vec<_> = requests.iter().map(of_span).collect();
    let mut seen: Vec<(_, _, _, u16)> = sandbox.counts().log.into_iter().map(of_log).collect();
    told.sort();
    seen.sort();
    assert_eq!(told, seen);
    for status in [0, 200, 429, 500] {
        assert!(seen.iter().any(|(.., of)| *of == status), "no answer {status}");
    }

    // Each in the one that it belongs to, and within its time.
    let root = rest.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    assert!(root.name == "sync" && !is_failed(root));
    assert!(began <= root.start_time_unix_nano && root.end_time_unix_nano <= ended);
    let mut streams: Vec<_> = rest.iter().map(|span| &*span.name).collect();
    streams.sort_unstable();
    assert_eq!(streams, ["read BOOKING", "read TRANSACTION", "read USER", "sync"]);
    for span in spans.iter().filter(|span| !span.parent_span_id.is_empty()) {
        let parent = by_id[&span.parent_span_id];
        assert_eq!((&span.trace_id, span.span_id.len()), (&root.trace_id, 8));
        let is_within = parent.start_time_unix_nano <= span.start_time_unix_nano
            && span.start_time_unix_nano < span.end_time_unix_nano
            && span.end_time_unix_nano <= parent.end_time_unix_nano;
        assert!(is_within, "{span:?} in {parent:?}");
        let stream = text(&span.attributes, "navan.stream");
        let expected = if span.kind() == SpanKind::Client { format!("read {stream}") } else { "sync".to_owned() };
        assert_eq!(parent.name, expected);
    }
    let users = requests.iter().filter(|span| span.name == "GET /v1/users");
    assert!(users.clone().count() > 1 && users.into_iter().all(|span| by_id[&span.parent_span_id].name == "read USER"));
    let read_users = rest.iter().find(|span| span.name == "read USER").unwrap();
    assert_eq!(text(&read_users.attributes, "navan.records"), "500");

    // As long as it took, and failed if it did.
    for span in &requests {
        let (id, _, _, status) = of_span(span);
        let took = span.end_time_unix_nano - span.start_time_unix_nano;
        assert!(status != 200 || took >= LATENCY * 1_000_000, "{span:?}");
        assert_eq!(is_failed(span), status != 200, "{span:?}");
        let kind = text(&span.attributes, "error.type");
        assert_eq!(
            kind,
            if status == 200 {
                String::new()
            } else if status == 0 {
                "no_answer".to_owned()
            } else {
                status.to_string()
            }
        );
        // The attempts of a request, by their time, are numbered.
        let before = requests
            .iter()
            .filter(|other| of_span(other).0 == id && other.start_time_unix_nano < span.start_time_unix_nano);
        let before = before.count();
        let resent = text(&span.attributes, "http.request.resend_count");
        assert_eq!(resent, if before == 0 { String::new() } else { before.to_string() });
        assert_eq!(text(&span.attributes, "server.address"), "127.0.0.1");
    }

    assert_discreet(&collector, &sandbox);
    let first = collector.of::<ExportTraceServiceRequest>("/v1/traces").remove(0);
    let origin = first.resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(text(&origin, "service.name"), "source-navan");
    assert_eq!(text(&origin, "deployment.environment.name"), "test");
    assert_eq!((text(&origin, "connection"), text(&origin, "tenant").len()), ("default".to_owned(), 8));

    // The metrics say the same.
    assert_eq!(collector.counts("navan_requests_total").values().sum::<i64>(), i64::try_from(seen.len()).unwrap());
    let records = collector.counts("navan_records_total");
    assert_eq!(records[&format!("{} default BOOKING", text(&origin, "tenant"))], 600);
    assert_eq!(collector.counts("navan_sync_running").into_values().collect::<Vec<_>>(), [0]);
}

#[test]
fn a_collector_that_takes_nothing_costs_a_warning_and_no_more_than_some_seconds() {
    let sandbox = sandbox(Faults::default());
    let refusing = ExportTracePartialSuccess { rejected_spans: 7, error_message: KEY.to_owned() };
    let refusing = ExportTraceServiceResponse { partial_success: Some(refusing) }.encode_to_vec();
    let answering = |status| Collector::answering(status, Vec::new()).url();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let cases = [
        (format!("http://{}", free_address()), "efused"),
        (format!("http://{}", silent.local_addr().unwrap()), "did not reach the OpenTelemetry collector"),
        (answering(500), "answered 500"),
        (answering(401), "answered 401"),
        (Collector::answering(200, refusing).url(), "refused 7"),
        ("collector:4318".to_owned(), "OTEL_EXPORTER_OTLP_ENDPOINT is no address"),
    ];
    for (address, why) in cases {
        let began = Instant::now();
        let run = monitored(&sandbox, &address).read();
        assert_eq!((run.status.code(), run.keys("BOOKING").len()), (Some(0), 600), "{address}: {:?}", run.errors());
        let told = told(&run);
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
        assert!(!run.stdout.contains(KEY) && !run.stderr.contains(KEY));
        assert!(began.elapsed() < Duration::from_secs(20), "{address}: {:?}", began.elapsed());
    }
}

#[test]
#[cfg(unix)]
fn a_read_that_is_interrupted_sends_its_spans_all_the_same() {
    use crate::process::Process;

    let faults = Faults { latency_ms: 20, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { bookings: 20_000, faults, ..Settings::default() }).unwrap();
    let collector = Collector::start();
    let connector = monitored(&sandbox, &collector.url()).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_until_line(r#"{"type":"RECORD""#);
    process.signal("TERM");
    process.finish();
    let spans = collector.spans();
    for name in ["sync", "read BOOKING"] {
        let span = spans.iter().find(|span| span.name == name).unwrap();
        assert!(is_failed(span), "{span:?}");
    }
    let ids = |attributes: &[KeyValue]| text(attributes, "navan.correlation_id");
    let told: BTreeSet<_> = spans.iter().map(|span| ids(&span.attributes)).filter(|id| !id.is_empty()).collect();
    let seen: BTreeSet<_> = sandbox.counts().log.into_iter().filter_map(|seen| seen.correlation_id).collect();
    assert!(told.len() > 1 && told.is_subset(&seen));
    assert_eq!(collector.counts("navan_sync_running").into_values().collect::<Vec<_>>(), [0]);
}

#[test]
#[cfg(unix)]
fn a_collector_that_says_nothing_does_not_keep_an_interrupted_read_alive() {
    use crate::process::Process;

    let faults = Faults { latency_ms: 20, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { bookings: 20_000, faults, ..Settings::default() }).unwrap();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let connector = monitored(&sandbox, &url).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_until_line(r#"{"type":"RECORD""#);
    process.signal("TERM");
    let began = Instant::now();
    process.finish();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn many_spans_come_while_the_read_goes_on() {
    let users = 70_000;
    let sandbox = Sandbox::start(Settings { users, log_size: 2_000, ..Settings::default() }).unwrap();
    let collector = Collector::start();
    let run = monitored(&sandbox, &collector.url()).stream("USER").read();
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]));
    let requests = collector.of::<ExportTraceServiceRequest>("/v1/traces");
    assert!(requests.len() > 1);
    let spans = collector.spans();
    let count = sandbox.counts().requests + sandbox.counts().token_requests;
    assert!(count > 512);
    assert_eq!(spans.iter().filter(|span| span.kind() == SpanKind::Client).count() as u64, count);
}

#[test]
fn the_variables_count_in_airbytes_image_as_well_and_for_an_export() {
    let sandbox = sandbox(Faults::default());
    let collector = Collector::start();
    let connector = monitored(&sandbox, &collector.url()).stream("USER");
    let run = connector.environment("AIRBYTE_ENTRYPOINT", "/usr/bin/source-navan").read();
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]));
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("users.csv").display().to_string();
    let export = monitored(&sandbox, &collector.url()).environment("OTEL_METRICS_EXPORTER", "none");
    let before = collector.of::<ExportMetricsServiceRequest>("/v1/metrics").len();
    let run = export.argument("users").argument("--to").argument(&to).run("export");
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    let spans = collector.spans();
    let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.iter().map(|root| &*root.name).collect::<Vec<_>>(), ["sync", "export"]);
    assert_ne!(roots[0].trace_id, roots[1].trace_id);
    assert_eq!(collector.of::<ExportMetricsServiceRequest>("/v1/metrics").len(), before);
}
