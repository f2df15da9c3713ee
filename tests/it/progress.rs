//! What a read tells about how far it is.

use chrono::TimeDelta;
use navan_sandbox::{Sandbox, Settings};
use serde_json::Value;

use crate::harness::{Connector, Run, streams};

fn read() -> Run {
    let settings = Settings { bookings: 700, transactions: 300, users: 500, ..Settings::odd() };
    Connector::against(&Sandbox::start(settings).unwrap()).read()
}

fn estimates<'a>(run: &'a Run, stream: &str) -> Vec<&'a Value> {
    let traces = run.of_type("TRACE").into_iter().map(|message| &message["trace"]["estimate"]);
    traces.filter(|estimate| estimate["name"] == stream).collect()
}

#[test]
fn each_stream_is_estimated_once() {
    let run = read();
    for &(stream, _) in streams() {
        assert_eq!(estimates(&run, stream).len(), 1, "{stream}");
    }
}

#[test]
fn the_estimates_of_numbered_lists_are_their_totals() {
    let run = read();
    let rows = |stream| estimates(&run, stream)[0]["row_estimate"].as_u64();
    assert_eq!((rows("BOOKING"), rows("USER")), (Some(700), Some(500)));
}

#[test]
fn the_estimate_of_transactions_is_near_the_truth() {
    let run = read();
    let rows = estimates(&run, "TRANSACTION")[0]["row_estimate"].as_u64().unwrap();
    assert!((1_350..5_400).contains(&rows), "{rows} of 2700");
}

#[test]
fn a_read_of_a_single_window_is_estimated_too() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let connector = Connector::against(&sandbox).stream("TRANSACTION").config("transaction_types", vec!["fees"]);
    let run = connector.config("start_date", (sandbox.now() - TimeDelta::days(2)).format("%FT%TZ").to_string()).read();
    assert_eq!(estimates(&run, "TRANSACTION").len(), 1, "{:?}", run.errors());
}

#[test]
fn running_comes_before_the_first_record() {
    let run = read();
    for &(stream, _) in streams() {
        let running = run.messages.iter().position(|message| {
            let status = &message["trace"]["stream_status"];
            status["stream_descriptor"]["name"] == stream && status["status"] == "RUNNING"
        });
        let record = run.messages.iter().position(|message| message["record"]["stream"] == stream);
        assert!(running.unwrap() < record.unwrap(), "{stream}");
    }
}

#[test]
fn a_stream_without_records_never_runs() {
    let sandbox = Sandbox::start(Settings { users: 0, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("USER").read();
    assert_eq!(run.statuses("USER"), ["STARTED", "COMPLETE"]);
}

#[test]
fn the_log_tells_each_ten_thousand_records() {
    let sandbox = Sandbox::start(Settings { users: 25_000, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("USER").read();
    let told =
        run.logs("INFO").into_iter().filter(|line| line.starts_with("USER: ") && line.contains("records so far"));
    assert_eq!(told.count(), 2);
}
