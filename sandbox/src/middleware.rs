//! What every request passes, before and after its endpoint: counting, delay, limit and faults.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::counts::Call;
use crate::cursor::RepeatCursor;
use crate::faults::{Fault, RetryAfter};
use crate::limit::{Tell, Verdict};
use crate::response::{ApiError, html_page, json_response};
use crate::state::{SandboxState, lock};
use crate::tokens::{TOKEN_PATH, bearer_token};
use crate::wire::{self, Encoding};

/// Counts a request as answered once it is gone, also if its caller goes away before that.
struct Flight<'a> {
    state: &'a SandboxState,
    call: Call,
    status: u16,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        lock(&self.state.ledger).answered(&self.call, self.status);
    }
}

/// Lets a request pass to its endpoint, or not.
pub(crate) async fn intercept(State(state): State<Arc<SandboxState>>, request: Request, next: Next) -> Response {
    let call = call_of(&request);
    lock(&state.ledger).arrived(&call);
    let mut flight = Flight { state: &state, call, status: 0 };
    let latency = lock(&state.fault_schedule).latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = answer(&state, &flight.call, request, next).await;
    if response.extensions().get::<wire::Dropped>().is_none() {
        flight.status = response.status().as_u16();
    }
    if state.settings.send_date
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::from(state.now())))
    {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn call_of(request: &Request) -> Call {
    let path = request.uri().path().to_owned();
    let correlation_id = request.headers().get("x-correlation-id");
    Call {
        at: Instant::now(),
        method: request.method().to_string(),
        is_token: path == TOKEN_PATH,
        path,
        query: request.uri().query().map(str::to_owned),
        correlation_id: correlation_id.and_then(|id| id.to_str().ok()).map(str::to_owned),
    }
}

async fn answer(state: &SandboxState, call: &Call, request: Request, next: Next) -> Response {
    let verdict =
        if call.is_token { None } else { lock(&state.limiter).as_mut().map(|limiter| limiter.admit(Instant::now())) };
    let mut response = match verdict {
        Some(verdict) if !verdict.accepted => refused(state, verdict),
        _ => faulty(state, call, request, next).await,
    };
    if let Some(verdict) = verdict {
        tell(state, verdict, response.headers_mut());
    }
    response
}

/// The endpoint's answer with the fault, if this request gets one.
async fn faulty(state: &SandboxState, call: &Call, mut request: Request, next: Next) -> Response {
    let has_cursor = call.query.as_ref().is_some_and(|query| query.split('&').any(|part| part.starts_with("cursor=")));
    let fault = lock(&state.fault_schedule)
        .next(&call.path, call.is_token, Instant::now())
        .filter(|fault| has_cursor || !matches!(fault, Fault::RefuseCursor(_) | Fault::RepeatCursor));
    if let Some(fault) = &fault {
        lock(&state.ledger).injected(fault.name());
        if let Some(response) = instead(state, fault, &request) {
            return response;
        }
        if *fault == Fault::RepeatCursor {
            request.extensions_mut().insert(RepeatCursor);
        }
    }
    let accepts_gzip = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|accepted| accepted.to_str().is_ok_and(|accepted| accepted.contains("gzip")));
    let encoding = Encoding { pretty: state.settings.pretty, gzip: state.settings.gzip && accepts_gzip };
    wire::finish(next.run(request).await, encoding, fault.as_ref()).await
}

/// The answer that the fault puts in place of the endpoint's; none if the endpoint is to answer.
fn instead(state: &SandboxState, fault: &Fault, request: &Request) -> Option<Response> {
    Some(match fault {
        Fault::Status(code) => ApiError::Bare(status(*code)).into_response(),
        Fault::Html(code) => html_page(status(*code)),
        Fault::HtmlOk => html_page(StatusCode::OK),
        Fault::NotPromised => json_response(StatusCode::OK, "{}"),
        Fault::Drop => wire::dropped(),
        Fault::TooMany { retry_after } => spontaneous(state, retry_after),
        Fault::RefuseCursor(code) => {
            ApiError::Coded(status(*code), "INVALID_CURSOR", "The cursor is no longer valid.".to_owned())
                .into_response()
        }
        Fault::Redirect { to } => {
            let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Fault::RevokeToken => {
            if let Some(token) = bearer_token(request.headers()) {
                lock(&state.tokens).revoke(token);
            }
            return None;
        }
        Fault::RevokeCredential => {
            lock(&state.tokens).revoke_credential();
            return None;
        }
        Fault::Cut | Fault::TruncatedJson | Fault::Stall { .. } | Fault::RepeatCursor => return None,
    })
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn date_in(state: &SandboxState, seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::from(state.now()) + std::time::Duration::from_secs(seconds))
}

/// A 429 that the limit did not ask for.
fn spontaneous(state: &SandboxState, retry_after: &RetryAfter) -> Response {
    let mut response = ApiError::too_many_requests().into_response();
    let value = match retry_after {
        RetryAfter::None => return response,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::HttpDate(seconds) => date_in(state, *seconds),
        RetryAfter::Raw(text) => text.clone(),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A 429 because of the limit.
fn refused(state: &SandboxState, verdict: Verdict) -> Response {
    match verdict.tell {
        Tell::RetryAfterSeconds => spontaneous(state, &RetryAfter::Seconds(verdict.retry_after_s)),
        Tell::RetryAfterDate => spontaneous(state, &RetryAfter::HttpDate(verdict.retry_after_s)),
        Tell::Nothing | Tell::Headers | Tell::HeadersEpoch => ApiError::too_many_requests().into_response(),
    }
}

/// Adds the `X-RateLimit-*` headers, if they are sent.
fn tell(state: &SandboxState, verdict: Verdict, headers: &mut HeaderMap) {
    let reset = match verdict.tell {
        Tell::Headers => verdict.reset_s,
        Tell::HeadersEpoch => state.now().timestamp().unsigned_abs() + verdict.reset_s,
        Tell::Nothing | Tell::RetryAfterSeconds | Tell::RetryAfterDate => return,
    };
    headers.insert("x-ratelimit-limit", verdict.limit.into());
    headers.insert("x-ratelimit-remaining", verdict.remaining.into());
    headers.insert("x-ratelimit-reset", reset.into());
}
