//! Alerts of what goes on while a run does: each with its real cause, from a run to a pager as in [`alerting`](crate::alerting).

use std::process::Stdio;
use std::time::Duration;

use navan_sandbox::{Every, Fault, Faults, LimitAlgorithm, LimitHeaders, ListShape, Outage, RateLimit, RetryAfter};
use navan_sandbox::{Sandbox, Settings};
use serde_json::json;

use crate::alerting::{Program, assert_come, pager, watching};
use crate::harness::Connector;
use crate::metrics::Pushgateway;
use crate::process::{DEADLINE, wait_until};

const BOOKINGS: (&str, &str) = ("BOOKING", "full_refresh");

/// More than is read before a test ends, in pages of 20.
fn many() -> Settings {
    Settings { bookings: 20_000, list_shape: ListShape::SmallPages, ..Settings::default() }
}

/// One whose metrics go to the gateway under these names.
fn connector(sandbox: &Sandbox, gateway: &Pushgateway, tenant: &str, connection: &str) -> Connector {
    let monitoring = json!({"pushgateway_url": gateway.url(), "tenant_name": tenant, "connection_name": connection});
    Connector::against(sandbox).config("monitoring", monitoring).streams(&[BOOKINGS])
}

/// The same with metrics every second and a half.
fn talkative(connector: Connector) -> Connector {
    connector.environment("SOURCE_NAVAN_TIME_SCALE", 0.05)
}

/// A run that goes on until it is killed.
fn run(connector: &Connector) -> Program {
    Program(connector.start_into("read", Stdio::null()))
}

#[test]
fn a_token_that_ends_a_run_that_was_killed_and_one_that_is_held_back_are_told_of() {
    let Some(gateway) = Pushgateway::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (address, told) = pager();
    let soon = [
        ("for: 1m", "for: 1s"),
        ("navan_published_timestamp_seconds > 300", "navan_published_timestamp_seconds > 10"),
        ("navan_rate_limited_seconds > 300", "navan_rate_limited_seconds > 5"),
    ];
    let Some((_, _servers)) = watching(directory.path(), &gateway, address, &soon) else { return };

    // A token of half a minute is to be renewed after half of that. One connection gets no second one, the other gets all.
    let token = "/ta-auth/oauth/token".to_owned();
    let no_other = Outage {
        after_requests: 1,
        for_requests: None,
        for_ms: None,
        fault: Fault::Status(503),
        endpoint: Some(token),
    };
    let slow = |sandbox: &Sandbox, connection: &str| {
        talkative(connector(sandbox, &gateway, "acme", connection)).config("requests_per_second", 2)
    };
    let short = Settings { token_life: Duration::from_secs(30), ..many() };
    let faults = Faults { outage: vec![no_other], ..Faults::default() };
    let sandbox = Sandbox::start(Settings { faults, ..short.clone() }).unwrap();
    let not_renewed = slow(&sandbox, "ending");
    let _not_renewed = run(&not_renewed);
    let sandbox = Sandbox::start(short).unwrap();
    let renewed = slow(&sandbox, "renewed");
    let _renewed = run(&renewed);

    // It would go on just as those, and is ended in the middle with kill -9.
    let killed = slow(&sandbox, "killed");
    let process = run(&killed);
    wait_until(DEADLINE, "the run tells of records", || {
        gateway.value("navan_records_total", &["connection=\"killed\""]).is_some_and(|records| records > 0.0)
    });
    drop(process);

    // One is held back for seven seconds, another for one now and then.
    let read = |connection: &str, faults: Faults| {
        let few = Settings { bookings: 300, faults, ..Settings::default() };
        let sandbox = Sandbox::start(few).unwrap();
        let run = connector(&sandbox, &gateway, "acme", connection).read();
        assert_eq!((run.status.code(), run.keys("BOOKING").len()), (Some(0), 300), "{connection}");
    };
    let too_many = || Fault::TooMany { retry_after: RetryAfter::Seconds(1) };
    let lasting =
        Outage { after_requests: 1, for_requests: None, for_ms: Some(7_000), fault: too_many(), endpoint: None };
    read("throttled", Faults { outage: vec![lasting], ..Faults::default() });
    let single = Every { n: 4, offset: 2, fault: too_many(), endpoint: None };
    read("stopped-short", Faults { every: vec![single], ..Faults::default() });

    wait_until(DEADLINE, "a token is renewed", || {
        let labels = ["connection=\"renewed\"", "result=\"success\""];
        gateway.value("navan_token_fetches_total", &labels).is_some_and(|tokens| tokens > 1.0)
    });
    // The request for the second token has failed, while the first one is still good.
    let paged = ["acme/ending NavanTokenNotRenewed", "acme/ending NavanTokenFailure", "acme/killed NavanRunDied"];
    assert_come(&told, &paged, &["acme/throttled NavanThrottled"]);
}

#[test]
fn runs_that_use_up_the_limit_together_are_told_of() {
    let Some(gateway) = Pushgateway::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (address, told) = pager();
    // Longer than the first requests count for much.
    let soon = [("> 0.85\n        for: 5m", "> 0.85\n        for: 5s")];
    let Some((_, _servers)) = watching(directory.path(), &gateway, address, &soon) else { return };

    let limit = RateLimit {
        per_second: 10.0,
        burst: 1.0,
        algorithm: LimitAlgorithm::FixedWindow { ms: 10_000 },
        headers: LimitHeaders::RateLimit,
        retry_after_s: 0,
    };
    let start = || Sandbox::start(Settings { limit: Some(limit.clone()), ..many() }).unwrap();
    // One with the limit for itself, and two that have it in common.
    let (alone, shared) = (start(), start());
    let connectors = [(&alone, "globex", "alone"), (&shared, "acme", "first"), (&shared, "acme", "second")]
        .map(|(sandbox, tenant, connection)| talkative(connector(sandbox, &gateway, tenant, connection)));
    let _runs = connectors.each_ref().map(run);
    assert_come(&told, &[], &["acme NavanLimitNearlyUsed"]);
    // The one was near to what it may use, so that it was seen not to be too much.
    let used = gateway.value("navan_rate_limit_utilization_ratio", &["tenant=\"globex\""]).unwrap();
    assert!((0.5..0.85).contains(&used), "{used}");
}
