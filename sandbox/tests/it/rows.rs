//! What is in the rows.

use std::collections::HashSet;

use navan_sandbox::{ExpenseType, Sandbox};
use serde_json::Value;

use crate::client::{BOOKINGS, Client, FEES, sandbox};

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
fn each_seventh_booking_has_inconsistent_types_and_no_other() {
    let sandbox = sandbox(|_| {});
    for (row, index) in parsed(sandbox.bookings()).iter().zip(1..) {
        let inconsistent = index % 7 == 0;
        assert_eq!(row["outOfPolicyViolations"] == "", inconsistent);
        assert_eq!(row["outOfPolicyViolationTypes"] == "", inconsistent);
        assert_eq!(row["startDate"].as_str().unwrap().len() > 10, inconsistent);
        for name in ["domestic", "preferredVendor", "corporateDiscountUsed", "flight"] {
            assert_eq!(row[name].is_boolean(), inconsistent);
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

/// The rows of each stream.
fn streams(sandbox: &Sandbox) -> [Vec<Value>; 3] {
    let transactions = ExpenseType::ALL.into_iter().flat_map(|kind| sandbox.transactions(kind));
    [parsed(sandbox.bookings()), parsed(transactions), parsed(sandbox.users())]
}

/// The names of an object's fields, in order.
fn field_names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// How many pairs of fields come in both orders.
fn pairs_in_both_orders<'a>(objects: impl IntoIterator<Item = &'a Value>) -> usize {
    let mut pairs = HashSet::new();
    for object in objects {
        let names = field_names(object);
        for (nth, first) in names.iter().enumerate() {
            pairs.extend(names[nth + 1..].iter().map(|second| (*first, *second)));
        }
    }
    pairs.iter().filter(|(first, second)| pairs.contains(&(*second, *first))).count()
}

#[test]
fn all_rows_of_a_stream_have_one_order_of_fields() {
    let sandbox = sandbox(|settings| settings.new_field_every = 5);
    for rows in streams(&sandbox) {
        assert_eq!(pairs_in_both_orders(&rows), 0);
    }
}

#[test]
fn shuffled_rows_have_the_same_fields_in_orders_of_their_own() {
    let (plain, shuffled) = (sandbox(|_| {}), sandbox(|settings| settings.shuffle_fields = true));
    for (plain, shuffled) in streams(&plain).into_iter().zip(streams(&shuffled)) {
        assert!(pairs_in_both_orders(&shuffled) > 100);
        assert_eq!(plain, shuffled);
    }
}

#[test]
fn objects_in_a_row_are_shuffled_too() {
    let sandbox = sandbox(|settings| settings.shuffle_fields = true);
    let bookings = parsed(sandbox.bookings());
    assert!(pairs_in_both_orders(bookings.iter().map(|row| &row["booker"])) > 20);
    assert!(pairs_in_both_orders(bookings.iter().map(|row| &row["passengers"][0])) > 2);
}

#[test]
fn shuffled_rows_are_the_same_each_time() {
    let rows = || sandbox(|settings| settings.shuffle_fields = true).bookings().collect::<Vec<_>>();
    assert_eq!(rows(), rows());
}

#[test]
fn shuffled_rows_are_served_as_the_sandbox_says() {
    let sandbox = sandbox(|settings| {
        settings.shuffle_fields = true;
        (settings.bookings, settings.transactions, settings.users) = (40, 40, 40);
    });
    let client = Client::new(&sandbox);
    let fees = format!("{FEES}&include_field_group=POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR");
    for (target, rows) in [
        (BOOKINGS, sandbox.bookings().collect::<Vec<_>>()),
        (&fees, sandbox.transactions(ExpenseType::Fees).collect()),
        ("/v1/users?size=100", sandbox.users().collect()),
    ] {
        let body = client.get(target).body_mut().read_to_string().unwrap();
        assert_eq!(rows.iter().filter(|row| body.contains(row.as_str())).count(), 40, "{target}");
    }
}

#[test]
fn a_pretty_response_keeps_the_order_of_its_fields() {
    let sandbox = sandbox(|settings| (settings.pretty, settings.shuffle_fields) = (true, true));
    let response = Client::new(&sandbox).json("/v1/users?size=100");
    let names: Vec<_> = response["data"].as_array().unwrap().iter().map(field_names).collect();
    assert_eq!(names, parsed(sandbox.users()).iter().map(field_names).collect::<Vec<_>>());
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
