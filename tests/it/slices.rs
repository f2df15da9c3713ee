//! How a range of time is split into slices, and what a STATE says of them.
//!
//! The tests of what a state covers were seen to fail: with slices that are still being read left out of the state, with a
//! STATE written before its rows, and with a type's cursor advanced past a window that is still open.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use navan_sandbox::{ExpenseType, Faults, Sandbox, Settings};
use serde_json::Value;

use crate::ground_truth;
use crate::harness::{Connector, Run, assert_distinct, at, text_field};

/// When the sandbox's clock starts, where it matters.
fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn read_bookings(sandbox: &Sandbox) -> Run {
    let run = Connector::against(sandbox).stream("BOOKING").read();
    assert_eq!(run.statuses("BOOKING").last(), Some(&"COMPLETE"), "{:?}", run.errors());
    run
}

#[test]
fn empty_years_cost_few_requests() {
    let first_booking = Some(now() - TimeDelta::days(30));
    let settings = Settings { bookings: 6_000, first_booking, now: Some(now()), ..Settings::odd() };
    let sandbox = Sandbox::start(settings).unwrap();
    Connector::against(&sandbox).stream("BOOKING").config("start_date", "2016-11-22T00:00:00Z").read();
    let requests = sandbox.counts().requests;
    // 60 pages; ten years are halved seven times to reach the last month, and each half is looked at once.
    assert!(requests <= 60 + 20, "{requests} requests");
}

#[test]
fn a_company_without_bookings_costs_one_request() {
    let sandbox = Sandbox::start(Settings { bookings: 0, ..Settings::odd() }).unwrap();
    read_bookings(&sandbox);
    assert_eq!(sandbox.counts().requests, 1);
}

#[test]
fn more_pages_than_a_slice_has_come_whole_and_once() {
    let sandbox = ground_truth::ever_more_bookings(Settings::odd());
    let run = read_bookings(&sandbox);
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), 8_000);
}

#[test]
fn more_bookings_in_one_second_than_a_slice_has_come_whole_and_once() {
    let sandbox = Sandbox::start(Settings { bookings: 300, now: Some(now()), ..Settings::odd() }).unwrap();
    sandbox.insert_bookings(5_200);
    sandbox.set_now(now() + TimeDelta::hours(1));
    let run = read_bookings(&sandbox);
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), 5_500);
}

/// Every second has a booking, from ten seconds before the range to ten after.
fn a_booking_each_second(start: DateTime<Utc>) -> Sandbox {
    let sandbox = Sandbox::start(Settings { bookings: 0, now: Some(now()), ..Settings::odd() }).unwrap();
    for around in [start, now()] {
        for second in -10..10 {
            sandbox.set_now(around + TimeDelta::seconds(second) + TimeDelta::milliseconds(300));
            sandbox.insert_bookings(1);
        }
    }
    sandbox.set_now(now());
    sandbox
}

/// The seconds in which the bookings that came were created, of those near `around`.
fn seconds_near(around: DateTime<Utc>, run: &Run) -> Vec<i64> {
    let times = run.records("BOOKING").into_iter().map(|row| ground_truth::time(&row["created"]).trunc_subsecs(0));
    let mut seconds: Vec<_> = times.map(|time| (time - around).num_seconds()).collect();
    seconds.retain(|second| second.abs() <= 10);
    seconds.sort_unstable();
    seconds
}

#[test]
fn the_first_second_of_the_range_is_in_it() {
    let start = now() - TimeDelta::days(100);
    let sandbox = a_booking_each_second(start);
    let run = Connector::against(&sandbox).stream("BOOKING").config("start_date", "2026-08-14T10:00:00Z").read();
    assert_eq!(seconds_near(start, &run), (0..10).collect::<Vec<_>>());
}

#[test]
fn the_last_second_of_the_range_is_in_it_and_no_later_one() {
    let sandbox = a_booking_each_second(now() - TimeDelta::days(100));
    let run = read_bookings(&sandbox);
    let log = sandbox.counts().log;
    let asked = &log.iter().find(|call| call.target.starts_with("/v1/bookings")).unwrap().target;
    let to = asked.split_once("createdTo=").unwrap().1.split('&').next().unwrap().parse::<i64>().unwrap();
    let last = to - now().timestamp();
    assert_eq!(seconds_near(now(), &run), (-10..=last).collect::<Vec<_>>());
}

/// A STATE of one stream, and the keys of all its records before it.
fn states_and_keys<'a>(run: &'a Run, stream: &str, key: &str) -> Vec<(&'a Value, BTreeSet<&'a str>)> {
    let (mut states, mut keys) = (Vec::new(), BTreeSet::new());
    for message in &run.messages {
        let (record, state) = (&message["record"], &message["state"]["stream"]);
        if record["stream"] == stream {
            keys.insert(record["data"][key].as_str().unwrap());
        } else if state["stream_descriptor"]["name"] == stream {
            states.push((&state["stream_state"], keys.clone()));
        }
    }
    states
}

#[test]
fn a_state_of_bookings_covers_only_what_came_before_it() {
    let sandbox = ground_truth::ever_more_bookings(Settings::odd());
    let created = ground_truth::creations(&sandbox);
    let run = read_bookings(&sandbox);
    let states = states_and_keys(&run, "BOOKING", "uuid");
    let checkpoints = states.iter().filter(|(state, _)| state.get("next_created_from").is_some());
    assert!(checkpoints.clone().count() > 2, "too few states to see anything");
    for (state, keys) in checkpoints {
        let next = ground_truth::time(&state["next_created_from"]);
        let missing = created.iter().filter(|(key, at)| **at < next && !keys.contains(key.as_str())).count();
        assert_eq!(missing, 0, "before {state}");
    }
}

#[test]
fn states_of_bookings_only_go_forward() {
    let run = read_bookings(&ground_truth::ever_more_bookings(Settings::odd()));
    let states = run.states("BOOKING");
    let times: Vec<_> = states.iter().filter_map(|state| state["next_created_from"].as_str()).collect();
    assert!(times.is_sorted_by(|one, other| one < other), "{times:?}");
}

fn read_transactions() -> (Sandbox, Run) {
    let sandbox = Sandbox::start(Settings { transactions: 600, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("TRANSACTION").config("max_concurrency", 8).read();
    assert_eq!(run.statuses("TRANSACTION").last(), Some(&"COMPLETE"), "{:?}", run.errors());
    (sandbox, run)
}

#[test]
fn a_state_of_transactions_covers_only_what_came_before_it() {
    let (sandbox, run) = read_transactions();
    let changes: BTreeMap<_, _> =
        ExpenseType::ALL.into_iter().map(|kind| (kind, ground_truth::changes(&sandbox, kind))).collect();
    let states = states_and_keys(&run, "TRANSACTION", "id");
    assert!(states.len() > 9, "too few states to see anything");
    for (state, keys) in states {
        for (kind, changed) in &changes {
            let Some(entry) = state["types"].get(kind.path()) else { continue };
            let through = ground_truth::time(&entry["synced_through"]);
            let missing = changed.iter().filter(|(key, at)| **at < through && !keys.contains(key.as_str())).count();
            assert_eq!(missing, 0, "{kind} before {state}");
        }
    }
}

#[test]
fn states_of_transactions_never_go_back() {
    let (_sandbox, run) = read_transactions();
    for kind in ExpenseType::ALL {
        let entries = run.states("TRANSACTION").into_iter().filter_map(|state| state["types"].get(kind.path()));
        let times: Vec<_> = entries.map(|entry| ground_truth::time(&entry["synced_through"])).collect();
        assert!(times.is_sorted(), "{kind}: {times:?}");
    }
}

#[test]
fn the_cursor_of_a_transactions_state_is_its_earliest_type() {
    let (_sandbox, run) = read_transactions();
    for state in run.states("TRANSACTION") {
        let types = state["types"].as_object().unwrap();
        let earliest = types.values().map(|entry| ground_truth::time(&entry["synced_through"])).min();
        let cursor = ground_truth::time(&state["modified_timestamp"]);
        assert!(types.len() < 9 || Some(cursor) == earliest, "{state}");
    }
}

#[test]
fn the_first_slice_is_complete_before_the_last_one_is_read() {
    let faults = Faults { latency_ms: 5, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { bookings: 9_000, faults, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("BOOKING").read();
    let mut records = 0;
    let first_state = run.messages.iter().find(|message| {
        records += u64::from(message["type"] == "RECORD");
        message["type"] == "STATE" && message["state"]["sourceStats"]["recordCount"].as_f64() > Some(0.0)
    });
    assert!(first_state.is_some());
    assert!(records < 6_000, "{records} of 9,000 records came before a state that covers any");
}

#[test]
fn with_an_end_date_a_read_ends_as_if_that_were_the_present() {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let sandbox =
        Sandbox::start(Settings { bookings: 300, transactions: 80, users: 5, now, ..Settings::odd() }).unwrap();
    let end = "2026-10-10T00:00:00Z";
    let is_before = |row: &String, field: &str| at(text_field(row, field)) <= at(end);
    let streams = [("BOOKING", "full_refresh"), ("TRANSACTION", "incremental"), ("USER", "full_refresh")];
    let connector = || Connector::against(&sandbox).streams(&streams);
    let first = connector().config("end_date", end).read();
    assert_eq!(first.status.code(), Some(0), "{:?}", first.errors());
    let bookings = sandbox.bookings().filter(|row| is_before(row, "created")).count();
    let transactions = crate::harness::transactions(&sandbox);
    let changed = transactions.iter().filter(|row| is_before(row, "modified_timestamp")).count();
    assert_eq!((first.records("BOOKING").len(), first.records("TRANSACTION").len()), (bookings, changed));
    assert!(bookings > 100 && changed > 100 && first.records("USER").len() == 5);
    // Without it, the next read goes on from there.
    let second = connector().state(first.last_states()).read();
    let keys: BTreeSet<_> = first.keys("TRANSACTION").into_iter().chain(second.keys("TRANSACTION")).collect();
    assert_eq!(keys.len(), transactions.len());
    let wrong = connector().config("end_date", "2014-01-01T00:00:00Z").read();
    crate::odd_answers::assert_error(&wrong, "config_error", "nothing lies between them");
}
