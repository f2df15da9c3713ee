//! Errors of the API, and an API that cannot be reached: what the user is told, and what is read all the same.

use std::collections::BTreeMap;
use std::net::TcpListener;

use navan_sandbox::{Every, Fault, Faults, Region, Sandbox, Settings};
use serde_json::json;

use crate::harness::{Connector, Run, assert_distinct, at, state_file, streams};

fn start(settings: Settings) -> Sandbox {
    Sandbox::start(settings).unwrap()
}

/// With short backoffs.
fn with_short_durations(connector: Connector) -> Connector {
    connector.environment("SOURCE_NAVAN_TIME_SCALE", 0.01)
}

fn against(sandbox: &Sandbox) -> Connector {
    with_short_durations(Connector::against(sandbox))
}

fn check_and_read(connector: &Connector) -> String {
    format!("check\n{}\n\nread\n{}", connector.outcome("check"), connector.outcome("read"))
}

fn scopes(scopes: &[&str]) -> Settings {
    Settings { scopes: scopes.iter().map(ToString::to_string).collect(), ..Settings::odd() }
}

#[test]
fn a_wrong_secret() {
    let sandbox = start(Settings::odd());
    insta::assert_snapshot!(check_and_read(&against(&sandbox).config("client_secret", "wrong")));
}

#[test]
fn a_wrong_secret_is_tried_once() {
    let sandbox = start(Settings::odd());
    against(&sandbox).config("client_secret", "wrong").read();
    assert_eq!(sandbox.counts().token_requests, 1);
}

#[test]
fn a_european_company_with_the_region_us() {
    let sandbox = start(Settings { region: Region::Eu, ..Settings::odd() });
    insta::assert_snapshot!(against(&sandbox).config("region", "us").outcome("check"));
}

#[test]
fn an_american_company_does_not_mind_the_header_for_europe() {
    let sandbox = start(Settings::odd());
    assert_eq!(against(&sandbox).config("region", "eu").outcome("check"), "exit code 0\nSUCCEEDED: ");
}

#[test]
fn a_credential_without_any_scope() {
    let sandbox = start(scopes(&[]));
    insta::assert_snapshot!(check_and_read(&against(&sandbox)));
}

#[test]
fn a_credential_without_any_scope_that_the_token_does_not_tell() {
    let sandbox = start(Settings { send_scope: false, ..scopes(&[]) });
    insta::assert_snapshot!(against(&sandbox).outcome("check"));
}

#[test]
fn check_succeeds_without_one_scope_and_logs_what_cannot_be_read() {
    let sandbox = start(scopes(&["bookings:read", "liquid:read"]));
    let run = against(&sandbox).run("check");
    assert_eq!(run.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"], "SUCCEEDED");
    insta::assert_snapshot!(run.logs("WARN").join("\n"), @"USER cannot be read: the credential does not have the scope users:read; create one that has it in Navan under Admin > Travel admin > Settings > Integrations > Navan API credentials.");
}

#[test]
fn a_stream_without_its_scope_fails_and_the_others_finish() {
    let sandbox = start(scopes(&["bookings:read", "liquid:read"]));
    let run = against(&sandbox).read();
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(run.statuses("USER"), ["STARTED", "INCOMPLETE"]);
    assert_eq!(run.errors().len(), 1);
    assert_eq!(run.errors()[0]["failure_type"], "config_error");
    assert_eq!(run.errors()[0]["stream_descriptor"]["name"], "USER");
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len(), sandbox.bookings().count());
    for stream in ["BOOKING", "TRANSACTION"] {
        assert_eq!(run.statuses(stream).last(), Some(&"COMPLETE"), "{stream}");
    }
}

#[test]
fn each_stream_without_its_scope_says_so() {
    for &(stream, _) in streams() {
        let sandbox = start(scopes(&[]));
        let outcome = against(&sandbox).stream(stream).outcome("read");
        insta::assert_snapshot!(format!("scope_of_{}", stream.to_lowercase()), outcome);
    }
}

#[test]
fn a_company_without_the_expense_api() {
    let sandbox = start(Settings { expense_enabled: false, ..Settings::odd() });
    insta::assert_snapshot!(check_and_read(&against(&sandbox)));
}

const NOW: &str = "2026-11-22T10:00:00Z";

/// Two types are refused; the state knows these.
fn without_two_types(known: &[&str]) -> Run {
    let refused_types = BTreeMap::from([("fees".to_owned(), 403), ("disputes".to_owned(), 404)]);
    let sandbox = start(Settings { refused_types, now: Some(at(NOW)), ..Settings::odd() });
    let through = json!({"synced_through": "2026-11-10T00:00:00Z"});
    let known: serde_json::Map<_, _> = known.iter().map(|name| ((*name).to_owned(), through.clone())).collect();
    let state = json!({"types": known});
    against(&sandbox).stream("TRANSACTION").state(state_file("TRANSACTION", &state)).read()
}

#[test]
fn a_refused_type_is_skipped_with_a_warning() {
    let run = without_two_types(&["repayments"]);
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let mut warnings = run.logs("WARN");
    warnings.retain(|warning| warning.contains("skipped"));
    warnings.sort_unstable();
    insta::assert_snapshot!(warnings.join("\n"), @r"
    TRANSACTION: disputes cannot be read with this credential (Navan answered 404 (NOT_AVAILABLE) (disputes are not available for this company.)); it was skipped.
    TRANSACTION: fees cannot be read with this credential (Navan answered 403 (NOT_AVAILABLE) (fees are not available for this company.)); it was skipped.
    ");
}

#[test]
fn a_refused_type_keeps_its_entry_and_does_not_hold_the_cursor_back() {
    let run = without_two_types(&["fees", "disputes", "repayments"]);
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["fees"]["synced_through"], "2026-11-10T00:00:00Z");
    assert_eq!(last["types"]["disputes"]["synced_through"], "2026-11-10T00:00:00Z");
    assert!(at(last["modified_timestamp"].as_str().unwrap()) >= at(NOW), "{last}");
}

#[test]
fn the_types_that_are_not_refused_are_read() {
    let run = without_two_types(&["fees", "disputes", "repayments"]);
    let kinds: std::collections::BTreeSet<_> =
        run.records("TRANSACTION").into_iter().map(|row| row["_type"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 7);
    assert!(!kinds.contains("fees") && !kinds.contains("disputes"));
}

/// An address without a listener.
fn unreachable_host() -> Connector {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let api_url = format!("http://127.0.0.1:{port}");
    with_short_durations(Connector::with(json!({"client_id": "id", "client_secret": "secret", "api_url": api_url})))
}

#[test]
fn a_host_that_cannot_be_reached() {
    insta::assert_snapshot!(check_and_read(&unreachable_host()));
}

#[test]
fn a_stream_that_could_not_begin_is_started_and_incomplete() {
    let run = unreachable_host().read();
    for &(stream, _) in streams() {
        assert_eq!(run.statuses(stream), ["STARTED", "INCOMPLETE"], "{stream}");
    }
}

fn always(fault: Fault, endpoint: &str) -> Sandbox {
    let every = Every { n: 1, offset: 0, fault, endpoint: Some(endpoint.to_owned()) };
    start(Settings { faults: Faults { every: vec![every], ..Faults::default() }, ..Settings::odd() })
}

#[test]
fn a_request_that_navan_does_not_understand() {
    insta::assert_snapshot!(against(&always(Fault::Status(400), "/v1/users")).stream("USER").outcome("read"));
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = start(Settings::odd());
    let sandbox = always(Fault::Redirect { to: format!("{}/v1/users", elsewhere.url()) }, "/v1/users");
    insta::assert_snapshot!(against(&sandbox).stream("USER").outcome("read"));
    assert_eq!(elsewhere.counts().requests, 0);
}

#[test]
fn answers_that_are_never_json() {
    insta::assert_snapshot!(against(&always(Fault::HtmlOk, "/v1/users")).stream("USER").outcome("read"));
}

#[test]
fn tokens_that_are_always_refused() {
    insta::assert_snapshot!(against(&always(Fault::RevokeToken, "/v1/users")).stream("USER").outcome("read"));
}

#[test]
fn a_token_endpoint_that_is_broken() {
    insta::assert_snapshot!(against(&always(Fault::Status(503), "/ta-auth")).outcome("check"));
}
