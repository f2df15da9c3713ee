//! One attempt: the request goes out, the whole answer comes in, and it is judged.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::breaker::Outcome;
use super::clock::Clock;
use super::limit::{self, Reading};
use super::retry::is_passing;
use super::timings::Timings;
use super::{Authorisation, Payload, Refusal, Request};
use crate::error::Error;

/// How many redirects within Navan's host are followed.
const REDIRECTS_MOST: usize = 5;

/// How much room a body gets before its bytes are there, whatever length the server announces.
const ROOM_MOST: u64 = 8 * 1024 * 1024;

/// How many characters of Navan's own words about a refusal are kept.
const WORDS_MOST: usize = 200;

/// A 200 that is not what was promised: HTML from a proxy, JSON cut short, a missing array.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the answer is not the promised JSON: {0}")]
pub struct Unusable(pub String);

/// The HTTP client, and Navan's clock as its answers tell it.
pub(super) struct Exchange {
    client: Client,
    clock: Clock,
}

/// What came back.
pub(super) enum Answer {
    /// A whole answer.
    Whole { status: StatusCode, headers: HeaderMap, body: Vec<u8> },
    /// None, or one that broke off; without address or parameters in its words.
    Broken { status: Option<StatusCode>, why: String },
}

/// What is to be done about it.
pub(super) enum Verdict<T> {
    /// The answer.
    Usable(T),
    /// Try again: what came of it, and the wait that was asked for.
    Passing(String, Option<Duration>),
    /// 429, and the wait that was asked for.
    Throttled(Option<Duration>),
    /// 401.
    Unauthorised,
    /// Any other 3xx or 4xx.
    Refused(Refusal),
}

impl Exchange {
    pub(super) fn new(timings: &Timings) -> Result<Self, Error> {
        let client = Client::builder()
            .user_agent(concat!("source-navan/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timings.connect)
            .read_timeout(timings.silence)
            .min_tls_version(reqwest::tls::Version::TLS_1_2)
            .redirect(within_one_host())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|e| {
                Error::system("The HTTP client cannot start: check that this machine has CA certificates.")
                    .because(e.without_url())
            })?;
        Ok(Self { client, clock: Clock::default() })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sends once and reads to the end.
    pub(super) async fn exchange(
        &self,
        request: &Request<'_>,
        authorisation: Option<&Authorisation>,
        id: Uuid,
    ) -> Answer {
        let builder = match request.payload {
            Payload::Query(parameters, _) => self.client.get(request.url.clone()).query(parameters),
            Payload::Form(fields) => self.client.post(request.url.clone()).form(fields),
        };
        let builder = builder
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("X-Correlation-ID", id.to_string());
        let builder = match request.region {
            Some(region) => builder.header("X-ta-region", region),
            None => builder,
        };
        let builder = match authorisation {
            Some(authorisation) => builder.header(AUTHORIZATION, sensitive(authorisation)),
            None => builder,
        };
        match builder.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Answer::Broken { status: None, why: in_words(error) },
        }
    }

    async fn read(&self, mut response: Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(date) = limit::date(&headers) {
            self.clock.set(date);
        }
        let room = response.content_length().unwrap_or(0).min(ROOM_MOST);
        let mut body = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Answer::Whole { status, headers, body },
                // The status of a refusal says enough, whatever becomes of its words.
                Err(_) if !status.is_success() && !is_passing(status) => {
                    return Answer::Whole { status, headers, body: Vec::new() };
                }
                Err(error) => return Answer::Broken { status: Some(status), why: in_words(error) },
            }
        }
    }
}

impl Answer {
    /// The status, also of an answer that broke off.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Whole { status, .. } => Some(status.as_u16()),
            Self::Broken { status, .. } => status.map(|status| status.as_u16()),
        }
    }

    /// The length of the body, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Whole { body, .. } => body.len() as u64,
            Self::Broken { .. } => 0,
        }
    }

    /// Why there is no whole answer.
    pub(super) fn broken(&self) -> Option<&str> {
        match self {
            Self::Whole { .. } => None,
            Self::Broken { why, .. } => Some(why),
        }
    }

    pub(super) fn reading(&self) -> Option<Reading> {
        match self {
            Self::Whole { headers, .. } => limit::reading(headers),
            Self::Broken { .. } => None,
        }
    }

    /// The wait that the server asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Whole { headers, .. } => limit::retry_after(headers),
            Self::Broken { .. } => None,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Whole { status, .. } | Self::Broken { status: Some(status), .. } if status.is_server_error() => {
                Outcome::ServerError
            }
            Self::Whole { .. } => Outcome::Answer,
            Self::Broken { .. } => Outcome::Nothing,
        }
    }

    pub(super) fn verdict<T>(
        self,
        request: &Request<'_>,
        accept: &impl Fn(Vec<u8>) -> Result<T, Unusable>,
    ) -> Verdict<T> {
        let (status, headers, body) = match self {
            Self::Broken { why, .. } => return Verdict::Passing(why, None),
            Self::Whole { status, headers, body } => (status, headers, body),
        };
        let authorised = matches!(request.payload, Payload::Query(..));
        match status {
            status if status.is_success() => match accept(body) {
                Ok(value) => Verdict::Usable(value),
                Err(unusable) => Verdict::Passing(unusable.to_string(), limit::retry_after(&headers)),
            },
            StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled(limit::retry_after(&headers)),
            StatusCode::UNAUTHORIZED if authorised => Verdict::Unauthorised,
            status if is_passing(status) => {
                Verdict::Passing(format!("status {}", status.as_u16()), limit::retry_after(&headers))
            }
            status => Verdict::Refused(refusal(request, status, &body)),
        }
    }
}

/// The header's value, which prints as `Sensitive`. Whoever fetched the token has seen that it fits into a header.
fn sensitive(authorisation: &Authorisation) -> HeaderValue {
    let value = HeaderValue::from_str(authorisation.bearer.expose());
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The token goes where it belongs, and nowhere else: a redirect to another host, port or scheme is not followed.
fn within_one_host() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().first().map(url::Url::origin);
        if from == Some(attempt.url().origin()) && attempt.previous().len() <= REDIRECTS_MOST {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// An error with its causes, without the address, whose parameters are nobody's business.
fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn refusal(request: &Request<'_>, status: StatusCode, body: &[u8]) -> Refusal {
    let parameters = match request.payload {
        Payload::Query(parameters, _) => {
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        }
        Payload::Form(_) => String::new(), // it holds the secret
    };
    let (code, words) = said(body);
    Refusal { endpoint: request.endpoint.to_owned(), parameters, status, code, words }
}

/// The code and the words of an error body, in either of the two forms that Navan uses. Anything else is not shown.
fn said(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return (None, None) };
    let text = |value: &Value| {
        let line: String = value.as_str()?.chars().filter(|c| !c.is_control()).take(WORDS_MOST).collect();
        (!line.is_empty()).then_some(line)
    };
    match &body["error"] {
        Value::Object(error) => (
            error.get("code").and_then(|code| text(code).or_else(|| code.as_i64().map(|code| code.to_string()))),
            error.get("message").and_then(text),
        ),
        code => (text(code), text(&body["error_description"])),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;
    use crate::secret::Secret;

    #[test]
    fn the_header_that_carries_the_token_does_not_print_it() {
        let bearer = Arc::new(Secret::new("Bearer abc".to_owned()));
        let header = sensitive(&Authorisation { bearer, token: 1, ends: Instant::now() });
        assert_eq!((format!("{header:?}").as_str(), header.as_bytes()), ("Sensitive", &b"Bearer abc"[..]));
    }
}
