//! Killed at any byte: what came until then, and what a read from the last state in it brings, is everything.
//!
//! `cargo test` tries 20 points a stream; for 200, or any other number:
//!
//! ```sh
//! SOURCE_NAVAN_KILL_POINTS=200 cargo test --test it kill
//! ```

use std::collections::BTreeSet;

use navan_sandbox::{Sandbox, Settings};

use crate::harness::{Connector, Run};
use crate::process::Process;
use crate::truth;

/// At how many points each stream is killed.
fn points() -> usize {
    std::env::var("SOURCE_NAVAN_KILL_POINTS").map_or(20, |points| points.parse().unwrap())
}

/// Reads a stream until its first `bytes` have come, and kills it.
fn killed(sandbox: &Sandbox, stream: &str, bytes: u64) -> Run {
    let connector = Connector::against(sandbox).stream(stream);
    let mut process = Process::reading(&connector);
    process.take(bytes);
    process.kill()
}

/// Reads the stream to its end, from the last state that `run` wrote.
fn resumed(sandbox: &Sandbox, stream: &str, run: &Run) -> Run {
    let run = Connector::against(sandbox).stream(stream).state(run.last_states()).read();
    assert_eq!(run.statuses(stream).last(), Some(&"COMPLETE"), "{:?}", run.errors());
    run
}

/// How many bytes a whole read writes.
fn whole(sandbox: &Sandbox, stream: &str) -> u64 {
    Connector::against(sandbox).stream(stream).read().stdout.len() as u64
}

fn together(stream: &str, runs: [&Run; 2]) -> BTreeSet<String> {
    runs.into_iter().flat_map(|run| run.keys(stream)).collect()
}

fn every_key_comes_wherever_it_is_killed(stream: &str, settings: Settings) {
    let sandbox = Sandbox::start(settings).unwrap();
    let all = truth::keys(&sandbox, stream);
    let length = whole(&sandbox, stream);
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..points() {
        let at = random.u64(0..length);
        let first = killed(&sandbox, stream, at);
        let second = resumed(&sandbox, stream, &first);
        let came = together(stream, [&first, &second]);
        let lost: Vec<_> = all.difference(&came).collect();
        assert_eq!(lost.len(), 0, "killed after {at} of {length} bytes, {stream} lost {lost:?}");
    }
}

fn bookings() -> Settings {
    Settings { bookings: 9_000, ..Settings::default() }
}

fn transactions() -> Settings {
    Settings { transactions: 400, ..Settings::default() }
}

#[test]
fn every_booking_comes_wherever_a_read_is_killed() {
    every_key_comes_wherever_it_is_killed("BOOKING", bookings());
}

#[test]
fn every_transaction_comes_wherever_a_read_is_killed() {
    every_key_comes_wherever_it_is_killed("TRANSACTION", transactions());
}

#[test]
fn every_user_comes_wherever_a_read_is_killed() {
    every_key_comes_wherever_it_is_killed("USER", Settings { users: 2_500, ..Settings::default() });
}

#[test]
fn every_key_comes_however_often_a_read_is_killed() {
    let sandbox = Sandbox::start(Settings { bookings: 9_000, transactions: 400, ..Settings::default() }).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let whole = Connector::against(&sandbox).read();
    let (mut states, mut came) = ("[]".to_owned(), BTreeSet::new());
    loop {
        let connector = Connector::against(&sandbox).state(states.clone());
        let mut process = Process::reading(&connector);
        process.take(random.u64(0..whole.stdout.len() as u64));
        let run = process.kill();
        came.extend(["BOOKING", "TRANSACTION", "USER"].into_iter().flat_map(|stream| run.keys(stream)));
        states = merged(&states, &run.last_states());
        if ["BOOKING", "TRANSACTION", "USER"].iter().all(|stream| run.statuses(stream).contains(&"COMPLETE")) {
            break;
        }
    }
    let all = ["BOOKING", "TRANSACTION", "USER"].into_iter().flat_map(|stream| truth::keys(&sandbox, stream)).collect();
    assert_eq!(came, all);
}

/// The states before, each replaced by a later one of its stream: what Airbyte keeps.
fn merged(before: &str, later: &str) -> String {
    let parse = |text| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap();
    let later = parse(later);
    let name = |state: &serde_json::Value| state["stream"]["stream_descriptor"]["name"].clone();
    let kept = parse(before).into_iter().filter(|state| later.iter().all(|later| name(later) != name(state)));
    serde_json::Value::from_iter(kept.chain(later.clone())).to_string()
}

#[test]
fn what_was_read_before_the_kill_is_not_read_again() {
    for (stream, settings) in [("BOOKING", bookings()), ("TRANSACTION", transactions())] {
        let sandbox = Sandbox::start(settings).unwrap();
        let first = killed(&sandbox, stream, whole(&sandbox, stream) * 19 / 20);
        let second = resumed(&sandbox, stream, &first);
        let (all, again) = (truth::keys(&sandbox, stream).len(), second.keys(stream).len());
        assert!(2 * again < all, "{stream}: {again} of {all} again");
    }
}
