//! Transactions, cursor by cursor.

use std::collections::HashSet;

use navan_sandbox::ExpenseType;
use serde_json::{Value, json};

use crate::client::{Client, FEES, sandbox};

/// Percent-encodes a cursor.
fn encoded(cursor: &str) -> String {
    cursor.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn read(client: &Client, target: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = target.to_owned();
    loop {
        let answer = client.json(&next);
        let content = answer["content"].as_array().unwrap();
        assert_eq!(answer["content_size"], content.len());
        rows.extend_from_slice(content);
        let Some(cursor) = answer["next_cursor"].as_str() else {
            assert_eq!(answer["has_next"], false);
            return rows;
        };
        next = format!("{target}&cursor={}", encoded(cursor));
    }
}

#[test]
fn cursors_lead_through_every_row_once() {
    let sandbox = sandbox(|settings| settings.transactions = 321);
    let client = Client::new(&sandbox);
    for kind in ExpenseType::ALL {
        let target =
            FEES.replace("fees", kind.path()) + "&include_field_group=POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR";
        let rows = read(&client, &target);
        let ids: HashSet<_> = rows.iter().map(|row| row["id"].to_string()).collect();
        assert_eq!((rows.len(), ids.len()), (321, 321));
        let expected: HashSet<String> =
            sandbox.transactions(kind).map(|row| serde_json::from_str::<Value>(&row).unwrap().to_string()).collect();
        assert_eq!(rows.iter().map(Value::to_string).collect::<HashSet<_>>(), expected);
    }
}

#[test]
fn days_are_inclusive_and_add_up() {
    let sandbox = sandbox(|settings| settings.transactions = 500);
    let client = Client::new(&sandbox);
    let window = |from: &str, to: &str| {
        let target = format!("/v1/expense/fees?date_modified.from={from}&date_modified.to={to}");
        let rows = read(&client, &target);
        for row in &rows {
            let day = row["modified_timestamp"].as_str().unwrap()[..10].to_owned();
            assert!(*from <= *day && *day <= *to, "{day}");
        }
        rows.len()
    };
    let parts =
        window("2026-09-01", "2026-09-30") + window("2026-10-01", "2026-10-01") + window("2026-10-02", "2026-11-22");
    assert_eq!(parts, 500);
}

#[test]
fn dates_sizes_and_cursors_are_checked() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let status = |query: &str| client.status(&format!("/v1/expense/fees?{query}"));
    assert_eq!(status("date_modified.from=2026-09-01&date_modified.to=2026-12-03"), 200);
    for wrong in [
        "",
        "date_modified.from=2026-09-01",
        "date_modified.from=2026-08-31&date_modified.to=2026-09-05",
        "date_modified.from=2026-09-01&date_modified.to=2026-12-04",
        "date_modified.from=2026-09-05&date_modified.to=2026-09-04",
        "date_modified.from=2026-9-01&date_modified.to=2026-09-05",
        "date_modified.from=2026-09-01&date_modified.to=2026-09-05&page_size=501",
        "date_modified.from=2026-09-01&date_modified.to=2026-09-05&cursor=abc",
        "date_modified.from=2026-09-01&date_modified.to=2026-09-05&include_field_group=ALL",
    ] {
        assert_eq!(status(wrong), 400, "{wrong}");
    }
    let cursor = client.json(FEES)["next_cursor"].as_str().map(encoded).unwrap();
    assert_eq!(client.status(&format!("{FEES}&cursor={cursor}")), 200);
    let foreign = FEES.replace("09-01", "09-02");
    assert_eq!(client.status(&format!("{foreign}&cursor={cursor}")), 400);
    assert_eq!(client.status("/v1/expense/gifts"), 404);
}

#[test]
fn a_new_month_moves_the_retention_start() {
    let sandbox = sandbox(|_| {});
    let mut client = Client::new(&sandbox);
    assert_eq!(client.status(FEES), 200);
    sandbox.set_now("2026-12-01T00:00:00Z".parse().unwrap());
    client.renew(&sandbox);
    assert_eq!(client.status(FEES), 400);
}

#[test]
fn a_touched_transaction_moves_to_now() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    assert!(sandbox.touch_transaction(ExpenseType::Fees, 5));
    assert!(sandbox.touch_transaction(ExpenseType::Fees, 5));
    let _ = sandbox.insert_transactions(ExpenseType::Fees, 1);
    let body = json!({"stream": "TRANSACTION", "type": "fees", "index": 7});
    assert_eq!(client.post("/sandbox/touch", &body)["found"], true);
    let rows = read(&client, FEES);
    assert_eq!(rows.len(), 121);
    let now = rows.iter().filter(|row| row["modified_timestamp"].as_str().unwrap() >= "2026-11-22T12:00:00.000Z");
    assert_eq!(now.count(), 3);
}

#[test]
fn types_can_be_refused_and_expense_switched_off() {
    let refusing = sandbox(|settings| {
        settings.refused_types.insert("disputes".to_owned(), 404);
    });
    let client = Client::new(&refusing);
    assert_eq!(client.status(FEES), 200);
    assert_eq!(client.status(&FEES.replace("fees", "disputes")), 404);
    let off = sandbox(|settings| settings.expense_enabled = false);
    assert_eq!(Client::new(&off).status(FEES), 403);
}

#[test]
fn fields_come_by_the_group() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let has = |target: &str, field: &str| read(&client, target).iter().any(|row| row.get(field).is_some());
    assert!(!has(FEES, "booking_details"));
    assert!(has(&format!("{FEES}&include_field_group=BOOKING"), "booking_details"));
}
