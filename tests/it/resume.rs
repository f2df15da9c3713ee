//! BOOKING's state: going on after an interruption, and telling a retry of one sync from the next sync.

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, assert_distinct, at, catalog, state_file, text_field};

const HALFWAY: &str = "2025-12-01T00:00:00Z";

fn sandbox() -> Sandbox {
    Sandbox::start(Settings { now: Some(at("2026-11-22T10:00:00Z")), ..Settings::odd() }).unwrap()
}

/// BOOKING, in this attempt of a sync, with this state.
fn booking(sandbox: &Sandbox, mode: &str, sync_id: Option<i64>, state: &Value) -> Run {
    let mut catalog = catalog(&[("BOOKING", mode)]);
    if let Some(sync_id) = sync_id {
        catalog["streams"][0]["sync_id"] = sync_id.into();
    }
    // One request after the other, so that slices are complete in their order, however busy the machine is.
    let connector = Connector::against(sandbox).config("max_concurrency", 1);
    let run = connector.catalog(catalog).state(state_file("BOOKING", state)).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_distinct(&run.keys("BOOKING"));
    run
}

fn halfway(sync_id: Option<i64>) -> Value {
    match sync_id {
        Some(sync_id) => json!({"next_created_from": HALFWAY, "sync_id": sync_id}),
        None => json!({"next_created_from": HALFWAY}),
    }
}

fn complete(sync_id: i64) -> Value {
    json!({"__ab_full_refresh_sync_complete": true, "sync_id": sync_id})
}

fn later(sandbox: &Sandbox) -> usize {
    sandbox.bookings().filter(|row| at(text_field(row, "created")) >= at(HALFWAY)).count()
}

fn all(sandbox: &Sandbox) -> usize {
    sandbox.bookings().count()
}

#[test]
fn a_retry_of_the_same_sync_reads_only_what_is_left() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(7), &halfway(Some(7)));
    assert_eq!(run.keys("BOOKING").len(), later(&sandbox));
    assert!(run.records("BOOKING").iter().all(|row| at(row["created"].as_str().unwrap()) >= at(HALFWAY)));
}

#[test]
fn another_sync_reads_everything() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(8), &halfway(Some(7)));
    assert_eq!(run.keys("BOOKING").len(), all(&sandbox));
}

#[test]
fn without_a_sync_id_in_the_catalog_a_started_read_goes_on() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", None, &halfway(Some(7)));
    assert_eq!(run.keys("BOOKING").len(), later(&sandbox));
}

#[test]
fn without_a_sync_id_in_the_state_a_started_read_goes_on() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(7), &halfway(None));
    assert_eq!(run.keys("BOOKING").len(), later(&sandbox));
}

#[test]
fn a_retry_of_a_sync_that_read_bookings_to_the_end_asks_for_none() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(7), &complete(7));
    assert!(run.of_type("RECORD").is_empty());
    assert_eq!(run.statuses("BOOKING"), ["STARTED", "COMPLETE"]);
    assert_eq!(run.states("BOOKING"), [&complete(7)]);
    assert_eq!(sandbox.counts().requests, 0);
}

#[test]
fn a_complete_read_of_another_sync_is_no_reason_to_read_nothing() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(8), &complete(7));
    assert_eq!(run.keys("BOOKING").len(), all(&sandbox));
}

#[test]
fn a_complete_read_of_an_unknown_sync_is_no_reason_to_read_nothing() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", None, &complete(7));
    assert_eq!(run.keys("BOOKING").len(), all(&sandbox));
}

#[test]
fn a_client_that_calls_bookings_incremental_gets_all_of_them_each_time() {
    let sandbox = sandbox();
    for state in [complete(1), halfway(Some(1)), json!({})] {
        let run = booking(&sandbox, "incremental", Some(1), &state);
        assert_eq!(run.keys("BOOKING").len(), all(&sandbox), "{state}");
    }
}

#[test]
fn the_last_state_is_the_marker_of_this_sync() {
    let sandbox = sandbox();
    let run = booking(&sandbox, "full_refresh", Some(7), &json!({}));
    let last = run.states("BOOKING").pop().unwrap();
    assert_eq!((&last["__ab_full_refresh_sync_complete"], &last["sync_id"]), (&json!(true), &json!(7)));
}

#[test]
fn a_checkpoint_on_the_way_leads_to_exactly_the_rest() {
    let sandbox = Sandbox::start(Settings { bookings: 12_000, ..Settings::odd() }).unwrap();
    let first = booking(&sandbox, "full_refresh", Some(7), &json!({}));
    let states = first.states("BOOKING");
    let rest_of = |checkpoint: &Value| {
        let from = at(checkpoint["next_created_from"].as_str()?);
        Some(sandbox.bookings().filter(|row| at(text_field(row, "created")) >= from).count())
    };
    // Of the checkpoints, that is of all states but the marker, one that has rows before it and behind.
    let halfway =
        states.iter().find_map(|state| Some((*state, rest_of(state).filter(|rest| (1..12_000).contains(rest))?)));
    let (checkpoint, expected) = halfway.expect("a checkpoint on the way");
    assert_eq!(checkpoint["sync_id"], 7);
    let rest = booking(&sandbox, "full_refresh", Some(7), checkpoint);
    assert_eq!(rest.keys("BOOKING").len(), expected);
}

#[test]
fn a_users_marker_does_not_keep_users_from_being_read() {
    let sandbox = sandbox();
    let first = Connector::against(&sandbox).stream("USER").read();
    assert_eq!(first.states("USER"), [&json!({"__ab_no_cursor_state_message": true})]);
    let second = Connector::against(&sandbox).stream("USER").state(first.last_states()).read();
    assert_eq!(second.keys("USER").len(), sandbox.users().count());
}
