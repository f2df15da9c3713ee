//! TRANSACTION's state: the cursor of each expense type.

use std::collections::BTreeSet;

use chrono::Duration;
use navan_sandbox::{ExpenseType, Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, assert_distinct, at, state_file, text_field, transactions};

const NOW: &str = "2026-11-22T10:00:00Z";

fn sandbox() -> Sandbox {
    Sandbox::start(Settings { now: Some(at(NOW)), ..Settings::odd() }).unwrap()
}

fn read_from(sandbox: &Sandbox, state: &Value) -> Run {
    let run = Connector::against(sandbox).stream("TRANSACTION").state(state_file("TRANSACTION", state)).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    run
}

fn full_refresh(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox).streams(&[("TRANSACTION", "full_refresh")])
}

fn keys_since(sandbox: &Sandbox, kinds: &[ExpenseType], since: &str) -> BTreeSet<String> {
    let rows = kinds.iter().flat_map(|kind| sandbox.transactions(*kind));
    let rows = rows.filter(|row| at(text_field(row, "modified_timestamp")) >= at(since));
    rows.map(|row| text_field(&row, "id").to_owned()).collect()
}

fn keys(run: &Run) -> BTreeSet<String> {
    assert_distinct(&run.keys("TRANSACTION")).into_iter().map(str::to_owned).collect()
}

fn all_types_synced_through(through: &str) -> Value {
    let types = ExpenseType::ALL.map(|kind| (kind.path().to_owned(), json!({"synced_through": through})));
    json!({"modified_timestamp": through, "types": serde_json::Map::from_iter(types)})
}

#[test]
fn a_state_far_in_the_future_brings_no_record_and_itself_back() {
    let sandbox = sandbox();
    let state: Value =
        serde_json::from_str(&std::fs::read_to_string("integration_tests/future_state.json").unwrap()).unwrap();
    let given = state.as_array().unwrap().iter().map(|entry| &entry["stream"]);
    let given: Vec<_> =
        given.map(|of| (of["stream_descriptor"]["name"].as_str().unwrap(), &of["stream_state"])).collect();
    let streams: Vec<_> = given.iter().map(|(name, _)| (*name, "incremental")).collect();
    let run = Connector::against(&sandbox).streams(&streams).state(state.to_string()).read();
    assert!(run.of_type("RECORD").is_empty());
    for (name, state) in given {
        assert_eq!(run.states(name), [state]);
        assert_eq!(run.statuses(name), ["STARTED", "COMPLETE"]);
    }
}

#[test]
fn no_record_is_older_than_the_lookback_or_newer_than_the_state() {
    let sandbox = sandbox();
    let run = read_from(&sandbox, &all_types_synced_through("2026-11-10T06:30:00Z"));
    assert_eq!(keys(&run), keys_since(&sandbox, &ExpenseType::ALL, "2026-11-09T06:30:00Z"));
    let end = at(run.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap());
    let newer = run.records("TRANSACTION").into_iter().map(|row| at(row["modified_timestamp"].as_str().unwrap()));
    assert_eq!(newer.filter(|changed| *changed > end).count(), 0);
}

#[test]
fn every_checkpoint_on_the_way_leads_to_the_rest() {
    let sandbox = sandbox();
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    let all: BTreeSet<_> = transactions(&sandbox).iter().map(|row| text_field(row, "id").to_owned()).collect();
    let states = first.states("TRANSACTION");
    for nth in [1, states.len() / 2, states.len() - 2] {
        let before: BTreeSet<_> = first
            .messages_about("TRANSACTION")
            .into_iter()
            .take_while(|message| message["state"]["stream"]["stream_state"] != *states[nth])
            .filter_map(|message| message["record"]["data"]["id"].as_str().map(str::to_owned))
            .collect();
        let rest = keys(&read_from(&sandbox, states[nth]));
        assert_eq!(&before | &rest, all, "checkpoint {nth}");
    }
}

#[test]
fn changes_that_the_api_no_longer_has_are_warned_of_with_both_dates() {
    let sandbox = sandbox();
    let run = read_from(&sandbox, &json!({"types": {"fees": {"synced_through": "2026-05-04T03:02:01Z"}}}));
    let gaps: Vec<_> = run.logs("WARN").into_iter().filter(|log| log.contains("2026-05-04")).collect();
    insta::assert_snapshot!(gaps.join("\n"), @"TRANSACTION: fees was last read up to 2026-05-04 03:02:01 UTC, but Navan's API only has changes since 2026-09-01 00:00:00 UTC; those in between cannot be read any more. Read at least once a month.");
    assert_eq!(keys(&run).len(), transactions(&sandbox).len());
}

#[test]
fn a_state_without_types_counts_for_all_of_them() {
    let sandbox = sandbox();
    let run = read_from(&sandbox, &json!({"modified_timestamp": "2026-11-10T00:00:00Z"}));
    assert_eq!(keys(&run), keys_since(&sandbox, &ExpenseType::ALL, "2026-11-09T00:00:00Z"));
}

#[test]
fn a_type_that_the_state_does_not_name_is_read_from_the_start() {
    let sandbox = sandbox();
    let mut state = all_types_synced_through("2026-11-10T00:00:00Z");
    state["types"].as_object_mut().unwrap().remove("fees");
    let run = read_from(&sandbox, &state);
    let others = ExpenseType::ALL.map(|kind| if kind == ExpenseType::Fees { ExpenseType::Disputes } else { kind });
    let fees: BTreeSet<_> =
        sandbox.transactions(ExpenseType::Fees).map(|row| text_field(&row, "id").to_owned()).collect();
    assert_eq!(keys(&run), &keys_since(&sandbox, &others, "2026-11-09T00:00:00Z") | &fees);
}

#[test]
fn a_type_that_is_not_chosen_keeps_its_entry() {
    let sandbox = sandbox();
    let state = state_file("TRANSACTION", &all_types_synced_through("2026-11-10T00:00:00Z"));
    let connector = Connector::against(&sandbox).stream("TRANSACTION").config("transaction_types", json!(["fees"]));
    let run = connector.state(state).read();
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["disputes"]["synced_through"], "2026-11-10T00:00:00Z");
    assert_eq!(last["modified_timestamp"], last["types"]["fees"]["synced_through"]);
    assert!(at(last["modified_timestamp"].as_str().unwrap()) >= at(NOW));
}

#[test]
fn the_cursor_never_goes_back() {
    let sandbox = sandbox();
    let run = Connector::against(&sandbox).stream("TRANSACTION").read();
    let cursors = run.states("TRANSACTION").into_iter().map(|s| at(s["modified_timestamp"].as_str().unwrap()));
    let cursors: Vec<_> = cursors.collect();
    assert!(cursors.is_sorted(), "{cursors:?}");
    assert!(*cursors.last().unwrap() - at(NOW) < Duration::minutes(5));
}

#[test]
fn a_full_refresh_ignores_the_state_and_ends_with_the_marker() {
    let sandbox = sandbox();
    let run = full_refresh(&sandbox)
        .state(state_file("TRANSACTION", &all_types_synced_through("2026-11-10T00:00:00Z")))
        .read();
    assert_eq!(keys(&run).len(), transactions(&sandbox).len());
    assert_eq!(run.states("TRANSACTION").last().unwrap()["__ab_full_refresh_sync_complete"], true);
}

#[test]
fn a_full_refresh_brings_the_same_rows_each_time() {
    let sandbox = sandbox();
    let (first, second) = (full_refresh(&sandbox).read(), full_refresh(&sandbox).read());
    let sorted = |run: &Run| {
        let mut rows: Vec<_> = run.raw_records("TRANSACTION").into_iter().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&first), sorted(&second));
}

#[test]
fn an_incremental_read_after_a_full_refresh_begins_at_the_retention_start() {
    let sandbox = sandbox();
    let marker = full_refresh(&sandbox).read().last_states();
    let run = Connector::against(&sandbox).stream("TRANSACTION").state(marker).read();
    assert_eq!(keys(&run).len(), transactions(&sandbox).len());
}

/// Airbyte's rule: no record lies beyond the last state's cursor, and none that a second read brings before it by more than the
/// look-back. Where nothing has changed for weeks, that is a state without a record.
#[test]
fn on_a_quiet_tenant_the_state_goes_on_and_brings_no_record() {
    let sandbox = sandbox();
    sandbox.set_now(at(NOW) + Duration::days(20));
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    let cursor = |run: &Run| at(run.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap());
    assert!(!first.records("TRANSACTION").is_empty());
    for row in first.records("TRANSACTION") {
        assert!(at(row["modified_timestamp"].as_str().unwrap()) <= cursor(&first));
    }
    sandbox.set_now(at(NOW) + Duration::days(21));
    let second = Connector::against(&sandbox).stream("TRANSACTION").state(first.last_states()).read();
    assert_eq!((second.status.code(), second.records("TRANSACTION").len()), (Some(0), 0));
    assert!(cursor(&second) > cursor(&first));
    assert_eq!(second.statuses("TRANSACTION"), ["STARTED", "COMPLETE"]);
}
