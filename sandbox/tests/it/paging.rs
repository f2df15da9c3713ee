//! Bookings and users, page by page.

use std::collections::HashSet;

use serde_json::Value;

use crate::client::{BOOKINGS, Client, json, noon, sandbox};

/// All rows behind the target, following its page numbers, and the total that was told.
fn read(client: &Client, target: &str) -> (u64, Vec<Value>) {
    let mut rows = Vec::new();
    for number in 0.. {
        let answer = client.json(&format!("{target}&page={number}"));
        assert_eq!(answer["page"]["currentPage"], number);
        rows.extend_from_slice(answer["data"].as_array().unwrap());
        if number + 1 >= answer["page"]["totalPages"].as_u64().unwrap() {
            return (answer["page"]["totalElements"].as_u64().unwrap(), rows);
        }
    }
    unreachable!()
}

#[test]
fn pages_add_up_to_the_total_and_to_what_is_expected() {
    let sandbox = sandbox(|settings| settings.bookings = 1_234);
    let client = Client::new(&sandbox);
    let (total, rows) = read(&client, BOOKINGS);
    assert_eq!((total, rows.len()), (1_234, 1_234));
    let keys: HashSet<_> = rows.iter().map(|row| row["uuid"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 1_234);
    let body = client.get(BOOKINGS).body_mut().read_to_string().unwrap();
    let latest: Vec<_> = sandbox.bookings().collect();
    for row in latest.iter().rev().take(100) {
        assert!(body.contains(row.as_str()), "{row}");
    }
    assert_eq!(sandbox.ground_truth().booking.rows, 1_234);
}

#[test]
fn creation_times_are_inclusive_seconds() {
    let sandbox = sandbox(|settings| settings.bookings = 5_000);
    let client = Client::new(&sandbox);
    let seconds: Vec<i64> = sandbox
        .bookings()
        .map(|row| {
            let row: Value = serde_json::from_str(&row).unwrap();
            let created: chrono::DateTime<chrono::Utc> = row["created"].as_str().unwrap().parse().unwrap();
            created.timestamp()
        })
        .collect();
    assert!(seconds.is_sorted());
    assert!(seconds.windows(2).any(|two| two[0] == two[1]));
    for (from, to) in [(100, 200), (2_500, 2_500), (0, 4_999)] {
        let (from, to) = (seconds[from], seconds[to]);
        let target = format!("/v1/bookings?createdFrom={from}&createdTo={to}&size=100");
        let expected = seconds.iter().filter(|at| (from..=to).contains(at)).count();
        assert_eq!(client.json(&target)["page"]["totalElements"], expected);
    }
}

#[test]
fn a_wrong_request_gets_navans_errors() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    assert_eq!(client.status("/v1/bookings"), 500);
    assert_eq!(client.status("/v1/bookings?createdFrom=2026-01-01&createdTo=2026-02-01"), 500);
    assert_eq!(client.status("/v1/bookings?createdFrom=0&createdTo=9&size=101"), 400);
    assert_eq!(client.status("/v1/bookings?createdFrom=0&createdTo=9&size=0"), 400);
    let unknown = client.get("/v1/trips");
    assert_eq!(unknown.status().as_u16(), 404);
    assert_eq!(json(unknown)["error"]["code"], "NOT_FOUND");
    let empty = client.json("/v1/bookings?createdFrom=0&createdTo=9");
    let page = serde_json::json!({"totalPages": 0, "currentPage": 0, "pageSize": 10, "totalElements": 0});
    assert_eq!(empty, serde_json::json!({"data": [], "page": page}));
}

#[test]
fn users_come_in_both_forms() {
    let sandbox = sandbox(|settings| settings.users = 230);
    let client = Client::new(&sandbox);
    let (total, rows) = read(&client, "/v1/users?size=100");
    assert_eq!((total, rows.len()), (230, 230));
    let scim = client.json("/v1/users?startIndex=200&count=100");
    assert_eq!(scim["totalResults"], 230);
    assert_eq!(scim["Resources"].as_array().unwrap()[..], rows[200..]);
}

#[test]
fn changes_show_in_the_next_answer() {
    let sandbox = sandbox(|settings| settings.bookings = 50);
    let client = Client::new(&sandbox);
    let before = sandbox.bookings().nth(3).unwrap();
    assert!(sandbox.touch_booking(3));
    let after = sandbox.bookings().nth(3).unwrap();
    assert_ne!(before, after);
    assert!(after.contains("\"lastModified\":\"2026-11-22T12:00:"));
    assert_eq!(sandbox.insert_bookings(2), [50, 51]);
    assert!(sandbox.delete_booking(0));
    assert!(!sandbox.delete_booking(0));
    let (total, rows) = read(&client, BOOKINGS);
    assert_eq!((total, rows.len()), (51, 51));
    assert!(rows.contains(&serde_json::from_str(&after).unwrap()));
    let newest = noon().timestamp();
    let target = format!("/v1/bookings?createdFrom={newest}&createdTo={}", newest + 60);
    assert_eq!(client.json(&target)["page"]["totalElements"], 2);
    let inserted = serde_json::json!({"stream": "BOOKING", "count": 3});
    assert_eq!(client.post("/sandbox/insert", &inserted)["indexes"], serde_json::json!([52, 53, 54]));
    assert_eq!(client.json("/sandbox/facts")["BOOKING"]["rows"], 54);
}

#[test]
fn a_million_bookings_are_at_hand() {
    let sandbox = sandbox(|settings| settings.bookings = 1_000_000);
    let client = Client::new(&sandbox);
    let answer = client.json(&format!("{BOOKINGS}&page=9999"));
    assert_eq!(answer["page"]["totalElements"], 1_000_000);
    assert_eq!(answer["data"].as_array().unwrap().len(), 100);
}
