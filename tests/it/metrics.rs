//! A run's metrics, as a real Pushgateway and `promtool` take them.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use navan_sandbox::{Every, Fault, Faults, Sandbox, Settings};
use serde_json::json;

use crate::harness::{Connector, Run};
use crate::process::Process;

/// The variables with the programs; without them, those on the path, and no test where there is none.
const PUSHGATEWAY: (&str, &str) = ("SOURCE_NAVAN_PUSHGATEWAY", "prometheus-pushgateway");
const PROMTOOL: (&str, &str) = ("SOURCE_NAVAN_PROMTOOL", "promtool");
const AMTOOL: (&str, &str) = ("SOURCE_NAVAN_AMTOOL", "amtool");

/// A program of Prometheus', started; `None`, with a word, where it is not installed.
#[allow(clippy::print_stderr)] // whoever runs the tests should know
pub(crate) fn start((variable, program): (&str, &str), arguments: &[&str], output: fn() -> Stdio) -> Option<Child> {
    let named = std::env::var_os(variable);
    let mut command = Command::new(named.clone().unwrap_or_else(|| program.into()));
    command.args(arguments).stdin(Stdio::piped()).stdout(output()).stderr(output());
    match command.spawn() {
        Ok(process) => Some(process),
        Err(error) => {
            assert!(named.is_none(), "{variable}: {error}");
            eprintln!("skipped: {program} is not installed");
            None
        }
    }
}

/// Where nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// A Pushgateway of the test's own. It ends with the value.
pub(crate) struct Pushgateway {
    process: Child,
    address: SocketAddr,
}

impl Pushgateway {
    pub(crate) fn start() -> Option<Self> {
        let address = free_address();
        let process =
            start(PUSHGATEWAY, &[&format!("--web.listen-address={address}"), "--persistence.file="], Stdio::null)?;
        let server = Self { process, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the Pushgateway does not listen");
            sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What Prometheus would get, without comments.
    fn scraped(&self) -> Vec<String> {
        let get = async { reqwest::get(format!("{}/metrics", self.url())).await?.text().await };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let text = runtime.block_on(get).unwrap();
        text.lines().filter(|line| line.starts_with("navan_")).map(str::to_owned).collect()
    }

    /// The value of the one series that begins so and has all these labels.
    pub(crate) fn value(&self, name: &str, labels: &[&str]) -> Option<f64> {
        value(&self.scraped(), name, labels)
    }
}

impl Drop for Pushgateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The value of the one series that begins so and has all these labels.
fn value(lines: &[String], name: &str, labels: &[&str]) -> Option<f64> {
    let is_meant = |line: &&String| {
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    let mut found = lines.iter().filter(is_meant);
    let line = found.next()?;
    assert_eq!(found.next(), None, "several series are meant");
    Some(line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

fn sandbox() -> Sandbox {
    Sandbox::start(Settings { bookings: 300, transactions: 4, users: 10, ..Settings::default() }).unwrap()
}

fn monitored(sandbox: &Sandbox, gateway: &str) -> Connector {
    let monitoring = json!({"pushgateway_url": gateway, "tenant_name": "acme", "connection_name": "nightly"});
    Connector::against(sandbox).config("monitoring", monitoring)
}

/// What was told of metrics.
fn told(run: &Run) -> Vec<&str> {
    run.logs("WARN").into_iter().filter(|line| line.contains("metrics")).collect()
}

#[test]
fn a_pushgateway_has_what_the_last_run_did_and_when_one_last_succeeded() {
    let Some(gateway) = Pushgateway::start() else { return };
    let sandbox = sandbox();
    let run = monitored(&sandbox, &gateway.url()).read();
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]));
    let own = ["tenant=\"acme\"", "connection=\"nightly\"", "job=\"source_navan\""];
    let bookings = ["stream=\"BOOKING\"", own[0], own[1], own[2]];
    assert_eq!(gateway.value("navan_records_total", &bookings), Some(300.0));
    assert_eq!(gateway.value("navan_stream_complete", &bookings), Some(1.0));
    let requests = gateway.scraped().into_iter().filter(|line| line.starts_with("navan_requests_total{")).map(|line| {
        assert!(line.contains("status=\"200\""), "{line}");
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    });
    assert_eq!(requests.sum::<u64>(), sandbox.counts().requests + sandbox.counts().token_requests);
    assert_eq!(gateway.value("navan_token_fetches_total", &["result=\"failure\""]), Some(0.0));
    assert_eq!(gateway.value("navan_circuit_breaker_state", &[]), Some(0.0));
    assert_eq!(gateway.value("navan_rate_limit_utilization_ratio", &[]), Some(0.0));
    let now = gateway.value("navan_last_success_timestamp_seconds", &own).unwrap();
    assert!(gateway.value("navan_token_expires_timestamp_seconds", &own).unwrap() > now + 3600.0);
    for stream in ["BOOKING", "USER", "TRANSACTION"] {
        let label = format!("stream=\"{stream}\"");
        let through = gateway.value("navan_stream_synced_through_timestamp_seconds", &[&label]).unwrap();
        assert!((now - through).abs() < 600.0, "{stream}: {through}, {now}");
    }

    // A run of other streams leaves the rest as it was.
    assert_eq!(monitored(&sandbox, &gateway.url()).stream("USER").read().status.code(), Some(0));
    assert_eq!(gateway.value("navan_stream_complete", &bookings), Some(1.0));
    let through = |stream: &str| gateway.value("navan_stream_synced_through_timestamp_seconds", &[stream]);
    assert!(through("stream=\"BOOKING\"").is_some() && through("stream=\"USER\"").is_some());
    let now = gateway.value("navan_last_success_timestamp_seconds", &own).unwrap();

    let failed = monitored(&sandbox, &gateway.url()).config("client_secret", "another").read();
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(gateway.value("navan_token_fetches_total", &["result=\"failure\""]), Some(1.0));
    assert_eq!(gateway.value("navan_stream_complete", &bookings), Some(0.0));
    assert_eq!(gateway.value("navan_records_total", &bookings), Some(0.0));
    assert_eq!(gateway.value("navan_last_success_timestamp_seconds", &own), Some(now));
}

#[test]
#[cfg(unix)]
fn a_run_that_is_interrupted_brings_its_metrics_all_the_same() {
    let Some(gateway) = Pushgateway::start() else { return };
    let faults = Faults { latency_ms: 20, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { bookings: 20_000, faults, ..Settings::default() }).unwrap();
    let connector = monitored(&sandbox, &gateway.url()).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_until_line(r#"{"type":"RECORD""#);
    process.signal("TERM");
    let run = process.finish();
    let bookings = ["stream=\"BOOKING\""];
    #[allow(clippy::cast_precision_loss)]
    let written = run.keys("BOOKING").len() as f64;
    let counted = gateway.value("navan_records_total", &bookings).unwrap();
    assert!(counted >= written && written > 0.0, "{counted} of {written}");
    assert_eq!(gateway.value("navan_stream_complete", &bookings), Some(0.0));
    assert_eq!(gateway.value("navan_last_success_timestamp_seconds", &[]), None);
}

#[test]
fn a_file_has_the_metrics_as_prometheus_tools_want_them() {
    let sandbox = sandbox();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("navan.prom");
    let run = Connector::against(&sandbox).environment("NAVAN_METRICS_TEXTFILE", path.display()).read();
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]));
    let names: Vec<_> = directory.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["navan.prom"]);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(value(&lines, "navan_records_total", &["stream=\"USER\"", "connection=\"default\""]), Some(10.0));
    // The account is not told.
    assert!(!text.contains(&sandbox.settings().client_id));

    let Some(mut promtool) = start(PROMTOOL, &["check", "metrics"], Stdio::piped) else { return };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(String::from_utf8_lossy(&checked.stderr), "");
}

#[test]
fn a_file_keeps_the_last_success_where_a_run_fails() {
    let sandbox = sandbox();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("navan.prom");
    let connector = Connector::against(&sandbox).environment("NAVAN_METRICS_TEXTFILE", path.display());
    let written = || std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(connector.read().status.code(), Some(0));
    let success = value(&written(), "navan_last_success_timestamp_seconds", &[]);
    assert!(success.is_some());
    let refused = Every { n: 1, offset: 0, fault: Fault::Status(403), endpoint: None };
    sandbox.set_faults(Faults { every: vec![refused], ..Faults::default() });
    assert_eq!(connector.read().status.code(), Some(1));
    assert_eq!(value(&written(), "navan_last_success_timestamp_seconds", &[]), success);
    assert_eq!(value(&written(), "navan_sync_running", &[]), Some(0.0));
    assert_eq!(value(&written(), "navan_stream_complete", &["stream=\"BOOKING\""]), Some(0.0));
}

#[test]
fn metrics_that_reach_nobody_cost_a_warning_and_nothing_else() {
    let sandbox = sandbox();
    // Nobody listens there; one who says nothing; one who is no Pushgateway.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = free_address();
    let addresses =
        [format!("http://{closed}"), format!("http://{}", silent.local_addr().unwrap()), sandbox.url().clone()];
    for address in addresses {
        let run = monitored(&sandbox, &address).read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        assert_eq!(run.keys("BOOKING").len(), 300);
        let told = told(&run);
        assert!(told.len() == 1 && told[0].contains("did not reach the Pushgateway"), "{told:?}");
    }
    let no_directory = "/there/is/no/such/directory/navan.prom";
    let run = Connector::against(&sandbox).environment("NAVAN_METRICS_TEXTFILE", no_directory).read();
    assert_eq!((run.status.code(), told(&run).len()), (Some(0), 1));
}

#[test]
fn the_alerts_fire_as_their_cases_say_and_go_to_whom_the_page_says() {
    let checked = |program, arguments: &[&str]| {
        let Some(process) = start(program, arguments, Stdio::piped) else { return };
        let output = process.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    checked(PROMTOOL, &["check", "rules", "monitoring/alerts.yml"]);
    checked(PROMTOOL, &["test", "rules", "monitoring/alerts_test.yml", "monitoring/alerts_age_test.yml"]);
    checked(AMTOOL, &["check-config", "monitoring/alertmanager.yml"]);
    for (severity, receivers) in [("P1", "pagerduty,slack"), ("P2", "pagerduty,slack"), ("slack", "slack")] {
        let severity = format!("severity={severity}");
        let verify = format!("--verify.receivers={receivers}");
        checked(AMTOOL, &["config", "routes", "test", "--config.file=monitoring/alertmanager.yml", &verify, &severity]);
    }
}

#[test]
fn an_address_that_is_none_is_named() {
    let run = monitored(&sandbox(), "pushgateway:9091").read();
    let error = run.errors()[0].to_string();
    assert!(run.status.code() == Some(1) && error.contains("monitoring.pushgateway_url"), "{error}");
}

#[test]
fn an_export_does_not_pass_for_a_connections_run() {
    let sandbox = sandbox();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("navan.prom");
    let to = directory.path().join("users.csv").display().to_string();
    let connector = monitored(&sandbox, "http://127.0.0.1:9").environment("NAVAN_METRICS_TEXTFILE", path.display());
    let run = connector.argument("users").argument("--to").argument(&to).run("export");
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    let lines: Vec<_> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    let labels = ["stream=\"USER\"", "connection=\"nightly-export\""];
    assert_eq!(value(&lines, "navan_records_total", &labels), Some(10.0));
    assert!(value(&lines, "navan_last_success_timestamp_seconds", &labels[1..]).is_some());
}
