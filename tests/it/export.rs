//! `export`: tables in files. What stands in a cell is held by `tests/acceptance/test_export.py`, with the programs that people use;
//! here is what becomes of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use navan_sandbox::{Every, ExpenseType, Fault, Faults, LimitAlgorithm, LimitHeaders, RateLimit, Sandbox, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ground_truth;
use crate::harness::text_field;

/// A directory with a sandbox's configuration, in which exports run.
struct Workplace {
    directory: TempDir,
    now: String,
}

/// What an export left.
struct Exported {
    code: Option<i32>,
    signal: Option<i32>,
    stderr: String,
}

impl Workplace {
    fn new(sandbox: &Sandbox) -> Self {
        let settings = sandbox.settings();
        let config = json!({
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            // As the sandbox prints it.
            "url": sandbox.url(),
        });
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        Self { directory, now: sandbox.now().to_rfc3339() }
    }

    fn at(mut self, sandbox: &Sandbox) -> Self {
        self.now = sandbox.now().to_rfc3339();
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_source-navan"));
        command.current_dir(self.directory.path()).arg("export").args(arguments).args(["--config", "config.json"]);
        command.env("SOURCE_NAVAN_NOW", &self.now).env("SOURCE_NAVAN_TIME_SCALE", "0.01").env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn export(&self, arguments: &[&str]) -> Exported {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.stdout, b"");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        Exported { code: output.status.code(), signal: output.status.signal(), stderr }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The names in a directory, with those that begin with a dot.
    fn names(&self, directory: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The rows of a CSV file, which is whole: each by its columns' names.
    fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let text = self.text(name);
        assert!(text.ends_with('\n'), "{name}");
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.unwrap()).collect()
    }

    fn keys(&self, name: &str, key: &str) -> Vec<String> {
        self.rows(name).into_iter().map(|mut row| row.remove(key).unwrap()).collect()
    }
}

fn sandbox(settings: Settings) -> Sandbox {
    Sandbox::start(settings).unwrap()
}

/// Its bookings are young enough to be read again where Navan cannot be asked for changes.
fn small() -> Settings {
    let first_booking = Some(chrono::Utc::now() - chrono::TimeDelta::days(300));
    Settings { bookings: 230, transactions: 20, users: 30, first_booking, ..Settings::default() }
}

#[test]
fn a_directory_gets_a_file_a_stream_and_nothing_else() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    let exported = place.export(&["bookings", "USER", "transaction-line-items", "--to", "out"]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let names = ["bookings.csv", "transaction_line_items.csv", "users.csv"].map(str::to_owned);
    assert_eq!(place.names("out"), BTreeSet::from(names));
    assert_eq!(place.keys("out/bookings.csv", "uuid").len(), 230);
    assert_eq!(place.keys("out/users.csv", "id").len(), 30);
    let told: Vec<_> = exported.stderr.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(told.contains(&vec!["BOOKING", "230", "out/bookings.csv"]), "{}", exported.stderr);
}

#[test]
fn the_days_are_those_of_creation_and_the_last_one_is_whole() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    place.export(&["bookings", "--to", "all.csv"]);
    let created: Vec<_> = place.keys("all.csv", "created").iter().map(|at| at[..10].to_owned()).collect();
    let mut days: Vec<_> = created.clone();
    days.sort();
    let (from, until) = (days[60].clone(), days[150].clone());
    place.export(&["bookings", "--to", "some.csv", "--from", &from, "--until", &until]);
    let mut some: Vec<_> = place.keys("some.csv", "created").iter().map(|at| at[..10].to_owned()).collect();
    some.sort();
    let within: Vec<_> = days.into_iter().filter(|day| (&from..=&until).contains(&day)).collect();
    assert_eq!(some, within);
}

#[test]
fn chosen_columns_come_in_their_order_and_an_object_brings_all_of_its_own() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    place.export(&["USER", "--to", "users.csv", "--columns", "department,name,id"]);
    let head = place.text("users.csv").lines().next().unwrap().to_owned();
    assert_eq!(head, "department,name_familyName,name_givenName,id");
    place.export(&["USER", "--to", "users.jsonl", "--columns", "id"]);
    assert_eq!(
        serde_json::from_str::<Value>(place.text("users.jsonl").lines().next().unwrap())
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn with_a_state_only_what_changed_comes_into_a_file_of_its_own() {
    let sandbox = sandbox(small());
    let arguments = ["bookings", "transactions", "--to", "out", "--state", "state.json"];
    let place = Workplace::new(&sandbox);
    assert_eq!(place.export(&arguments).code, Some(0));
    let first = place.names("out");
    assert_eq!(first.len(), 2);
    sandbox.advance(Duration::from_hours(3));
    sandbox.touch_booking(7);
    sandbox.insert_bookings(2);
    sandbox.advance(Duration::from_hours(1));
    let place = place.at(&sandbox);
    assert_eq!(place.export(&arguments).code, Some(0));
    let second: Vec<_> = place.names("out").difference(&first).cloned().collect();
    let bookings = second.iter().find(|name| name.starts_with("bookings.")).unwrap();
    assert!(bookings.starts_with("bookings.20") && bookings.ends_with("Z.csv"), "{bookings}");
    let keys: BTreeSet<_> = place.keys(&format!("out/{bookings}"), "uuid").into_iter().collect();
    for index in [7, 230, 231] {
        assert!(keys.contains(text_field(&sandbox.booking(index).unwrap().0, "uuid")), "{index}");
    }
    assert!(keys.len() < 230, "{}", keys.len());
}

#[test]
fn a_state_that_another_export_uses_is_refused() {
    let sandbox = sandbox(Settings { faults: Faults { latency_ms: 3_000, ..Faults::default() }, ..small() });
    let place = Workplace::new(&sandbox);
    let arguments = ["bookings", "--to", "out", "--state", "state.json"];
    let mut first = place.command(&arguments).spawn().unwrap();
    while !place.path("state.json.lock").exists() || sandbox.counts().log.is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    let second = place.export(&arguments);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("Another export uses the state state.json: wait"), "{}", second.stderr);
}

#[test]
fn a_link_to_a_state_is_that_state() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    std::os::unix::fs::symlink("state.json", place.path("link.json")).unwrap();
    fs::write(place.path("state.json"), "").unwrap();
    fs::set_permissions(place.path("state.json"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(place.export(&["transactions", "--to", "out", "--state", "link.json"]).code, Some(0));
    assert!(place.path("link.json").is_symlink());
    assert!(place.text("state.json").contains("TRANSACTION"));
    // Whoever may read it still may.
    assert_eq!(place.path("state.json").metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_was_cut_off_says_so_and_with_a_state_the_next_goes_on() {
    let faults = Faults { latency_ms: 20, ..Faults::default() };
    let sandbox = ground_truth::ever_more_bookings(Settings { faults, ..Settings::default() });
    let place = Workplace::new(&sandbox);
    for (arguments, has_state) in
        [(vec!["BOOKING", "--to", "plain"], false), (vec!["BOOKING", "--to", "series", "--state", "state.json"], true)]
    {
        sandbox.reset_counts();
        let child = place.command(&arguments).spawn().unwrap();
        while sandbox.counts().log.len() < 80 {
            thread::sleep(Duration::from_millis(10));
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("warning: Interrupted"), "{stderr}");
        let names: Vec<_> = place.names(arguments[2]).into_iter().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert_eq!(names[0] == "bookings.incomplete.csv", !has_state, "{names:?}");
        assert_eq!(place.path("state.json").exists(), has_state);
        assert!(!place.rows(&format!("{}/{}", arguments[2], names[0])).is_empty());
    }
    assert_eq!(place.export(&["BOOKING", "--to", "series", "--state", "state.json"]).code, Some(0));
    let files: Vec<_> = place.names("series").into_iter().map(|name| format!("series/{name}")).collect();
    let keys: Vec<_> = files.iter().map(|name| place.keys(name, "uuid")).collect();
    let all: BTreeSet<_> = ground_truth::keys(&sandbox, "BOOKING");
    assert_eq!(keys.concat().into_iter().collect::<BTreeSet<_>>(), all);
    assert!(
        keys.len() == 2 && keys.iter().all(|keys| keys.len() < all.len()),
        "the second went on where the first was"
    );
}

#[test]
fn a_stream_that_fails_leaves_no_file_that_looks_whole_and_the_others_do() {
    let forbidden = Every { n: 1, offset: 0, fault: Fault::Status(403), endpoint: Some("/v1/users".to_owned()) };
    let faults = Faults { every: vec![forbidden], ..Faults::default() };
    let sandbox = sandbox(Settings { faults, ..small() });
    let place = Workplace::new(&sandbox);
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path("out/users.csv"), "that of last week\n").unwrap();
    let exported = place.export(&["bookings", "users", "--to", "out"]);
    assert_eq!(exported.code, Some(1));
    assert_eq!(place.text("out/users.csv"), "that of last week\n");
    assert_eq!(place.names("out").len(), 2);
    assert_eq!(place.keys("out/bookings.csv", "uuid").len(), 230);
    for stderr in [exported.stderr, place.export(&["users", "--to", "out", "--quiet"]).stderr] {
        assert!(stderr.contains("error: USER: "), "{stderr}");
    }
}

#[test]
fn a_file_that_cannot_be_written_ends_the_export_with_its_name() {
    let sandbox = sandbox(Settings { bookings: 3_000, ..small() });
    let place = Workplace::new(&sandbox);
    // Files of half a megabyte at most, as a full disk would have it.
    let binary = env!("CARGO_BIN_EXE_source-navan");
    let script = format!("trap '' XFSZ; ulimit -f 500; exec {binary} export bookings --to out --config config.json");
    let output = Command::new("bash").args(["-c", &script]).current_dir(place.directory.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: out/bookings.csv cannot be written: File too large"), "{stderr}");
    assert_eq!(place.names("out"), BTreeSet::new());
}

#[test]
fn the_part_of_a_killed_export_goes_when_the_next_one_comes() {
    let sandbox = sandbox(Settings { faults: Faults { latency_ms: 500, ..Faults::default() }, ..small() });
    let place = Workplace::new(&sandbox);
    let arguments = ["users", "--to", "out"];
    let mut killed = place.command(&arguments).spawn().unwrap();
    while !place.path("out").exists() || place.names("out").is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(place.names("out").iter().all(|name| name.starts_with(".users.csv-")));
    assert_eq!(place.export(&arguments).code, Some(0));
    assert_eq!(place.names("out"), BTreeSet::from(["users.csv".to_owned()]));
}

/// Runs a command on a terminal; what stood on it.
fn on_a_terminal(place: &Workplace, arguments: &str) -> String {
    let line = format!("{} {arguments} --config config.json", env!("CARGO_BIN_EXE_source-navan"));
    let mut script = Command::new("script");
    script.current_dir(place.directory.path()).args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let output = script.env("SOURCE_NAVAN_NOW", &place.now).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn on_a_terminal_each_stream_has_a_line_and_what_is_waited_for_another() {
    let (algorithm, headers) = (LimitAlgorithm::default(), LimitHeaders::RateLimit);
    let limit = RateLimit { per_second: 12.0, burst: 12.0, algorithm, headers, retry_after_s: 1 };
    let sandbox = sandbox(Settings { bookings: 3_000, limit: Some(limit), ..small() });
    let place = Workplace::new(&sandbox);
    let screen = on_a_terminal(&place, "export bookings users --to out");
    for part in ["BOOKING", "USER", " rows/s", " requests/s of the ", "that Navan lets through", "30 rows, done"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    let table = screen.rsplit("stream ").next().unwrap();
    assert!(table.contains("BOOKING  3,000  out/bookings.csv"), "{table}");
    assert!(!on_a_terminal(&place, "export users --to quiet --quiet").contains("rows"));
}

#[test]
fn on_a_terminal_the_commands_of_airbyte_say_sentences() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    let screen = on_a_terminal(&place, "check");
    assert!(screen.contains("The configuration works.") && !screen.contains("CONNECTION_STATUS"), "{screen}");
    fs::write(place.path("config.json"), r#"{"client_id":"x"}"#).unwrap();
    for command in ["check", "discover", "read"] {
        let screen = on_a_terminal(&place, command);
        assert!(screen.contains("error: `client_secret` is missing: copy it from"), "{screen}");
        assert!(!screen.contains("TRACE") && screen.matches("client_secret").count() == 1, "{screen}");
    }
}

/// At how many points the export is killed.
const KILLS: u64 = 200;

#[test]
fn no_row_is_lost_however_often_an_export_with_a_state_is_killed() {
    let sandbox = sandbox(Settings { bookings: 400, transactions: 15, ..small() });
    let mut place = Workplace::new(&sandbox);
    let arguments = ["bookings", "transactions", "--to", "out", "--state", "state.json", "--quiet"];
    let mut random = fastrand::Rng::with_seed(13);
    let mut finished = 0;
    for round in 0..KILLS {
        if round % 5 == 0 {
            sandbox.advance(Duration::from_mins(47));
            sandbox.touch_booking(random.u64(0..400));
            sandbox.insert_bookings(1);
            sandbox.touch_transaction(ExpenseType::ALL[usize::try_from(round).unwrap() % 9], random.u64(0..15));
            place = place.at(&sandbox);
        }
        let mut child = place.command(&arguments).spawn().unwrap();
        thread::sleep(Duration::from_millis(random.u64(0..400)));
        let _ = child.kill();
        finished += u64::from(child.wait().unwrap().success());
        assert_readable(&place);
    }
    assert!((10..KILLS - 10).contains(&finished), "{finished} of {KILLS} came to their end");
    sandbox.advance(Duration::from_hours(5));
    let place = place.at(&sandbox);
    let exported = place.export(&arguments);
    assert_eq!((exported.code, exported.signal), (Some(0), None), "{}", exported.stderr);
    let newest = |files: &str, key: &str, cursor: &str| {
        let mut newest = BTreeMap::new();
        for name in place.names("out").iter().filter(|name| name.starts_with(files)) {
            for mut row in place.rows(&format!("out/{name}")) {
                let at = row.remove(cursor).unwrap();
                let known: &mut String = newest.entry(row.remove(key).unwrap()).or_default();
                *known = at.max(std::mem::take(known));
            }
        }
        newest
    };
    let bookings = newest("bookings.", "uuid", "lastModified");
    assert_eq!(bookings, versions(sandbox.bookings(), "uuid", "lastModified"));
    let transactions = newest("transactions.", "id", "modified_timestamp");
    assert_eq!(transactions.len() as u64, sandbox.ground_truth().transaction.rows);
    let all = crate::harness::transactions(&sandbox);
    let mut all = versions(all.into_iter(), "id", "modified_timestamp");
    // What Navan no longer hands out was never seen.
    all.retain(|key, _| transactions.contains_key(key));
    assert_eq!(transactions, all);
}

/// When each row was changed, by its key, as an export writes it.
fn versions(rows: impl Iterator<Item = String>, key: &str, cursor: &str) -> BTreeMap<String, String> {
    let version = |row: String| {
        let row: Value = serde_json::from_str(&row).unwrap();
        let at: chrono::DateTime<chrono::Utc> = row[cursor].as_str().unwrap().parse().unwrap();
        (row[key].as_str().unwrap().to_owned(), at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    };
    rows.map(version).collect()
}

/// Whatever has a name is whole, and so is the state.
fn assert_readable(place: &Workplace) {
    if place.path("out").exists() {
        for name in place.names("out").iter().filter(|name| !name.starts_with('.')) {
            assert!(Path::new(name).extension().is_some_and(|end| end == "csv"), "{name}");
            place.rows(&format!("out/{name}"));
        }
    }
    if place.path("state.json").exists() {
        let states: Value = serde_json::from_str(&place.text("state.json")).unwrap();
        assert_eq!(states.as_array().unwrap().len(), 2);
    }
}

#[test]
fn what_cannot_be_followed_is_said_before_anything_is_asked() {
    let sandbox = sandbox(small());
    let place = Workplace::new(&sandbox);
    fs::write(place.path("state.json"), "nonsense").unwrap();
    let cases: &[&[&str]] = &[
        &["--to", "out"],
        &["bokings", "--to", "out"],
        &["hotels", "--to", "out"],
        &["bookings", "users", "--to", "out.csv"],
        &["bookings", "--to", "out.xls"],
        &["bookings", "--to", "out.csv", "--format", "parquet"],
        &["bookings", "--to", "out.xlsx", "--excel"],
        &["bookings", "--to", "out.csv", "--columns", "uuid,creatd"],
        &["users", "--to", "out.csv", "--columns", "uuid"],
        &["bookings", "--to", "out.csv", "--from", "yesterday"],
        &["bookings", "--to", "out.csv", "--from", "2026-10-02", "--until", "2026-10-01"],
        &["bookings", "--to", "out.csv", "--state", "state.json"],
        &["bookings", "--to", "out.csv", "--state", "new.json", "--columns", "purpose"],
        &["bookings", "--to", "out.csv", "--from", "+262142-12-31"],
        &["bookings", "--to", "-"],
        &["bookings", "--to", "nowhere/out.csv"],
        &["bookings", "--too", "out.csv"],
    ];
    let outcome = |arguments: &&[&str]| {
        let exported = place.export(arguments);
        let told: Vec<_> = exported.stderr.lines().take_while(|line| !line.is_empty()).collect();
        format!("export {}\n{}: {}", arguments.join(" "), exported.code.unwrap(), told.join("\n"))
    };
    insta::assert_snapshot!(cases.iter().map(outcome).collect::<Vec<_>>().join("\n\n"));
    assert_eq!(sandbox.counts().log.len(), 0);
}
