//! The values of records: Navan's own bytes, brought to the types of the schemas.

use std::collections::BTreeMap;

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, all_streams, at, streams, text_field, transactions};
use crate::promised::promised;

fn read(settings: Settings) -> (Sandbox, Run) {
    let sandbox = Sandbox::start(settings).unwrap();
    let run = Connector::against(&sandbox).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    (sandbox, run)
}

/// The rows of each stream, as the schemas promise them.
fn expected(sandbox: &Sandbox) -> [(&'static str, Vec<String>); 3] {
    let rows = [
        ("BOOKING", sandbox.bookings().collect()),
        ("TRANSACTION", transactions(sandbox)),
        ("USER", sandbox.users().collect::<Vec<_>>()),
    ];
    rows.map(|(stream, rows)| (stream, rows.iter().map(|row| promised(stream, row)).collect()))
}

/// That the records are exactly these rows, byte for byte.
fn assert_records(run: &Run, stream: &str, rows: &[String]) {
    let key = if stream == "BOOKING" { "uuid" } else { "id" };
    let rows: BTreeMap<_, _> = rows.iter().map(|row| (text_field(row, key), row.as_str())).collect();
    let records = run.raw_records(stream);
    assert_eq!(records.len(), rows.len(), "{stream}");
    for record in records {
        assert_eq!(Some(&record), rows.get(text_field(record, key)), "{stream}");
    }
}

/// That the records are these rows as JSON values.
fn assert_same_values(run: &Run, stream: &str, rows: &[String]) {
    let key = if stream == "BOOKING" { "uuid" } else { "id" };
    let key_of = |row: &Value| row[key].as_str().unwrap().to_owned();
    let rows = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let rows: BTreeMap<_, _> = rows.map(|row| (key_of(&row), row)).collect();
    let records = run.records(stream);
    assert_eq!(records.len(), rows.len(), "{stream}");
    for record in records {
        assert_eq!(Some(record), rows.get(&key_of(record)), "{stream}");
    }
}

#[test]
fn records_are_the_bytes_that_navan_sent() {
    let (sandbox, run) = read(Settings { mixed_types_every: 0, bookings: 1_000, ..Settings::odd() });
    for (stream, rows) in expected(&sandbox) {
        assert_records(&run, stream, &rows);
    }
}

#[test]
fn inconsistent_types_are_coerced_to_the_schema_and_all_else_stays() {
    let (sandbox, run) = read(Settings { mixed_types_every: 3, bookings: 1_000, ..Settings::odd() });
    let rows: Vec<_> = sandbox.bookings().map(|row| promised("BOOKING", &row)).collect();
    let with_empty_text = sandbox.bookings().filter(|row| row.contains(r#""outOfPolicyViolations":"""#)).count();
    assert_eq!(with_empty_text, 333);
    assert_records(&run, "BOOKING", &rows);
}

#[test]
fn json_spread_over_lines_arrives_in_its_compact_form() {
    let (sandbox, run) = read(Settings { pretty: true, mixed_types_every: 0, ..Settings::odd() });
    for (stream, rows) in expected(&sandbox) {
        assert_records(&run, stream, &rows);
    }
}

#[test]
fn inconsistent_types_spread_over_lines_are_coerced_too() {
    let (sandbox, run) = read(Settings { pretty: true, mixed_types_every: 2, ..Settings::odd() });
    let rows: Vec<_> = sandbox.bookings().map(|row| promised("BOOKING", &row)).collect();
    assert_records(&run, "BOOKING", &rows);
}

#[test]
fn fields_in_another_order_on_each_row_arrive_as_they_were_sent() {
    let (sandbox, run) = read(Settings { shuffle_fields: true, mixed_types_every: 0, ..Settings::odd() });
    for (stream, rows) in expected(&sandbox) {
        assert_same_values(&run, stream, &rows);
    }
}

#[test]
fn inconsistent_types_are_coerced_in_any_order_of_fields() {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let settings = Settings { mixed_types_every: 2, now, ..Settings::odd() };
    let (_sandbox, run) = read(Settings { shuffle_fields: true, ..settings.clone() });
    let in_one_order = Sandbox::start(settings).unwrap();
    let rows: Vec<_> = in_one_order.bookings().map(|row| promised("BOOKING", &row)).collect();
    assert_same_values(&run, "BOOKING", &rows);
}

#[test]
fn compressed_answers_bring_the_same_bytes() {
    let (sandbox, run) = read(Settings { gzip: true, mixed_types_every: 0, ..Settings::odd() });
    for (stream, rows) in expected(&sandbox) {
        assert_records(&run, stream, &rows);
    }
}

#[test]
fn numbers_beyond_64_bits_long_decimals_and_escapes_survive() {
    let (_sandbox, run) = read(Settings { bookings: 5_000, ..Settings::odd() });
    let records = run.raw_records("BOOKING").join("\n") + &run.raw_records("TRANSACTION").join("\n");
    for bytes in [
        ":340282366920938463463374607431768211456",
        ":18446744073709551617",
        ":0.1000000000000000055511151231257827",
        ":9007199254740993.01",
        ":1.25E+3",
        ":6.02214076e23",
        ":1200.00",
        r"NRT \u2192 JFK",
        "Kostenträger",
        r"Jos\u00e9, Zo\u00eb, 李",
    ] {
        assert!(records.contains(bytes), "{bytes}");
    }
}

#[test]
fn a_field_that_is_in_no_schema_passes() {
    let (sandbox, run) = read(Settings { new_field_every: 5, mixed_types_every: 0, ..Settings::odd() });
    for (stream, rows) in expected(&sandbox) {
        assert!(rows.iter().any(|row| row.contains("neverSeenBefore")), "{stream}");
        assert_records(&run, stream, &rows);
    }
}

#[test]
fn every_record_is_as_its_schema_says() {
    let (_sandbox, run) =
        read(Settings { bookings: 1_000, mixed_types_every: 2, new_field_every: 5, ..Settings::odd() });
    for &(stream, _) in streams() {
        let path = format!("schemas/{}.json", stream.to_lowercase());
        let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        allow_local_times(&mut schema);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for record in run.records(stream) {
            let errors: Vec<_> = validator.iter_errors(record).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(errors.is_empty(), "{stream}: {errors:?}");
        }
    }
}

#[test]
fn rows_without_oddities_pass_without_a_word() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let run = Connector::against(&sandbox).streams(all_streams()).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert!(run.logs("WARN").is_empty(), "{:?}", run.logs("WARN"));
    assert!(!run.stdout.contains("\"_extra\""));
}

/// JSON Schema's `date-time` wants an offset, which a local time does not have.
fn allow_local_times(schema: &mut Value) {
    if schema.get("airbyte_type").is_some_and(|kind| kind == "timestamp_without_timezone") {
        schema.as_object_mut().unwrap().remove("format");
        schema["pattern"] = json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$");
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(allow_local_times),
        Value::Array(items) => items.iter_mut().for_each(allow_local_times),
        _ => {}
    }
}

#[test]
fn nothing_that_the_sandbox_sends_is_reported_as_schema_drift() {
    let settings = Settings { bookings: 1_000, mixed_types_every: 2, odd_numbers: false, ..Settings::odd() };
    let (_sandbox, run) = read(settings);
    assert!(run.logs("WARN").is_empty(), "{:?}", run.logs("WARN"));
}
