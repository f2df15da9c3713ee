//! The fault matrix: whatever goes wrong for a while, every row arrives exactly once and the read succeeds.
//!
//! `cargo test` runs each fault with each stream, and a sample of the pairs of faults; all pairs, with all streams at
//! once, are run by
//!
//! ```sh
//! SOURCE_NAVAN_FAULT_PAIRS=1 cargo test --test it pairs_of_faults
//! ```

use crate::fault_cases::{FaultCase, connector, rate_limits, read, run_cases, transient_faults};

/// One of so many pairs is run if not all are.
const SAMPLE: usize = 23;

fn each_fault_with(stream: &str) {
    let mut cases = transient_faults(6, 18);
    cases.extend(rate_limits());
    cases.retain(|case| !case.cursors_only || stream == "TRANSACTION");
    run_cases(&cases, |case| case.name.to_owned(), |case| run_case(case, stream));
}

fn run_case(case: &FaultCase, stream: &str) -> Option<String> {
    let sandbox = case.sandbox();
    let mut connector = connector(&sandbox).stream(stream);
    if case.cursors_only {
        // One request at a time, so that each second one has a cursor.
        connector = connector.config("max_concurrency", 1);
    }
    let complaint = read(&connector, &sandbox).why_incomplete(&[stream]);
    let counts = sandbox.counts();
    let happened = !counts.faults.is_empty() || counts.tokens_issued > 1 || case.limit.is_some();
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
    let cases = |n, after_requests| -> Vec<_> {
        transient_faults(n, after_requests)
            .into_iter()
            .map(|case| case.without_second_refusal(after_requests))
            .collect()
    };
    let (one, other) = (cases(10, 60), cases(13, 40));
    let mut pairs = Vec::new();
    for (number, first) in one.iter().enumerate() {
        pairs.extend(other[number + 1..].iter().map(|second| (first, second)));
    }
    if std::env::var_os("SOURCE_NAVAN_FAULT_PAIRS").is_none() {
        pairs = pairs.into_iter().step_by(SAMPLE).collect();
    }
    run_cases(
        &pairs,
        |(first, second)| format!("{} and {}", first.name, second.name),
        |(first, second)| {
            let sandbox = first.combined_with(second).sandbox();
            read(&connector(&sandbox), &sandbox).why_incomplete(&["BOOKING", "TRANSACTION", "USER"])
        },
    );
}
