//! Tokens that end, and the header for Europe.

use std::time::Duration;

use navan_sandbox::{Every, Fault, Faults, Outage, Region, RetryAfter, Sandbox, Settings};

use crate::harness::{Connector, Run, assert_distinct};

fn assert_complete(sandbox: &Sandbox, run: &Run) {
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let truth = sandbox.ground_truth();
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len() as u64, truth.booking.rows);
    assert_eq!(assert_distinct(&run.keys("TRANSACTION")).len() as u64, truth.transaction.rows);
    assert_eq!(assert_distinct(&run.keys("USER")).len() as u64, truth.user.rows);
}

fn with(faults: Faults) -> Sandbox {
    Sandbox::start(Settings { faults, ..Settings::odd() }).unwrap()
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_replaced_once() {
    let revoked =
        Outage { after_requests: 20, for_requests: Some(1), for_ms: None, fault: Fault::RevokeToken, endpoint: None };
    let sandbox = with(Faults { outage: vec![revoked], ..Faults::default() });
    let run = Connector::against(&sandbox).read();
    assert_complete(&sandbox, &run);
    assert_eq!(sandbox.counts().tokens_issued, 2);
}

#[test]
fn tokens_that_are_revoked_again_and_again_lose_no_row() {
    let revoked = Every { n: 30, offset: 0, fault: Fault::RevokeToken, endpoint: None };
    let sandbox = with(Faults { every: vec![revoked], ..Faults::default() });
    let run = Connector::against(&sandbox).read();
    assert_complete(&sandbox, &run);
    assert!(sandbox.counts().tokens_issued > 3);
}

#[test]
fn a_token_that_lives_three_seconds_is_renewed_in_time() {
    // 117 requests for transactions, 4 at a time, 150 ms each: more than four seconds.
    let faults = Faults { latency_ms: 150, ..Faults::default() };
    let settings = Settings { token_life: Duration::from_secs(3), faults, ..Settings::odd() };
    let sandbox = Sandbox::start(settings).unwrap();
    let run = Connector::against(&sandbox).read();
    assert_complete(&sandbox, &run);
    assert!(sandbox.counts().tokens_issued >= 2);
}

#[test]
fn a_long_wait_for_a_token_is_told() {
    let fault = Fault::TooMany { retry_after: RetryAfter::Seconds(1) };
    let endpoint = Some("/ta-auth/oauth/token".to_owned());
    let sandbox = with(Faults {
        outage: vec![Outage { after_requests: 0, for_requests: Some(1), for_ms: None, fault, endpoint }],
        ..Faults::default()
    });
    // Told from 10 s on, so here from half a second on.
    let run = Connector::against(&sandbox).environment("SOURCE_NAVAN_TIME_SCALE", "0.05").read();
    assert_complete(&sandbox, &run);
    let told = run.logs("INFO").into_iter().any(|line| line.contains("oauth/token is asked again in 1 s"));
    assert!(told, "{:?}", run.logs("INFO"));
}

#[test]
fn one_token_serves_a_whole_read() {
    let sandbox = with(Faults::default());
    let run = Connector::against(&sandbox).config("max_concurrency", 32).read();
    assert_complete(&sandbox, &run);
    assert_eq!(sandbox.counts().tokens_issued, 1);
}

#[test]
fn a_credential_that_is_deleted_in_the_middle_is_a_configuration_error() {
    let deleted = Outage {
        after_requests: 20,
        for_requests: Some(1),
        for_ms: None,
        fault: Fault::RevokeCredential,
        endpoint: None,
    };
    let sandbox = with(Faults { outage: vec![deleted], ..Faults::default() });
    let run = Connector::against(&sandbox).stream("TRANSACTION").read();
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(run.statuses("TRANSACTION").last(), Some(&"INCOMPLETE"));
    assert_eq!(run.errors()[0]["failure_type"], "config_error");
}

#[test]
fn a_european_company_is_read_with_the_region_header() {
    let sandbox = Sandbox::start(Settings { region: Region::Eu, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox).config("region", "eu").read();
    assert_complete(&sandbox, &run);
    assert_eq!(sandbox.counts().responses("/v1/bookings", 500), 0);
}
