//! The rate limit and its headers.

use std::time::Duration;

use navan_sandbox::{LimitAlgorithm, LimitHeaders, RateLimit};

use crate::client::{Client, header, sandbox};

fn limit(per_second: f64, burst: f64, algorithm: LimitAlgorithm, headers: LimitHeaders) -> RateLimit {
    RateLimit { per_second, burst, algorithm, headers, retry_after_s: 0 }
}

#[test]
fn a_bucket_holds_its_burst_and_fills_again() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    sandbox.set_limit(Some(limit(5.0, 3.0, LimitAlgorithm::TokenBucket, LimitHeaders::RetryAfterSeconds)));
    let statuses: Vec<_> = (0..4).map(|_| client.status("/v1/users")).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(header(&client.get("/v1/users"), "retry-after"), "1");
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(client.status("/v1/users"), 200);
    assert_eq!(sandbox.counts().too_many, 2);
}

#[test]
fn a_window_starts_anew_when_it_ends() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    sandbox.set_limit(Some(limit(4.0, 1.0, LimitAlgorithm::FixedWindow { ms: 500 }, LimitHeaders::RateLimit)));
    let first = client.get("/v1/users");
    assert_eq!(header(&first, "x-ratelimit-limit"), "2");
    assert_eq!(header(&first, "x-ratelimit-remaining"), "1");
    assert_eq!(header(&first, "x-ratelimit-reset"), "1");
    assert_eq!([client.status("/v1/users"), client.status("/v1/users")], [200, 429]);
    std::thread::sleep(Duration::from_millis(520));
    assert_eq!(client.status("/v1/users"), 200);
}

#[test]
fn resets_and_dates_follow_the_sandboxs_clock() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    sandbox.set_limit(Some(limit(1.0, 1.0, LimitAlgorithm::FixedWindow { ms: 60_000 }, LimitHeaders::RateLimitEpoch)));
    let reset: i64 = header(&client.get("/v1/users"), "x-ratelimit-reset").parse().unwrap();
    assert!((58..=61).contains(&(reset - sandbox.now().timestamp())), "{reset}");
    let mut dated = limit(0.001, 1.0, LimitAlgorithm::TokenBucket, LimitHeaders::RetryAfterDate);
    dated.retry_after_s = 600;
    sandbox.set_limit(Some(dated));
    assert_eq!(client.status("/v1/users"), 200);
    assert!(header(&client.get("/v1/users"), "retry-after").starts_with("Sun, 22 Nov 2026 12:10:"));
}

#[test]
fn a_limit_can_be_set_over_http() {
    let sandbox = sandbox(|_| {});
    let client = Client::new(&sandbox);
    let body = serde_json::json!({"per_second": 4, "kind": {"window": {"ms": 60_000}}, "tell": "headers_epoch"});
    client.post("/sandbox/limit", &body);
    let expected = limit(4.0, 1.0, LimitAlgorithm::FixedWindow { ms: 60_000 }, LimitHeaders::RateLimitEpoch);
    assert_eq!(serde_json::from_value::<RateLimit>(body).unwrap(), expected);
    assert_eq!(header(&client.get("/v1/users"), "x-ratelimit-limit"), "240");
    let bucket = serde_json::json!({"per_second": 1, "kind": "bucket", "tell": "nothing"});
    let expected = limit(1.0, 1.0, LimitAlgorithm::TokenBucket, LimitHeaders::None);
    assert_eq!(serde_json::from_value::<RateLimit>(bucket).unwrap(), expected);
}

#[test]
fn token_requests_are_not_limited() {
    let sandbox =
        sandbox(|settings| settings.limit = Some(limit(0.001, 1.0, LimitAlgorithm::TokenBucket, LimitHeaders::None)));
    let mut client = Client::new(&sandbox);
    client.renew(&sandbox);
    assert_eq!([client.status("/v1/users"), client.status("/v1/users")], [200, 429]);
    client.renew(&sandbox);
    assert_eq!(sandbox.counts().tokens_issued, 3);
}
