//! Backpressure: readers that are slow, and how many requests are in flight at once.
//!
//! Seen to fail: with an unbounded output queue, the tests of the requests and of the memory; with a sweep that does not poll
//! its other requests while it writes a page, `a_reader_that_stops_for_longer_than_a_request_may_take_fails_none`.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use navan_sandbox::{ExpenseType, Faults, Sandbox, Settings};

use crate::harness::{Connector, assert_distinct};
use crate::process::{DEADLINE, Process, wait_until, wait_until_stable};

/// The most memory that the process may use, in KiB: pages, output queue, and the program itself in a debug build.
const MAX_MEMORY_KIB: u64 = 40 * 1024;

fn many_bookings() -> Sandbox {
    Sandbox::start(Settings { bookings: 20_000, ..Settings::odd() }).unwrap()
}

/// The memory in use, in KiB.
fn memory(process: &Process) -> u64 {
    let status = process.proc("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A parent can have made its end of the output non-blocking, and with it the connector's.
#[test]
fn a_full_stdout_that_does_not_block_is_waited_for() {
    let sandbox = Sandbox::start(Settings { bookings: 2_000, ..Settings::odd() }).unwrap();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let (mut reader, writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    let mut child = connector.start_into("read", OwnedFd::from(writer).into());
    wait_until_stable(|| sandbox.counts().requests);
    let mut received = String::new();
    reader.read_to_string(&mut received).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(received.lines().filter(|line| line.starts_with(r#"{"type":"RECORD""#)).count(), 2_000);
}

#[test]
fn a_reader_that_stops_also_stops_the_fetching() {
    let sandbox = many_bookings();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_bytes(1_000_000);
    let requests = wait_until_stable(|| sandbox.counts().requests);
    assert!(requests < 40, "{requests} of more than 200 pages were asked for");
}

#[test]
fn memory_stays_small_while_the_reader_stops() {
    let sandbox = many_bookings();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_bytes(20_000_000);
    wait_until_stable(|| sandbox.counts().requests);
    let memory = memory(&process);
    assert!(memory < MAX_MEMORY_KIB, "{memory} KiB");
}

#[test]
fn every_record_comes_when_a_reader_goes_on() {
    let sandbox = many_bookings();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    process.read_bytes(1_000_000);
    wait_until_stable(|| sandbox.counts().requests);
    let run = process.finish();
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), 20_000);
}

/// The documented durations times 0.005: a request has 1.5 s for all its tries, and 0.3 s without a byte is too long.
#[test]
fn a_reader_that_stops_for_longer_than_a_request_may_take_fails_none() {
    let faults = Faults { latency_ms: 50, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { users: 5_000, faults, ..Settings::odd() }).unwrap();
    let connector = Connector::against(&sandbox).stream("USER").environment("SOURCE_NAVAN_TIME_SCALE", 0.005);
    let mut process = Process::start_read(&connector);
    process.read_until_line(r#"{"type":"RECORD""#);
    // No event to wait for: the reader is idle for this long.
    let stopped = Instant::now();
    wait_until(DEADLINE, "that time passes", || stopped.elapsed() > Duration::from_secs(3));
    let run = process.finish();
    assert_eq!(run.statuses("USER").last(), Some(&"COMPLETE"), "{:?}", run.errors());
}

#[test]
fn no_more_requests_are_in_flight_than_configured() {
    let faults = Faults { latency_ms: 10, ..Faults::default() };
    let settings = Settings { bookings: 3_000, users: 1_000, faults, ..Settings::odd() };
    let sandbox = Sandbox::start(settings).unwrap();
    for most in [1, 4, 8] {
        sandbox.reset_counts();
        Connector::against(&sandbox).config("max_concurrency", most).read();
        let in_flight = sandbox.counts().max_in_flight;
        assert!(in_flight <= most, "{in_flight} in flight, not {most}");
    }
}

#[test]
fn one_busy_type_is_read_by_several_requests_at_once() {
    let faults = Faults { latency_ms: 50, ..Faults::default() };
    let sandbox = Sandbox::start(Settings { transactions: 5_000, faults, ..Settings::odd() }).unwrap();
    let connector = Connector::against(&sandbox).stream("TRANSACTION");
    connector.config("transaction_types", vec![ExpenseType::CardTransactions.path()]).read();
    assert_eq!(sandbox.counts().max_in_flight, 4);
}
