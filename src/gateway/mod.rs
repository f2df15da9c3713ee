//! Layer 1, the API gateway: every request to Navan passes here, and nothing else talks to it.
//!
//! A request of the API is one [`PendingRequest`], which its sender takes through as many attempts as it takes. For each, it waits for the
//! [`circuit_breaker`] to be closed and for its turn at the [`rate_limit`]er; then it is sent ([`transport`]), its body is
//! read to the end, and the [`response`] is classified, once. What comes up is the body, or word that another attempt is due,
//! with another token perhaps; the waits before it ([`retry`]) are over by then. A sender that finds a body to be something
//! else than was promised says so, and has it tried again like a connection that was refused.
//!
//! Files lie behind links to other places, which have no part in the API's limit: they come by a [`download`].
//!
//! Beside that, for who looks for what is wrong: [`reach`] goes the way to a host step by step, and an [`observer`] takes note of what
//! the network carries.

mod circuit_breaker;
mod clock;
mod download;
mod failure;
mod network;
mod observer;
mod obstacle;
mod rate_limit;
pub mod reach;
mod redact;
mod request;
mod response;
mod retry;
mod timings;
mod tls;
mod transport;

use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use circuit_breaker::{BreakerPermit, CircuitBreaker, ProbeFlag};
#[cfg(feature = "shared-state")]
use rate_limit::RedisLimit;
use rate_limit::{RateLimiter, RatePermit};
use response::{Response, ResponseAction};
use retry::RetryState;
use transport::Transport;

pub use clock::is_believed;
pub use download::{Download, Downloader, NoFile};
pub use failure::{Failure, InvalidBody};
#[cfg(test)]
pub use network::NetworkError;
pub use network::{Http, Network, plain_client};
pub use observer::Observer;
pub use obstacle::Obstacle;
pub use rate_limit::Cooldown;
#[cfg(test)]
pub use rate_limit::{LimitStore, SharedModel};
pub use request::{Payload, Request, RequestPolicy};
pub use timings::Timings;

use crate::buffer::Buffer;
use crate::monitor::{Event, Wait, emit};
use crate::secret::Secret;
#[cfg(feature = "shared-state")]
use crate::shared_state::SharedState;

/// The one way to Navan.
pub struct Gateway {
    transport: Transport,
    limiter: RateLimiter,
    breaker: CircuitBreaker,
    timings: Timings,
    /// What no answer's words may show.
    secrets: Vec<Secret>,
}

/// A refusal that asks for a longer wait is meant.
const MAX_DOUBT: Duration = Duration::from_secs(60);

/// A request, with what it has gone through so far.
pub struct PendingRequest<'a> {
    gateway: &'a Gateway,
    request: Request<'a>,
    id: Uuid,
    retry: RetryState,
    probe_flag: ProbeFlag,
    /// The wait that the last answer asked for.
    retry_after: Option<Duration>,
    /// It was refused once, and tried again nevertheless.
    was_doubted: bool,
    /// How often it was answered 429.
    times_429: u32,
    /// Whether the last answer said itself that it has no body (204).
    pub had_no_content: bool,
    /// Whether the last attempt was answered.
    was_answered: bool,
    /// What the last attempt showed to be in the way.
    obstacle: Option<Obstacle>,
    /// What the last attempt was sent with, which its answer may quote.
    token: Option<Secret>,
}

/// The permission to make one attempt; a request that bypasses limiter and breaker needs none.
#[derive(Default)]
pub struct Permits<'a> {
    rate: Option<RatePermit<'a>>,
    breaker: Option<BreakerPermit<'a>>,
}

/// How an attempt ended, if not for good.
pub enum Attempt {
    /// With a body, which its sender has to look at.
    Body(Buffer),
    /// Another one is due.
    Again,
    /// The token was refused.
    TokenRefused,
}

impl Gateway {
    /// A gateway that sends through `network`, keeps to `timings`, and to `ceiling` requests a second in any case. What Navan
    /// says is shown without the `secrets`.
    pub fn new(network: Rc<dyn Network>, timings: Timings, ceiling: Option<f64>, secrets: Vec<Secret>) -> Self {
        Self {
            transport: Transport::new(network),
            limiter: RateLimiter::new(ceiling, timings.clone()),
            breaker: CircuitBreaker::new(&timings),
            timings,
            secrets,
        }
    }

    fn secrets<'a>(&'a self, token: Option<&'a Secret>) -> Vec<&'a Secret> {
        self.secrets.iter().chain(token).collect()
    }

    /// Navan's time (this machine's until Navan has answered once).
    pub fn now(&self) -> DateTime<Utc> {
        self.transport.now()
    }

    /// Takes note of Navan's time as another sync was told it, unless this one was.
    pub fn learn_time(&self, now: DateTime<Utc>) {
        self.transport.learn_time(now);
    }

    /// Follows the cooldowns that the limit makes necessary.
    pub fn cooldowns(&self) -> watch::Receiver<Option<Cooldown>> {
        self.limiter.cooldowns()
    }

    /// From now on its limit is shared with the other syncs whose state it is.
    #[cfg(feature = "shared-state")]
    pub fn share_limit(&self, shared: Rc<SharedState>) {
        self.limiter.share(Rc::new(RedisLimit::of(shared)));
    }

    /// The same by another store.
    #[cfg(test)]
    pub fn share_limit_by(&self, store: Rc<dyn LimitStore>) {
        self.limiter.share(store);
    }

    /// Navan's limit, in requests a second, if one was seen.
    pub fn observed_limit(&self) -> Option<f64> {
        self.limiter.observed_limit()
    }

    /// The share of Navan's observed limit that was used, if one was seen.
    pub fn share_of_limit_used(&self) -> Option<f64> {
        self.limiter.share_used()
    }

    /// The rules it keeps to.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// A request that nothing was done about yet.
    pub fn request<'a>(&'a self, request: Request<'a>) -> PendingRequest<'a> {
        PendingRequest {
            gateway: self,
            retry: RetryState::new(&self.timings, request.policy.max_attempts),
            request,
            id: Uuid::new_v4(),
            probe_flag: ProbeFlag::default(),
            retry_after: None,
            was_doubted: false,
            times_429: 0,
            had_no_content: false,
            was_answered: false,
            obstacle: None,
            token: None,
        }
    }
}

impl<'a> PendingRequest<'a> {
    /// The endpoint's path.
    pub fn endpoint(&self) -> &str {
        self.request.endpoint
    }

    /// Waits until the circuit breaker and the rate limiter let one attempt through.
    ///
    /// # Errors
    /// If the API is down, or its limit makes this request wait beyond what a sync should wait for.
    pub async fn acquire(&mut self) -> Result<Permits<'a>, Failure> {
        if !self.request.policy.is_limited {
            return Ok(Permits::default());
        }
        loop {
            let asked = Instant::now();
            let closed = self.gateway.breaker.closed(&mut self.probe_flag).await;
            closed.map_err(|outage| Failure::Outage { outage, was_sent: self.retry.tries() > 0 })?;
            emit(&Event::Waited { cause: Wait::Breaker, time: asked.elapsed() });
            let asked = Instant::now();
            let rate = self.gateway.limiter.acquire().await?;
            emit(&Event::Waited { cause: Wait::Limit, time: asked.elapsed() });
            // It may have opened while the request waited for its turn.
            if let Some(breaker) = self.gateway.breaker.permit(&mut self.probe_flag) {
                return Ok(Permits { rate: Some(rate), breaker: Some(breaker) });
            }
        }
    }

    /// Makes one attempt, and waits as long as the next one has to.
    ///
    /// # Errors
    /// A [`Failure`] when Navan refuses the request, or tries or time are used up.
    pub async fn attempt(&mut self, permits: Permits<'a>, token: Option<&Secret>) -> Result<Attempt, Failure> {
        self.retry.begin_attempt();
        let started = Instant::now();
        let response = self.gateway.transport.send(&self.request, token, self.id, &self.gateway.timings).await;
        let took = started.elapsed();
        self.retry.spend(took);
        self.record(&response, took);
        self.retry_after = response.retry_after;
        self.obstacle.clone_from(&response.obstacle);
        self.token = token.map(Secret::copy);
        self.was_answered = response.status.is_some();
        self.had_no_content = response.status == Some(StatusCode::NO_CONTENT);
        permits.record(&response)?;
        match response.action {
            ResponseAction::Success => Ok(Attempt::Body(response.body)),
            ResponseAction::Doubt
                if self.retry_after.is_none_or(|wait| wait <= MAX_DOUBT)
                    && !std::mem::replace(&mut self.was_doubted, true) =>
            {
                let refused = self.refused(&response, token);
                self.back_off(response.describe(), self.retry_after).await.map_err(|_| refused)?;
                Ok(Attempt::Again)
            }
            ResponseAction::Doubt | ResponseAction::Fail => Err(self.refused(&response, token)),
            ResponseAction::RefreshToken => Ok(Attempt::TokenRefused),
            ResponseAction::Retry => {
                self.back_off(response.describe(), self.retry_after).await?;
                Ok(Attempt::Again)
            }
            ResponseAction::RateLimited => {
                self.retry.take_back_attempt();
                self.times_429 += 1;
                if self.request.policy.max_429s.is_some_and(|most| self.times_429 >= most) {
                    let endpoint = self.request.endpoint.to_owned();
                    return Err(Failure::Throttled { endpoint, times: self.times_429 });
                }
                // The limiter makes everybody wait, this request with them; one that bypasses it waits by itself.
                if !self.request.policy.is_limited {
                    self.retry.throttle();
                    let asked = self.retry_after.map(|asked| asked.max(rate_limit::MIN_RETRY_AFTER));
                    self.back_off(response.describe(), asked).await?;
                }
                Ok(Attempt::Again)
            }
        }
    }

    fn refused(&self, response: &Response, token: Option<&Secret>) -> Failure {
        Failure::Refused(response.refusal(&self.request, &self.gateway.secrets(token)))
    }

    /// The same, with what Navan says in a body that is no page.
    pub fn with_words_of(&self, body: &[u8], invalid: InvalidBody) -> InvalidBody {
        match response::said_in(body, &self.gateway.secrets(self.token.as_ref())) {
            Some(said) => InvalidBody(format!("{}; it says: {said}", invalid.0)),
            None => invalid,
        }
    }

    /// The body was not the promised one: waits until another attempt is due.
    ///
    /// # Errors
    /// When tries or time are used up.
    pub async fn reject_body(&mut self, invalid: &InvalidBody) -> Result<(), Failure> {
        self.back_off(invalid.to_string(), self.retry_after).await
    }

    /// The token had ended: another attempt is due at once.
    ///
    /// # Errors
    /// When tries or time are used up.
    pub async fn reject_token(&mut self) -> Result<(), Failure> {
        self.back_off("401 to a token that had ended".to_owned(), Some(Duration::ZERO)).await
    }

    async fn back_off(&mut self, last: String, asked: Option<Duration>) -> Result<(), Failure> {
        let Some(wait) = self.retry.next_wait(asked) else { return Err(self.exhausted(last)) };
        if asked.is_some() && wait >= self.gateway.timings.told_wait {
            tracing::info!(
                "{} is asked again in {} s, as {} wants it ({last}).",
                self.request.endpoint,
                wait.as_secs(),
                self.request.host()
            );
        }
        emit(&Event::RetryScheduled);
        emit(&Event::Waited { cause: Wait::Backoff, time: wait });
        sleep(wait).await;
        Ok(())
    }

    fn exhausted(&mut self, last: String) -> Failure {
        let (endpoint, host) = (self.request.endpoint.to_owned(), self.request.host());
        let (tries, obstacle, was_answered) = (self.retry.made(), self.obstacle.take(), self.was_answered);
        Failure::Exhausted { endpoint, host, tries, last, obstacle, was_answered }
    }

    fn record(&self, response: &Response, took: Duration) {
        emit(&Event::RequestFinished {
            correlation_id: self.id,
            method: self.request.payload.method(),
            url: &self.request.url,
            endpoint: self.request.endpoint,
            status: response.status.map(|status| status.as_u16()),
            attempt: self.retry.tries(),
            resends: self.retry.tries() + self.times_429 - 1,
            took,
            bytes: response.body.len() as u64,
            error: response.error.as_deref(),
        });
    }
}

impl Permits<'_> {
    /// Tells limiter and breaker what came of it, before anything is made of the answer: they go by the order in which
    /// answers come.
    fn record(self, response: &Response) -> Result<(), Failure> {
        if let Some(breaker) = self.breaker {
            breaker.record_outcome(response.outcome);
        }
        match (self.rate, response.action, response.status) {
            (Some(rate), ResponseAction::RateLimited, _) => {
                rate.record_429(response.retry_after, response.rate_limit)?;
            }
            (Some(rate), _, Some(_)) => rate.record_answer(response.rate_limit),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
