//! The fault matrix: whatever goes wrong for a while, every row arrives exactly once and the read succeeds.
//!
//! `cargo test` runs each fault with each stream, and a sample of the pairs of faults; all pairs, with all streams at
//! once, are run by
//!
//! ```sh
//! SOURCE_NAVAN_FAULT_PAIRS=1 cargo test --test it pairs_of_faults
//! ```

use crate::matrix::{Kind, connector, for_each, kinds, limits, read};

/// Every how many pairs one is run where not all are.
const SAMPLE: usize = 23;

fn each_fault_with(stream: &str) {
    let mut kinds = kinds(6, 18);
    kinds.extend(limits());
    kinds.retain(|kind| !kind.on_cursors || stream == "TRANSACTION");
    for_each(&kinds, |kind| kind.name.to_owned(), |kind| one(kind, stream));
}

fn one(kind: &Kind, stream: &str) -> Option<String> {
    let sandbox = kind.sandbox();
    let mut connector = connector(&sandbox).stream(stream);
    if kind.on_cursors {
        // One request at a time, so that each second one has a cursor.
        connector = connector.config("max_concurrency", 1);
    }
    let complaint = read(&connector, &sandbox).is_not_whole(&[stream]);
    let counts = sandbox.counts();
    let happened = !counts.faults.is_empty() || counts.tokens_issued > 1 || kind.limit.is_some();
    complaint.or_else(|| (!happened).then(|| "nothing went wrong".to_owned()))
}

#[test]
fn bookings_come_through_each_fault() {
    each_fault_with("BOOKING");
}

#[test]
fn transactions_come_through_each_fault() {
    each_fault_with("TRANSACTION");
}

#[test]
fn users_come_through_each_fault() {
    each_fault_with("USER");
}

#[test]
fn all_streams_come_through_pairs_of_faults() {
    let kinds =
        |n, late| -> Vec<_> { kinds(n, late).into_iter().map(|kind| kind.refusing_no_window_twice(late)).collect() };
    let (one, other) = (kinds(10, 60), kinds(13, 40));
    let mut pairs = Vec::new();
    for (number, first) in one.iter().enumerate() {
        pairs.extend(other[number + 1..].iter().map(|second| (first, second)));
    }
    if std::env::var_os("SOURCE_NAVAN_FAULT_PAIRS").is_none() {
        pairs = pairs.into_iter().step_by(SAMPLE).collect();
    }
    for_each(
        &pairs,
        |(first, second)| format!("{} and {}", first.name, second.name),
        |(first, second)| {
            let sandbox = first.and(second).sandbox();
            read(&connector(&sandbox), &sandbox).is_not_whole(&["BOOKING", "TRANSACTION", "USER"])
        },
    );
}
