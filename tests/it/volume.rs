//! Many rows, and what a second read brings of them.

use std::collections::BTreeSet;

use chrono::Duration;
use navan_sandbox::{Sandbox, Settings};

use crate::harness::{Connector, assert_distinct, at, text_field, transactions};

const MANY: u64 = 20_000;

fn many() -> Sandbox {
    let now = Some(at("2026-11-22T10:00:00Z"));
    Sandbox::start(Settings { bookings: MANY, transactions: 5_000, now, ..Settings::odd() }).unwrap()
}

#[test]
fn every_key_of_20_000_bookings_and_45_000_transactions_comes_exactly_once() {
    let sandbox = many();
    let run = Connector::against(&sandbox).read();
    let bookings: Vec<_> = sandbox.bookings().map(|row| text_field(&row, "uuid").to_owned()).collect();
    let expenses: Vec<_> = transactions(&sandbox).iter().map(|row| text_field(row, "id").to_owned()).collect();
    assert_eq!(assert_distinct(&run.keys("BOOKING")), assert_distinct(&bookings));
    assert_eq!(assert_distinct(&run.keys("TRANSACTION")), assert_distinct(&expenses));
}

#[test]
fn bookings_made_in_a_second_that_two_slices_share_come_once() {
    // About 170 a second, so that wherever slices meet, they share some.
    let (now, first_booking) = (Some(at("2026-11-22T10:00:00Z")), Some(at("2026-11-22T09:58:00Z")));
    let sandbox = Sandbox::start(Settings { bookings: MANY, now, first_booking, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("BOOKING").read();
    assert!(run.states("BOOKING").len() > 2, "it was not cut");
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len() as u64, MANY);
}

#[test]
fn a_second_read_brings_only_the_last_day_of_transactions_and_all_bookings_again() {
    let sandbox = many();
    let first = Connector::against(&sandbox).read();
    let second = Connector::against(&sandbox).state(first.last_states()).read();
    assert_eq!(second.status.code(), Some(0), "{:?}", second.errors());
    let through = at(first.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap());
    let rows = transactions(&sandbox);
    let last_day: BTreeSet<_> = rows
        .iter()
        .filter(|row| at(text_field(row, "modified_timestamp")) >= through - Duration::days(1))
        .map(|row| text_field(row, "id"))
        .collect();
    assert!(!last_day.is_empty());
    assert_eq!(assert_distinct(&second.keys("TRANSACTION")), last_day);
    assert_eq!(assert_distinct(&second.keys("BOOKING")).len() as u64, MANY);
}

#[test]
fn the_lookback_goes_back_as_many_days_as_configured() {
    let sandbox = many();
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    let connector = Connector::against(&sandbox).stream("TRANSACTION").config("lookback_days", 9);
    let second = connector.state(first.last_states()).read();
    let through = at(first.states("TRANSACTION").last().unwrap()["modified_timestamp"].as_str().unwrap());
    let rows = transactions(&sandbox);
    let changed = rows.iter().filter(|row| at(text_field(row, "modified_timestamp")) >= through - Duration::days(9));
    assert_eq!(second.keys("TRANSACTION").len(), changed.count());
}

#[test]
fn bookings_before_the_start_date_are_not_read() {
    let sandbox = many();
    let start = "2026-01-01T00:00:00Z";
    let run = Connector::against(&sandbox).stream("BOOKING").config("start_date", start).read();
    let expected = sandbox.bookings().filter(|row| at(text_field(row, "created")) >= at(start)).count();
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), expected);
}

#[test]
fn a_first_read_of_transactions_begins_at_the_start_date() {
    let sandbox = many();
    let start = "2026-11-01T12:00:00Z";
    let run = Connector::against(&sandbox).stream("TRANSACTION").config("start_date", start).read();
    let rows = transactions(&sandbox);
    let expected = rows.iter().filter(|row| at(text_field(row, "modified_timestamp")) >= at(start)).count();
    assert_eq!(assert_distinct(&run.keys("TRANSACTION")).len(), expected);
}

/// Their keys go to a temporary file, from some 30,000 on.
#[test]
fn as_many_users_as_memory_should_not_hold_come_exactly_once_with_and_without_a_disk() {
    const USERS: u64 = 70_000;
    let sandbox = Sandbox::start(Settings { users: USERS, ..Settings::odd() }).unwrap();
    let connector = || Connector::against(&sandbox).stream("USER").environment("RUST_LOG", "info");
    // Nowhere to put it; no room for any of it; no room for all of it.
    let nowhere = connector().environment("TMPDIR", "/nowhere");
    let cases = [
        (connector(), None),
        (nowhere, Some("stay in memory")),
        (connector().largest_file(200), Some("stay in memory")),
        (connector().largest_file(400), Some("go back to memory")),
    ];
    for (connector, word) in cases {
        let run = connector.read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        assert_eq!(assert_distinct(&run.keys("USER")).len() as u64, USERS);
        let words: Vec<_> = run.logs("INFO").into_iter().filter(|line| line.contains("memory")).collect();
        assert_eq!((words.len(), word.is_none_or(|word| words[0].contains(word))), (usize::from(word.is_some()), true));
    }
}
