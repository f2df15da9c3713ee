//! The sandbox as a program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A running one, and a folder for its files.
struct Program {
    child: Child,
    /// What it printed first.
    hello: Value,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_navan-sandbox"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, hello: serde_json::from_str(&line).unwrap() }
    }

    fn settings(&self) -> Value {
        let url = format!("{}/sandbox/settings", self.hello["url"].as_str().unwrap());
        ureq::get(url).call().unwrap().body_mut().read_json().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended by itself is no harm.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path where no file is yet.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("navan-sandbox-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[test]
fn the_configuration_appears_whole_and_for_its_owner_alone() {
    let file = path("config.json");
    let program = Program::start(&["--write-config", file.to_str().unwrap()]);
    let patience = Instant::now() + Duration::from_secs(10);
    while !file.exists() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    let config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let hello = &program.hello;
    let expected =
        json!({"client_id": hello["client_id"], "client_secret": hello["client_secret"], "api_url": hello["url"]});
    assert_eq!(config, expected);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn odd_values_are_a_start_and_the_file_wins() {
    let file = path("settings.json");
    std::fs::File::create(&file).unwrap().write_all(br#"{"odd_numbers": false, "bookings": 7}"#).unwrap();
    let odd = Program::start(&["--odd", "--settings", file.to_str().unwrap(), "--users", "9"]).settings();
    let of = |name: &str| odd[name].clone();
    assert_eq!([of("odd_numbers"), of("odd_texts"), of("odd_gaps")], [json!(false), json!(true), json!(true)]);
    assert_eq!([of("mixed_types_every"), of("bookings"), of("users")], [json!(7), json!(7), json!(9)]);
    let plain = Program::start(&[]).settings();
    assert_eq!([&plain["odd_texts"], &plain["mixed_types_every"]], [&json!(false), &json!(0)]);
    std::fs::remove_file(file).unwrap();
}
