//! Rows that come, go and change while they are read.
//!
//! Each test was seen to fail with a safeguard switched off:
//!
//! - a list swept once only: both tests that no row is lost, and those of the rows added and of the warning;
//! - every row written, seen before or not: `no_row_is_repeated_when_others_are_added_before_it` and
//!   `rows_added_among_others_come_as_well`;
//! - BOOKING's range ending 30 days after the start of the read: `bookings_created_during_a_read_belong_to_the_next`;
//! - TRANSACTION's last state being the end of the read instead of its start: all three tests of transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use navan_sandbox::{ExpenseType, Faults, PagedStream, RowDrift, Sandbox, Settings};
use serde_json::json;

use crate::ground_truth;
use crate::harness::{Connector, Run, assert_distinct, text_field};
use crate::process::{Process, wait_until_stable};

/// Reads a stream while its rows move: `insert`, `touch` and `delete` so many after every third page, twice.
/// One request at a time, so that each run is the same.
fn read_while_moving(stream: PagedStream, insert: u64, touch: u64, delete: u64) -> (Run, BTreeSet<String>) {
    let drift = Some(RowDrift { stream, every_pages: 3, insert, touch, delete, max: 2 });
    let settings = Settings { bookings: 950, users: 950, ..Settings::odd() };
    let sandbox = Sandbox::start(Settings { faults: Faults { drift, ..Faults::default() }, ..settings }).unwrap();
    let name = name(stream);
    let before = ground_truth::keys(&sandbox, name);
    let run = Connector::against(&sandbox).stream(name).config("max_concurrency", 1).read();
    let stayed = before.intersection(&ground_truth::keys(&sandbox, name)).cloned().collect();
    (run, stayed)
}

fn name(stream: PagedStream) -> &'static str {
    match stream {
        PagedStream::Booking => "BOOKING",
        PagedStream::User => "USER",
    }
}

fn lost(run: &Run, stream: PagedStream, stayed: &BTreeSet<String>) -> usize {
    let keys = run.keys(name(stream));
    let came: BTreeSet<_> = keys.iter().collect();
    stayed.iter().filter(|key| !came.contains(key)).count()
}

#[test]
fn no_row_is_lost_when_others_are_removed_before_it() {
    for stream in [PagedStream::Booking, PagedStream::User] {
        let (run, stayed) = read_while_moving(stream, 0, 1, 5);
        assert_eq!(lost(&run, stream, &stayed), 0, "{stream:?}");
    }
}

#[test]
fn no_row_is_lost_when_more_are_removed_than_are_added() {
    for stream in [PagedStream::Booking, PagedStream::User] {
        let (run, stayed) = read_while_moving(stream, 3, 2, 9);
        assert_eq!(lost(&run, stream, &stayed), 0, "{stream:?}");
    }
}

/// The total stays as it was, no key repeats, and there are as many keys as the total says. Seen to fail
/// if one consistent sweep is enough.
#[test]
fn a_user_removed_in_front_and_one_added_behind_cost_no_other() {
    let sandbox = Sandbox::start(Settings { users: 2_000, ..Settings::odd() }).unwrap();
    let connector = Connector::against(&sandbox).stream("USER").config("max_concurrency", 1);
    let process = Process::start_read(&connector);
    wait_until_stable(|| sandbox.counts().requests); // it is blocked after some pages, since nothing reads its stdout
    assert!(sandbox.delete_user(0));
    sandbox.insert_users(1);
    let stayed = ground_truth::keys(&sandbox, "USER");
    assert_eq!(lost(&process.finish(), PagedStream::User, &stayed), 0);
}

#[test]
fn no_row_is_repeated_when_others_are_added_before_it() {
    for stream in [PagedStream::Booking, PagedStream::User] {
        let (run, _) = read_while_moving(stream, 4, 1, 0);
        assert_distinct(&run.keys(name(stream)));
    }
}

#[test]
fn rows_added_among_others_come_as_well() {
    for stream in [PagedStream::Booking, PagedStream::User] {
        let (run, _) = read_while_moving(stream, 4, 1, 0);
        assert_eq!(run.keys(name(stream)).len(), 958, "{stream:?}");
    }
}

#[test]
fn rows_that_never_rest_end_in_a_warning_with_the_numbers() {
    let drift = RowDrift { stream: PagedStream::User, every_pages: 2, insert: 0, touch: 0, delete: 2, max: 1_000 };
    let faults = Faults { drift: Some(drift), ..Faults::default() };
    let sandbox = Sandbox::start(Settings { users: 950, faults, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).stream("USER").config("max_concurrency", 1).read();
    let warnings = run.logs("WARN");
    assert!(warnings.iter().any(|warning| warning.contains("in the last of 3 passes")), "{warnings:?}");
}

/// A read that takes most of a day: it waits for its reader, time goes on, `change`s happen,
/// time goes on again, and the reader takes the rest.
fn read_around(sandbox: &Sandbox, connector: &Connector, change: impl FnOnce()) -> Run {
    let process = Process::start_read(connector);
    wait_until_stable(|| sandbox.counts().requests);
    sandbox.advance(HALF_OF_IT);
    change();
    sandbox.advance(HALF_OF_IT);
    process.finish()
}

const HALF_OF_IT: Duration = Duration::from_hours(11);

/// In the middle of a month, since the earliest day that can be read moves when it turns.
fn settings() -> Settings {
    Settings { now: Some("2026-11-10T10:00:00Z".parse().unwrap()), ..Settings::odd() }
}

/// If the cursor counts rows, those behind one that leaves move up. Seen to lose a row if no window is looked at twice.
#[test]
fn a_transaction_that_leaves_its_window_takes_no_other_with_it() {
    let sandbox = Sandbox::start(Settings { transactions: 20_000, offset_cursors: true, ..settings() }).unwrap();
    let connector = Connector::against(&sandbox).stream("TRANSACTION").config("transaction_types", json!(["fees"]));
    let connector = connector.config("max_concurrency", 1);
    let run = read_around(&sandbox, &connector, || {
        for index in 0..5 {
            assert!(sandbox.touch_transaction(ExpenseType::Fees, index));
        }
    });
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let keys = run.keys("TRANSACTION");
    let came = assert_distinct(&keys);
    let now: BTreeSet<_> =
        sandbox.transactions(ExpenseType::Fees).map(|row| text_field(&row, "id").to_owned()).collect();
    assert_eq!(now.iter().filter(|key| !came.contains(key.as_str())).count(), 0);
    let state = run.states("TRANSACTION").last().unwrap().to_string();
    assert!(!state.contains("unsure"), "{state}");
}

#[test]
fn bookings_created_during_a_read_belong_to_the_next() {
    let sandbox = Sandbox::start(Settings { bookings: 2_000, ..settings() }).unwrap();
    let before = ground_truth::keys(&sandbox, "BOOKING");
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let run = read_around(&sandbox, &connector, || drop(sandbox.insert_bookings(50)));
    let keys = run.keys("BOOKING");
    assert!(assert_distinct(&keys).into_iter().eq(before.iter().map(String::as_str)));
}

#[test]
fn bookings_created_during_a_read_come_with_the_next() {
    let sandbox = Sandbox::start(Settings { bookings: 2_000, ..settings() }).unwrap();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let run = read_around(&sandbox, &connector, || drop(sandbox.insert_bookings(50)));
    let next = Connector::against(&sandbox).stream("BOOKING").state(run.last_states()).read();
    assert_eq!(assert_distinct(&next.keys("BOOKING")).len(), 2_050);
}

/// Three types with enough rows to make a read wait, and nothing else.
fn transactions() -> (Sandbox, impl Fn(&Sandbox) -> Connector) {
    let sandbox = Sandbox::start(Settings { transactions: 1_500, ..settings() }).unwrap();
    let types = vec!["card-transactions", "fees", "repayments"];
    (sandbox, move |sandbox| {
        Connector::against(sandbox).stream("TRANSACTION").config("transaction_types", types.clone())
    })
}

const TYPES: [ExpenseType; 3] = [ExpenseType::CardTransactions, ExpenseType::Fees, ExpenseType::Repayments];

#[test]
fn transactions_touched_during_a_read_come_as_they_are_by_the_end_of_the_next() {
    let (sandbox, connector) = transactions();
    let first = connector(&sandbox);
    let run = read_around(&sandbox, &first, || {
        for kind in TYPES {
            (0..1_500).step_by(7).for_each(|index| assert!(sandbox.touch_transaction(kind, index)));
        }
    });
    let next = connector(&sandbox).state(run.last_states()).read();
    let mut latest = BTreeMap::new();
    for record in run.records("TRANSACTION").into_iter().chain(next.records("TRANSACTION")) {
        latest.insert(record["id"].as_str().unwrap().to_owned(), ground_truth::time(&record["modified_timestamp"]));
    }
    let truth: BTreeMap<_, _> = TYPES.into_iter().flat_map(|kind| ground_truth::changes(&sandbox, kind)).collect();
    assert!(latest == truth);
}

#[test]
fn transactions_added_during_a_read_come_with_the_next() {
    let (sandbox, connector) = transactions();
    let first = connector(&sandbox);
    let run = read_around(&sandbox, &first, || {
        for kind in TYPES {
            sandbox.insert_transactions(kind, 20);
        }
    });
    let next = connector(&sandbox).state(run.last_states()).read();
    let mut keys = [run.keys("TRANSACTION"), next.keys("TRANSACTION")].concat();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4_560);
}

#[test]
fn transactions_that_do_not_change_come_once_while_others_do() {
    let (sandbox, connector) = transactions();
    let connector = connector(&sandbox);
    let run = read_around(&sandbox, &connector, || {
        for kind in TYPES {
            (0..1_500).step_by(7).for_each(|index| assert!(sandbox.touch_transaction(kind, index)));
            sandbox.insert_transactions(kind, 20);
        }
    });
    let keys = run.keys("TRANSACTION");
    let came = assert_distinct(&keys);
    let ended = ground_truth::time(&run.states("TRANSACTION").last().unwrap()["modified_timestamp"]);
    let still = TYPES.into_iter().flat_map(|kind| ground_truth::changes(&sandbox, kind)).filter(|(_, at)| *at <= ended);
    assert_eq!(still.filter(|(key, _)| !came.contains(key.as_str())).count(), 0);
}
