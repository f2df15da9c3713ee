//! What came back, and what is to be done about it. An answer is classified once, here; rate limiter, circuit breaker,
//! retries and log all follow from that.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::circuit_breaker::RequestOutcome;
use super::failure::Refusal;
use super::network::NetworkError;
use super::obstacle::Obstacle;
use super::rate_limit::headers::{self, RateLimitHeaders};
use super::redact::redact;
use super::request::{Payload, Request, RequestPolicy};
use super::retry::is_transient;
use crate::buffer::Buffer;
use crate::secret::Secret;

/// How many characters of Navan's own words about a refusal are kept.
const MAX_DETAILS: usize = 200;

/// How many characters of a cursor are shown.
const SHOWN_OF_CURSOR: usize = 8;

/// What is to be done about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseAction {
    /// Take the body.
    Success,
    /// Try again: the server is broken or busy, or the answer broke off.
    Retry,
    /// Try again when the limit lets it through; it counts as no try.
    RateLimited,
    /// Try again with another token.
    RefreshToken,
    /// Try once more: it is a refusal, but a doubtful one.
    Doubt,
    /// Give up: asking again would not help.
    Fail,
}

/// An answer, or why there is none.
pub(super) struct Response {
    pub(super) action: ResponseAction,
    /// The status, also of an answer that broke off.
    pub(super) status: Option<StatusCode>,
    pub(super) body: Buffer,
    /// Why there is no whole answer; without address or parameters in its words.
    pub(super) error: Option<String>,
    /// The wait that the server asks for.
    pub(super) retry_after: Option<Duration>,
    pub(super) rate_limit: Option<RateLimitHeaders>,
    /// What it tells the circuit breaker.
    pub(super) outcome: RequestOutcome,
    /// What stands between this machine and Navan, as far as it shows.
    pub(super) obstacle: Option<Obstacle>,
}

impl Response {
    /// A whole answer.
    pub(super) fn whole(policy: RequestPolicy, status: StatusCode, headers: &HeaderMap, body: Buffer) -> Self {
        let retry_after = headers::retry_after(headers);
        let action = match status {
            status if status.is_success() => ResponseAction::Success,
            StatusCode::TOO_MANY_REQUESTS => ResponseAction::RateLimited,
            StatusCode::UNAUTHORIZED if policy.renews_token => ResponseAction::RefreshToken,
            status if is_transient(status) => ResponseAction::Retry,
            StatusCode::FORBIDDEN if policy.doubts_refusal || retry_after.is_some() => ResponseAction::Doubt,
            StatusCode::NOT_FOUND if policy.doubts_refusal => ResponseAction::Doubt,
            _ => ResponseAction::Fail,
        };
        let obstacle = Obstacle::of_answer(status.as_u16(), headers, &body);
        Self {
            action,
            status: Some(status),
            body,
            obstacle,
            error: None,
            retry_after,
            rate_limit: headers::rate_limit(headers),
            outcome: if status.is_server_error() && is_transient(status) {
                RequestOutcome::ServerError
            } else {
                RequestOutcome::Answer
            },
        }
    }

    /// No answer, or one that broke off after its status.
    pub(super) fn broken(status: Option<StatusCode>, error: &NetworkError) -> Self {
        let outcome = match status {
            Some(status) if status.is_server_error() => RequestOutcome::ServerError,
            _ => RequestOutcome::Nothing,
        };
        Self {
            action: ResponseAction::Retry,
            status,
            body: Buffer::empty(),
            error: Some(error.to_string()),
            retry_after: None,
            rate_limit: None,
            outcome,
            obstacle: error.obstacle.clone(),
        }
    }

    /// In a few words, for the error of a request that is given up.
    pub(super) fn describe(&self) -> String {
        match (&self.error, self.status) {
            (Some(error), _) => error.clone(),
            (None, Some(StatusCode::TOO_MANY_REQUESTS)) => match self.retry_after {
                Some(wait) => format!("429, asking to wait for {} s", wait.as_secs()),
                None => "429".to_owned(),
            },
            (None, status) => format!("status {}", status.map_or(0, |status| status.as_u16())),
        }
    }

    /// What Navan said to a request that it refused.
    pub(super) fn refusal(&self, request: &Request<'_>, secrets: &[&Secret]) -> Box<Refusal> {
        let parameters = match request.payload {
            Payload::Query(parameters) if request.policy.shows_parameters => {
                parameters.iter().map(|(name, value)| shown(name, value)).collect::<Vec<_>>().join("&")
            }
            _ => String::new(), // stripped: a form holds the secret
        };
        let (code, details) = error_details(&self.body, secrets);
        let status = self.status.unwrap_or_default();
        let (endpoint, host) = (request.endpoint.to_owned(), request.host());
        let obstacle = self.obstacle.clone().map(|obstacle| obstacle.without(secrets));
        Box::new(Refusal { endpoint, host, parameters, status, code, details, obstacle })
    }
}

/// A parameter. A cursor may hold anything, so that its beginning has to do.
fn shown(name: &str, value: &str) -> String {
    match value.char_indices().nth(SHOWN_OF_CURSOR) {
        Some((end, _)) if name == "cursor" => format!("{name}={}…", &value[..end]),
        _ => format!("{name}={value}"),
    }
}

/// What an error body says, in one line.
pub(super) fn said_in(body: &[u8], secrets: &[&Secret]) -> Option<String> {
    let (code, words) = error_details(body, secrets);
    let said: Vec<_> = [code, words].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// The code and the words of an error body, in one of the forms that such bodies have. Anything else is not shown.
fn error_details(body: &[u8], secrets: &[&Secret]) -> (Option<String>, Option<String>) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return (None, None) };
    let text = |value: &Value| {
        let line: String = redact(value.as_str()?, secrets).chars().take(MAX_DETAILS).collect();
        (!line.is_empty()).then_some(line)
    };
    let code_in = |error: &Value| text(&error["code"]).or_else(|| error["code"].as_i64().map(|code| code.to_string()));
    match (&body["error"], &body["errors"][0]) {
        (error @ Value::Object(_), _) | (Value::Null, error @ Value::Object(_)) => {
            (code_in(error), text(&error["message"]))
        }
        (Value::Null, Value::Null) => {
            (code_in(&body), text(&body["message"]).or_else(|| text(&body["error_description"])))
        }
        (Value::Null, words) => (None, text(words)),
        (code, _) => (text(code), text(&body["error_description"]).or_else(|| text(&body["message"]))),
    }
}
