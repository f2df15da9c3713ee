//! Killed at any byte: what came until then, and what a read from the last state in it brings, is everything.
//!
//! `cargo test` tries 20 points a stream; for 200, or any other number:
//!
//! ```sh
//! SOURCE_NAVAN_KILL_POINTS=200 cargo test --test it kill
//! ```
//!
//! Seen to fail with a safeguard switched off, each together with `every_key_comes_however_often_a_sync_is_killed`:
//!
//! - BOOKING's state ignoring slices that are still being read: the test of bookings;
//! - TRANSACTION's STATE written before the rows of its window: the test of transactions.
//!
//! A read does not resume from USER's state, so its test fails only if lines are broken.

use std::collections::BTreeSet;

use navan_sandbox::{Sandbox, Settings};
use serde::Deserialize;
use serde_json::Value;

use crate::ground_truth;
use crate::harness::{Connector, catalog, streams};
use crate::process::Process;

/// At how many points each stream is killed.
fn points() -> usize {
    std::env::var("SOURCE_NAVAN_KILL_POINTS").map_or(20, |points| points.parse().unwrap())
}

/// The output of a killed read, up to the last complete line. There is much of it, so only what the tests need is parsed.
struct PartialOutput(String);

impl PartialOutput {
    fn from_stdout(stdout: &[u8]) -> Self {
        let whole = stdout.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Self(String::from_utf8(stdout[..whole].to_vec()).unwrap())
    }

    fn keys(&self) -> BTreeSet<String> {
        #[derive(Deserialize)]
        struct Line {
            record: Record,
        }
        #[derive(Deserialize)]
        struct Record {
            data: Key,
        }
        #[derive(Deserialize)]
        struct Key {
            uuid: Option<String>,
            id: Option<String>,
        }
        let records = self.0.lines().filter(|line| line.starts_with(r#"{"type":"RECORD""#));
        let keys = records.map(|line| serde_json::from_str::<Line>(line).unwrap().record.data);
        keys.map(|key| key.uuid.or(key.id).unwrap()).collect()
    }

    /// The states `before`, each replaced by the last one that came of its stream: what Airbyte keeps.
    fn states(&self, before: &str) -> String {
        let name = |state: &Value| state["stream"]["stream_descriptor"]["name"].to_string();
        let mut states: Vec<Value> = serde_json::from_str(before).unwrap();
        for line in self.0.lines().filter(|line| line.starts_with(r#"{"type":"STATE""#)) {
            let state = serde_json::from_str::<Value>(line).unwrap()["state"].take();
            states.retain(|kept| name(kept) != name(&state));
            states.push(state);
        }
        Value::from(states).to_string()
    }

    fn completes(&self, stream: &str) -> bool {
        let of_stream = |line: &&str| line.contains("\"COMPLETE\"") && line.contains(&format!("\"{stream}\""));
        self.0.lines().filter(|line| line.starts_with(r#"{"type":"TRACE""#)).any(|line| of_stream(&line))
    }
}

/// Reads until the first `bytes` have come, and kills it.
fn read_and_kill(connector: &Connector, bytes: u64) -> PartialOutput {
    let mut process = Process::start_read(connector);
    process.read_bytes(bytes);
    process.signal("KILL");
    PartialOutput::from_stdout(&process.received())
}

/// Reads to the end.
fn read(connector: &Connector) -> Vec<u8> {
    connector.start("read").wait_with_output().unwrap().stdout
}

/// Reads a stream to its end, from the last state that came `before`.
fn resume(sandbox: &Sandbox, stream: &str, before: &PartialOutput) -> PartialOutput {
    let came =
        PartialOutput::from_stdout(&read(&Connector::against(sandbox).stream(stream).state(before.states("[]"))));
    assert!(came.completes(stream), "{stream} is not complete");
    came
}

fn transactions() -> Settings {
    Settings { transactions: 400, ..Settings::odd() }
}

fn every_key_comes_wherever_it_is_killed(stream: &str, sandbox: &Sandbox) {
    let all = ground_truth::keys(sandbox, stream);
    let connector = Connector::against(sandbox).stream(stream);
    let length = read(&connector).len() as u64;
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..points() {
        let at = random.u64(0..length);
        let first = read_and_kill(&connector, at);
        let mut came = resume(sandbox, stream, &first).keys();
        came.extend(first.keys());
        let lost: Vec<_> = all.difference(&came).collect();
        assert_eq!(lost.len(), 0, "killed after {at} of {length} bytes, {stream} lost, among others, {:?}", lost[0]);
    }
}

#[test]
fn every_booking_comes_wherever_a_read_is_killed() {
    every_key_comes_wherever_it_is_killed("BOOKING", &ground_truth::ever_more_bookings(Settings::odd()));
}

#[test]
fn every_transaction_comes_wherever_a_read_is_killed() {
    every_key_comes_wherever_it_is_killed("TRANSACTION", &Sandbox::start(transactions()).unwrap());
}

#[test]
fn every_user_comes_wherever_a_read_is_killed() {
    let users = Settings { users: 2_500, ..Settings::odd() };
    every_key_comes_wherever_it_is_killed("USER", &Sandbox::start(users).unwrap());
}

#[test]
fn every_key_comes_however_often_a_sync_is_killed() {
    let sandbox = ground_truth::ever_more_bookings(transactions());
    let mut chosen = catalog(streams());
    for stream in chosen["streams"].as_array_mut().unwrap() {
        stream["sync_id"] = 7.into();
    }
    let connector = |states: &str| Connector::against(&sandbox).catalog(chosen.clone()).state(states);
    let length = read(&connector("[]")).len() as u64;
    let mut random = fastrand::Rng::with_seed(5);
    let (mut states, mut came) = ("[]".to_owned(), BTreeSet::new());
    loop {
        let attempt = read_and_kill(&connector(&states), random.u64(0..length));
        came.extend(attempt.keys());
        states = attempt.states(&states);
        if streams().iter().all(|(stream, _)| attempt.completes(stream)) {
            break;
        }
    }
    let all: BTreeSet<_> = streams().iter().flat_map(|(stream, _)| ground_truth::keys(&sandbox, stream)).collect();
    assert!(came == all);
}

#[test]
fn a_good_part_of_what_came_before_a_late_kill_is_not_read_again() {
    for (stream, sandbox) in [
        ("BOOKING", ground_truth::ever_more_bookings(Settings::odd())),
        ("TRANSACTION", Sandbox::start(transactions()).unwrap()),
    ] {
        let connector = Connector::against(&sandbox).stream(stream);
        let first = read_and_kill(&connector, read(&connector).len() as u64 * 19 / 20);
        let (all, again) = (ground_truth::keys(&sandbox, stream).len(), resume(&sandbox, stream, &first).keys().len());
        assert!(4 * again < 3 * all, "{stream}: {again} of {all} again");
    }
}
