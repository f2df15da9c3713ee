//! Files and arguments that cannot be used: what the user is told. Read the snapshots as that user.

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, catalog, state_file, with_arguments};

fn connector() -> Connector {
    Connector::with(json!({"client_id": "id", "client_secret": "secret", "api_url": "http://127.0.0.1:9"}))
}

/// What each of these says to a command, one after another.
fn outcomes(command: &str, cases: impl IntoIterator<Item = (&'static str, Connector)>) -> String {
    let outcome = |(name, connector): (&str, Connector)| format!("{name}\n{}\n", connector.outcome(command));
    cases.into_iter().map(outcome).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_catalog_with_a_stream_that_there_is_not_names_it() {
    insta::assert_snapshot!(
        connector().streams(&[("USER", "full_refresh"), ("TRIPS", "full_refresh")]).outcome("read")
    );
}

#[test]
fn broken_catalogs_are_told_from_each_other() {
    let twice = catalog(&[("USER", "full_refresh"), ("USER", "incremental")]);
    let mode = catalog(&[("USER", "sometimes")]);
    insta::assert_snapshot!(outcomes(
        "read",
        [
            ("not JSON", connector().file_text("catalog.json", "{\"streams\":[")),
            ("empty", connector().file_text("catalog.json", "")),
            ("another form", connector().catalog(json!([]))),
            ("no name", connector().catalog(json!({"streams": [{"stream": {}, "sync_mode": "full_refresh"}]}))),
            ("an unknown sync mode", connector().catalog(mode)),
            ("a stream twice", connector().catalog(twice)),
            ("no file", connector().file_missing("catalog.json")),
        ]
    ));
}

#[test]
fn broken_states_are_told_from_each_other() {
    insta::assert_snapshot!(outcomes(
        "read",
        [
            ("not JSON", connector().state("{")),
            ("a number", connector().state("7")),
            ("an entry without a name", connector().state(r#"[{"type":"STREAM"}]"#)),
            ("no file", connector().file_missing("state.json")),
        ]
    ));
}

#[test]
fn a_state_that_holds_no_time_names_the_stream_and_the_field() {
    let sandbox = Sandbox::start(Settings::odd()).unwrap();
    let from =
        |stream: &str, state: Value| Connector::against(&sandbox).stream(stream).state(state_file(stream, &state));
    insta::assert_snapshot!(outcomes(
        "read",
        [
            ("BOOKING", from("BOOKING", json!({"next_created_from": "soon"}))),
            ("TRANSACTION", from("TRANSACTION", json!({"modified_timestamp": 7}))),
            ("a type", from("TRANSACTION", json!({"types": {"fees": {"synced_through": false}}}))),
        ]
    ));
}

/// Configurations that cannot be used, each for another reason.
fn bad_configs() -> Vec<(&'static str, Connector)> {
    let property = |name: &str, value: Value| connector().config(name, value);
    let text = |text: &str| connector().file_text("config.json", text);
    vec![
        ("not JSON", text("{\"client_id\":")),
        ("empty", text("")),
        ("a list", text("[]")),
        ("nothing in it", text("{}")),
        ("no secret", text(r#"{"client_id":"id"}"#)),
        ("no file", connector().file_missing("config.json")),
        ("client_id: a number", property("client_id", json!(7))),
        ("client_secret: only a label", property("client_secret", json!("Secret Key:"))),
        ("client_secret: a number", property("client_secret", json!(7))),
        ("region", property("region", json!("asia"))),
        ("start_date: a word", property("start_date", json!("yesterday"))),
        ("start_date: a date only", property("start_date", json!("2024-01-01"))),
        ("start_date: the 31st of February", property("start_date", json!("2024-02-31T00:00:00Z"))),
        ("lookback_days: too many", property("lookback_days", json!(32))),
        ("transaction_types: none", property("transaction_types", json!([]))),
        ("transaction_types: unknown", property("transaction_types", json!(["taxis"]))),
        ("transaction_types: twice", property("transaction_types", json!(["fees", "fees"]))),
        ("max_concurrency", property("max_concurrency", json!(0))),
        ("requests_per_second", property("requests_per_second", json!(0))),
        ("api_url: public and unencrypted", property("api_url", json!("http://api.navan.com"))),
        ("api_url: with a password", property("api_url", json!("https://me:pass@navan.example"))),
        ("api_url: no address", property("api_url", json!("navan"))),
        ("api_url: another protocol", property("api_url", json!("ftp://127.0.0.1"))),
    ]
}

#[test]
fn check_says_of_each_bad_configuration_what_is_wrong_and_what_is_right() {
    insta::assert_snapshot!(outcomes("check", bad_configs()));
}

#[test]
fn discover_and_read_say_the_same_of_a_bad_configuration_as_check() {
    for (name, connector) in bad_configs() {
        let sentence = |command: &str| connector.outcome(command).split_once(": ").unwrap().1.to_owned();
        let check = sentence("check");
        for command in ["discover", "read"] {
            assert_eq!(sentence(command), check, "{name}: {command}");
            assert!(connector.outcome(command).starts_with("exit code 1\nconfig_error: "), "{name}: {command}");
            assert!(connector.run(command).of_type("CATALOG").is_empty(), "{name}: {command}");
        }
    }
}

#[test]
fn each_bad_input_gives_exactly_one_answer() {
    for (name, connector) in bad_configs() {
        assert_eq!(connector.run("check").of_type("CONNECTION_STATUS").len(), 1, "{name}");
        assert!(connector.run("check").errors().is_empty(), "{name}");
        assert_eq!(connector.run("read").errors().len(), 1, "{name}");
    }
}

#[test]
fn wrong_arguments_end_with_2_and_say_nothing_on_stdout() {
    let cases: [&[&str]; 5] =
        [&[], &["write"], &["read", "--config"], &["check", "--config", "c.json", "--verbose"], &["spec", "more"]];
    for arguments in cases {
        let run = with_arguments(arguments);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}");
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.contains("--help"), "{arguments:?}: {}", run.stderr);
    }
}
