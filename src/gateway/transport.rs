//! One attempt: the request goes out, the whole answer comes in.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::timeout;
use url::form_urlencoded;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::clock::ServerClock;
use super::network::{Network, NetworkError};
use super::rate_limit::headers;
use super::request::{Payload, Request};
use super::response::Response;
use super::retry::is_transient;
use super::timings::Timings;
use crate::buffer::Buffer;
use crate::secret::Secret;

/// How much room a body gets before its bytes are there, whatever length the server announces.
const MAX_ROOM: u64 = 8 * 1024 * 1024;

/// The most bytes of a body that are taken: a page of Navan's has at most a few million.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// What carries requests, and Navan's clock as its answers tell it.
pub(super) struct Transport {
    network: Rc<dyn Network>,
    clock: ServerClock,
}

impl Transport {
    pub(super) fn new(network: Rc<dyn Network>) -> Self {
        Self { network, clock: ServerClock::default() }
    }

    /// Navan's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Takes note of Navan's time as somebody else was told it, unless it has told it itself.
    pub(super) fn learn_time(&self, now: DateTime<Utc>) {
        self.clock.learn(now);
    }

    /// Sends once and reads to the end.
    pub(super) async fn send(
        &self,
        request: &Request<'_>,
        token: Option<&Secret>,
        id: Uuid,
        timings: &Timings,
    ) -> Response {
        let exchange = async {
            match self.network.execute(outgoing(request, token, id)).await {
                Ok(response) => self.receive(request, response).await,
                Err(error) => Response::broken(None, &error),
            }
        };
        timeout(timings.attempt_deadline, exchange).await.unwrap_or_else(|_| {
            let minutes = timings.attempt_deadline.as_secs() / 60;
            Response::broken(
                None,
                &NetworkError::new(format!("the answer was not there whole after {minutes} minutes")),
            )
        })
    }

    async fn receive(&self, request: &Request<'_>, mut response: reqwest::Response) -> Response {
        let (status, headers) = (response.status(), unshared(std::mem::take(response.headers_mut())));
        if let Some(date) = headers::date(&headers) {
            self.clock.set(date);
        }
        let mut body = Buffer::take();
        let room = response.content_length().unwrap_or(0).min(MAX_ROOM);
        body.make_room(usize::try_from(room).unwrap_or(0));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                    let megabytes = MAX_BODY / 1024 / 1024;
                    let error = NetworkError::new(format!("the answer has more than {megabytes} MiB"));
                    return Response::broken(Some(status), &error);
                }
                Ok(Some(chunk)) => body.extend(&chunk),
                Ok(None) => return Response::whole(request.policy, status, &headers, body),
                // The status of a refusal says enough, whatever becomes of its words.
                Err(_) if !status.is_success() && !is_transient(status) => {
                    return Response::whole(request.policy, status, &headers, Buffer::empty());
                }
                Err(error) => return Response::broken(Some(status), &error.into()),
            }
        }
    }
}

/// The same headers in memory of their own. As they come, each is a piece of the buffer into which hyper read the answer's beginning, and
/// would keep the whole of it, up to 408 KiB, until the answer is dealt with.
fn unshared(mut headers: HeaderMap) -> HeaderMap {
    for value in headers.values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    headers
}

/// The request as it goes out.
fn outgoing(request: &Request<'_>, token: Option<&Secret>, id: Uuid) -> reqwest::Request {
    let mut url = request.url.clone();
    let mut out = match request.payload {
        Payload::Query(parameters) => {
            if !parameters.is_empty() {
                url.query_pairs_mut().extend_pairs(parameters);
            }
            reqwest::Request::new(Method::GET, url)
        }
        Payload::Form(fields) => {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let mut out = reqwest::Request::new(Method::POST, url);
            *out.body_mut() = Some(form.into());
            out
        }
    };
    add_headers(out.headers_mut(), request, token, id);
    out
}

fn add_headers(headers: &mut HeaderMap, request: &Request<'_>, token: Option<&Secret>, id: Uuid) {
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if matches!(request.payload, Payload::Form(_)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert("X-Correlation-ID", id);
    }
    if let Some(region) = request.region {
        headers.insert("X-ta-region", HeaderValue::from_static(region));
    }
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, sensitive(token));
    }
}

/// The header's value, which prints as `Sensitive`. Whoever fetched the token has seen that it fits into a header.
pub(super) fn sensitive(token: &Secret) -> HeaderValue {
    let value = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {}", token.expose())));
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_that_carries_the_token_does_not_print_it() {
        let header = sensitive(&Secret::new("abc".to_owned()));
        assert_eq!((format!("{header:?}").as_str(), header.as_bytes()), ("Sensitive", &b"Bearer abc"[..]));
    }
}
