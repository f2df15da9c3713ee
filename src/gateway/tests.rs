//! Requests through the gateway against the sandbox, over real HTTP. The clock is the real one, since a paused one would run ahead of
//! the sockets; the durations are short instead.

use futures::future::join_all;
use navan_sandbox::{Every, Fault, Faults, Outage, RetryAfter, Sandbox, Settings};

use super::rate_limit::LimitExceeded;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn timings() -> Timings {
    Timings {
        backoff: MS,
        max_backoff: 5 * MS,
        open_duration: 50 * MS,
        cooldown: 5 * MS,
        max_cooldown: 20 * MS,
        read_timeout: 300 * MS,
        max_rate_limited: 200 * MS,
        ..Timings::DEFAULT
    }
}

struct Fixture {
    sandbox: Sandbox,
    gateway: Gateway,
    token: Secret,
}

impl Fixture {
    async fn with(timings: Timings) -> Self {
        let sandbox = Sandbox::start(Settings::odd()).unwrap();
        let gateway = Gateway::new(Rc::new(Http::new(&timings, false).unwrap()), timings, None, Vec::new());
        let token = token(&gateway, &sandbox).await;
        Self { sandbox, gateway, token }
    }

    async fn new() -> Self {
        Self::with(timings()).await
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
        let payload = Payload::Query(&parameters);
        let request = Request { endpoint: "/v1/users", url, region: None, payload, policy: RequestPolicy::API };
        let body = send(&mut self.gateway.request(request), Some(&self.token), "data").await?;
        Ok(body.to_string().len())
    }

    fn requests(&self) -> u64 {
        self.sandbox.counts().requests
    }
}

/// Sends a request until its answer is an object with this member.
async fn send(
    request: &mut PendingRequest<'_>,
    token: Option<&Secret>,
    member: &str,
) -> Result<serde_json::Value, Failure> {
    loop {
        let permits = request.acquire().await?;
        match request.attempt(permits, token).await? {
            Attempt::Body(body) => match serde_json::from_slice::<serde_json::Value>(&body) {
                Ok(body) if body.get(member).is_some() => return Ok(body),
                _ => request.reject_body(&InvalidBody(format!("no {member}"))).await?,
            },
            Attempt::Again => {}
            Attempt::TokenRefused => panic!("the sandbox refused a good token"),
        }
    }
}

async fn token(gateway: &Gateway, sandbox: &Sandbox) -> Secret {
    let settings = sandbox.settings();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", settings.client_id.as_str()),
        ("client_secret", settings.client_secret.as_str()),
    ];
    let endpoint = "/ta-auth/oauth/token";
    let url = format!("{}{endpoint}", sandbox.url()).parse().unwrap();
    let request = Request { endpoint, url, region: None, payload: Payload::Form(&form), policy: RequestPolicy::TOKEN };
    let answer = send(&mut gateway.request(request), None, "access_token").await.unwrap();
    Secret::new(answer["access_token"].as_str().unwrap().to_owned())
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
        let fixture = Fixture::new().await;
        fixture.next(2, fault.clone());
        assert!(fixture.ask().await.is_ok(), "{fault:?}");
        assert_eq!(fixture.requests(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_that_never_gets_an_answer_is_tried_eight_times() {
    for fault in [Fault::Drop, Fault::HtmlOk, Fault::NotPromised, Fault::Status(408)] {
        let fixture = Fixture::new().await;
        fixture.always(fault.clone());
        let failure = fixture.ask().await.unwrap_err();
        assert!(matches!(failure, Failure::Exhausted { tries: 8, .. }), "{fault:?}: {failure}");
        assert_eq!(fixture.requests(), 8, "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_request_is_to_blame_for_is_asked_once() {
    for status in [400, 403, 404, 410, 422] {
        let fixture = Fixture::new().await;
        fixture.always(Fault::Status(status));
        assert_eq!(fixture.ask().await.unwrap_err().refused_with(), Some(status));
        assert_eq!(fixture.requests(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_429_uses_up_no_try() {
    let fixture = Fixture::with(Timings { max_attempts: 1, ..timings() }).await;
    fixture.next(4, Fault::TooMany { retry_after: RetryAfter::None });
    assert!(fixture.ask().await.is_ok());
}

#[tokio::test]
async fn being_held_by_the_breaker_uses_up_no_try() {
    let fixture = Fixture::with(Timings { max_attempts: 2, ..timings() }).await;
    fixture.next(5, Fault::Status(503));
    let (_, _) = tokio::join!(fixture.ask(), fixture.ask()); // four of the five
    // The fifth opens the breaker; the second try is the probe.
    assert!(fixture.ask().await.is_ok());
    assert_eq!(fixture.requests(), 6);
}

#[tokio::test]
async fn an_outage_ends_requests_that_run_side_by_side_after_three_openings() {
    let fixture = Fixture::new().await;
    fixture.always(Fault::Status(503));
    for failure in join_all((0..4).map(|_| fixture.ask())).await {
        assert!(
            matches!(failure, Err(Failure::Outage { outage: circuit_breaker::Outage { openings: 3, .. }, .. })),
            "{failure:?}"
        );
    }
    // Five to open it, at most three that were under way, and two probes.
    assert!((7..=10).contains(&fixture.requests()), "{}", fixture.requests());
}

#[tokio::test]
async fn a_limit_without_end_ends_every_request() {
    let fixture = Fixture::new().await;
    fixture.always(Fault::TooMany { retry_after: RetryAfter::None });
    let failures = tokio::time::timeout(Duration::from_secs(20), join_all((0..4).map(|_| fixture.ask()))).await;
    for failure in failures.expect("some requests wait forever") {
        assert!(matches!(failure, Err(Failure::RateLimited(LimitExceeded::TooOften(_)))), "{failure:?}");
    }
}

#[tokio::test]
async fn a_retry_after_beyond_reason_ends_every_request() {
    let fixture = Fixture::new().await;
    fixture.always(Fault::TooMany { retry_after: RetryAfter::Seconds(86_400) });
    for failure in join_all((0..4).map(|_| fixture.ask())).await {
        assert!(matches!(failure, Err(Failure::RateLimited(LimitExceeded::TooLong(_)))), "{failure:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Sandbox::start(Settings::odd()).unwrap();
    let fixture = Fixture::new().await;
    fixture.always(Fault::Redirect { to: format!("{}/v1/users?page=0&size=10", elsewhere.url()) });
    assert_eq!(fixture.ask().await.unwrap_err().refused_with(), Some(302));
    assert_eq!(elsewhere.counts().requests, 0);
}

#[tokio::test]
async fn each_request_keeps_one_correlation_id_over_its_tries() {
    let fixture = Fixture::new().await;
    fixture.next(2, Fault::Status(503));
    fixture.ask().await.unwrap();
    fixture.ask().await.unwrap();
    let log = fixture.sandbox.counts().log;
    let ids: Vec<_> = log.iter().filter(|l| l.method == "GET").map(|l| l.correlation_id.as_deref().unwrap()).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
}

#[tokio::test]
async fn the_words_of_a_broken_answer_hold_no_address() {
    let fixture = Fixture::new().await;
    fixture.always(Fault::Drop);
    let failure = fixture.ask().await.unwrap_err().to_string();
    assert!(!failure.contains("page=") && !failure.contains("127.0.0.1"), "{failure}");
}
