//! The token against the sandbox, over real HTTP and so on the real clock, with short lives instead of long waits.

use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use navan_sandbox::{Every, Fault, Faults, Outage, Sandbox, Settings};
use tokio::time::sleep;

use super::*;
use crate::gateway::{Http, Timings};

const MS: Duration = Duration::from_millis(1);

struct Fixture {
    sandbox: Sandbox,
    tokens: TokenSource<'static>,
}

impl Fixture {
    fn with(settings: Settings, secret: Option<&str>) -> Self {
        let sandbox = Sandbox::start(settings).unwrap();
        let timings = Timings { backoff: MS, max_backoff: 5 * MS, ..Timings::DEFAULT };
        let (id, good) = (&sandbox.settings().client_id, &sandbox.settings().client_secret);
        let config = serde_json::json!({"client_id": id, "client_secret": secret.unwrap_or(good)});
        let config = Box::leak(Box::new(Config::parse(&config.to_string()).unwrap()));
        let gateway = Gateway::new(Rc::new(Http::new(&timings, false).unwrap()), timings, None, Vec::new());
        let url = format!("{}{TOKEN_PATH}", sandbox.url()).parse().unwrap();
        Self { sandbox, tokens: TokenSource::new(gateway, url, config).unwrap() }
    }

    fn new() -> Self {
        Self::with(Settings::odd(), None)
    }

    fn living(life: Duration) -> Self {
        Self::with(Settings { token_life: life, ..Settings::odd() }, None)
    }

    /// The number of the token that is good now.
    async fn number(&self) -> u64 {
        self.tokens.access_token().await.map_err(|e| e.to_string()).unwrap().number
    }

    fn token_endpoint(&self, requests: u64, fault: Fault) {
        let endpoint = Some(TOKEN_PATH.to_owned());
        let outage = Outage { after_requests: 0, for_requests: Some(requests), for_ms: None, fault, endpoint };
        self.sandbox.set_faults(Faults { outage: vec![outage], ..Faults::default() });
    }

    /// Asks for a page of users with a token.
    async fn ask(&self) -> Result<(), Failure> {
        let url = format!("{}/v1/users", self.sandbox.url()).parse().unwrap();
        let parameters = [("page", "0".to_owned()), ("size", "1".to_owned())];
        let payload = Payload::Query(&parameters);
        let request = Request { endpoint: "/v1/users", url, region: None, payload, policy: RequestPolicy::API };
        self.tokens.send(&mut self.tokens.gateway().request(request)).await.map(drop)
    }

    /// The next requests to the API are refused, whatever token they carry.
    fn refuse_tokens(&self, requests: u64) {
        let (fault, endpoint) = (Fault::Status(401), Some("/v1/users".to_owned()));
        let outage = Outage { after_requests: 0, for_requests: Some(requests), for_ms: None, fault, endpoint };
        self.sandbox.set_faults(Faults { outage: vec![outage], ..Faults::default() });
    }

    /// Requests to the API so far.
    fn asked(&self) -> u64 {
        self.sandbox.counts().log.iter().filter(|logged| logged.method == "GET").count() as u64
    }

    fn fetches(&self) -> u64 {
        self.sandbox.counts().token_requests
    }
}

#[tokio::test]
async fn callers_side_by_side_share_one_fetch() {
    let fixture = Fixture::new();
    fixture.sandbox.set_faults(Faults { latency_ms: 30, ..Faults::default() });
    let numbers = join_all((0..32).map(|_| fixture.number())).await;
    assert_eq!(numbers, [1; 32]);
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_yet_serves_to_its_end() {
    let fixture = Fixture::living(Duration::from_secs(60));
    assert_eq!(fixture.number().await, 1);
    fixture.token_endpoint(u64::MAX, Fault::Status(503));
    // As if half its life were over.
    fixture.tokens.state.lock().await.current.as_mut().unwrap().refresh_at = Instant::now();
    assert_eq!(fixture.number().await, 1);
    assert_eq!(fixture.fetches(), 1 + 8, "the tries of one renewal");
    assert_eq!(fixture.number().await, 1);
    assert_eq!(fixture.fetches(), 1 + 8, "some time passes before the next");
}

#[tokio::test]
async fn callers_side_by_side_share_one_failure() {
    let fixture = Fixture::new();
    let every = Every { n: 1, offset: 0, fault: Fault::Status(503), endpoint: Some(TOKEN_PATH.to_owned()) };
    fixture.sandbox.set_faults(Faults { every: vec![every], ..Faults::default() });
    let errors = join_all((0..8).map(|_| fixture.tokens.access_token())).await;
    assert!(errors.into_iter().all(|error| error.is_err_and(|error| error.failure_type() == FailureType::Transient)));
    assert_eq!(fixture.fetches(), 8, "the tries of one fetch");
}

#[tokio::test]
async fn a_failed_fetch_is_tried_anew_by_later_callers() {
    let fixture = Fixture::new();
    fixture.token_endpoint(8, Fault::Status(503));
    assert!(fixture.tokens.access_token().await.is_err());
    assert_eq!(fixture.number().await, 1);
}

#[tokio::test]
async fn faults_of_the_token_endpoint_are_tried_again() {
    let (html, json) = (Fault::HtmlOk, Fault::TruncatedJson);
    for fault in [html, json, Fault::NotPromised, Fault::Html(502), Fault::Drop, Fault::Cut, Fault::Status(429)] {
        let fixture = Fixture::new();
        fixture.token_endpoint(2, fault.clone());
        assert_eq!(fixture.number().await, 1, "{fault:?}");
        assert_eq!(fixture.fetches(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_is_asked_about_once() {
    let fixture = Fixture::with(Settings::odd(), Some("another secret"));
    for _ in 0..3 {
        let error = fixture.tokens.access_token().await.err().unwrap();
        assert_eq!(error.failure_type(), FailureType::Config);
        assert!(error.message().contains("`client_secret`"), "{error}");
    }
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_token_is_used_until_half_of_a_short_life_is_over() {
    let fixture = Fixture::living(Duration::from_secs(2));
    assert_eq!([fixture.number().await, fixture.number().await], [1, 1]);
    sleep(1_010 * MS).await;
    assert_eq!(fixture.number().await, 2);
}

#[tokio::test]
async fn a_token_of_a_long_life_is_not_renewed_early() {
    let fixture = Fixture::new();
    fixture.number().await;
    // The sandbox's clock jumps; the token's life is measured on a clock that does not.
    fixture.sandbox.advance(Duration::from_hours(13));
    assert_eq!(fixture.number().await, 1);
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn the_current_token_refused_is_replaced_once() {
    let fixture = Fixture::new();
    let token = fixture.tokens.access_token().await.ok().unwrap();
    join_all((0..8).map(|_| fixture.tokens.invalidate(&token))).await;
    let numbers = join_all((0..8).map(|_| fixture.number())).await;
    assert_eq!(numbers, [2; 8]);
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn an_old_token_refused_does_not_cost_the_current_one() {
    let fixture = Fixture::new();
    let old = fixture.tokens.access_token().await.ok().unwrap();
    fixture.tokens.invalidate(&old).await;
    assert_eq!(fixture.number().await, 2);
    fixture.tokens.invalidate(&old).await;
    assert_eq!(fixture.number().await, 2);
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_fetch_to_the_next() {
    let fixture = Fixture::new();
    fixture.sandbox.set_faults(Faults { latency_ms: 50, ..Faults::default() });
    let gave_up = tokio::time::timeout(10 * MS, fixture.tokens.access_token()).await;
    assert!(gave_up.is_err());
    assert_eq!(fixture.number().await, 1);
}

#[tokio::test]
async fn scopes_are_those_of_the_token() {
    let fixture = Fixture::with(Settings { scopes: vec!["users:read".to_owned()], ..Settings::odd() }, None);
    let scopes = fixture.tokens.scopes().await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(scopes, Some(vec!["users:read".to_owned()]));
}

#[tokio::test]
async fn a_401_to_one_token_is_asked_again_with_the_next() {
    let fixture = Fixture::new();
    fixture.refuse_tokens(1);
    assert!(fixture.ask().await.is_ok());
    assert_eq!((fixture.asked(), fixture.fetches()), (2, 2));
}

#[tokio::test]
async fn two_different_unexpired_tokens_refused_are_a_matter_of_configuration() {
    let fixture = Fixture::new();
    fixture.refuse_tokens(9);
    let failure = fixture.ask().await.unwrap_err();
    assert!(matches!(failure, Failure::Unauthorized { .. }), "{failure}");
    assert_eq!(fixture.asked(), 2);
    assert_eq!(failure.into_error().failure_type(), FailureType::Config);
}

#[tokio::test]
async fn tokens_refused_after_their_end_are_not_the_configurations_fault() {
    // Each answer takes longer than a token lives, until three were refused.
    let fixture = Fixture::living(Duration::from_millis(500));
    fixture.sandbox.set_faults(Faults { latency_ms: 600, ..Faults::default() });
    let recovery = async {
        while fixture.asked() < 3 {
            sleep(10 * MS).await;
        }
        fixture.sandbox.set_faults(Faults::default());
    };
    let (asked, ()) = futures::join!(fixture.ask(), recovery);
    assert!(asked.is_ok(), "{asked:?}");
    assert!(fixture.asked() >= 4);
}
