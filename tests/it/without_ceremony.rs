//! A read without a catalog; a configuration from stdin and the environment; help for whoever types.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Output, Stdio};

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Run, all_streams};

fn sandbox() -> Sandbox {
    Sandbox::start(Settings { bookings: 40, transactions: 5, users: 8, ..Settings::default() }).unwrap()
}

/// The sandbox's configuration.
fn config(sandbox: &Sandbox) -> Value {
    let settings = sandbox.settings();
    json!({"client_id": settings.client_id, "client_secret": settings.client_secret, "api_url": sandbox.url()})
}

/// The program, in a directory of its own, without any configuration.
fn program(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_source-navan"));
    command.args(arguments).env_clear().env("SOURCE_NAVAN_NOW", sandbox.now().to_rfc3339());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn with_stdin(mut command: Command, text: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(text.as_bytes());
    // A program that was not told to read stdin may have ended before.
    assert!(written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe));
    child.wait_with_output().unwrap()
}

fn names(run: &Run) -> BTreeSet<&str> {
    run.of_type("RECORD").iter().map(|message| message["record"]["stream"].as_str().unwrap()).collect()
}

fn errors(output: &Output) -> String {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let messages = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = messages.filter_map(|message| Some(message["trace"]["error"]["message"].as_str()?.to_owned()));
    errors.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_read_without_a_catalog_reads_all_streams_and_with_a_name_that_one() {
    let sandbox = sandbox();
    let output = with_stdin(program(&sandbox, &["read", "--config", "-"]), &config(&sandbox).to_string());
    let all: BTreeSet<_> = all_streams().iter().map(|(name, _)| *name).collect();
    let run = Run::from(output);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(names(&run), all);
    assert!(!run.states("BOOKING").is_empty());
    let one =
        with_stdin(program(&sandbox, &["read", "--config", "-", "--stream", "users"]), &config(&sandbox).to_string());
    assert_eq!(names(&Run::from(one)), BTreeSet::from(["USER"]));
    let none =
        with_stdin(program(&sandbox, &["read", "--config", "-", "--stream", "user_s"]), &config(&sandbox).to_string());
    assert_eq!(errors(&none), "There is no stream \"user_s\": did you mean USER?");
}

#[test]
fn what_discover_prints_is_a_catalog() {
    let sandbox = sandbox();
    let directory = tempfile::tempdir().unwrap();
    let catalog = directory.path().join("catalog.json");
    let settings = config(&sandbox).to_string();
    let sync_mode = |name: &str, catalog: &str| {
        let catalog: Value = serde_json::from_str(catalog).unwrap();
        let streams = catalog["streams"].as_array().unwrap().clone();
        streams.into_iter().find(|stream| stream["stream"]["name"] == name).unwrap()["sync_mode"].clone()
    };
    for flags in [vec!["discover", "--config", "-"], vec!["discover", "--config", "-", "--configured"]] {
        let discovered = with_stdin(program(&sandbox, &flags), &settings);
        if flags.len() == 4 {
            let text = String::from_utf8(discovered.stdout.clone()).unwrap();
            assert_eq!(
                (sync_mode("BOOKING", &text), sync_mode("USER", &text)),
                (json!("incremental"), json!("full_refresh"))
            );
        }
        std::fs::write(&catalog, discovered.stdout).unwrap();
        let read = program(&sandbox, &["read", "--config", "-", "--catalog", catalog.to_str().unwrap()]);
        let run = Run::from(with_stdin(read, &settings));
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        assert_eq!(names(&run).len(), all_streams().len());
    }
}

#[test]
fn the_environment_is_a_configuration_and_wins_over_the_file_unless_told_otherwise() {
    let sandbox = sandbox();
    let settings = sandbox.settings();
    let read = |arguments: &[&str], secret: &str, variables: &[(&str, &str)], stdin: &Value| {
        let mut command = program(&sandbox, &["read", "--stream", "USER"]);
        command.args(arguments).env("NAVAN_CLIENT_SECRET", secret).envs(variables.iter().copied());
        let output = with_stdin(command, &stdin.to_string());
        (output.status.code(), errors(&output))
    };
    let (id, url) = (settings.client_id.as_str(), sandbox.url());
    let rest = [("NAVAN_CLIENT_ID", id), ("NAVAN_API_URL", url.as_str()), ("NAVAN_MAX_CONCURRENCY", "2")];
    assert_eq!(read(&[], &settings.client_secret, &rest, &Value::Null), (Some(0), String::new()));
    let file = config(&sandbox);
    let wrong = "a secret that was replaced";
    assert_eq!(read(&["--config", "-"], wrong, &[], &file).0, Some(1));
    assert_eq!(read(&["--config", "-", "--environment", "under"], wrong, &[], &file).0, Some(0));
    assert_eq!(read(&["--config", "-", "--environment", "ignored"], wrong, &[], &file).0, Some(0));
    let sandboxs = [("NAVAN_CLIENT_ID", id), ("NAVAN_URL", url.as_str()), ("NAVAN_REGOIN", "eu")];
    assert_eq!(read(&[], &settings.client_secret, &sandboxs, &Value::Null), (Some(0), String::new()));
    // Airbyte gives a file, and what else its containers hold is nothing of ours.
    let in_image = [("AIRBYTE_ENTRYPOINT", "/usr/local/bin/source-navan")];
    assert_eq!(read(&["--config", "-"], wrong, &in_image, &file).0, Some(0));
    let (code, message) = read(&[], &settings.client_secret, &in_image, &Value::Null);
    assert_eq!(code, Some(1));
    assert!(message.starts_with("There is no configuration: give a file by --config FILE"), "{message}");
}

#[test]
fn a_secret_cannot_be_an_argument() {
    let sandbox = sandbox();
    let output = program(&sandbox, &["read", "--client-secret", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn each_command_has_an_example_and_a_wrong_one_names_the_right_one() {
    let sandbox = sandbox();
    let text = |arguments: &[&str]| {
        let output = program(&sandbox, arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let help = text(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> =
        commands.filter_map(|line| line.split_whitespace().next()).filter(|it| *it != "help").collect();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let help = text(&[command, "--help"]);
        assert!(help.contains(&format!("source-navan {command}")) && help.contains("Example"), "{help}");
    }
    assert!(help.contains("Exit codes:"));
    assert!(text(&["exprot"]).contains("a similar subcommand exists: 'export'"));
    assert!(text(&["read", "--confg", "x"]).contains("a similar argument exists: '--config'"));
}

#[test]
fn shells_and_man_know_every_command() {
    let sandbox = sandbox();
    let script = program(&sandbox, &["completions", "bash"]).output().unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
    assert!(script.contains("--streams-all"));
    let directory = tempfile::tempdir().unwrap();
    let status = program(&sandbox, &["man", "--to", directory.path().to_str().unwrap()]).status().unwrap();
    assert!(status.success());
    let page = std::fs::read_to_string(directory.path().join("source-navan-export.1")).unwrap();
    assert!(page.contains("October") || page.contains("october.xlsx"), "{page}");
}
