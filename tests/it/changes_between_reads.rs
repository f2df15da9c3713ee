//! Rows that appear or change between two reads.

use navan_sandbox::{ExpenseType, Sandbox, Settings};

use crate::harness::{Connector, Run, assert_distinct, at};
use crate::promised::promised;

const KIND: ExpenseType = ExpenseType::ManualTransactions;

/// Reads, lets `change` happen two days later, and reads again from the state of the first read.
fn read_twice(change: impl FnOnce(&Sandbox)) -> (Sandbox, Run, Run) {
    let sandbox = Sandbox::start(Settings { now: Some(at("2026-11-22T10:00:00Z")), ..Settings::odd() }).unwrap();
    let first = Connector::against(&sandbox).read();
    sandbox.set_now(at("2026-11-24T10:00:00Z"));
    change(&sandbox);
    sandbox.set_now(at("2026-11-24T11:00:00Z"));
    let second = Connector::against(&sandbox).state(first.last_states()).read();
    assert_eq!(second.status.code(), Some(0), "{:?}", second.errors());
    (sandbox, first, second)
}

#[test]
fn new_transactions_arrive_in_the_second_read() {
    let (_sandbox, first, second) = read_twice(|sandbox| {
        sandbox.insert_transactions(KIND, 17);
    });
    let (before, after) = (first.keys("TRANSACTION"), second.keys("TRANSACTION"));
    assert_eq!(assert_distinct(&after).difference(&assert_distinct(&before)).count(), 17);
}

#[test]
fn a_changed_transaction_arrives_again_in_its_new_form() {
    let (sandbox, first, second) = read_twice(|sandbox| {
        assert!(sandbox.touch_transaction(KIND, 3));
    });
    let changed = promised("TRANSACTION", &sandbox.transactions(KIND).last().unwrap()); // the latest change
    assert!(second.raw_records("TRANSACTION").contains(&changed.as_str()));
    assert!(!first.raw_records("TRANSACTION").contains(&changed.as_str()));
}

#[test]
fn new_bookings_arrive_in_the_second_read() {
    let (sandbox, first, second) = read_twice(|sandbox| {
        sandbox.insert_bookings(5);
    });
    assert_eq!(assert_distinct(&second.keys("BOOKING")).len(), first.keys("BOOKING").len() + 5);
    assert_eq!(second.keys("BOOKING").len(), sandbox.bookings().count());
}

#[test]
fn a_changed_booking_arrives_in_its_new_form() {
    let (sandbox, first, second) = read_twice(|sandbox| {
        assert!(sandbox.touch_booking(0));
    });
    let changed = promised("BOOKING", &sandbox.bookings().next().unwrap());
    assert!(second.raw_records("BOOKING").contains(&changed.as_str()));
    assert!(!first.raw_records("BOOKING").contains(&changed.as_str()));
}

#[test]
fn new_and_changed_users_arrive_in_the_second_read() {
    let (sandbox, first, second) = read_twice(|sandbox| {
        sandbox.insert_users(2);
        assert!(sandbox.touch_user(0));
    });
    let changed = sandbox.users().next().unwrap();
    assert!(second.raw_records("USER").contains(&changed.as_str()));
    assert_eq!(second.keys("USER").len(), first.keys("USER").len() + 2);
}
