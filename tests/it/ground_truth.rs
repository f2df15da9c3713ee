//! What the sandbox has, to compare with what the connector brings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use navan_sandbox::{ExpenseType, Sandbox, Settings};
use serde_json::Value;

/// A company of ten years with 1,000 bookings in their first half, as many in the first half of the rest, and so on, eight
/// times. A reader that halves the range until a slice is small enough gets many slices, one after another.
pub(crate) fn ever_more_bookings(settings: Settings) -> Sandbox {
    let end = "2026-11-22T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let sandbox = Sandbox::start(Settings { now: Some(end), bookings: 0, ..settings }).unwrap();
    for half in 1..=8 {
        for part in 0..100 {
            let ago = TimeDelta::days(3_650) / (1 << half);
            sandbox.set_now(end - ago - ago * part / 100);
            sandbox.insert_bookings(10);
        }
    }
    sandbox.set_now(end);
    sandbox
}

/// The keys that a stream has now.
pub(crate) fn keys(sandbox: &Sandbox, stream: &str) -> BTreeSet<String> {
    match stream {
        "BOOKING" => field(sandbox.bookings(), "uuid").into_iter().collect(),
        "USER" => field(sandbox.users(), "id").into_iter().collect(),
        _ => ExpenseType::ALL.into_iter().flat_map(|kind| changes(sandbox, kind).into_keys()).collect(),
    }
}

/// The bookings, and when each was created.
pub(crate) fn creations(sandbox: &Sandbox) -> BTreeMap<String, DateTime<Utc>> {
    timed(sandbox.bookings(), "uuid", "created")
}

/// The transactions of a type, and when each last changed.
pub(crate) fn changes(sandbox: &Sandbox, kind: ExpenseType) -> BTreeMap<String, DateTime<Utc>> {
    timed(sandbox.transactions(kind), "id", "modified_timestamp")
}

/// A text field of each row, in order.
pub(crate) fn field(rows: impl Iterator<Item = String>, name: &str) -> Vec<String> {
    rows.map(|row| text(&parsed(&row), name)).collect()
}

/// A time as rows and states have it.
pub(crate) fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not a time: {value}"))
}

fn timed(rows: impl Iterator<Item = String>, key: &str, name: &str) -> BTreeMap<String, DateTime<Utc>> {
    rows.map(|row| parsed(&row)).map(|row| (text(&row, key), time(&row[name]))).collect()
}

fn parsed(row: &str) -> Value {
    serde_json::from_str(row).unwrap()
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap().to_owned()
}
