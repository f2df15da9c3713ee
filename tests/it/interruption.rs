//! SIGTERM, SIGINT, and readers that go away.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use navan_sandbox::{Faults, Sandbox, Settings};

use crate::ground_truth;
use crate::harness::{Connector, Run, streams};
use crate::process::{Process, wait_until_stable};

const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
const SIGTERM: i32 = 15;

/// By when an interrupted process has ended. It promises 2 seconds; this is for machines that do other things as well.
const SOON: Duration = Duration::from_secs(20);

/// Large enough that a read of any stream is under way when its first state has come.
fn sandbox() -> Sandbox {
    let faults = Faults { latency_ms: 20, ..Faults::default() };
    ground_truth::ever_more_bookings(Settings { transactions: 1_000, users: 5_000, faults, ..Settings::odd() })
}

/// Sends a signal once the first states of BOOKING and TRANSACTION have come.
fn interrupted(sandbox: &Sandbox, signal: &str) -> Run {
    let connector = Connector::against(sandbox);
    let mut process = Process::start_read(&connector);
    process
        .read_until_line(r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"BOOKING""#);
    process.read_until_line(
        r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"TRANSACTION""#,
    );
    process.signal(signal);
    process.finish()
}

#[test]
fn an_interrupted_read_is_ended_by_the_signal_itself() {
    let sandbox = sandbox();
    assert_eq!(interrupted(&sandbox, "TERM").status.signal(), Some(SIGTERM));
    assert_eq!(interrupted(&sandbox, "INT").status.signal(), Some(SIGINT));
}

#[test]
fn an_interrupted_read_leaves_open_streams_incomplete() {
    let sandbox = sandbox();
    for signal in ["TERM", "INT"] {
        let run = interrupted(&sandbox, signal);
        for &(stream, _) in streams() {
            assert_eq!(run.statuses(stream).last(), Some(&"INCOMPLETE"), "{stream}");
        }
    }
}

#[test]
fn an_interrupted_read_writes_its_last_safe_states_again_at_the_end() {
    let run = interrupted(&sandbox(), "TERM");
    for stream in ["BOOKING", "TRANSACTION"] {
        let of_stream = |kind: &str, message: &serde_json::Value| match kind {
            "STATE" => message["state"]["stream"]["stream_descriptor"]["name"] == stream,
            _ => message["record"]["stream"] == stream,
        };
        let last = |kind: &str| {
            run.messages.iter().rposition(|message| message["type"] == kind && of_stream(kind, message)).unwrap()
        };
        assert!(last("STATE") > last("RECORD"), "{stream}");
    }
}

#[test]
fn an_interrupted_read_goes_on_to_every_key() {
    let sandbox = sandbox();
    for signal in ["TERM", "INT"] {
        let first = interrupted(&sandbox, signal);
        let second = Connector::against(&sandbox).state(first.last_states()).read();
        for &(stream, _) in streams() {
            let came: BTreeSet<_> = [first.keys(stream), second.keys(stream)].concat().into_iter().collect();
            assert!(came == ground_truth::keys(&sandbox, stream), "{stream}");
        }
    }
}

#[test]
fn an_interrupted_read_ends_although_nobody_takes_its_output() {
    let sandbox = sandbox();
    for (name, signal) in [("TERM", SIGTERM), ("INT", SIGINT)] {
        let connector = Connector::against(&sandbox);
        let mut process = Process::start_read(&connector);
        wait_until_stable(|| sandbox.counts().requests);
        process.signal(name);
        assert_eq!(process.wait_exit(SOON).signal(), Some(signal));
    }
}

/// All streams have ended, but not all of their messages fit into the pipe. Seen to hang if
/// the signal is handled only while streams are read.
#[test]
fn a_signal_ends_a_read_whose_last_messages_nobody_takes() {
    let sandbox = Sandbox::start(Settings { bookings: 60, ..Settings::odd() }).unwrap();
    let connector = Connector::against(&sandbox).stream("BOOKING");
    let mut process = Process::start_read(&connector);
    wait_until_stable(|| sandbox.counts().requests);
    process.signal("TERM");
    assert_eq!(process.wait_exit(SOON).signal(), Some(SIGTERM));
}

/// How much a pipe holds.
const PIPE_CAPACITY: usize = 65_536;

/// Seen to hang if the signal is handled only while the streams are asked for.
#[test]
fn a_signal_ends_a_check_whose_messages_nobody_takes() {
    let sandbox = sandbox();
    let connector = Connector::against(&sandbox);
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b' '; PIPE_CAPACITY]).unwrap();
    let mut process = Process::of(connector.start_into("check", writer.into()));
    wait_until_stable(|| sandbox.counts().requests);
    process.signal("TERM");
    assert_eq!(process.wait_exit(SOON).signal(), Some(SIGTERM));
}

#[test]
fn what_an_interrupted_read_that_nobody_listened_to_did_say_goes_on_to_every_key() {
    let sandbox = sandbox();
    let connector = Connector::against(&sandbox);
    let mut process = Process::start_read(&connector);
    wait_until_stable(|| sandbox.counts().requests);
    process.signal("TERM");
    process.wait_exit(SOON);
    let first = process.finish();
    let second = Connector::against(&sandbox).state(first.last_states()).read();
    for &(stream, _) in streams() {
        let came: BTreeSet<_> = [first.keys(stream), second.keys(stream)].concat().into_iter().collect();
        assert!(came == ground_truth::keys(&sandbox, stream), "{stream}");
    }
}

/// Starts to read, and goes away as its reader after some records.
fn left() -> Run {
    let sandbox = sandbox();
    let connector = Connector::against(&sandbox);
    let mut process = Process::start_read(&connector);
    process.read_until_line(r#"{"type":"RECORD""#);
    process.close_stdout();
    process.wait_exit(SOON);
    process.run()
}

#[test]
fn a_reader_that_goes_away_ends_the_process_by_sigpipe() {
    assert_eq!(left().status.signal(), Some(SIGPIPE));
}

#[test]
fn a_reader_that_goes_away_ends_the_process_quietly() {
    assert_eq!(left().stderr, "");
}
