//! Layer 1, the API gateway: every request to Navan passes through [`Gateway::send`].
//!
//! A request waits for the circuit [`breaker`] to be closed and for its turn at the [`pace`], gets its authorisation,
//! is sent, and its body is read to the end and judged ([`exchange`]), all within one attempt: a body that is cut short or
//! is not the promised JSON is tried again ([`retry`]) like a connection that was refused. Only then does the answer go
//! up. Each attempt leaves one line in the request log and its traces in the [`crate::monitor`].

mod breaker;
mod bucket;
mod clock;
mod exchange;
mod failure;
mod limit;
mod pace;
mod retry;
mod timings;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use breaker::{Breaker, Patience};
use exchange::{Exchange, Verdict};
use pace::Pace;
use retry::Budget;

pub use exchange::Unusable;
pub use failure::{Failure, Refusal};
pub use pace::{Pause, Throttled};
pub use timings::Timings;

use crate::error::Error;
use crate::monitor::{Monitor, Wait};
use crate::secret::Secret;

/// The one way to Navan.
pub struct Gateway {
    exchange: Exchange,
    pace: Pace,
    breaker: Breaker,
    timings: Timings,
    monitor: Arc<Monitor>,
}

/// A request, to be sent as often as it takes.
pub struct Request<'a> {
    /// The endpoint's path, as logs and errors name it.
    pub endpoint: &'a str,
    /// The address, without parameters.
    pub url: url::Url,
    /// The region header's value, for the companies that need one.
    pub region: Option<&'static str>,
    /// What is sent.
    pub payload: Payload<'a>,
}

/// What a request sends, and on which terms.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// A read of the API: parameters, and who authorises it. It keeps the pace and the breaker.
    Query(&'a [(&'a str, String)], &'a dyn Authorise),
    /// A request for a token: a form. It passes pace and breaker, which may be waiting for just this token.
    Form(&'a [(&'a str, &'a str)]),
}

/// Whoever authorises requests.
pub trait Authorise: Send + Sync {
    /// An authorisation that is good at present; waits for one if need be.
    fn authorisation(&self) -> BoxFuture<'_, Result<Authorisation, Error>>;

    /// Navan refused it (401).
    fn refused(&self, authorisation: &Authorisation) -> BoxFuture<'_, ()>;
}

/// What makes a request authorised.
#[derive(Clone)]
pub struct Authorisation {
    /// What the header says: `Bearer …`.
    pub bearer: Arc<Secret>,
    /// Which token it is, counted from the first of the run.
    pub token: u64,
    /// The end of its life.
    pub ends: Instant,
}

/// What a request has gone through so far.
struct Call {
    id: Uuid,
    budget: Budget,
    patience: Patience,
    /// The last token that was refused.
    refused: Option<u64>,
}

/// The turn of one attempt; a token request needs none.
#[derive(Default)]
struct Turn<'a> {
    pace: Option<pace::Pass<'a>>,
    breaker: Option<breaker::Pass<'a>>,
}

impl Gateway {
    /// A gateway that keeps to `timings`, and to `ceiling` requests a second in any case.
    ///
    /// # Errors
    /// A `system_error` if this machine has no usable TLS certificates.
    pub fn new(timings: Timings, ceiling: Option<f64>, monitor: Arc<Monitor>) -> Result<Self, Error> {
        Ok(Self {
            exchange: Exchange::new(&timings)?,
            pace: Pace::new(ceiling, timings.clone()),
            breaker: Breaker::new(&timings),
            timings,
            monitor,
        })
    }

    /// Navan's time (this machine's until Navan has answered once).
    pub fn now(&self) -> DateTime<Utc> {
        self.exchange.now()
    }

    /// Follows the pauses that the limit makes necessary.
    pub fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pace.pauses()
    }

    /// The share of Navan's observed limit that was used, if one was seen.
    pub fn share_of_limit_used(&self) -> Option<f64> {
        self.pace.share_used()
    }

    /// The rules it keeps to.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Sends `request` until `accept` takes the body of an answer.
    ///
    /// # Errors
    /// A [`Failure`] when Navan refuses the request, or gives no usable answer within the rules' bounds.
    pub async fn send<T>(
        &self,
        request: &Request<'_>,
        accept: impl Fn(Vec<u8>) -> Result<T, Unusable>,
    ) -> Result<T, Failure> {
        let mut call = Call {
            id: Uuid::new_v4(),
            budget: Budget::new(&self.timings),
            patience: Patience::default(),
            refused: None,
        };
        loop {
            let turn = self.turn(request, &mut call.patience).await?;
            let authorisation = match request.payload {
                Payload::Query(_, authorise) => Some(authorise.authorisation().await.map_err(Failure::NoToken)?),
                Payload::Form(_) => None,
            };
            call.budget.begin();
            let started = Instant::now();
            let answer = self.exchange.exchange(request, authorisation.as_ref(), call.id).await;
            self.record(request, &call, &answer, started.elapsed());
            call.budget.spend(started.elapsed());
            turn.settle(&answer)?;
            match answer.verdict(request, &accept) {
                Verdict::Usable(value) => return Ok(value),
                Verdict::Refused(refusal) => return Err(Failure::Refused(refusal)),
                Verdict::Unauthorised => self.unauthorised(request, &mut call, authorisation).await?,
                Verdict::Throttled(retry_after) => self.throttled(request, &mut call, retry_after).await?,
                Verdict::Passing(last, retry_after) => self.back_off(request, &mut call, last, retry_after).await?,
            }
        }
    }

    /// Waits until the breaker and the pace let one attempt through.
    async fn turn(&self, request: &Request<'_>, patience: &mut Patience) -> Result<Turn<'_>, Failure> {
        if matches!(request.payload, Payload::Form(_)) {
            return Ok(Turn::default());
        }
        loop {
            let asked = Instant::now();
            self.breaker.closed(patience).await?;
            self.monitor.waited(Wait::Breaker, asked.elapsed());
            let asked = Instant::now();
            let pace = self.pace.admit().await?;
            self.monitor.waited(Wait::Limit, asked.elapsed());
            // It may have opened while the request waited for its turn.
            if let Some(breaker) = self.breaker.pass(patience) {
                return Ok(Turn { pace: Some(pace), breaker: Some(breaker) });
            }
        }
    }

    /// A token that ended while the request was under way says nothing about the credential; two in a row that
    /// should have been good do.
    async fn unauthorised(
        &self,
        request: &Request<'_>,
        call: &mut Call,
        authorisation: Option<Authorisation>,
    ) -> Result<(), Failure> {
        let Some(authorisation) = authorisation else { return Ok(()) };
        let Payload::Query(_, authorise) = request.payload else { return Ok(()) };
        authorise.refused(&authorisation).await;
        let second = call.refused.is_some_and(|token| token != authorisation.token);
        if second && Instant::now() < authorisation.ends {
            return Err(Failure::Unauthorised { endpoint: request.endpoint.to_owned() });
        }
        call.refused = Some(authorisation.token);
        self.back_off(request, call, "401 to a token that had ended".to_owned(), Some(Duration::ZERO)).await
    }

    /// The pace makes everybody wait, this request with them; a token request waits by itself.
    async fn throttled(
        &self,
        request: &Request<'_>,
        call: &mut Call,
        retry_after: Option<Duration>,
    ) -> Result<(), Failure> {
        call.budget.uncount();
        match request.payload {
            Payload::Query(..) => Ok(()),
            Payload::Form(_) => self.back_off(request, call, "429".to_owned(), retry_after).await,
        }
    }

    async fn back_off(
        &self,
        request: &Request<'_>,
        call: &mut Call,
        last: String,
        asked: Option<Duration>,
    ) -> Result<(), Failure> {
        let Some(wait) = call.budget.next(asked) else {
            return Err(Failure::Exhausted { endpoint: request.endpoint.to_owned(), tries: call.budget.tries(), last });
        };
        self.monitor.retried();
        self.monitor.waited(Wait::Backoff, wait);
        sleep(wait).await;
        Ok(())
    }

    /// One line in the request log, and the monitor's counts. Nothing of the answer's content, and no parameter, is in
    /// either.
    fn record(&self, request: &Request<'_>, call: &Call, answer: &exchange::Answer, took: Duration) {
        let (status, bytes) = (answer.status(), answer.bytes());
        self.monitor.requested(request.endpoint, status, took, bytes);
        let line = serde_json::json!({
            "correlation_id": call.id.to_string(),
            "endpoint": request.endpoint,
            "status": status,
            "attempt": call.budget.tries(),
            "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "bytes": bytes,
            "error": answer.broken(),
        });
        tracing::debug!("{line}");
    }
}

impl Turn<'_> {
    /// Tells pace and breaker what came of it, before anything is made of the answer: they go by the order in which
    /// answers come.
    fn settle(self, answer: &exchange::Answer) -> Result<(), Failure> {
        if let Some(breaker) = self.breaker {
            breaker.settle(answer.outcome());
        }
        match (self.pace, answer.status()) {
            (Some(pace), Some(429)) => pace.throttled(answer.retry_after())?,
            (Some(pace), Some(_)) => pace.answered(answer.reading()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
