//! From a run to a pager: a real Pushgateway, Prometheus and Alertmanager with the project's own rules and routes.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use chrono::{TimeDelta, Utc};
use navan_sandbox::{Every, Fault, Faults, Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, at};
use crate::metrics::{Pushgateway, free_address, start};
use crate::process::DEADLINE;

/// The variables with the programs; without them, those on the path, and no test where there is none.
const PROMETHEUS: (&str, &str) = ("SOURCE_NAVAN_PROMETHEUS", "prometheus");
const ALERTMANAGER: (&str, &str) = ("SOURCE_NAVAN_ALERTMANAGER", "prometheus-alertmanager");

/// What the links to the runbooks begin with.
const RUNBOOKS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/runbooks.md#");

/// A program that is killed with the value.
pub(crate) struct Program(pub(crate) Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `PagerDuty` and Slack were told: to whom, and of what.
pub(crate) type Told = Arc<Mutex<Vec<(String, Value)>>>;

/// Somebody in their place.
pub(crate) fn pager() -> (SocketAddr, Told) {
    let told = Told::default();
    let of_server = Arc::clone(&told);
    let (send, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            let app = Router::new().fallback(any(async move |request: Request| {
                let to = request.uri().path().to_owned();
                let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
                of_server.lock().unwrap().push((to, serde_json::from_slice(&body).unwrap()));
                // As `PagerDuty` answers; Slack's answer is not looked at.
                (axum::http::StatusCode::ACCEPTED, "ok")
            }));
            axum::serve(listener, app).await.unwrap();
        });
    });
    (address.recv().unwrap(), told)
}

/// The project's file with some words in the place of others, each of which must be there.
fn adapted(directory: &Path, file: &str, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(format!("monitoring/{file}")).unwrap();
    for (ours, instead) in changes {
        assert!(text.contains(ours), "{file} has no {ours:?}");
        text = text.replace(ours, instead);
    }
    fs::write(directory.join(file), text).unwrap();
}

/// Starts both, with the project's rules and routes, but for how long they wait: the rules with these changes. `None` where they are
/// not installed.
pub(crate) fn watching(
    directory: &Path,
    gateway: &Pushgateway,
    pager: SocketAddr,
    rules: &[(&str, &str)],
) -> Option<(SocketAddr, [Program; 2])> {
    let (prometheus, alertmanager) = (free_address(), free_address());
    adapted(directory, "alerts.yml", rules);
    let pagerduty = format!("global:\n  pagerduty_url: http://{pager}/pagerduty\nroute:\n");
    let keys = format!("{}/", directory.display());
    let changes = [("route:\n", &*pagerduty), ("group_wait: 30s", "group_wait: 0s"), ("/etc/alertmanager/", &*keys)];
    adapted(directory, "alertmanager.yml", &changes);
    fs::write(directory.join("pagerduty.key"), "0123456789abcdef0123456789abcdef").unwrap();
    fs::write(directory.join("slack.url"), format!("http://{pager}/slack")).unwrap();
    let config = json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [{"job_name": "pushgateway", "honor_labels": true, "static_configs": [{"targets": [gateway.address()]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager.to_string()]}]}]},
    });
    fs::write(directory.join("prometheus.yml"), config.to_string()).unwrap();
    let at = |file: &str| directory.join(file).display().to_string();
    let alertmanager = start(
        ALERTMANAGER,
        &[
            &format!("--config.file={}", at("alertmanager.yml")),
            &format!("--storage.path={}", at("alertmanager")),
            &format!("--web.listen-address={alertmanager}"),
            "--cluster.listen-address=",
        ],
        Stdio::null,
    )?;
    let server = start(
        PROMETHEUS,
        &[
            &format!("--config.file={}", at("prometheus.yml")),
            &format!("--storage.tsdb.path={}", at("prometheus")),
            &format!("--web.listen-address={prometheus}"),
        ],
        Stdio::null,
    )?;
    Some((prometheus, [Program(alertmanager), Program(server)]))
}

/// The alerts that came: to whom, of which tenant or connection, by what name.
fn came(told: &Told) -> BTreeSet<(String, String)> {
    let told = told.lock().unwrap();
    let of_one = |(to, body): &(String, Value)| {
        // Each in the form of its own.
        let (summary, runbook) = match to.as_str() {
            "/pagerduty" => {
                assert_eq!(
                    (&body["event_action"], &body["routing_key"]),
                    (&json!("trigger"), &json!("0123456789abcdef0123456789abcdef"))
                );
                let severity = &body["payload"]["severity"];
                assert!(["critical", "error"].iter().any(|known| severity == known), "{body}");
                (
                    body["payload"]["summary"].as_str().unwrap(),
                    body["payload"]["custom_details"]["runbook"].as_str().unwrap(),
                )
            }
            "/slack" => {
                let attachment = &body["attachments"][0];
                let text = attachment["text"].as_str().unwrap();
                (text, text.split_whitespace().find(|word| word.starts_with(RUNBOOKS)).unwrap())
            }
            other => panic!("who is {other}?"),
        };
        let whose = summary.split(':').next().unwrap();
        (to.clone(), format!("{whose} {}", runbook.strip_prefix(RUNBOOKS).unwrap()))
    };
    told.iter().map(of_one).collect()
}

/// Waits until these alerts have come, and no others: `paged` to `PagerDuty` and Slack, the `others` to Slack alone.
pub(crate) fn assert_come(told: &Told, paged: &[&str], others: &[&str]) {
    let to = |to: &str, alerts: &[&str]| -> Vec<_> {
        alerts.iter().map(|alert| (to.to_owned(), (*alert).to_owned())).collect()
    };
    let wanted = [to("/pagerduty", paged), to("/slack", paged), to("/slack", others)].concat().into_iter().collect();
    let began = Instant::now();
    while !came(told).is_superset(&wanted) && began.elapsed() < DEADLINE {
        sleep(Duration::from_millis(200));
    }
    assert_eq!(came(told), wanted);
}

#[test]
fn whoever_is_to_be_told_of_an_alert_is_told() {
    let Some(gateway) = Pushgateway::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (address, told) = pager();
    let soon = [("for: 5m", "for: 1s"), ("for: 15m", "for: 1s"), ("for: 6h", "for: 1s")];
    let Some((prometheus, _servers)) = watching(directory.path(), &gateway, address, &soon) else { return };

    let few = Settings { bookings: 30, transactions: 3, users: 3, ..Settings::default() };
    let read = |settings: Settings, connection: &str, streams: &[(&str, &str)], property: (&str, Value)| {
        let sandbox = Sandbox::start(settings).unwrap();
        let monitoring =
            json!({"pushgateway_url": gateway.url(), "tenant_name": "acme", "connection_name": connection});
        let connector = Connector::against(&sandbox).config("monitoring", monitoring).config(property.0, property.1);
        connector.streams(streams).read()
    };
    let nothing = || ("lookback_days", json!(7));
    let days_ago = |days| Some(at(&(Utc::now() - TimeDelta::days(days)).to_rfc3339()));
    let (booking, transaction) = (("BOOKING", "full_refresh"), ("TRANSACTION", "incremental"));

    read(few.clone(), "well", &[booking, transaction], nothing());
    read(few.clone(), "refused", &[booking], ("client_secret", json!("another")));
    let failing = Every { n: 4, offset: 1, fault: Fault::Status(503), endpoint: None };
    let faults = Faults { every: vec![failing], ..Faults::default() };
    read(Settings { faults, ..few.clone() }, "failing", &[booking, transaction], nothing());
    let gone = Every { n: 1, offset: 0, fault: Fault::Status(403), endpoint: Some("/v1/bookings".to_owned()) };
    let faults = Faults { every: vec![gone], ..Faults::default() };
    read(Settings { faults, ..few.clone() }, "incomplete", &[booking], nothing());
    read(Settings { new_field_every: 2, ..few.clone() }, "drift", &[booking], nothing());
    read(Settings { now: days_ago(9), ..few.clone() }, "old", &[booking], nothing());
    // Two streams with one alert.
    let line_item = ("TRANSACTION_LINE_ITEM", "incremental");
    read(Settings { now: days_ago(30), ..few.clone() }, "older", &[transaction, line_item], nothing());
    let faults = Faults { latency_ms: 5_200, ..Faults::default() };
    read(Settings { faults, ..few }, "slow", &[("USER", "full_refresh")], nothing());

    let paged = [
        "acme/refused NavanTokenFailure",
        "acme/failing NavanErrorRate",
        "acme/incomplete NavanStreamIncomplete",
        "acme/old NavanBookingsOld",
        "acme/older NavanChangesAboutToBeLost",
    ];
    let others = ["acme/drift NavanSchemaDrift", "acme/older NavanTransactionsOld", "acme/slow NavanSlow"];
    assert_come(&told, &paged, &others);

    // Each panel of the dashboard has something to show of all that.
    let dashboard: Value = serde_json::from_str(&fs::read_to_string("monitoring/dashboard.json").unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 6);
    for panel in panels {
        let query = panel["targets"][0]["expr"].as_str().unwrap();
        let query = query.replace("$tenant", "acme").replace("$connection", ".*");
        let shown = asked(prometheus, &query);
        assert_eq!(shown["status"], "success", "{query}: {shown}");
        assert!(!shown["data"]["result"].as_array().unwrap().is_empty(), "{} shows nothing", panel["title"]);
    }
}

/// What Prometheus answers to a query.
fn asked(prometheus: SocketAddr, query: &str) -> Value {
    let mut url = url::Url::parse(&format!("http://{prometheus}/api/v1/query")).unwrap();
    url.query_pairs_mut().append_pair("query", query);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async { reqwest::get(url).await?.text().await }).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn without_prometheus_a_webhook_is_told_at_the_end() {
    let (address, told) = pager();
    let few = Settings { bookings: 30, transactions: 3, users: 3, ..Settings::default() };
    let read = |settings: &Settings, webhook: String, secret: &str| {
        let sandbox = Sandbox::start(settings.clone()).unwrap();
        let monitoring = json!({"webhook_url": webhook, "tenant_name": "acme", "connection_name": "nightly"});
        let connector = Connector::against(&sandbox).config("monitoring", monitoring);
        let connector = if secret.is_empty() { connector } else { connector.config("client_secret", secret) };
        let run = connector.stream("BOOKING").read();
        assert!(!run.stdout.contains("of-a-webhook"), "{}", run.stdout);
        run
    };
    let slack = || format!("http://{address}/slack/of-a-webhook");
    assert_eq!(read(&few, slack(), "").status.code(), Some(0));
    assert!(told.lock().unwrap().is_empty());

    read(&Settings { new_field_every: 2, ..few.clone() }, slack(), "");
    let (to, body) = told.lock().unwrap().remove(0);
    let text = body["text"].as_str().unwrap();
    let begin = "source-navan acme/nightly\n• NavanSchemaDrift (P3): Fields that no schema knows, which stand in `_extra`: BOOKING (";
    assert!(to == "/slack/of-a-webhook" && text.starts_with(begin), "{text}");

    read(&few, format!("http://{address}/v2/enqueue?routing_key=of-a-webhook"), "another");
    let events = std::mem::take(&mut *told.lock().unwrap());
    assert!(
        events.iter().all(|(to, event)| to == "/v2/enqueue" && event["routing_key"] == "of-a-webhook"),
        "{events:?}"
    );
    let classes: Vec<_> = events.iter().map(|(_, event)| event["payload"]["class"].as_str().unwrap()).collect();
    assert_eq!(classes, ["NavanTokenFailure", "NavanStreamIncomplete"]);
    let first = &events[0].1;
    assert_eq!((&first["event_action"], &first["payload"]["severity"]), (&json!("trigger"), &json!("critical")));
    assert_eq!(first["dedup_key"], "source-navan/acme/nightly/NavanTokenFailure");

    let run = read(&few, "http://127.0.0.1:9/of-a-webhook".to_owned(), "another");
    let warned = run.logs("WARN").into_iter().filter(|line| line.contains("webhook")).count();
    assert_eq!((run.status.code(), warned), (Some(1), 1));
}
