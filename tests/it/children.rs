//! The lists in rows as streams of their own: out of the requests for their parents, each with a state of its own.

use std::collections::BTreeMap;

use navan_sandbox::{Faults, Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, all_streams, at};
use crate::process::Process;

/// Each parent, and its children.
const FAMILIES: [(&str, &[&str]); 2] = [
    (
        "BOOKING",
        &[
            "BOOKING_PASSENGER",
            "BOOKING_SEGMENT",
            "BOOKING_TRIP",
            "BOOKING_ALLOCATION",
            "BOOKING_CUSTOM_FIELD",
            "BOOKING_DOCUMENT",
        ],
    ),
    ("TRANSACTION", &["TRANSACTION_LINE_ITEM", "TRANSACTION_CUSTOM_FIELD", "TRANSACTION_BOOKING"]),
];

fn sandbox() -> Sandbox {
    let now = Some(at("2026-11-22T10:00:00Z"));
    Sandbox::start(Settings { bookings: 730, transactions: 260, users: 20, now, ..Settings::odd() }).unwrap()
}

fn chosen(names: &[&str]) -> Vec<(&'static str, &'static str)> {
    all_streams().iter().copied().filter(|(stream, _)| names.contains(stream)).collect()
}

/// A complete read of these streams, and how many requests it took.
fn read(sandbox: &Sandbox, names: &[&str], state: &str) -> (Run, u64) {
    let before = sandbox.counts().requests;
    let run = Connector::against(sandbox).streams(&chosen(names)).state(state).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    for stream in names {
        assert_eq!(run.statuses(stream).last(), Some(&"COMPLETE"), "{stream}");
        assert!(!run.states(stream).is_empty(), "{stream}");
    }
    (run, sandbox.counts().requests - before)
}

/// The rows of a stream, in an order of their own.
fn sorted(run: &Run, stream: &str) -> Vec<String> {
    let mut rows: Vec<_> = run.records(stream).into_iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

/// What the rows of a parent say that a child's rows are: a list by its elements, or a text by what commas divide.
fn elements(run: &Run, child: &str) -> Vec<String> {
    let of_list = |row: &Value, path: &[&str]| match path.iter().fold(row, |value, name| &value[name]) {
        Value::Array(list) => list.iter().filter(|element| **element != "" && !element.is_null()).cloned().collect(),
        Value::String(text) => {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
        }
        _ => Vec::new(),
    };
    let (parent, lists): (_, &[&[&str]]) = match child {
        "BOOKING_PASSENGER" => ("BOOKING", &[&["passengers"]]),
        "BOOKING_SEGMENT" => ("BOOKING", &[&["segments"]]),
        "BOOKING_TRIP" => ("BOOKING", &[&["tripUuids"]]),
        "BOOKING_ALLOCATION" => (
            "BOOKING",
            &[
                &["departments"],
                &["costCenters"],
                &["regions"],
                &["subsidiaries"],
                &["billableEntities"],
                &["projects"],
            ],
        ),
        "BOOKING_CUSTOM_FIELD" => ("BOOKING", &[&["customFields"]]),
        "BOOKING_DOCUMENT" => ("BOOKING", &[&["invoice"], &["pdf"], &["etickets"]]),
        "TRANSACTION_LINE_ITEM" => ("TRANSACTION", &[&["line_items"]]),
        "TRANSACTION_CUSTOM_FIELD" => ("TRANSACTION", &[&["custom_field_values"]]),
        _ => ("TRANSACTION", &[&["navan_booking_uuid"], &["booking_details", "navan_booking_uuids"]]),
    };
    let by_value = matches!(child, "BOOKING_TRIP" | "TRANSACTION_BOOKING");
    let mut all = Vec::new();
    for row in run.records(parent) {
        let mut of_row: Vec<Value> = lists.iter().flat_map(|path| of_list(row, path)).collect();
        if by_value {
            of_row.sort_by_key(Value::to_string);
            of_row.dedup();
        }
        let leaves = of_row.iter().map(|element| json!([key(row), leaves(element)]).to_string());
        all.extend(leaves);
    }
    all.sort();
    all
}

fn key(row: &Value) -> &Value {
    ["uuid", "booking_uuid", "id", "transaction_id"].iter().map(|name| &row[name]).find(|key| !key.is_null()).unwrap()
}

/// All values in it that hold no others and are not null, in an order of their own.
fn leaves(value: &Value) -> Vec<String> {
    let mut found = match value {
        Value::Null => Vec::new(),
        Value::Object(members) => members.values().flat_map(leaves).collect(),
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        other => vec![other.to_string()],
    };
    found.sort();
    found
}

/// The same of a child's own rows: their values without those that tell where they come from.
fn own_elements(run: &Run, child: &str) -> Vec<String> {
    const FROM_THE_PARENT: [&str; 12] = [
        "booking_uuid",
        "transaction_id",
        "created",
        "lastModified",
        "modified_timestamp",
        "index",
        "dimension",
        "kind",
        "number",
        "trip_name",
        "trip_description",
        "",
    ];
    let own = |row: &Value| {
        let members = row.as_object().unwrap().iter();
        let is_own =
            |name: &str| !FROM_THE_PARENT.contains(&name) || child == "TRANSACTION_BOOKING" && name == "booking_uuid";
        let own = members.filter(|(name, _)| is_own(name)).map(|(name, value)| (name.clone(), value.clone()));
        let key = if child.starts_with("TRANSACTION") { &row["transaction_id"] } else { &row["booking_uuid"] };
        json!([key, leaves(&Value::Object(own.collect()))]).to_string()
    };
    let mut all: Vec<_> = run.records(child).into_iter().map(own).collect();
    all.sort();
    all
}

#[test]
fn each_element_of_each_list_is_a_row() {
    let sandbox = sandbox();
    let names: Vec<_> =
        FAMILIES.iter().flat_map(|(parent, children)| [parent].into_iter().chain(*children).copied()).collect();
    let (run, _) = read(&sandbox, &names, "");
    for (_, children) in FAMILIES {
        for child in children {
            let (expected, came) = (elements(&run, child), own_elements(&run, child));
            assert!(!expected.is_empty(), "{child}");
            let differs = expected.iter().zip(&came).find(|(expected, came)| expected != came);
            assert!(expected == came, "{child}: {} and {}, {differs:?}", expected.len(), came.len());
        }
    }
}

#[test]
fn a_parent_and_its_children_cost_the_parents_requests_and_so_do_children_alone() {
    let sandbox = sandbox();
    for (parent, children) in FAMILIES {
        let (alone, requests) = read(&sandbox, &[parent], "");
        let (all, with_children) = read(&sandbox, &[&[parent], children].concat(), "");
        assert_eq!(with_children, requests, "{parent} with its children");
        assert_eq!(sorted(&all, parent), sorted(&alone, parent));
        let (only, without_parent) = read(&sandbox, children, "");
        assert_eq!(without_parent, requests, "the children of {parent}");
        assert!(only.records(parent).is_empty());
        for child in children {
            assert_eq!(sorted(&only, child), sorted(&all, child), "{child}");
            assert_eq!(all.states(child).last(), all.states(parent).last(), "{child}");
        }
    }
}

#[test]
fn a_child_that_is_chosen_later_is_read_from_its_beginning_and_then_with_the_others() {
    let sandbox = sandbox();
    let (parent, child) = ("TRANSACTION", "TRANSACTION_CUSTOM_FIELD");
    let (first, whole) = read(&sandbox, &[parent], "");
    let (second, requests) = read(&sandbox, &[parent, child], &first.last_states());
    let (all, _) = read(&sandbox, &[child], "");
    assert_eq!(sorted(&second, child), sorted(&all, child));
    assert!(second.records(parent).len() < first.records(parent).len() / 10, "{}", second.records(parent).len());
    assert!(requests >= whole, "{requests}, {whole}");
    assert_eq!(second.states(child).last(), second.states(parent).last());
    let (third, together) = read(&sandbox, &[parent, child], &second.last_states());
    let (_, parent_alone) = read(&sandbox, &[parent], &second.last_states());
    assert_eq!(together, parent_alone);
    assert!(third.records(child).len() < all.records(child).len() / 10);
}

/// A full refresh begins anew, whatever the states say, so that there is nothing to read apart.
#[test]
fn a_child_of_a_full_refresh_that_is_chosen_later_costs_nothing() {
    let sandbox = sandbox();
    let (first, requests) = read(&sandbox, &["BOOKING"], "");
    let (second, with_child) = read(&sandbox, &["BOOKING", "BOOKING_TRIP"], &first.last_states());
    assert_eq!(with_child, requests);
    assert_eq!(second.records("BOOKING").len(), first.records("BOOKING").len());
    assert!(!second.records("BOOKING_TRIP").is_empty());
}

#[test]
fn streams_of_different_modes_are_read_apart() {
    let sandbox = sandbox();
    let streams = [("TRANSACTION", "incremental"), ("TRANSACTION_LINE_ITEM", "full_refresh")];
    let run = Connector::against(&sandbox).streams(&streams).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert!(run.states("TRANSACTION").last().unwrap()["types"].is_object());
    let state = run.states("TRANSACTION_LINE_ITEM");
    assert!(state.len() == 1 && state[0]["__ab_full_refresh_sync_complete"] == true, "{state:?}");
}

/// Wherever a read is cut off, each stream goes on from its own state.
#[test]
fn an_interrupted_family_goes_on_to_every_row() {
    let faults = Faults { latency_ms: 10, ..Faults::default() };
    let sandbox = crate::ground_truth::ever_more_bookings(Settings { transactions: 300, faults, ..Settings::odd() });
    let names: Vec<_> =
        FAMILIES.iter().flat_map(|(parent, children)| [parent].into_iter().chain(*children).copied()).collect();
    let whole = Connector::against(&sandbox).streams(&chosen(&names)).read();
    for (signal, after) in [("TERM", 1), ("INT", 400_000), ("KILL", 1_000_000), ("KILL", 2_500_000)] {
        let connector = Connector::against(&sandbox).streams(&chosen(&names));
        let mut process = Process::start_read(&connector);
        process.read_bytes(after);
        process.signal(signal);
        let first = process.finish();
        let second = Connector::against(&sandbox).streams(&chosen(&names)).state(first.last_states()).read();
        assert_eq!(second.status.code(), Some(0), "{:?}", second.errors());
        for stream in &names {
            let mut came: Vec<_> = [sorted(&first, stream), sorted(&second, stream)].concat();
            came.sort();
            came.dedup();
            assert!(came == sorted(&whole, stream), "{stream} after {signal} behind {after} bytes");
        }
    }
}

#[test]
fn each_has_the_namespace_that_its_own_entry_of_the_catalog_gives() {
    let sandbox = sandbox();
    let mut catalog = crate::harness::catalog(&chosen(&["BOOKING", "BOOKING_TRIP"]));
    catalog["streams"][1]["stream"]["namespace"] = json!("travel");
    let run = Connector::against(&sandbox).catalog(catalog).read();
    let mut namespaces = BTreeMap::new();
    for message in run.of_type("RECORD") {
        let record = &message["record"];
        namespaces.insert(record["stream"].as_str().unwrap().to_owned(), record["namespace"].clone());
    }
    assert_eq!(
        namespaces,
        BTreeMap::from([("BOOKING".to_owned(), Value::Null), ("BOOKING_TRIP".to_owned(), json!("travel"))])
    );
}

/// What is found in a row is said of the streams that have it in their rows, in one's name.
#[test]
fn what_is_found_is_told_in_the_name_of_a_stream_that_has_it() {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let settings = Settings { bookings: 2_000, transactions: 5, users: 5, new_field_every: 1, now, ..Settings::odd() };
    let sandbox = Sandbox::start(settings).unwrap();
    let told = |names: &[&str]| {
        let run = Connector::against(&sandbox).streams(&chosen(names)).read();
        let lines = run.logs("WARN").into_iter().chain(run.logs("INFO"));
        let lines: Vec<_> = lines.filter(|line| line.contains("_extra")).map(str::to_owned).collect();
        lines
    };
    // Numbers and fields that only the booking itself has.
    let alone = told(&["BOOKING"]);
    assert!(alone.iter().any(|line| line.starts_with("BOOKING: `flightMiles`")), "{alone:?}");
    assert!(alone.iter().any(|line| line.starts_with("BOOKING: the schema does not know")), "{alone:?}");
    assert_eq!(told(&["BOOKING", "BOOKING_TRIP"]), alone);
    assert_eq!(told(&["BOOKING_TRIP", "BOOKING_SEGMENT"]), Vec::<String>::new());
}
