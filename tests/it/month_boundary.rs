//! The turn of a month, when the earliest day that Navan's API still has moves on by a month. The connector's time is
//! the server's, whatever this machine's clock says.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use chrono::{DateTime, TimeDelta, Utc};
use navan_sandbox::{Faults, Sandbox, Settings};

use crate::harness::{Connector, Run, assert_distinct, at, text_field, transactions};
use crate::scripted::ScriptedNavan;

fn settings(now: &str) -> Settings {
    Settings { now: Some(at(now)), ..Settings::odd() }
}

fn read(sandbox: &Sandbox) -> Run {
    let run = Connector::against(sandbox).stream("TRANSACTION").read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    run
}

#[test]
fn just_after_the_turn_all_changes_since_the_new_retention_start_are_read() {
    let sandbox = Sandbox::start(settings("2026-12-01T00:00:03Z")).unwrap();
    let run = read(&sandbox);
    assert_eq!(assert_distinct(&run.keys("TRANSACTION")).len(), transactions(&sandbox).len());
    let targets: Vec<_> = sandbox.counts().log.into_iter().map(|request| request.target).collect();
    assert!(targets.iter().any(|target| target.contains("date_modified.from=2026-10-01")));
    assert!(!targets.iter().any(|target| target.contains("date_modified.from=2026-09")), "{targets:?}");
}

#[test]
fn a_read_across_the_turn_loses_nothing_that_navan_still_has() {
    let late = Faults { latency_ms: 40, ..Faults::default() }; // 117 requests, 4 at a time: over a second
    let sandbox = Sandbox::start(Settings { faults: late, ..settings("2026-11-30T23:59:59Z") }).unwrap();
    let run = read(&sandbox);
    assert!(sandbox.now() > at("2026-12-01T00:00:00Z"));
    let rows = transactions(&sandbox);
    let still_there: BTreeSet<_> = rows
        .iter()
        .filter(|row| at(text_field(row, "modified_timestamp")) >= at("2026-10-01T00:00:00Z"))
        .map(|row| text_field(row, "id"))
        .collect();
    let keys = run.keys("TRANSACTION");
    let read = assert_distinct(&keys);
    assert_eq!(still_there.difference(&read).count(), 0);
}

#[test]
fn a_turn_while_the_first_requests_are_under_way_refuses_them_and_no_stream_fails() {
    let late = Faults { latency_ms: 400, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { faults: late, ..settings("2026-11-30T23:50:00Z") }).unwrap();
    let connector = Connector::against(&sandbox).stream("TRANSACTION").debug();
    let mut process = connector.start("read");
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut stdout = String::new();
    while !stdout.contains("/oauth/token") {
        assert!(output.read_line(&mut stdout).unwrap() > 0, "it ended before it had a token");
    }
    // It knows the time from the answer to its request for a token, and the first requests are delayed.
    sandbox.set_now(at("2026-12-01T00:00:00Z"));
    sandbox.set_faults(Faults::default());
    output.read_to_string(&mut stdout).unwrap();
    let run = Run::new(process.wait().unwrap(), stdout, String::new());
    assert!(sandbox.counts().responses("/v1/expense/card-transactions", 400) > 0);
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let rows = transactions(&sandbox);
    let changed = |row: &&String| at(text_field(row, "modified_timestamp"));
    let still_there: BTreeSet<_> = rows
        .iter()
        .filter(|row| changed(row) >= at("2026-10-01T00:00:00Z") && changed(row) < at("2026-11-30T23:50:00Z"))
        .map(|row| text_field(row, "id"))
        .collect();
    assert_eq!(still_there.difference(&assert_distinct(&run.keys("TRANSACTION"))).count(), 0);
}

#[test]
fn a_state_from_before_the_turn_goes_on_after_it() {
    let sandbox = Sandbox::start(settings("2026-11-30T23:59:58Z")).unwrap();
    let first = read(&sandbox);
    sandbox.set_now(at("2026-12-01T00:00:03Z"));
    let second = Connector::against(&sandbox).stream("TRANSACTION").state(first.last_states()).read();
    assert_eq!(second.status.code(), Some(0), "{:?}", second.errors());
    let state = second.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap();
    assert!(at(state) >= at("2026-12-01T00:00:03Z"), "{state}");
}

#[test]
fn the_end_of_a_read_is_the_servers_time() {
    let servers = at("2031-05-05T05:05:05Z");
    for ours in ["2031-05-04T10:00:00Z", "2031-05-06T05:00:00Z"] {
        let sandbox = Sandbox::start(settings("2031-05-05T05:05:05Z")).unwrap();
        let run = Connector::against(&sandbox).stream("TRANSACTION").environment("SOURCE_NAVAN_NOW", ours).read();
        let end = end_of(&run);
        assert!(servers <= end && end <= sandbox.now(), "{end}");
        assert!(!run.logs("WARN").iter().any(|said| said.contains("more than a day apart")));
    }
}

/// Up to when `TRANSACTION` was read.
fn end_of(run: &Run) -> DateTime<Utc> {
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    at(run.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap())
}

/// The server's is 2026-11-22T10:00:00Z.
#[test]
fn of_two_clocks_that_are_over_a_day_apart_the_earlier_one_counts() {
    for (ours, expected) in [
        ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
        ("2026-11-24T11:00:00Z", "2026-11-22T10:00:00Z"),
        // A server's that was never set is none.
        ("2041-05-05T05:05:05Z", "2041-05-05T05:05:05Z"),
    ] {
        let server = ScriptedNavan::start(|_| None);
        let run = server.connector().stream("TRANSACTION").environment("SOURCE_NAVAN_NOW", ours).read();
        let end = end_of(&run);
        assert!(at(expected) <= end && end < at(expected) + TimeDelta::minutes(1), "{end}");
        let said = run.logs("WARN");
        assert_eq!(said.iter().filter(|said| said.contains("more than a day apart")).count(), 1, "{said:?}");
    }
}
