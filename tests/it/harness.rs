//! Runs the connector as a process and parses its messages.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use navan_sandbox::{ExpenseType, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The streams of which the sandbox tells every row, each with the sync mode that a user would choose: incremental if it is offered.
pub(crate) fn streams() -> &'static [(&'static str, &'static str)] {
    static STREAMS: LazyLock<Vec<(&str, &str)>> =
        LazyLock::new(|| discovered(|name| ["BOOKING", "TRANSACTION", "USER"].contains(&name)));
    &STREAMS
}

/// All streams that `discover` lists.
pub(crate) fn all_streams() -> &'static [(&'static str, &'static str)] {
    static STREAMS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| discovered(|_| true));
    &STREAMS
}

/// Those of `discover`'s streams that have such a name.
fn discovered(is_wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, &'static str)> {
    static CATALOG: LazyLock<Value> = LazyLock::new(discovered_catalog);
    let mode = |stream: &Value| {
        let offered = stream["supported_sync_modes"].as_array().unwrap();
        // Of what can be read in full as well as by its changes, the former is what most tests are about.
        if stream["name"].as_str().unwrap().starts_with("BOOKING") {
            return "full_refresh";
        }
        if offered.iter().any(|mode| mode == "incremental") { "incremental" } else { "full_refresh" }
    };
    let streams = CATALOG["streams"].as_array().unwrap().iter();
    let wanted = streams.filter(|stream| is_wanted(stream["name"].as_str().unwrap()));
    let wanted: Vec<_> = wanted.map(|stream| (stream["name"].as_str().unwrap(), mode(stream))).collect();
    assert!(!wanted.is_empty(), "discover lists no stream");
    wanted
}

/// What `discover` says. It needs no network, so any credential will do.
fn discovered_catalog() -> Value {
    let config = json!({"client_id": "id", "client_secret": "secret"});
    let run = Connector::new(config, json!({"streams": []})).run("discover");
    run.of_type("CATALOG").first().expect("discover gives a catalog")["catalog"].clone()
}

/// A connector to be started: its files, arguments and environment.
pub(crate) struct Connector {
    files: TempDir,
    config: Value,
    catalog: Value,
    state: Option<Vec<u8>>,
    environment: BTreeMap<String, String>,
    flags: Vec<String>,
    /// Files, by name, whose content a test gives; `None`: the file is missing.
    replaced_files: BTreeMap<&'static str, Option<String>>,
    largest_file: Option<u32>,
}

/// The output of a finished process, and its exit status.
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Each line of stdout.
    pub(crate) messages: Vec<Value>,
}

impl Connector {
    /// With the sandbox's credential and address, and all of [`streams`] chosen.
    pub(crate) fn against(sandbox: &Sandbox) -> Self {
        let settings = sandbox.settings();
        let config = json!({
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "api_url": sandbox.url(),
        });
        Self::with(config).environment("SOURCE_NAVAN_NOW", sandbox.now().to_rfc3339())
    }

    /// With this configuration.
    pub(crate) fn with(config: Value) -> Self {
        Self::new(config, catalog(streams()))
    }

    fn new(config: Value, catalog: Value) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (environment, replaced_files) = (BTreeMap::new(), BTreeMap::new());
        Self { files, config, catalog, state: None, environment, flags: vec![], replaced_files, largest_file: None }
    }

    /// Sets one property of the configuration.
    pub(crate) fn config(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.config[property] = value.into();
        self
    }

    /// Chooses streams, each with its sync mode.
    pub(crate) fn streams(self, streams: &[(&str, &str)]) -> Self {
        self.catalog(catalog(streams))
    }

    /// Chooses one stream, in the mode of [`all_streams`].
    pub(crate) fn stream(self, name: &str) -> Self {
        let chosen: Vec<_> = all_streams().iter().copied().filter(|(stream, _)| *stream == name).collect();
        self.streams(&chosen)
    }

    /// Gives this configured catalog.
    pub(crate) fn catalog(mut self, catalog: Value) -> Self {
        self.catalog = catalog;
        self
    }

    /// Gives this text as the state file.
    pub(crate) fn state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Puts this text, whatever it is, into `config.json`, `catalog.json` or `state.json`.
    pub(crate) fn file_text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.replaced_files.insert(name, Some(text.into()));
        self
    }

    /// Leaves a file out, but not the argument that names it.
    pub(crate) fn file_missing(mut self, name: &'static str) -> Self {
        self.replaced_files.insert(name, None);
        self
    }

    /// Sets a variable of the environment, such as `RUST_LOG` or `SOURCE_NAVAN_TIME_SCALE` (durations × that).
    pub(crate) fn environment(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.insert(name.to_owned(), value.to_string());
        self
    }

    /// Files can have so many KiB at most, as a full disk would have it.
    pub(crate) fn largest_file(mut self, kib: u32) -> Self {
        self.largest_file = Some(kib);
        self
    }

    /// Adds an argument of `read`.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.flags.push(argument.to_owned());
        self
    }

    /// Adds `--debug`.
    pub(crate) fn debug(mut self) -> Self {
        self.flags.push("--debug".to_owned());
        self
    }

    /// Starts a command (`spec`, `check`, `discover`, `read`) with stdout piped.
    pub(crate) fn start(&self, command: &str) -> Child {
        self.start_into(command, Stdio::piped())
    }

    /// The same with another stdout.
    pub(crate) fn start_into(&self, command: &str, stdout: Stdio) -> Child {
        let mut process = match self.largest_file {
            Some(kib) => {
                let mut shell = Command::new("bash");
                let script = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
                shell.args(["-c", &script, env!("CARGO_BIN_EXE_source-navan")]);
                shell
            }
            None => Command::new(env!("CARGO_BIN_EXE_source-navan")),
        };
        process.arg(command).args(&self.flags);
        process.env_remove("RUST_LOG").envs(&self.environment).env("RUST_BACKTRACE", "0");
        process.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        if command != "spec" {
            process.arg("--config").arg(self.file("config.json", self.config.to_string()));
        }
        if command == "read" {
            process.arg("--catalog").arg(self.file("catalog.json", self.catalog.to_string()));
            if self.state.is_some() || self.replaced_files.contains_key("state.json") {
                let state = self.state.as_deref().unwrap_or_default();
                process.arg("--state").arg(self.file("state.json", state));
            }
        }
        process.spawn().unwrap()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, command: &str) -> Run {
        Run::from(self.start(command).wait_with_output().unwrap())
    }

    /// Reads the chosen streams.
    pub(crate) fn read(&self) -> Run {
        self.run("read")
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> std::path::PathBuf {
        let path = Path::new(self.files.path()).join(name);
        match self.replaced_files.get(name) {
            None => std::fs::write(&path, text).unwrap(),
            Some(Some(content)) => std::fs::write(&path, content).unwrap(),
            Some(None) => {}
        }
        path
    }

    /// Runs a command and returns, for snapshots, what a user would see of its end: the exit code, what `check` says,
    /// the errors. Ports and paths are replaced.
    pub(crate) fn outcome(&self, command: &str) -> String {
        let run = self.run(command);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        let ends = |message: &&&Value| message["type"] == "CONNECTION_STATUS" || message["trace"]["type"] == "ERROR";
        let mut lines = vec![format!("exit code {}", run.status.code().unwrap())];
        for message in run.messages.iter().collect::<Vec<_>>().iter().filter(ends) {
            let (status, error) = (&message["connectionStatus"], &message["trace"]["error"]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            lines.push(if status.is_object() {
                format!("{}: {}", text(&status["status"]), text(&status["message"]))
            } else {
                let name = error["stream_descriptor"]["name"].as_str();
                let stream = name.map(|name| format!(" of {name}")).unwrap_or_default();
                format!("{}{stream}: {}", text(&error["failure_type"]), text(&error["message"]))
            });
        }
        let outcome = lines.join("\n").replace(&self.files.path().display().to_string(), "[files]");
        match self.config["api_url"].as_str() {
            Some(url) => {
                let host = url.split_once("://").map_or(url, |(_, host)| host);
                outcome.replace(url, "[sandbox]").replace(host, "[sandbox's host]")
            }
            None => outcome,
        }
    }
}

/// Runs the program with these arguments, as they are.
pub(crate) fn with_arguments(arguments: &[&str]) -> Run {
    let mut process = Command::new(env!("CARGO_BIN_EXE_source-navan"));
    Run::from(process.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null()).output().unwrap())
}

/// A time.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The compact rows of all types.
pub(crate) fn transactions(sandbox: &Sandbox) -> Vec<String> {
    ExpenseType::ALL.into_iter().flat_map(|kind| sandbox.transactions(kind)).collect()
}

/// A STATE payload as a state file's only entry.
pub(crate) fn state_file(stream: &str, state: &Value) -> String {
    let entry = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": state}});
    json!([entry]).to_string()
}

/// The field of a compact row that holds a text without escapes; the first of that name, which is the top-level one.
pub(crate) fn text_field<'a>(row: &'a str, field: &str) -> &'a str {
    let head = format!(r#""{field}":""#);
    let from = row.find(&head).unwrap() + head.len();
    row[from..].split('"').next().unwrap()
}

/// A configured catalog as Airbyte writes it.
pub(crate) fn catalog(streams: &[(&str, &str)]) -> Value {
    let stream = |(name, mode): &(&str, &str)| {
        json!({
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]},
            "sync_mode": mode,
            "destination_sync_mode": "append",
        })
    };
    json!({"streams": streams.iter().map(stream).collect::<Vec<_>>()})
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self::new(output.status, String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

impl Run {
    /// From the output of a process. A last line that does not end is not a message.
    pub(crate) fn new(status: ExitStatus, stdout: String, stderr: String) -> Self {
        let whole = stdout.rfind('\n').map_or(0, |end| end + 1);
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("not a message ({e}): {line}"));
        let messages = stdout[..whole].lines().map(parse).collect();
        Self { status, stdout, stderr, messages }
    }

    /// The messages of a type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.messages.iter().filter(|message| message["type"] == kind).collect()
    }

    /// The records of a stream, in order.
    pub(crate) fn records(&self, stream: &str) -> Vec<&Value> {
        let records = self.of_type("RECORD").into_iter().map(|message| &message["record"]);
        records.filter(|record| record["stream"] == stream).map(|record| &record["data"]).collect()
    }

    /// The records of a stream, as the bytes on stdout.
    pub(crate) fn raw_records(&self, stream: &str) -> Vec<&str> {
        let head = format!(r#"{{"type":"RECORD","record":{{"stream":"{stream}","#);
        let lines = self.stdout.lines().filter(|line| line.starts_with(&head) && line.ends_with("}}"));
        let data = |line| -> &str {
            let (_, data): (&str, &str) = str::split_once(line, r#""data":"#).unwrap();
            match data.rsplit_once(r#","meta":{"changes":["#) {
                Some((data, _)) => data,
                None => &data[..data.len() - 2],
            }
        };
        lines.map(data).collect()
    }

    /// The keys of a stream's records, in order.
    pub(crate) fn keys(&self, stream: &str) -> Vec<String> {
        let key = if stream == "BOOKING" { "uuid" } else { "id" };
        self.records(stream).into_iter().map(|record| record[key].as_str().unwrap().to_owned()).collect()
    }

    /// The states of a stream, in order.
    pub(crate) fn states(&self, stream: &str) -> Vec<&Value> {
        let states = self.of_type("STATE").into_iter().map(|message| &message["state"]["stream"]);
        states.filter(|s| s["stream_descriptor"]["name"] == stream).map(|s| &s["stream_state"]).collect()
    }

    /// The last state of each stream, as the file that Airbyte hands back.
    pub(crate) fn last_states(&self) -> String {
        let mut last = BTreeMap::new();
        for message in self.of_type("STATE") {
            last.insert(message["state"]["stream"]["stream_descriptor"]["name"].to_string(), message["state"].clone());
        }
        last.into_values().collect::<Value>().to_string()
    }

    /// The statuses of a stream, in order.
    pub(crate) fn statuses(&self, stream: &str) -> Vec<&str> {
        let statuses = self.of_type("TRACE").into_iter().map(|message| &message["trace"]["stream_status"]);
        statuses.filter(|s| s["stream_descriptor"]["name"] == stream).map(|s| s["status"].as_str().unwrap()).collect()
    }

    /// The ERROR traces.
    pub(crate) fn errors(&self) -> Vec<&Value> {
        let traces = self.of_type("TRACE").into_iter().map(|message| &message["trace"]);
        traces.filter(|trace| trace["type"] == "ERROR").map(|trace| &trace["error"]).collect()
    }

    /// The messages about a stream: its records, states, and traces, in order.
    pub(crate) fn messages_about(&self, stream: &str) -> Vec<&Value> {
        let is_about = |message: &&Value| match message["type"].as_str() {
            Some("RECORD") => message["record"]["stream"] == stream,
            Some("STATE") => message["state"]["stream"]["stream_descriptor"]["name"] == stream,
            Some("TRACE") => {
                let trace = &message["trace"];
                trace["stream_status"]["stream_descriptor"]["name"] == stream
                    || trace["estimate"]["name"] == stream
                    || trace["error"]["stream_descriptor"]["name"] == stream
            }
            _ => false,
        };
        self.messages.iter().filter(is_about).collect()
    }

    /// The log's lines of a level.
    pub(crate) fn logs(&self, level: &str) -> Vec<&str> {
        let logs = self.of_type("LOG").into_iter().map(|message| &message["log"]);
        logs.filter(|log| log["level"] == level).map(|log| log["message"].as_str().unwrap()).collect()
    }
}

/// The keys as a set.
///
/// # Panics
/// If a key comes twice.
pub(crate) fn assert_distinct(keys: &[String]) -> std::collections::BTreeSet<&str> {
    let distinct: std::collections::BTreeSet<_> = keys.iter().map(String::as_str).collect();
    assert_eq!(distinct.len(), keys.len(), "a key came twice");
    distinct
}
