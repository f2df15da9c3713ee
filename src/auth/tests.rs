//! The token against the sandbox, over real HTTP and so on the real clock, with short lives instead of long waits.

use std::time::Duration;

use futures::future::join_all;
use navan_sandbox::{Every, Fault, Faults, Outage, Sandbox, Settings};
use tokio::time::sleep;

use super::*;
use crate::gateway::Timings;

const MS: Duration = Duration::from_millis(1);

struct Setting {
    sandbox: Sandbox,
    authenticator: Authenticator,
}

impl Setting {
    fn with(settings: Settings, secret: Option<&str>) -> Self {
        let sandbox = Sandbox::start(settings).unwrap();
        let timings = Timings { backoff: MS, backoff_most: 5 * MS, ..Timings::DEFAULT };
        let monitor = Arc::new(Monitor::default());
        let gateway = Arc::new(Gateway::new(timings, None, Arc::clone(&monitor)).unwrap());
        let authenticator = Authenticator::new(
            gateway,
            monitor,
            format!("{}{TOKEN_PATH}", sandbox.url()).parse().unwrap(),
            Secret::new(sandbox.settings().client_id.clone()),
            Secret::new(secret.unwrap_or(&sandbox.settings().client_secret).to_owned()),
        );
        Self { sandbox, authenticator }
    }

    fn new() -> Self {
        Self::with(Settings::default(), None)
    }

    fn living(life: Duration) -> Self {
        Self::with(Settings { token_life: life, ..Settings::default() }, None)
    }

    /// The number of the token that is good now.
    async fn number(&self) -> u64 {
        self.authenticator.authorisation().await.map_err(|e| e.to_string()).unwrap().token
    }

    fn token_endpoint(&self, requests: u64, fault: Fault) {
        let endpoint = Some(TOKEN_PATH.to_owned());
        let outage = Outage { after_requests: 0, for_requests: Some(requests), for_ms: None, fault, endpoint };
        self.sandbox.set_faults(Faults { outage: vec![outage], ..Faults::default() });
    }

    fn fetches(&self) -> u64 {
        self.sandbox.counts().token_requests
    }
}

#[tokio::test]
async fn callers_side_by_side_share_one_fetch() {
    let setting = Setting::new();
    setting.sandbox.set_faults(Faults { latency_ms: 30, ..Faults::default() });
    let numbers = join_all((0..32).map(|_| setting.number())).await;
    assert_eq!(numbers, [1; 32]);
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_yet_serves_to_its_end() {
    let setting = Setting::living(Duration::from_secs(60));
    assert_eq!(setting.number().await, 1);
    setting.token_endpoint(u64::MAX, Fault::Status(503));
    // As if half its life were over.
    setting.authenticator.state.lock().await.token.as_mut().unwrap().renew_at = Instant::now();
    assert_eq!(setting.number().await, 1);
    assert_eq!(setting.fetches(), 1 + 8, "the tries of one renewal");
    assert_eq!(setting.number().await, 1);
    assert_eq!(setting.fetches(), 1 + 8, "some time passes before the next");
}

#[tokio::test]
async fn callers_side_by_side_share_one_failure() {
    let setting = Setting::new();
    let every = Every { n: 1, offset: 0, fault: Fault::Status(503), endpoint: Some(TOKEN_PATH.to_owned()) };
    setting.sandbox.set_faults(Faults { every: vec![every], ..Faults::default() });
    let errors = join_all((0..8).map(|_| setting.authenticator.authorisation())).await;
    assert!(errors.into_iter().all(|error| error.is_err_and(|error| error.kind() == Kind::Transient)));
    assert_eq!(setting.fetches(), 8, "the tries of one fetch");
}

#[tokio::test]
async fn a_failed_fetch_is_tried_anew_by_later_callers() {
    let setting = Setting::new();
    setting.token_endpoint(8, Fault::Status(503));
    assert!(setting.authenticator.authorisation().await.is_err());
    assert_eq!(setting.number().await, 1);
}

#[tokio::test]
async fn faults_of_the_token_endpoint_are_tried_again() {
    let (html, json) = (Fault::HtmlOk, Fault::TruncatedJson);
    for fault in [html, json, Fault::NotPromised, Fault::Html(502), Fault::Drop, Fault::Cut, Fault::Status(429)] {
        let setting = Setting::new();
        setting.token_endpoint(2, fault.clone());
        assert_eq!(setting.number().await, 1, "{fault:?}");
        assert_eq!(setting.fetches(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_is_asked_about_once() {
    let setting = Setting::with(Settings::default(), Some("another secret"));
    for _ in 0..3 {
        let error = setting.authenticator.authorisation().await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains("`client_secret`"), "{error}");
    }
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn a_token_is_used_until_half_of_a_short_life_is_over() {
    let setting = Setting::living(Duration::from_secs(2));
    assert_eq!([setting.number().await, setting.number().await], [1, 1]);
    sleep(1_010 * MS).await;
    assert_eq!(setting.number().await, 2);
}

#[tokio::test]
async fn a_token_of_a_long_life_is_not_renewed_early() {
    let setting = Setting::new();
    setting.number().await;
    // The sandbox's clock jumps; the token's life is measured on a clock that does not.
    setting.sandbox.advance(Duration::from_hours(13));
    assert_eq!(setting.number().await, 1);
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn the_current_token_refused_is_replaced_once() {
    let setting = Setting::new();
    let token = setting.authenticator.authorisation().await.ok().unwrap();
    join_all((0..8).map(|_| setting.authenticator.refused(&token))).await;
    let numbers = join_all((0..8).map(|_| setting.number())).await;
    assert_eq!(numbers, [2; 8]);
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn an_old_token_refused_does_not_cost_the_current_one() {
    let setting = Setting::new();
    let old = setting.authenticator.authorisation().await.ok().unwrap();
    setting.authenticator.refused(&old).await;
    assert_eq!(setting.number().await, 2);
    setting.authenticator.refused(&old).await;
    assert_eq!(setting.number().await, 2);
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_fetch_to_the_next() {
    let setting = Setting::new();
    setting.sandbox.set_faults(Faults { latency_ms: 50, ..Faults::default() });
    let gave_up = tokio::time::timeout(10 * MS, setting.authenticator.authorisation()).await;
    assert!(gave_up.is_err());
    assert_eq!(setting.number().await, 1);
}

#[tokio::test]
async fn scopes_are_those_of_the_token() {
    let setting = Setting::with(Settings { scopes: vec!["users:read".to_owned()], ..Settings::default() }, None);
    let scopes = setting.authenticator.scopes().await.map_err(|e| e.to_string()).unwrap();
    assert_eq!(scopes, Some(vec!["users:read".to_owned()]));
}
