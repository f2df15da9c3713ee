//! What is in the rows.

use std::collections::HashSet;

use navan_sandbox::{ExpenseType, Sandbox};
use serde_json::Value;

use crate::client::{BOOKINGS, Client, sandbox};

fn parsed(rows: impl Iterator<Item = String>) -> Vec<Value> {
    rows.map(|row| serde_json::from_str(&row).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let rows = |seed| {
        let sandbox = sandbox(|settings| settings.seed = seed);
        let of = |sandbox: &Sandbox| -> Vec<String> {
            sandbox.bookings().chain(sandbox.users()).chain(sandbox.transactions(ExpenseType::Repayments)).collect()
        };
        of(&sandbox)
    };
    assert_eq!(rows(7), rows(7));
    assert!(rows(7) != rows(8));
}

#[test]
fn rows_are_about_as_big_as_navans() {
    let sandbox = sandbox(|settings| (settings.bookings, settings.transactions) = (5_000, 5_000));
    let truth = sandbox.ground_truth();
    let booking = truth.booking.bytes / truth.booking.rows;
    assert!((2_800..3_200).contains(&booking), "{booking}");
    let transaction = truth.transaction.bytes / truth.transaction.rows;
    assert!((1_100..1_300).contains(&transaction), "{transaction}");
}

#[test]
fn each_seventh_booking_wavers_and_no_other() {
    let sandbox = sandbox(|_| {});
    for (row, index) in parsed(sandbox.bookings()).iter().zip(1..) {
        let wavers = index % 7 == 0;
        assert_eq!(row["outOfPolicyViolations"] == "", wavers);
        assert_eq!(row["outOfPolicyViolationTypes"] == "", wavers);
        assert_eq!(row["startDate"].as_str().unwrap().len() > 10, wavers);
        for name in ["domestic", "preferredVendor", "corporateDiscountUsed", "flight"] {
            assert_eq!(row[name].is_boolean(), wavers);
        }
    }
}

#[test]
fn numbers_come_in_every_precision_and_strings_in_every_form() {
    let sandbox = sandbox(|settings| settings.bookings = 2_000);
    let all: String = sandbox.bookings().collect();
    for piece in [
        ":123.45678901234567890123",
        ":18446744073709551617",
        "E+3",
        "\\u00e9",
        "\\ud83d\\ude80",
        "\\n",
        "\\\"",
        "小龙",
    ] {
        assert!(all.contains(piece), "{piece}");
    }
}

#[test]
fn plain_numbers_are_few_digits_in_plain_form() {
    let sandbox = sandbox(|settings| (settings.bookings, settings.odd_numbers) = (2_000, false));
    let all: String = sandbox.bookings().collect();
    let numbers = all.split([':', ',', '[', '{', '}', ']']).filter(|piece| piece.parse::<f64>().is_ok());
    let odd: Vec<_> = numbers.filter(|number| number.len() > 12 || number.contains(['e', 'E'])).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn transactions_refer_to_real_bookings() {
    let sandbox = sandbox(|settings| settings.transactions = 1_000);
    let bookings: HashSet<String> =
        parsed(sandbox.bookings()).iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect();
    let rows = parsed(sandbox.transactions(ExpenseType::CardTransactions));
    let references: Vec<_> =
        rows.iter().filter_map(|row| row["booking_details"]["navan_booking_uuids"].as_str()).collect();
    assert!(references.len() > 100);
    assert!(references.iter().all(|uuid| bookings.contains(*uuid)));
}

#[test]
fn pretty_and_compressed_answers_are_the_same_rows() {
    let plain = sandbox(|_| {});
    let expected = Client::new(&plain).json(BOOKINGS);
    let pretty = sandbox(|settings| settings.pretty = true);
    let body = Client::new(&pretty).get(BOOKINGS).body_mut().read_to_string().unwrap();
    assert!(body.lines().count() > 1_000);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    let compressing = sandbox(|settings| settings.gzip = true);
    let client = Client::new(&compressing);
    assert_eq!(client.json(BOOKINGS), expected);
    // Who does not ask for it does not get it.
    let raw = client.raw(BOOKINGS);
    assert!(String::from_utf8_lossy(&raw).contains("{\"data\":["));
}
