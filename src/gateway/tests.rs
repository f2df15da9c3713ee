//! [`Gateway::send`] against the sandbox, over real HTTP. The clock is the real one, since a paused one would run ahead of
//! the sockets; the durations are short instead.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use futures::future::join_all;
use navan_sandbox::{Every, Fault, Faults, Outage, RetryAfter, Sandbox, Settings};

use super::*;
use crate::error::Kind;

const MS: Duration = Duration::from_millis(1);

fn timings() -> Timings {
    Timings {
        backoff: MS,
        backoff_most: 5 * MS,
        breaker_rest: 50 * MS,
        pause: 5 * MS,
        pause_most: 20 * MS,
        silence: 300 * MS,
        throttled_most: 200 * MS,
        ..Timings::DEFAULT
    }
}

/// Hands out tokens by number, as if the sandbox had issued them; all carry the sandbox's real one unless they are
/// among the bad ones.
struct Tokens {
    good: Arc<Secret>,
    current: AtomicU64,
    /// Tokens up to this number are refused by the sandbox.
    bad_to: u64,
    /// How long each is said to live.
    life: Duration,
}

impl Authorise for Tokens {
    fn authorisation(&self) -> BoxFuture<'_, Result<Authorisation, Error>> {
        let token = self.current.load(Ordering::Relaxed);
        let bad = Arc::new(Secret::new("Bearer not-a-token".to_owned()));
        let bearer = if token <= self.bad_to { bad } else { Arc::clone(&self.good) };
        async move { Ok(Authorisation { bearer, token, ends: Instant::now() + self.life }) }.boxed()
    }

    fn refused(&self, authorisation: &Authorisation) -> BoxFuture<'_, ()> {
        let next = authorisation.token + 1;
        let _ = self.current.compare_exchange(authorisation.token, next, Ordering::Relaxed, Ordering::Relaxed);
        async {}.boxed()
    }
}

struct Setting {
    sandbox: Sandbox,
    gateway: Gateway,
    tokens: Tokens,
}

impl Setting {
    async fn with(timings: Timings, bad_to: u64, life: Duration) -> Self {
        let sandbox = Sandbox::start(Settings::default()).unwrap();
        let gateway = Gateway::new(timings, None, Arc::default()).unwrap();
        let good = token(&gateway, &sandbox).await;
        Self { sandbox, gateway, tokens: Tokens { good, current: AtomicU64::new(1), bad_to, life } }
    }

    async fn new() -> Self {
        Self::with(timings(), 0, Duration::from_hours(1)).await
    }

    /// Each request to the API has this fault from now on.
    fn always(&self, fault: Fault) {
        self.every(1, fault);
    }

    fn every(&self, n: u64, fault: Fault) {
        let every = vec![Every { n, offset: 0, fault, endpoint: None }];
        self.sandbox.set_faults(Faults { every, ..Faults::default() });
    }

    fn next(&self, requests: u64, fault: Fault) {
        let outage =
            vec![Outage { after_requests: 0, for_requests: Some(requests), for_ms: None, fault, endpoint: None }];
        self.sandbox.set_faults(Faults { outage, ..Faults::default() });
    }

    /// Asks for a page of users; its size in bytes.
    async fn ask(&self) -> Result<usize, Failure> {
        let url = format!("{}/v1/users", self.sandbox.url()).parse().unwrap();
        let parameters = [("page", "0".to_owned()), ("size", "100".to_owned())];
        let payload = Payload::Query(&parameters, &self.tokens);
        let request = Request { endpoint: "/v1/users", url, region: None, payload };
        self.gateway.send(&request, whole).await
    }

    fn requests(&self) -> u64 {
        self.sandbox.counts().requests
    }
}

#[allow(clippy::needless_pass_by_value)] // as the gateway hands it over
fn whole(body: Vec<u8>) -> Result<usize, Unusable> {
    let page: serde_json::Value = serde_json::from_slice(&body).map_err(|_| Unusable("not JSON".to_owned()))?;
    page.get("data").ok_or_else(|| Unusable("no data".to_owned()))?;
    Ok(body.len())
}

async fn token(gateway: &Gateway, sandbox: &Sandbox) -> Arc<Secret> {
    let settings = sandbox.settings();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", settings.client_id.as_str()),
        ("client_secret", settings.client_secret.as_str()),
    ];
    let url = format!("{}/ta-auth/oauth/token", sandbox.url()).parse().unwrap();
    let request = Request { endpoint: "/ta-auth/oauth/token", url, region: None, payload: Payload::Form(&form) };
    let read = |body: Vec<u8>| {
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        Ok(Arc::new(Secret::new(format!("Bearer {}", answer["access_token"].as_str().unwrap()))))
    };
    gateway.send(&request, read).await.unwrap()
}

#[tokio::test]
async fn whatever_passes_is_tried_again_until_there_is_an_answer() {
    let faults = [
        Fault::Status(408),
        Fault::Status(500),
        Fault::Html(502),
        Fault::Html(504),
        Fault::HtmlOk,
        Fault::Cut,
        Fault::TruncatedJson,
        Fault::NotPromised,
        Fault::Drop,
        Fault::Stall { stall_ms: 2_000 },
        Fault::TooMany { retry_after: RetryAfter::None },
        Fault::TooMany { retry_after: RetryAfter::Raw("soon".to_owned()) },
    ];
    for fault in faults {
        let setting = Setting::new().await;
        setting.next(2, fault.clone());
        assert!(setting.ask().await.is_ok(), "{fault:?}");
        assert_eq!(setting.requests(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_that_never_gets_an_answer_is_tried_eight_times() {
    for fault in [Fault::Drop, Fault::HtmlOk, Fault::NotPromised, Fault::Status(408)] {
        let setting = Setting::new().await;
        setting.always(fault.clone());
        let failure = setting.ask().await.unwrap_err();
        assert!(matches!(failure, Failure::Exhausted { tries: 8, .. }), "{fault:?}: {failure}");
        assert_eq!(setting.requests(), 8, "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_request_is_to_blame_for_is_asked_once() {
    for status in [400, 403, 404, 410, 422] {
        let setting = Setting::new().await;
        setting.always(Fault::Status(status));
        assert_eq!(setting.ask().await.unwrap_err().refused_with(), Some(status));
        assert_eq!(setting.requests(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_429_uses_up_no_try() {
    let setting = Setting::with(Timings { tries: 1, ..timings() }, 0, Duration::from_hours(1)).await;
    setting.next(4, Fault::TooMany { retry_after: RetryAfter::None });
    assert!(setting.ask().await.is_ok());
}

#[tokio::test]
async fn being_held_by_the_breaker_uses_up_no_try() {
    let setting = Setting::with(Timings { tries: 2, ..timings() }, 0, Duration::from_hours(1)).await;
    setting.next(5, Fault::Status(503));
    let (_, _) = tokio::join!(setting.ask(), setting.ask()); // four of the five
    // The fifth opens the breaker; the second try is the probe.
    assert!(setting.ask().await.is_ok());
    assert_eq!(setting.requests(), 6);
}

#[tokio::test]
async fn an_outage_ends_requests_that_run_side_by_side_after_three_openings() {
    let setting = Setting::new().await;
    setting.always(Fault::Status(503));
    for failure in join_all((0..4).map(|_| setting.ask())).await {
        assert!(matches!(failure, Err(Failure::Outage(breaker::Outage { openings: 3, .. }))), "{failure:?}");
    }
    // Five to open it, at most three that were under way, and two probes.
    assert!((7..=10).contains(&setting.requests()), "{}", setting.requests());
}

#[tokio::test]
async fn throttling_without_end_ends_every_request() {
    let setting = Setting::new().await;
    setting.always(Fault::TooMany { retry_after: RetryAfter::None });
    let failures = tokio::time::timeout(Duration::from_secs(20), join_all((0..4).map(|_| setting.ask()))).await;
    for failure in failures.expect("some requests wait forever") {
        assert!(matches!(failure, Err(Failure::Throttled(Throttled::TooOften(_)))), "{failure:?}");
    }
}

#[tokio::test]
async fn a_retry_after_beyond_reason_ends_every_request() {
    let setting = Setting::new().await;
    setting.always(Fault::TooMany { retry_after: RetryAfter::Seconds(86_400) });
    for failure in join_all((0..4).map(|_| setting.ask())).await {
        assert!(matches!(failure, Err(Failure::Throttled(Throttled::TooLong(_)))), "{failure:?}");
    }
}

#[tokio::test]
async fn a_401_to_one_token_is_asked_again_with_the_next() {
    let setting = Setting::with(timings(), 1, Duration::from_hours(1)).await;
    assert!(setting.ask().await.is_ok());
    assert_eq!(setting.requests(), 2);
}

#[tokio::test]
async fn two_different_unexpired_tokens_refused_are_a_matter_of_configuration() {
    let setting = Setting::with(timings(), 9, Duration::from_hours(1)).await;
    let failure = setting.ask().await.unwrap_err();
    assert!(matches!(failure, Failure::Unauthorised { .. }), "{failure}");
    assert_eq!(setting.requests(), 2);
    assert_eq!(Error::from(failure).kind(), Kind::Config);
}

#[tokio::test]
async fn tokens_refused_after_their_end_are_not_the_configurations_fault() {
    let setting = Setting::with(timings(), 3, Duration::ZERO).await;
    assert!(setting.ask().await.is_ok());
    assert_eq!(setting.requests(), 4);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Sandbox::start(Settings::default()).unwrap();
    let setting = Setting::new().await;
    setting.always(Fault::Redirect { to: format!("{}/v1/users?page=0&size=10", elsewhere.url()) });
    assert_eq!(setting.ask().await.unwrap_err().refused_with(), Some(302));
    assert_eq!(elsewhere.counts().requests, 0);
}

#[tokio::test]
async fn each_request_keeps_one_correlation_id_over_its_tries() {
    let setting = Setting::new().await;
    setting.next(2, Fault::Status(503));
    setting.ask().await.unwrap();
    setting.ask().await.unwrap();
    let log = setting.sandbox.counts().log;
    let ids: Vec<_> = log.iter().filter(|l| l.method == "GET").map(|l| l.correlation_id.as_deref().unwrap()).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
}

#[tokio::test]
async fn the_words_of_a_broken_answer_hold_no_address() {
    let setting = Setting::new().await;
    setting.always(Fault::Drop);
    let failure = setting.ask().await.unwrap_err().to_string();
    assert!(!failure.contains("page=") && !failure.contains("127.0.0.1"), "{failure}");
}
