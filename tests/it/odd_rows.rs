//! Rows as Navan should not send them: each is written, and each record loads.

use serde_json::{Value, json};

use crate::harness::{Run, state_file};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page, list_page};

const FEES: &str = "/v1/expense/fees";
const BOOKINGS: &str = "/v1/bookings";

/// A server that has these fees in the week that is asked for.
fn fees(rows: Value) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| changes_page(rows.as_array().unwrap())))
}

/// What a read of the fees writes, in incremental mode.
fn read_fees(rows: Value) -> Run {
    let run = fees(rows).connector().stream("TRANSACTION").read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    run
}

fn amounts(run: &Run) -> Vec<String> {
    run.records("TRANSACTION").iter().map(|record| record["posted_amount"].to_string()).collect()
}

fn fee(id: impl Into<Value>, modified: impl Into<Value>, amount: u32) -> Value {
    json!({"id": id.into(), "modified_timestamp": modified.into(), "posted_amount": amount.to_string()})
}

#[test]
fn rows_without_a_key_are_not_taken_for_one() {
    let when = "2026-11-20T10:00:00Z";
    for key in [json!(""), json!(null), json!([1])] {
        let run = read_fees(json!([fee(key.clone(), when, 1), fee(key.clone(), when, 2), fee(key.clone(), when, 2)]));
        assert_eq!(amounts(&run), ["1", "2", "2"], "{key}");
        assert!(run.records("TRANSACTION").iter().all(|record| record["id"] == ""), "{key}");
        assert!(run.logs("WARN").iter().any(|line| line.contains("without `id`")), "{:?}", run.logs("WARN"));
    }
}

#[test]
fn a_number_as_key_is_the_same_as_its_text() {
    let (newer, older) = ("2026-11-20T10:00:01Z", "2026-11-20T10:00:00Z");
    let run = read_fees(json!([fee(1, newer, 1), fee("1", older, 2)]));
    assert_eq!(amounts(&run), ["1"]);
    let run = read_fees(json!([fee("1", older, 2), fee(1, newer, 1)]));
    assert_eq!(amounts(&run), ["2", "1"]);
    assert!(run.records("TRANSACTION").iter().all(|record| record["id"] == "1"));
}

#[test]
fn versions_whose_times_cannot_be_read_are_all_written() {
    let when = "2026-11-20T10:00:00Z";
    for (first, second) in [("soon", "soon"), ("soon", when), (when, "soon")] {
        let run = read_fees(json!([fee("t-1", first, 1), fee("t-1", second, 2)]));
        assert_eq!(amounts(&run), ["1", "2"], "{first}, {second}");
    }
    let run = read_fees(json!([fee("t-1", when, 1), fee("t-1", when, 1)]));
    assert_eq!(amounts(&run), ["1"]);
}

/// Rows from before the days that were asked for, from before the look-back, of the read, from behind T0, and from the future.
fn rows_of_all_times() -> Value {
    json!([
        fee("long before", "2025-01-01T00:00:00Z", 1),
        fee("before the look-back", "2026-11-20T00:30:00Z", 2),
        fee("in the look-back", "2026-11-20T12:00:00Z", 3),
        fee("far ahead", "2099-01-01T00:00:00Z", 4),
    ])
}

#[test]
fn a_full_refresh_writes_all_that_it_is_given() {
    let run = fees(rows_of_all_times()).connector().streams(&[("TRANSACTION", "full_refresh")]).read();
    assert_eq!(amounts(&run), ["1", "2", "3", "4"]);
}

#[test]
fn an_incremental_read_leaves_out_only_what_another_read_brings() {
    let state = state_file("TRANSACTION", &json!({"types": {"fees": {"synced_through": "2026-11-21T10:00:00Z"}}}));
    let run = fees(rows_of_all_times()).connector().stream("TRANSACTION").state(state).read();
    assert_eq!(amounts(&run), ["1", "3", "4"]);
    assert!(run.logs("INFO").iter().any(|line| line.contains("1 rows were left out")), "{:?}", run.logs("INFO"));
}

#[test]
fn times_in_any_usual_form_bound_the_windows_alike() {
    type Form = fn(u32) -> String;
    // Without an offset it may be any place's time: what could lie in the look-back is written.
    let forms: [(Form, u32); 8] = [
        (|hour| format!("2026-11-20T{hour:02}:00:00Z"), 10),
        (|hour| format!("2026-11-20T{hour:02}:00:00.000+0000"), 10),
        (|hour| format!("2026-11-20T{hour:02}:00:00+00"), 10),
        (|hour| format!("2026-11-20 {hour:02}:00:00Z"), 10),
        (|hour| format!("2026-11-20T{hour:02}:00Z"), 10),
        (|hour| format!("2026-11-20 {hour:02}:00:00 UTC"), 10),
        (|hour| (1_795_132_800 + 3_600 * u64::from(hour)).to_string(), 10),
        (|hour| format!("2026-11-20 {hour:02}:00:00"), 0),
    ];
    for (form, first) in forms {
        let rows: Vec<_> = (0..24).map(|hour| fee(format!("t-{hour}"), form(hour), 1)).collect();
        let state = state_file("TRANSACTION", &json!({"types": {"fees": {"synced_through": "2026-11-21T10:00:00Z"}}}));
        let run = fees(json!(rows)).connector().stream("TRANSACTION").state(state).read();
        let written: Vec<_> =
            run.records("TRANSACTION").iter().map(|record| record["modified_timestamp"].clone()).collect();
        let expected: Vec<_> = (first..24).map(|hour| json!(format!("2026-11-20T{hour:02}:00:00.000Z"))).collect();
        assert_eq!(written, expected, "{}", form(1));
    }
}

#[test]
fn bookings_with_odd_times_come_once_each_at_the_edges_of_slices() {
    const NUMBER: u32 = 9_000;
    // Three years, one every 10,000 s, so that many lie on the seconds that slices share.
    let created = |number: u32| 1_700_000_000 + number as usize * 10_000;
    let server = ScriptedNavan::start(move |asked: &Asked| {
        (asked.path == BOOKINGS).then(|| {
            let (from, to) = (asked.number("createdFrom"), asked.number("createdTo"));
            let (page, size) = (asked.number("page"), asked.number("size"));
            let all: Vec<_> = (0..NUMBER).filter(|number| (from..=to).contains(&created(*number))).collect();
            let row = |number: &u32| {
                let time = chrono::DateTime::from_timestamp(i64::try_from(created(*number)).unwrap(), 0).unwrap();
                json!({"uuid": format!("b-{number}"), "created": time.format("%Y-%m-%d %H:%M:%S.000+0000").to_string()})
            };
            let rows: Vec<_> = all.iter().skip(page * size).take(size).map(row).collect();
            list_page(&rows, all.len(), all.len().div_ceil(size))
        })
    });
    let run = server.connector().stream("BOOKING").config("start_date", "2023-11-14T22:13:20Z").read();
    let keys = run.keys("BOOKING");
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), distinct.len()), (NUMBER as usize, NUMBER as usize));
}

#[test]
fn one_broken_value_costs_itself_and_not_its_page() {
    for (broken, mended) in
        [(&b"\"Ti\tm\""[..], json!("Ti\tm")), (b"\"caf\xe9\"", json!("caf\u{fffd}")), (b"NaN", json!("NaN"))]
    {
        let row = |number: u32| {
            let value = if number == 7 { broken } else { &b"\"well\""[..] };
            let head = format!(r#"{{"uuid":"b-{number}","created":"2026-11-20T10:00:00Z","purpose":"#);
            [head.as_bytes(), value, b"}"].concat()
        };
        let rows = (0..100).map(row).collect::<Vec<_>>().join(&b","[..]);
        let page = [b"{\"data\":[", &rows[..], b"],\"page\":{\"totalPages\":1,\"totalElements\":100}}"].concat();
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == BOOKINGS && asked.number("page") == 0).then(|| Reply::new(200, page.clone()))
        });
        let run = server.connector().stream("BOOKING").read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        let records = run.records("BOOKING");
        assert_eq!((records.len(), &records[7]["purpose"]), (100, &mended));
        let first = server.asked(BOOKINGS).iter().filter(|asked| asked.number("page") == 0).count();
        assert_eq!(first, 2, "it is asked again first");
        assert!(run.logs("WARN").iter().any(|line| line.contains("was replaced")), "{:?}", run.logs("WARN"));
    }
}

#[test]
fn what_a_column_cannot_hold_is_told_in_the_record() {
    let row = json!({"id": "t-1", "modified_timestamp": "2026-11-20T10:00:00Z", "exchange_rate": "1,234.50", "vat": 3,
        "posted_amount": "12345678901234567890.123456789", "posted_date": 1_763_805_600_000_i64, "flagged": "",
        "flag_reasons": "x"});
    let run = read_fees(json!([row]));
    let record = &run.of_type("RECORD")[0]["record"];
    assert_eq!(record["data"]["exchange_rate"], Value::Null);
    assert_eq!(record["data"]["_extra"], json!({"exchange_rate": "1,234.50", "vat": 3}));
    assert_eq!(record["data"]["posted_date"], "2025-11-22");
    assert_eq!(record["data"]["flagged"], Value::Null);
    assert!(run.stdout.contains(r#""posted_amount":12345678901234567890.123456789,"#));
    let change = json!({"field": "exchange_rate", "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"});
    assert_eq!(record["meta"], json!({"changes": [change]}));
    assert!(run.logs("WARN").iter().any(|line| line.contains("`exchange_rate`")), "{:?}", run.logs("WARN"));
    let summary = run.logs("INFO").into_iter().find(|line| line.contains("undeclared_fields")).expect("a summary");
    assert!(summary.contains(r#""undeclared_fields":{"vat":1}"#), "{summary}");
}
