//! Personal data that is not to pass: in no byte of the output, and tables can still be joined.

use std::collections::{BTreeMap, BTreeSet};

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, all_streams, at};
use crate::odd_answers::assert_error;

const KEY: &str = "a key that nobody would guess";

fn sandbox(settings: Settings) -> Sandbox {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let sizes = Settings { bookings: 300, transactions: 60, users: 40, reference_rows: 8, now, ..settings };
    Sandbox::start(sizes).unwrap()
}

fn connector(sandbox: &Sandbox, mode: &str) -> Connector {
    let streams: Vec<_> = all_streams().iter().copied().chain([("SCIM_USER", "full_refresh")]).collect();
    Connector::against(sandbox)
        .config("scim_url", format!("{}/scim/v2", sandbox.url()))
        .config("scim_token", sandbox.settings().scim_token.clone())
        .config("personal_data", mode)
        .config("personal_data_key", KEY)
        .streams(&streams)
}

fn read(connector: &Connector) -> Run {
    let run = connector.read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    run
}

/// The names, addresses and numbers of the sandbox's people, as its users and bookings have them.
fn people(run: &Run) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |value: &Value| {
        let texts = value.as_str().into_iter().flat_map(|text| text.split(','));
        found.extend(texts.map(|text| text.trim().to_owned()).filter(|text| text.len() > 2));
    };
    for user in run.records("USER").into_iter().chain(run.records("SCIM_USER")) {
        let name = &user["name"];
        let own = ["userName", "employeeId", "phoneNumber", "approver", "managerName", "managerEmail"];
        for field in own {
            add(&user[field]);
        }
        add(&name["givenName"]);
        add(&name["familyName"]);
    }
    for passenger in run.records("BOOKING_PASSENGER") {
        for field in ["person_name", "person_email"] {
            add(&passenger[field]);
        }
    }
    for transaction in run.records("TRANSACTION") {
        for field in ["cardholder", "cardholder_email", "participants"] {
            add(&transaction[field]);
        }
    }
    found
}

/// How many rows of one table find one of another by these columns.
fn matches(run: &Run, (one, left): (&str, &str), (other, right): (&str, &str)) -> usize {
    let values: BTreeSet<_> = run.records(other).into_iter().filter_map(|row| row.pointer(right)?.as_str()).collect();
    let rows = run.records(one).into_iter().filter_map(|row| row.pointer(left)?.as_str());
    rows.filter(|value| values.contains(value)).count()
}

fn joins(run: &Run) -> Vec<usize> {
    let pairs = [
        (("TRANSACTION", "/cardholder_email"), ("USER", "/userName")),
        (("TRANSACTION", "/employee_id"), ("USER", "/employeeId")),
        (("BOOKING", "/booker/email"), ("USER", "/userName")),
        (("BOOKING_PASSENGER", "/person_email"), ("SCIM_USER", "/userName")),
        (("BOOKING_PASSENGER", "/person_name"), ("TRANSACTION", "/cardholder")),
        (("SCIM_USER", "/employee_number"), ("USER", "/employeeId")),
        (("USER", "/managerEmail"), ("USER", "/userName")),
        (("TRANSACTION", "/id"), ("TRANSACTION_RECEIPT", "/transaction_id")),
        (("BOOKING_SEGMENT", "/booking_uuid"), ("BOOKING", "/uuid")),
    ];
    pairs.into_iter().map(|(one, other)| matches(run, one, other)).collect()
}

fn counts(run: &Run) -> BTreeMap<&str, usize> {
    all_streams().iter().map(|(stream, _)| (*stream, run.records(stream).len())).collect()
}

#[test]
fn no_person_is_in_the_output_and_every_join_gives_what_it_gave() {
    for settings in [Settings::default(), Settings { new_field_every: 3, shuffle_fields: true, ..Settings::odd() }] {
        let sandbox = sandbox(settings);
        let passed = read(&connector(&sandbox, "pass"));
        let people = people(&passed);
        assert!(people.len() > 100, "{people:?}");
        let found = |run: &Run, person: &str| run.stdout.contains(person) || run.stderr.contains(person);
        assert!(people.iter().all(|person| found(&passed, person)));
        for mode in ["hash", "drop"] {
            let run = read(&connector(&sandbox, mode).debug());
            let seen: Vec<_> = people.iter().filter(|person| found(&run, person)).collect();
            assert!(seen.is_empty(), "{mode}: {seen:?}");
            assert_eq!(counts(&run), counts(&passed), "{mode}");
            assert!(!run.stdout.contains(KEY));
            if mode == "hash" {
                let expected = joins(&passed);
                assert_eq!(joins(&run), expected);
                assert!(expected.iter().all(|count| *count > 10), "{expected:?}");
            }
        }
    }
}

#[test]
fn the_same_key_gives_the_same_hashes_and_another_one_others() {
    let sandbox = sandbox(Settings::default());
    let names = |connector: Connector| {
        let run = read(&connector.streams(&[("USER", "full_refresh")]));
        run.records("USER").into_iter().map(|user| user["userName"].clone()).collect::<Vec<_>>()
    };
    let hashed = names(connector(&sandbox, "hash"));
    assert_eq!(names(connector(&sandbox, "hash")), hashed);
    let others = names(connector(&sandbox, "hash").config("personal_data_key", "another key of some length"));
    assert!(hashed.iter().all(|name| name.as_str().unwrap().len() == 64 && !others.contains(name)));
}

#[test]
fn what_is_configured_wrongly_is_told_before_anything_is_read() {
    let sandbox = sandbox(Settings::default());
    let cases = [
        ("personal_data_key", json!("short"), "16 characters"),
        ("personal_data_key", json!(null), "16 characters"),
        ("personal_data_exceptions", json!(["BOOKING.nothing"]), "has no field \"nothing\""),
        ("personal_data_exceptions", json!(["TRAVELLER.name"]), "no stream \"TRAVELLER\""),
        ("personal_data_exceptions", json!(["BOOKING_PASSENGER.person_name"]), "follow those of BOOKING"),
        ("personal_data_exceptions", json!(["BOOKING"]), "has no field"),
    ];
    for (property, value, says) in cases {
        let run = connector(&sandbox, "hash").config(property, value).read();
        assert_error(&run, "config_error", says);
        assert!(run.of_type("RECORD").is_empty());
    }
}
