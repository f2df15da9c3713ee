//! What Navan says, and what is said of it: no secret by way of its words, and an answer in time.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Run;
use crate::scripted::{Reply, ScriptedNavan};

const TOKEN: &str = "/ta-auth/oauth/token";

fn assert_shows_none(run: &Run, secrets: &[&str]) {
    for secret in secrets {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{secret}: {}", run.stdout);
    }
}

#[test]
fn an_error_that_quotes_a_secret_or_a_row_is_shown_without_it() {
    let secrets = ["an id", "a secret", "a-token", "Dinner with Ada", "ada@example.com"];
    let quote = r#"No client with requested id: an id, secret a secret, Bearer a-token, for ada@example.com {"note":"Dinner with Ada"}"#;
    let bodies = [
        json!({"error": "invalid_client", "error_description": quote}).to_string(),
        json!({"error": {"code": quote, "message": quote}}).to_string(),
        json!({"error": quote}).to_string(),
        format!("<html>{quote}</html>"),
    ];
    for (at_token, status) in [(true, 401), (true, 400), (false, 200), (false, 400), (false, 403), (false, 500)] {
        for body in bodies.clone() {
            let server = ScriptedNavan::start(move |asked| {
                ((asked.path == TOKEN) == at_token)
                    .then(|| Reply::new(status, body.clone()).header("x-said", "a secret"))
            });
            for command in ["check", "read"] {
                let run = server.connector().environment("RUST_LOG", "trace").run(command);
                // What is no token yet is no secret.
                let known = secrets.iter().copied().filter(|secret| !at_token || *secret != "a-token");
                assert_shows_none(&run, &known.collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn a_token_is_not_shown_without_its_prefix_or_in_capitals_either() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path != TOKEN)
            .then(|| Reply::new(403, r#"{"error":{"message":"token a-token, A-TOKEN is unknown to A SECRET"}}"#))
    });
    let run = server.connector().stream("USER").read();
    assert_shows_none(&run, &["a-token", "A-TOKEN", "A SECRET"]);
    assert!(run.stdout.contains("is unknown to"), "{}", run.stdout);
}

#[test]
fn an_answer_without_a_token_is_shown_in_its_own_words() {
    for (reply, says) in [
        (
            Reply::new(200, r#"{"error":"invalid_client","error_description":"Client is disabled"}"#),
            "Client is disabled",
        ),
        (Reply::new(429, "{}").header("retry-after", 3_600), "429, asking to wait for 3600 s"),
    ] {
        let server = ScriptedNavan::start(move |asked| (asked.path == TOKEN).then(|| reply.clone()));
        let run = server.connector().stream("USER").read();
        let message = run.errors()[0]["message"].as_str().unwrap();
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_check_ends_in_time_whatever_happens_and_names_the_host() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path != TOKEN).then(|| {
            std::thread::sleep(Duration::from_secs(2));
            Reply::new(500, "")
        })
    });
    let began = Instant::now();
    // 85 s become 0.85 s; a try takes up to 0.6 s, of which there are three a stream.
    let run = server.connector().run("check");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let status = &run.of_type("CONNECTION_STATUS")[0]["connectionStatus"];
    assert_eq!((run.status.code(), &status["status"]), (Some(0), &json!("FAILED")));
    assert!(status["message"].as_str().unwrap().contains("127.0.0.1"), "{status}");
}

#[test]
fn a_misspelt_property_is_named_with_the_right_one() {
    let server = ScriptedNavan::start(|_| None);
    let run = server.connector().config("star_date", "2024-01-01T00:00:00Z").config("__injected", 1).run("check");
    assert_eq!(run.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"], "SUCCEEDED");
    let warnings = run.logs("WARN");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`star_date`") && warnings[0].contains("did you mean `start_date`?"), "{warnings:?}");
}

#[test]
fn a_name_is_recognised_in_whichever_way_it_is_written() {
    for (written, meant) in [
        ("requestsPerSecond", "requests_per_second"),
        ("requests_per_sec", "requests_per_second"),
        ("START_DATE", "start_date"),
        ("Start Date", "start_date"),
        ("REGION", "region"),
        ("api_URL", "api_url"),
        ("lookback_window", "lookback_days"),
    ] {
        let run = ScriptedNavan::start(|_| None).connector().config(written, 1).run("check");
        let warnings = run.logs("WARN");
        assert!(warnings[0].contains(&format!("did you mean `{meant}`?")), "{written}: {warnings:?}");
    }
}

#[test]
fn all_that_is_said_of_a_stream_has_its_namespace() {
    let server = ScriptedNavan::start(|asked| (asked.path == "/v1/bookings").then(|| Reply::new(400, "{}")));
    let stream = |name: &str| {
        json!({"stream": {"name": name, "namespace": "travel", "json_schema": {}}, "sync_mode": "full_refresh",
            "destination_sync_mode": "append"})
    };
    let run = server.connector().catalog(json!({"streams": [stream("BOOKING"), stream("USER")]})).read();
    for message in run.of_type("TRACE") {
        let trace = &message["trace"];
        let namespace = match trace["type"].as_str().unwrap() {
            "ESTIMATE" => &trace["estimate"]["namespace"],
            "ERROR" => &trace["error"]["stream_descriptor"]["namespace"],
            _ => &trace["stream_status"]["stream_descriptor"]["namespace"],
        };
        assert_eq!(namespace, "travel", "{trace}");
    }
    let kinds: Vec<_> = run.of_type("TRACE").iter().map(|message| message["trace"]["type"].clone()).collect();
    assert!(kinds.contains(&json!("ESTIMATE")) && kinds.contains(&json!("ERROR")), "{kinds:?}");
}

/// Some readers end a line there.
#[test]
fn what_ends_a_line_for_some_readers_leaves_as_an_escape_in_log_and_trace() {
    let body = json!({"error": {"code": "BAD", "message": "one\u{2028}two\u{2029}three\u{85}four"}}).to_string();
    let server = ScriptedNavan::start(move |asked| (asked.path != TOKEN).then(|| Reply::new(422, body.clone())));
    let run = server.connector().run("read");
    assert!(run.stdout.contains("one"), "{}", run.stdout);
    assert!(!run.stdout.contains(['\u{2028}', '\u{2029}', '\u{85}']), "{}", run.stdout);
}
