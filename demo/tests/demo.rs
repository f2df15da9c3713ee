//! What `cargo demo` shows.

#![allow(clippy::unwrap_used)] // tests fail by panicking

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use source_navan::streams::STREAMS;

fn demo(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_source-navan-demo"));
    command.args(["--bookings", "200"]).args(options);
    command
}

fn printed(options: &[&str]) -> String {
    let output = demo(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_stream_has_its_line_and_the_last_one_has_them_all() {
    let printed = printed(&[]);
    let records = |name: &str| -> u64 {
        let line = printed.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("no line of {name}")).split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let each: Vec<_> = STREAMS.iter().flat_map(|stream| stream.names()).map(records).collect();
    assert!(each.len() > 16 && each.iter().all(|&records| records > 0), "{printed}");
    assert_eq!(each.iter().sum::<u64>(), records("all"));
}

#[test]
fn what_is_in_the_environment_is_not_read() {
    // Nobody answers there, and to nobody goes such a credential.
    let output =
        demo(&[]).env("NAVAN_API_URL", "http://127.0.0.1:9").env("NAVAN_CLIENT_SECRET", "theirs").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn rows_can_be_read_and_no_cell_of_a_booking_is_empty() {
    let printed = printed(&[]);
    for (stream, columns) in [("BOOKING", 6), ("TRANSACTION", 5), ("USER", 4)] {
        let (_, shown) = printed.split_once(&format!("The first rows of {stream}, ")).unwrap();
        let table: Vec<_> = shown.lines().skip(2).take_while(|line| !line.is_empty()).collect();
        assert_eq!(table.len(), 4, "{shown}");
        for line in table {
            // Columns are two spaces apart or more, and no value has two in it.
            let cells = line.split("  ").filter(|cell| !cell.trim().is_empty()).count();
            assert_eq!(cells, columns, "{line}");
            assert!(line.chars().count() <= 120, "{line}");
        }
    }
}

#[test]
fn it_ends_with_what_to_type_next() {
    let printed = printed(&[]);
    let (_, next) = printed.split_once("\nNext:\n").unwrap();
    let commands: Vec<_> = next.lines().map(|line| line.trim().split("  ").next().unwrap()).collect();
    assert_eq!(commands, ["cargo demo --raw | head -3", "cargo install --locked --path ."]);
}

#[test]
fn raw_prints_the_messages_and_who_has_seen_enough_may_go() {
    let mut child = demo(&["--raw"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let message: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(message["type"].is_string());
    }
    drop(lines);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.success(), String::from_utf8(ended.stderr).unwrap()), (true, String::new()));
}
