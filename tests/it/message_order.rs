//! What is said on stdout, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use navan_sandbox::{Fault, Faults, Outage, Sandbox, Settings};
use serde_json::Value;

use crate::harness::{Connector, Run, at, streams, text_field, transactions};

/// Enough bookings for more than one slice.
fn several_slices() -> Settings {
    Settings { bookings: 12_000, now: Some(at("2026-11-22T10:00:00Z")), ..Settings::odd() }
}

fn read(settings: Settings) -> (Sandbox, Run) {
    let sandbox = Sandbox::start(settings).unwrap();
    let run = Connector::against(&sandbox).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    (sandbox, run)
}

#[test]
fn every_line_is_one_json_object_of_a_known_type() {
    let (_sandbox, run) = read(Settings::odd());
    assert!(run.stdout.ends_with('\n'));
    assert_eq!(run.messages.len(), run.stdout.lines().count());
    for message in &run.messages {
        assert!(message.is_object(), "{message}");
        let kind = message["type"].as_str().unwrap();
        assert!(["RECORD", "STATE", "TRACE", "LOG"].contains(&kind), "{kind}");
    }
}

#[test]
fn nothing_is_on_stderr() {
    let (_sandbox, run) = read(Settings::odd());
    assert_eq!(run.stderr, "");
}

#[test]
fn a_stream_starts_runs_just_before_its_first_record_and_completes_last() {
    let (_sandbox, run) = read(several_slices());
    for &(stream, _) in streams() {
        let kinds: Vec<_> = run
            .messages_about(stream)
            .into_iter()
            .map(|message| match message["trace"]["stream_status"]["status"].as_str() {
                Some(status) => status.to_owned(),
                None => message["type"].as_str().unwrap().to_owned(),
            })
            .collect();
        let first_record = kinds.iter().position(|kind| kind == "RECORD").unwrap();
        let running = kinds.iter().position(|kind| kind == "RUNNING").unwrap();
        assert_eq!(kinds[0], "STARTED", "{stream}");
        assert_eq!(kinds.last().unwrap(), "COMPLETE", "{stream}");
        assert_eq!(kinds[kinds.len() - 2], "STATE", "{stream}");
        assert!(running < first_record, "{stream}");
        assert!(kinds[running..first_record].iter().all(|kind| kind != "STATE"), "{stream}");
    }
}

#[test]
fn an_empty_stream_is_never_running() {
    let (_sandbox, run) = read(Settings { bookings: 0, transactions: 0, users: 0, ..Settings::odd() });
    for &(stream, _) in streams() {
        assert_eq!(run.statuses(stream), ["STARTED", "COMPLETE"], "{stream}");
        assert!(!run.states(stream).is_empty(), "{stream}");
    }
}

#[test]
fn each_state_counts_the_records_since_the_one_before() {
    let (_sandbox, run) = read(several_slices());
    let mut since: BTreeMap<&str, u64> = BTreeMap::new();
    let mut states = 0;
    for message in &run.messages {
        if let Some(stream) = message["record"]["stream"].as_str() {
            *since.entry(stream).or_default() += 1;
        } else if let Some(stream) = message["state"]["stream"]["stream_descriptor"]["name"].as_str() {
            let records = since.insert(stream, 0).unwrap_or_default();
            assert_eq!(message["state"]["sourceStats"]["recordCount"].as_f64(), Some(records as f64), "{message}");
            states += 1;
        }
    }
    assert!(states > 3, "{states}");
    assert_eq!(since.values().sum::<u64>(), 0, "records without a state after them");
}

#[test]
fn record_counts_are_written_with_a_decimal_point() {
    let (_sandbox, run) = read(Settings { users: 0, ..Settings::odd() });
    let counts: Vec<_> = run
        .stdout
        .lines()
        .filter_map(|line| line.split_once(r#""recordCount":"#))
        .map(|(_, rest)| rest.split('}').next().unwrap())
        .collect();
    assert_eq!(counts.len(), run.of_type("STATE").len());
    assert!(counts.iter().all(|count| count.ends_with(".0")), "{counts:?}");
    assert!(counts.contains(&"0.0"));
}

#[test]
fn a_state_of_bookings_follows_all_rows_that_it_covers() {
    let (sandbox, run) = read(several_slices());
    let rows: Vec<_> =
        sandbox.bookings().map(|row| (at(text_field(&row, "created")), text_field(&row, "uuid").to_owned())).collect();
    let mut written = BTreeSet::new();
    let mut checkpoints = 0;
    for message in run.messages_about("BOOKING") {
        if let Some(key) = message["record"]["data"]["uuid"].as_str() {
            written.insert(key);
        }
        if let Some(next) = message["state"]["stream"]["stream_state"]["next_created_from"].as_str() {
            let missing = rows.iter().filter(|(created, key)| *created < at(next) && !written.contains(key.as_str()));
            assert_eq!(missing.count(), 0, "{next}");
            checkpoints += 1;
        }
    }
    assert!(checkpoints > 0, "no checkpoint on the way");
}

#[test]
fn a_state_of_transactions_follows_all_rows_that_it_covers() {
    // A type's first window waits to be tried again while later ones are read.
    let broken = Outage {
        after_requests: 0,
        for_requests: Some(3),
        for_ms: None,
        fault: Fault::Status(503),
        endpoint: Some("/v1/expense/fees".to_owned()),
    };
    let faults = Faults { outage: vec![broken], ..Faults::default() };
    let (sandbox, run) = read(Settings { faults, ..several_slices() });
    let field = |row: &str, name| text_field(row, name).to_owned();
    let rows: Vec<_> = transactions(&sandbox)
        .iter()
        .map(|row| (field(row, "_type"), at(text_field(row, "modified_timestamp")), field(row, "id")))
        .collect();
    let mut written = BTreeSet::new();
    for message in run.messages_about("TRANSACTION") {
        if let Some(key) = message["record"]["data"]["id"].as_str() {
            written.insert(key);
        }
        let state = &message["state"]["stream"]["stream_state"];
        for (kind, entry) in state["types"].as_object().into_iter().flatten() {
            let through = at(entry["synced_through"].as_str().unwrap());
            let covered = rows.iter().filter(|(of, changed, _)| of == kind && *changed < through);
            assert!(covered.into_iter().all(|(_, _, key)| written.contains(key.as_str())), "{kind} {through}");
        }
    }
    assert_eq!(written.len(), rows.len());
}

#[test]
fn each_stream_is_estimated_once_in_whole_numbers() {
    let (sandbox, run) = read(several_slices());
    for &(stream, _) in streams() {
        let estimates: Vec<_> =
            run.messages_about(stream).into_iter().map(|m| &m["trace"]["estimate"]).filter(|e| e.is_object()).collect();
        assert_eq!(estimates.len(), 1, "{stream}");
        assert_eq!(estimates[0]["type"], "STREAM");
        assert!(estimates[0]["row_estimate"].is_u64() && estimates[0]["byte_estimate"].is_u64(), "{}", estimates[0]);
    }
    let bookings = run.messages_about("BOOKING").into_iter().find(|m| m["trace"]["estimate"].is_object()).unwrap();
    assert_eq!(bookings["trace"]["estimate"]["row_estimate"], sandbox.bookings().count());
}

#[test]
fn every_record_and_trace_says_when_it_was_emitted() {
    let (_sandbox, run) = read(Settings::odd());
    for message in run.of_type("RECORD") {
        assert!(message["record"]["emitted_at"].is_i64(), "{message}");
    }
    for message in run.of_type("TRACE") {
        assert!(message["trace"]["emitted_at"].is_number() && message["trace"]["type"].is_string(), "{message}");
    }
}

#[test]
fn spec_check_and_discover_each_give_one_answer() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    for (command, kind) in [("spec", "SPEC"), ("check", "CONNECTION_STATUS"), ("discover", "CATALOG")] {
        let run = Connector::against(&sandbox).run(command);
        assert_eq!(run.status.code(), Some(0), "{command}");
        assert_eq!(run.of_type(kind).len(), 1, "{command}");
        let others: Vec<_> = run.messages.iter().filter(|m| m["type"] != kind && m["type"] != "LOG").collect();
        assert!(others.is_empty(), "{command}: {others:?}");
    }
}

#[test]
fn spec_is_the_file_spec_json() {
    let run = crate::harness::with_arguments(&["spec"]);
    let file: Value = serde_json::from_str(&std::fs::read_to_string("spec.json").unwrap()).unwrap();
    assert_eq!(run.of_type("SPEC")[0]["spec"], file);
}

#[test]
fn discover_needs_no_network_and_gives_the_schemas_as_they_are() {
    let config = serde_json::json!({"client_id": "id", "client_secret": "secret", "api_url": "http://127.0.0.1:9"});
    let run = Connector::with(config).run("discover");
    for &(stream, _) in streams() {
        let path = format!("schemas/{}.json", stream.to_lowercase());
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let streams = run.of_type("CATALOG")[0]["catalog"]["streams"].as_array().unwrap();
        let described = streams.iter().find(|described| described["name"] == stream).unwrap();
        assert_eq!(described["json_schema"], file, "{stream}");
    }
}

#[test]
fn a_namespace_of_the_catalog_is_in_records_states_and_statuses() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let mut catalog = crate::harness::catalog(&[("USER", "full_refresh")]);
    catalog["streams"][0]["stream"]["namespace"] = "acme".into();
    let run = Connector::against(&sandbox).catalog(catalog).read();
    assert!(run.of_type("RECORD").iter().all(|m| m["record"]["namespace"] == "acme"));
    assert!(run.of_type("STATE").iter().all(|m| m["state"]["stream"]["stream_descriptor"]["namespace"] == "acme"));
    let statuses: Vec<_> = run.of_type("TRACE").into_iter().map(|m| &m["trace"]["stream_status"]).collect();
    assert!(statuses.iter().filter(|s| s.is_object()).all(|s| s["stream_descriptor"]["namespace"] == "acme"));
}

#[test]
fn debug_adds_one_line_a_request_as_json() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let run = Connector::against(&sandbox).stream("USER").debug().read();
    let lines = run.logs("DEBUG").into_iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let statuses: Vec<_> = lines.filter(|line| line["endpoint"] == "/v1/users").map(|l| l["status"].clone()).collect();
    assert_eq!(statuses, [200]);
}
