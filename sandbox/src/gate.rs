//! What every request passes, before and after its endpoint: counting, delay, limit and faults.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::{Refusal, html_page, json_answer};
use crate::counts::Call;
use crate::faults::{Fault, RetryAfter};
use crate::limit::{Tell, Verdict};
use crate::routes::TOKEN_PATH;
use crate::wire::{self, Dress};
use crate::world::{World, lock};

/// Tells the endpoint to answer a cursor with that same cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepeatCursor;

/// Counts a request as answered once it is gone, also if its caller goes away before that.
struct Flight<'a> {
    world: &'a World,
    call: Call,
    status: u16,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        lock(&self.world.ledger).answered(&self.call, self.status);
    }
}

/// Lets a request pass to its endpoint, or not.
pub(crate) async fn pass(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let call = call_of(&request);
    lock(&world.ledger).arrived(&call);
    let mut flight = Flight { world: &world, call, status: 0 };
    let latency = lock(&world.injector).latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let mut response = answer(&world, &flight.call, request, next).await;
    if response.extensions().get::<wire::Dropped>().is_none() {
        flight.status = response.status().as_u16();
    }
    if world.settings.send_date
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::from(world.now())))
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

async fn answer(world: &World, call: &Call, request: Request, next: Next) -> Response {
    let verdict =
        if call.is_token { None } else { lock(&world.limiter).as_mut().map(|limiter| limiter.admit(Instant::now())) };
    let mut response = match verdict {
        Some(verdict) if !verdict.accepted => refused(world, verdict),
        _ => faulty(world, call, request, next).await,
    };
    if let Some(verdict) = verdict {
        tell(world, verdict, response.headers_mut());
    }
    response
}

/// The endpoint's answer with the fault, if this request gets one.
async fn faulty(world: &World, call: &Call, mut request: Request, next: Next) -> Response {
    let has_cursor = call.query.as_ref().is_some_and(|query| query.split('&').any(|part| part.starts_with("cursor=")));
    let fault = lock(&world.injector)
        .next(&call.path, call.is_token, Instant::now())
        .filter(|fault| has_cursor || !matches!(fault, Fault::RefuseCursor(_) | Fault::RepeatCursor));
    if let Some(fault) = &fault {
        lock(&world.ledger).injected(fault.name());
        if let Some(response) = instead(world, fault, &request) {
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
    let dress = Dress { pretty: world.settings.pretty, gzip: world.settings.gzip && accepts_gzip };
    wire::finish(next.run(request).await, dress, fault.as_ref()).await
}

/// The answer that the fault puts in place of the endpoint's; none if the endpoint is to answer.
fn instead(world: &World, fault: &Fault, request: &Request) -> Option<Response> {
    Some(match fault {
        Fault::Status(code) => Refusal::Bare(status(*code)).into_response(),
        Fault::Html(code) => html_page(status(*code)),
        Fault::HtmlOk => html_page(StatusCode::OK),
        Fault::NotPromised => json_answer(StatusCode::OK, "{}"),
        Fault::Drop => wire::dropped(),
        Fault::TooMany { retry_after } => spontaneous(world, retry_after),
        Fault::RefuseCursor(code) => {
            Refusal::Coded(status(*code), "INVALID_CURSOR", "The cursor is no longer valid.".to_owned()).into_response()
        }
        Fault::Redirect { to } => {
            let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Fault::RevokeToken => {
            if let Some(token) = bearer(request.headers()) {
                lock(&world.tokens).revoke(token);
            }
            return None;
        }
        Fault::RevokeCredential => {
            lock(&world.tokens).revoke_credential();
            return None;
        }
        Fault::Cut | Fault::TruncatedJson | Fault::Stall { .. } | Fault::RepeatCursor => return None,
    })
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The token that a request carries.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn too_many() -> Response {
    Refusal::Coded(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Rate limit exceeded.".to_owned())
        .into_response()
}

fn date_in(world: &World, seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::from(world.now()) + std::time::Duration::from_secs(seconds))
}

/// A 429 that the limit did not ask for.
fn spontaneous(world: &World, retry_after: &RetryAfter) -> Response {
    let mut response = too_many();
    let value = match retry_after {
        RetryAfter::None => return response,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::HttpDate(seconds) => date_in(world, *seconds),
        RetryAfter::Raw(text) => text.clone(),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A 429 because of the limit.
fn refused(world: &World, verdict: Verdict) -> Response {
    match verdict.tell {
        Tell::RetryAfterSeconds => spontaneous(world, &RetryAfter::Seconds(verdict.retry_after_s)),
        Tell::RetryAfterDate => spontaneous(world, &RetryAfter::HttpDate(verdict.retry_after_s)),
        Tell::Nothing | Tell::Headers | Tell::HeadersEpoch => too_many(),
    }
}

/// Adds the `X-RateLimit-*` headers, if they are sent.
fn tell(world: &World, verdict: Verdict, headers: &mut HeaderMap) {
    let reset = match verdict.tell {
        Tell::Headers => verdict.reset_s,
        Tell::HeadersEpoch => world.now().timestamp().unsigned_abs() + verdict.reset_s,
        Tell::Nothing | Tell::RetryAfterSeconds | Tell::RetryAfterDate => return,
    };
    headers.insert("x-ratelimit-limit", verdict.limit.into());
    headers.insert("x-ratelimit-remaining", verdict.remaining.into());
    headers.insert("x-ratelimit-reset", reset.into());
}
