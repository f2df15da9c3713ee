//! The forms in which clients hand a state and a catalog to the connector.

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, at, state_file};

fn sandbox() -> Sandbox {
    Sandbox::start(Settings { now: Some(at("2026-11-22T10:00:00Z")), ..Settings::odd() }).unwrap()
}

fn future() -> Value {
    json!({"modified_timestamp": "2099-01-01T00:00:00Z"})
}

/// How many transactions are read with this state file.
fn transactions_read(sandbox: &Sandbox, state: &str) -> usize {
    let run = Connector::against(sandbox).stream("TRANSACTION").state(state).read();
    assert_eq!(run.status.code(), Some(0), "{state}: {:?}", run.errors());
    run.keys("TRANSACTION").len()
}

#[test]
fn a_file_that_holds_no_state_means_a_first_read() {
    let sandbox = sandbox();
    let all = sandbox.ground_truth().transaction.rows as usize;
    for state in ["[]", "{}", "null", "", "\n", r#"{"TRANSACTION":{}}"#, r#"{"TRANSACTION":null}"#] {
        assert_eq!(transactions_read(&sandbox, state), all, "{state:?}");
    }
}

#[test]
fn the_legacy_form_is_read() {
    let sandbox = sandbox();
    assert_eq!(transactions_read(&sandbox, &json!({"TRANSACTION": future()}).to_string()), 0);
}

#[test]
fn state_messages_one_a_line_are_read_and_the_last_counts() {
    let sandbox = sandbox();
    let payload = |state: Value| {
        let stream = json!({"stream_descriptor": {"name": "TRANSACTION"}, "stream_state": state});
        json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}})
    };
    let early = payload(json!({"modified_timestamp": "2026-11-01T00:00:00Z"}));
    let lines = format!("{{\"type\":\"LOG\",\"log\":{{}}}}\n{early}\n{}\n", payload(future()));
    assert_eq!(transactions_read(&sandbox, &lines), 0);
}

#[test]
fn the_connectors_own_output_is_a_state_file() {
    let sandbox = sandbox();
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    assert!(transactions_read(&sandbox, &first.stdout) < first.keys("TRANSACTION").len() / 10);
}

#[test]
fn an_output_cut_in_the_middle_of_a_character_is_a_state_file() {
    let sandbox = sandbox();
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    let mut output = first.stdout.into_bytes();
    output.extend_from_slice(b"{\"type\":\"RECORD\",\"record\":{\"name\":\"Ren\xc3");
    let all = sandbox.ground_truth().transaction.rows as usize;
    let second = Connector::against(&sandbox).stream("TRANSACTION").state(output).read();
    assert_eq!(second.status.code(), Some(0), "{:?}", second.errors());
    assert!(second.records("TRANSACTION").len() < all);
}

#[test]
fn a_lone_global_entry_without_a_shared_state_is_read() {
    let sandbox = sandbox();
    let stream = json!({"stream_descriptor": {"name": "TRANSACTION"}, "stream_state": future()});
    let state = json!([{"type": "GLOBAL", "global": {"shared_state": null, "stream_states": [stream]}}]);
    assert_eq!(transactions_read(&sandbox, &state.to_string()), 0);
}

#[test]
fn pyairbytes_nulls_and_its_key_that_comes_twice_are_read() {
    let sandbox = sandbox();
    let state = format!(
        r#"[{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"TRANSACTION","namespace":null}},"stream_state":{}}},"global":null,"data":null,"sourceStats":null,"destinationStats":null,"global_":null,"global_":null}}]"#,
        future()
    );
    assert_eq!(transactions_read(&sandbox, &state), 0);
}

#[test]
fn the_state_of_a_stream_that_there_is_not_is_passed_over() {
    let sandbox = sandbox();
    let all = sandbox.ground_truth().transaction.rows as usize;
    assert_eq!(transactions_read(&sandbox, &state_file("TRIPS", &future())), all);
}

#[test]
fn a_catalog_may_hold_nulls_wherever_nothing_is_required() {
    let sandbox = sandbox();
    let nulls = |name: &str, mode: &str| {
        json!({
            "stream": {
                "name": name, "json_schema": null, "supported_sync_modes": null, "source_defined_cursor": null,
                "default_cursor_field": null, "source_defined_primary_key": null, "namespace": null,
                "is_resumable": null, "is_file_based": null,
            },
            "sync_mode": mode, "destination_sync_mode": "append", "cursor_field": null, "primary_key": null,
            "generation_id": null, "minimum_generation_id": null, "sync_id": null, "destination_object_name": null,
            "include_files": null,
        })
    };
    let streams = [nulls("BOOKING", "full_refresh"), nulls("TRANSACTION", "incremental"), nulls("USER", "incremental")];
    let run = Connector::against(&sandbox).catalog(json!({"streams": streams})).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_eq!(run.keys("USER").len(), sandbox.users().count());
}

#[test]
fn a_catalog_may_hold_only_what_is_required_and_things_unheard_of() {
    let sandbox = sandbox();
    let stream = json!({"stream": {"name": "USER"}, "sync_mode": "full_refresh", "invented_tomorrow": [1]});
    let run = Connector::against(&sandbox).catalog(json!({"streams": [stream], "also": {}})).read();
    assert_eq!(run.keys("USER").len(), sandbox.users().count());
}

#[test]
fn a_catalog_without_streams_reads_nothing_and_succeeds() {
    let sandbox = sandbox();
    let run = Connector::against(&sandbox).catalog(json!({"streams": []})).read();
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(run.messages.len(), run.of_type("LOG").len());
}

#[test]
fn the_output_of_a_read_that_failed_is_a_state_file_as_well() {
    let sandbox = sandbox();
    let first = Connector::against(&sandbox).stream("TRANSACTION").read();
    let broken = Connector::against(&sandbox).stream("TRANSACTION").config("client_secret", "wrong");
    let failed = broken.state(first.stdout.clone()).read();
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(failed.statuses("TRANSACTION"), ["STARTED", "INCOMPLETE"]);
    assert_eq!(failed.states("TRANSACTION").last().unwrap(), first.states("TRANSACTION").last().unwrap());
    assert!(transactions_read(&sandbox, &failed.stdout) < first.keys("TRANSACTION").len() / 10);
}

#[test]
fn a_destination_that_overwrites_transactions_is_warned_about() {
    let sandbox = sandbox();
    let warnings = |sync_mode: &str, mode: &str| {
        let entry = json!({"stream": {"name": "TRANSACTION"}, "sync_mode": sync_mode, "destination_sync_mode": mode});
        let run = Connector::against(&sandbox).catalog(json!({"streams": [entry]})).read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        run.logs("WARN").into_iter().filter(|log| log.contains("only has changes since 2026-09-01")).count()
    };
    let full = |mode| warnings("full_refresh", mode);
    assert_eq!(["overwrite", "overwrite_dedup", "append", "append_dedup"].map(full), [1, 1, 0, 0]);
    assert_eq!(warnings("incremental", "overwrite"), 0);
}

#[test]
fn a_state_that_is_none_of_ours_is_refused_by_name() {
    for (state, says) in [
        (json!("text"), "it is a text, not an object"),
        (json!(7), "it is a number, not an object"),
        (json!(["x"]), "it is a list, not an object"),
        (json!({"types": []}), "`types` is a list, not an object"),
        (json!({"types": {"fees": "2026-01-01"}}), "`types.fees` is a text, not an object"),
    ] {
        for file in [state_file("TRANSACTION", &state), json!({"TRANSACTION": state}).to_string()] {
            let run = Connector::against(&sandbox()).stream("TRANSACTION").state(file).read();
            let errors = run.errors();
            assert_eq!((run.status.code(), errors.len()), (Some(1), 1), "{state}");
            let message = errors[0]["message"].as_str().unwrap();
            assert!(message.contains("TRANSACTION") && message.contains(says), "{message}");
            assert_eq!(errors[0]["failure_type"], "config_error");
        }
    }
}

#[test]
fn a_state_ahead_of_navans_clock_is_told() {
    let sandbox = sandbox();
    let ahead = json!({"synced_through": "2027-01-01T00:00:00Z"});
    let types: serde_json::Map<_, _> =
        navan_sandbox::ExpenseType::ALL.iter().map(|kind| (kind.to_string(), ahead.clone())).collect();
    let state = state_file("TRANSACTION", &json!({"types": types}));
    let run = Connector::against(&sandbox).stream("TRANSACTION").state(state).read();
    assert_eq!((run.status.code(), run.records("TRANSACTION").len()), (Some(0), 0));
    let warnings = run.logs("WARN");
    assert!(warnings.iter().any(|w| w.contains("2027-01-01") && w.contains("2026-11-22")), "{warnings:?}");
    let state = state_file("BOOKING", &json!({"next_created_from": "2027-01-01T00:00:00Z"}));
    let run = Connector::against(&sandbox).stream("BOOKING").state(state).read();
    assert_eq!(run.records("BOOKING").len(), sandbox.bookings().count(), "a full refresh begins anew");
    let warnings = run.logs("WARN");
    assert!(warnings.iter().any(|w| w.contains("2027-01-01") && w.contains("begins anew")), "{warnings:?}");
}

#[test]
fn a_state_file_of_any_size_takes_no_more_memory_than_a_line() {
    let sandbox = Sandbox::start(Settings { bookings: 1, transactions: 1, users: 1, ..Settings::odd() }).unwrap();
    let record = json!({"type": "RECORD", "record": {"stream": "BOOKING", "data": {"purpose": "x".repeat(2_000)}}});
    let state =
        format!("{}{}", format!("{record}\n").repeat(100_000), state_file("USER", &json!({})).trim_matches(['[', ']']));
    let connector = Connector::against(&sandbox).stream("USER").state(state);
    let mut child = connector.start("read");
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse().ok());
        peak_kb = peak_kb.max(peak.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(peak_kb > 0 && peak_kb < 60_000, "{peak_kb} kB for a file of 200 MB");
}

/// The files may have been mixed up.
#[test]
fn a_state_that_is_another_file_is_refused_without_a_word_of_what_it_holds() {
    let sandbox = Sandbox::start(Settings { bookings: 3, ..Settings::odd() }).unwrap();
    let settings = sandbox.settings();
    let credential = json!({"client_secret": settings.client_secret, "client_id": settings.client_id, "region": "us"});
    let in_a_stream = state_file("BOOKING", &credential);
    for state in [credential.to_string(), json!([settings.client_secret]).to_string(), in_a_stream] {
        let run = Connector::against(&sandbox).stream("BOOKING").state(state).read();
        assert_ne!(run.status.code(), Some(0));
        assert_eq!(run.errors()[0]["failure_type"], "config_error", "{:?}", run.errors());
        for secret in [&settings.client_secret, &settings.client_id] {
            assert!(!run.stdout.contains(&**secret) && !run.stderr.contains(&**secret), "{}", run.stdout);
        }
    }
}

#[test]
fn a_state_that_this_connector_never_wrote_is_refused_by_name() {
    let sandbox = Sandbox::start(Settings { bookings: 3, transactions: 3, ..Settings::odd() }).unwrap();
    for (stream, state) in [
        ("BOOKING", json!({"foo": 5})),
        ("TRANSACTION", json!({"updated": "2026-01-01T00:00:00Z"})),
        ("TRANSACTION", json!({"types": {"fees": {"through": "2026-01-01T00:00:00Z"}}})),
        ("TRANSACTION_BOOKING", json!({"cursor": 1})),
    ] {
        let run = Connector::against(&sandbox).stream(stream).state(state_file(stream, &state)).read();
        let error = &run.errors()[0];
        assert_eq!(error["failure_type"], "config_error", "{state}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(stream) && message.contains("none of the properties that this connector writes"),
            "{message}"
        );
    }
}

#[test]
fn an_output_without_a_state_is_told() {
    let sandbox = Sandbox::start(Settings { bookings: 3, ..Settings::odd() }).unwrap();
    let output = r#"{"type":"LOG","log":{"level":"INFO","message":"x"}}"#.to_owned()
        + "\n"
        + r#"{"type":"RECORD","record":{}}"#
        + "\n";
    let run = Connector::against(&sandbox).stream("BOOKING").state(output).read();
    assert_eq!(run.status.code(), Some(0));
    assert!(run.logs("WARN").iter().any(|line| line.contains("no STATE among them")), "{:?}", run.logs("WARN"));
}
