//! What every request of Navan's API goes through, before and after its endpoint: counting, latency, rate limit and
//! faults.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::counts::RequestInfo;
use crate::cursor::RepeatCursor;
use crate::faults::{Fault, RetryAfter};
use crate::rate_limit::{LimitHeaders, RateLimitDecision};
use crate::response::{ApiError, html_page, json_response};
use crate::state::{SandboxState, lock};
use crate::tokens::{TOKEN_PATH, bearer_token};
use crate::wire::{self, Encoding};

/// Counts a request as finished when it is dropped: with its response, or without one if the client goes away
/// before.
struct InFlightGuard<'a> {
    state: &'a SandboxState,
    request: RequestInfo,
    /// Of the response; 0 as long as there is none.
    status: u16,
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        lock(&self.state.recorder).finished(&self.request, self.status);
    }
}

/// The middleware around Navan's endpoints.
pub(crate) async fn intercept(State(state): State<Arc<SandboxState>>, request: Request, next: Next) -> Response {
    let info = info_of(&request);
    lock(&state.recorder).started(&info);
    let mut guard = InFlightGuard { state: &state, request: info, status: 0 };
    let latency = lock(&state.fault_schedule).latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = respond_within_limit(&state, &guard.request, request, next).await;
    if response.extensions().get::<wire::ConnectionDrop>().is_none() {
        guard.status = response.status().as_u16();
    }
    if state.settings.send_date
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::from(state.now())))
    {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn info_of(request: &Request) -> RequestInfo {
    let path = request.uri().path().to_owned();
    let correlation_id = request.headers().get("x-correlation-id");
    RequestInfo {
        at: Instant::now(),
        method: request.method().to_string(),
        is_token: path == TOKEN_PATH,
        path,
        query: request.uri().query().map(str::to_owned),
        correlation_id: correlation_id.and_then(|id| id.to_str().ok()).map(str::to_owned),
    }
}

/// The response, or a 429 if the rate limit is reached. Requests for tokens are not limited.
async fn respond_within_limit(state: &SandboxState, info: &RequestInfo, request: Request, next: Next) -> Response {
    let decision = if info.is_token {
        None
    } else {
        lock(&state.rate_limiter).as_mut().map(|limiter| limiter.try_acquire(Instant::now()))
    };
    let mut response = match decision {
        Some(decision) if !decision.allowed => rate_limited(state, decision),
        _ => respond_with_fault(state, info, request, next).await,
    };
    if let Some(decision) = decision {
        add_rate_limit_headers(state, decision, response.headers_mut());
    }
    response
}

/// The endpoint's response, with a fault if one is due for this request.
async fn respond_with_fault(state: &SandboxState, info: &RequestInfo, mut request: Request, next: Next) -> Response {
    let has_cursor = info.query.as_ref().is_some_and(|query| query.split('&').any(|part| part.starts_with("cursor=")));
    let of_request = request.extensions_mut().remove::<Fault>();
    let fault = of_request
        .or_else(|| lock(&state.fault_schedule).fault_for(&info.path, info.is_token, Instant::now()))
        .filter(|fault| has_cursor || !matches!(fault, Fault::RefuseCursor(_) | Fault::RepeatCursor));
    if let Some(fault) = &fault {
        lock(&state.recorder).fault_injected(fault.name());
        if let Some(response) = fault_response(state, fault) {
            return response;
        }
        apply_to_request(state, fault, &mut request);
    }
    let accepts_gzip = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|accepted| accepted.to_str().is_ok_and(|accepted| accepted.contains("gzip")));
    let encoding = Encoding { pretty: state.settings.pretty, gzip: state.settings.gzip && accepts_gzip };
    wire::encode_body(next.run(request).await, encoding, fault.as_ref()).await
}

/// The response that a fault sends in place of the endpoint's; none if the endpoint is called nevertheless.
fn fault_response(state: &SandboxState, fault: &Fault) -> Option<Response> {
    Some(match fault {
        Fault::Status(code) => ApiError::Bare(status(*code)).into_response(),
        Fault::Html(code) => html_page(status(*code)),
        Fault::HtmlOk => html_page(StatusCode::OK),
        Fault::NotPromised => json_response(StatusCode::OK, "{}"),
        Fault::Drop => wire::connection_drop(),
        Fault::TooMany { retry_after } => too_many_requests(state, retry_after),
        Fault::RefuseCursor(code) => {
            ApiError::Coded(status(*code), "INVALID_CURSOR", "The cursor is no longer valid.".to_owned())
                .into_response()
        }
        Fault::Redirect { to } => {
            let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Fault::RevokeToken
        | Fault::RevokeCredential
        | Fault::Cut
        | Fault::TruncatedJson
        | Fault::Stall { .. }
        | Fault::RepeatCursor => return None,
    })
}

/// What a fault does before the endpoint is called.
fn apply_to_request(state: &SandboxState, fault: &Fault, request: &mut Request) {
    match fault {
        Fault::RevokeToken => {
            if let Some(token) = bearer_token(request.headers()) {
                lock(&state.tokens).revoke(token);
            }
        }
        Fault::RevokeCredential => lock(&state.tokens).revoke_credential(),
        Fault::RepeatCursor => {
            request.extensions_mut().insert(RepeatCursor);
        }
        _ => {}
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A 429 with this `Retry-After`.
fn too_many_requests(state: &SandboxState, retry_after: &RetryAfter) -> Response {
    let mut response = ApiError::too_many_requests().into_response();
    let value = match retry_after {
        RetryAfter::None => return response,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::HttpDate(seconds) => {
            httpdate::fmt_http_date(SystemTime::from(state.now()) + Duration::from_secs(*seconds))
        }
        RetryAfter::Raw(text) => text.clone(),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// The 429 of the rate limit.
fn rate_limited(state: &SandboxState, decision: RateLimitDecision) -> Response {
    let retry_after = match decision.headers {
        LimitHeaders::RetryAfterSeconds => RetryAfter::Seconds(decision.retry_after_s),
        LimitHeaders::RetryAfterDate => RetryAfter::HttpDate(decision.retry_after_s),
        LimitHeaders::None | LimitHeaders::RateLimit | LimitHeaders::RateLimitEpoch => RetryAfter::None,
    };
    too_many_requests(state, &retry_after)
}

/// Adds the `X-RateLimit-*` headers, if they are sent.
fn add_rate_limit_headers(state: &SandboxState, decision: RateLimitDecision, headers: &mut HeaderMap) {
    let reset = match decision.headers {
        LimitHeaders::RateLimit => decision.reset_s,
        LimitHeaders::RateLimitEpoch => state.now().timestamp().unsigned_abs() + decision.reset_s,
        LimitHeaders::None | LimitHeaders::RetryAfterSeconds | LimitHeaders::RetryAfterDate => return,
    };
    headers.insert("x-ratelimit-limit", decision.limit.into());
    headers.insert("x-ratelimit-remaining", decision.remaining.into());
    headers.insert("x-ratelimit-reset", reset.into());
}
