//! Retries, rate limits and the circuit breaker: what the platform sees in the output, and the API in its requests.

use std::collections::BTreeSet;
use std::time::Duration;

use navan_sandbox::{Every, Fault, Faults, Outage, RetryAfter, Sandbox, Settings};
use serde_json::Value;

use crate::fault_cases::{company, connector, keys_of, read};
use crate::harness::Run;

fn outage(after_requests: u64, for_requests: Option<u64>, for_ms: Option<u64>, fault: Fault) -> Faults {
    let outage = Outage { after_requests, for_requests, for_ms, fault, endpoint: None };
    Faults { outage: vec![outage], ..Faults::default() }
}

fn with(faults: Faults) -> Sandbox {
    Sandbox::start(Settings { faults, ..company() }).unwrap()
}

/// The log's lines that are JSON objects, with their place among all lines.
fn request_lines(run: &Run) -> Vec<(usize, Value)> {
    let lines = run.of_type("LOG").into_iter().enumerate().filter(|(_, line)| line["log"]["level"] == "DEBUG");
    let parsed = lines.filter_map(|(place, line)| {
        let object = serde_json::from_str::<Value>(line["log"]["message"].as_str()?).ok()?;
        object.get("correlation_id").is_some().then_some((place, object))
    });
    parsed.collect()
}

fn log_lines_with(run: &Run, words: &str) -> Vec<usize> {
    let lines = run.of_type("LOG").into_iter().enumerate();
    lines.filter(|(_, line)| line["log"]["message"].as_str().unwrap().contains(words)).map(|(place, _)| place).collect()
}

#[test]
fn an_outage_of_12_seconds_costs_one_opening_and_one_probe() {
    // 12 s become 240 ms.
    let sandbox = with(outage(30, None, Some(240), Fault::Status(500)));
    let read = read(&connector(&sandbox), &sandbox);
    assert_eq!(read.why_incomplete(&["BOOKING", "TRANSACTION", "USER"]), None);
    let (opened, closed) =
        (log_lines_with(&read.run, "circuit breaker opened"), log_lines_with(&read.run, "breaker is closed"));
    assert_eq!((opened.len(), closed.len()), (1, 1));
    let between: Vec<_> = request_lines(&read.run)
        .into_iter()
        .filter(|(place, line)| (opened[0]..closed[0]).contains(place) && line["status"] == 200)
        .collect();
    // Answers to what was sent before the opening can be among them, but they are 500s as well.
    assert_eq!(between.len(), 1, "{between:?}");
    let failed: u64 = sandbox.counts().answers.values().filter_map(|answers| answers.get(&500)).sum();
    assert!((5..=8).contains(&failed), "{failed} requests at most were under way");
}

#[test]
fn the_breaker_stays_open_for_a_real_minute() {
    let sandbox = with(outage(3, Some(5), None, Fault::Status(503)));
    // One request at a time, so that none is under way beside the fifth 503.
    let connector = connector(&sandbox).stream("USER").config("max_concurrency", 1);
    let connector = connector.environment("SOURCE_NAVAN_TIME_SCALE", 1);
    assert_eq!(read(&connector, &sandbox).why_incomplete(&["USER"]), None);
    let log = sandbox.counts().log;
    let last = log.iter().filter(|line| line.status == 503).map(|line| line.at_ms).max().unwrap();
    let probe = log.iter().filter(|line| line.status == 200).map(|line| line.at_ms).find(|at| *at > last).unwrap();
    assert!(probe - last >= 59_900, "the probe came after {} ms", probe - last);
}

#[test]
fn everything_at_once_loses_nothing() {
    let every = |n, fault| Every { n, offset: 0, fault, endpoint: None };
    let every =
        vec![every(11, Fault::Status(503)), every(13, Fault::Cut), every(17, Fault::HtmlOk), every(19, Fault::Drop)];
    let faults = Faults { every, latency_ms: 50, ..Faults::default() };
    let token_life = Duration::from_secs(5);
    let settings = Settings { bookings: 20_000, transactions: 20_000, faults, token_life, ..company() };
    let sandbox = Sandbox::start(settings).unwrap();
    let chosen = [("BOOKING", "full_refresh"), ("TRANSACTION", "incremental")];
    let read = read(&connector(&sandbox).streams(&chosen), &sandbox);
    assert_eq!(read.run.status.code(), Some(0), "{:?}", read.run.errors());
    let expected = keys_of(&sandbox);
    for (stream, rows) in [("BOOKING", 20_000), ("TRANSACTION", 40_000)] {
        let distinct: BTreeSet<_> = read.keys[stream].iter().cloned().collect();
        assert_eq!((read.keys[stream].len(), distinct.len()), (rows, rows), "{stream}");
        assert!(distinct == expected[stream], "{stream}");
    }
    let counts = sandbox.counts();
    assert_eq!(counts.faults.keys().collect::<Vec<_>>(), ["cut", "drop", "html_ok", "status"]);
    assert!(counts.tokens_issued > 1, "no token ended");
}

#[test]
fn a_redirect_to_another_host_is_an_error_and_not_followed() {
    let elsewhere = Sandbox::start(Settings::odd()).unwrap();
    let to = format!("{}/v1/users?page=0&size=10", elsewhere.url());
    let sandbox = with(outage(5, None, None, Fault::Redirect { to }));
    let read = read(&connector(&sandbox).stream("USER"), &sandbox);
    assert_eq!(read.run.errors()[0]["failure_type"], "config_error");
    assert_eq!((elsewhere.counts().requests, elsewhere.counts().token_requests), (0, 0));
}

#[test]
fn a_stream_that_is_throttled_says_so_and_then_that_it_runs() {
    let sandbox = with(outage(12, Some(1), None, Fault::TooMany { retry_after: RetryAfter::Seconds(1) }));
    let read = read(&connector(&sandbox).stream("USER"), &sandbox);
    let statuses = read.run.of_type("TRACE").into_iter().map(|message| &message["trace"]["stream_status"]);
    let told: Vec<_> = statuses
        .filter(|status| status.is_object())
        .map(|status| {
            let reason = status["reasons"][0]["type"].as_str().unwrap_or_default();
            format!("{} {reason}", status["status"].as_str().unwrap())
        })
        .collect();
    assert_eq!(told, ["STARTED ", "RUNNING ", "RUNNING RATE_LIMITED", "RUNNING ", "COMPLETE "]);
}

#[test]
fn a_long_pause_is_told_again_and_again() {
    // A minute becomes 240 ms; the second that is asked for is a real one.
    let sandbox = with(outage(12, Some(1), None, Fault::TooMany { retry_after: RetryAfter::Seconds(1) }));
    let connector = connector(&sandbox).stream("USER").environment("SOURCE_NAVAN_TIME_SCALE", 0.004);
    let read = read(&connector, &sandbox);
    assert!(log_lines_with(&read.run, "Waiting for Navan's rate limit").len() >= 2);
}

#[test]
fn with_debug_each_request_is_a_line_with_the_correlation_id_that_navan_saw() {
    let sandbox = with(outage(5, Some(2), None, Fault::Status(503)));
    let connector = crate::harness::Connector::against(&sandbox)
        .environment("SOURCE_NAVAN_TIME_SCALE", 0.02)
        .stream("USER")
        .debug();
    let run = connector.read();
    let mut logged = Vec::new();
    for (_, line) in request_lines(&run) {
        for number in ["attempt", "ms", "bytes", "status"] {
            assert!(line[number].is_u64(), "{line}");
        }
        let path = line["endpoint"].as_str().unwrap().to_owned();
        logged.push((line["correlation_id"].as_str().unwrap().to_owned(), path, line["status"].as_u64().unwrap()));
    }
    let seen = sandbox.counts().log.into_iter().map(|seen| {
        let path = seen.target.split('?').next().unwrap().to_owned();
        (seen.correlation_id.unwrap(), path, u64::from(seen.status))
    });
    let mut seen: Vec<_> = seen.collect();
    logged.sort();
    seen.sort();
    assert_eq!(logged, seen);
}

#[test]
fn without_debug_no_request_is_logged() {
    let sandbox = with(Faults::default());
    let run = crate::harness::Connector::against(&sandbox).stream("USER").read();
    assert_eq!(run.logs("DEBUG"), Vec::<&str>::new());
}

#[test]
fn the_last_line_of_the_log_sums_the_read_up() {
    let sandbox = with(outage(5, Some(2), None, Fault::Status(503)));
    let run = read(&connector(&sandbox).stream("USER"), &sandbox).run;
    let summary: Value = serde_json::from_str(run.logs("INFO").last().unwrap()).unwrap();
    assert_eq!(summary["command"], "read");
    assert_eq!(summary["requests"], sandbox.counts().requests + sandbox.counts().token_requests);
    assert_eq!(summary["by_endpoint_and_status"]["/v1/users"]["503"], 2);
    assert_eq!(summary["retries"], 2);
    assert_eq!(summary["token_fetches"], 1);
    assert_eq!(summary["streams"]["USER"]["records"], 2_400);
    for path in ["/seconds", "/bytes", "/seconds_waited/limit", "/seconds_waited/backoff", "/seconds_waited/breaker"] {
        assert!(summary.pointer(path).is_some_and(Value::is_number), "{path}");
    }
    for path in ["/latency_ms/p50", "/latency_ms/p95", "/latency_ms/max"] {
        assert!(summary.pointer(path).is_some_and(Value::is_number), "{path}");
    }
    assert!(summary.get("share_of_limit_used").is_some());
}

#[test]
fn a_high_error_rate_and_a_failed_token_fetch_are_warned_about() {
    let mut faults = outage(10, None, None, Fault::Drop);
    faults.every.push(Every { n: 1, offset: 0, fault: Fault::Status(503), endpoint: Some("/ta-auth".to_owned()) });
    let sandbox = with(faults);
    let run = read(&connector(&sandbox).stream("USER"), &sandbox).run;
    let warnings = run.logs("WARN").join("\n");
    assert!(warnings.contains("A token could not be fetched."), "{warnings}");
    assert!(warnings.contains("requests failed"), "{warnings}");
}
