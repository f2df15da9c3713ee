//! One attempt over HTTP: the request goes out, the whole answer comes in.

use chrono::{DateTime, Utc};
use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use uuid::Uuid;

use super::clock::ServerClock;
use super::rate_limit::headers;
use super::request::{Payload, Request};
use super::response::Response;
use super::retry::is_transient;
use super::timings::Timings;
use crate::buffer::Buffer;
use crate::error::Error;
use crate::secret::Secret;

/// How many redirects within Navan's host are followed.
const MAX_REDIRECTS: usize = 5;

/// How much room a body gets before its bytes are there, whatever length the server announces.
const MAX_ROOM: u64 = 8 * 1024 * 1024;

/// The HTTP client, and Navan's clock as its answers tell it.
pub(super) struct Transport {
    client: Client,
    clock: ServerClock,
}

impl Transport {
    pub(super) fn new(timings: &Timings) -> Result<Self, Error> {
        let client = Client::builder()
            .user_agent(concat!("source-navan/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timings.connect_timeout)
            .read_timeout(timings.read_timeout)
            .min_tls_version(reqwest::tls::Version::TLS_1_2)
            .redirect(within_one_host())
            .retry(reqwest::retry::never())
            .build()
            .map_err(|e| {
                Error::system("The HTTP client cannot start: check that this machine has CA certificates.")
                    .with_cause(e.without_url())
            })?;
        Ok(Self { client, clock: ServerClock::default() })
    }

    /// Navan's time.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sends once and reads to the end.
    pub(super) async fn send(&self, request: &Request<'_>, bearer: Option<&Secret>, id: Uuid) -> Response {
        let builder = match request.payload {
            Payload::Query(parameters) => self.client.get(request.url.clone()).query(parameters),
            Payload::Form(fields) => self.client.post(request.url.clone()).form(fields),
        };
        let builder = builder
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("X-Correlation-ID", id.to_string());
        let builder = match request.region {
            Some(region) => builder.header("X-ta-region", region),
            None => builder,
        };
        let builder = match bearer {
            Some(bearer) => builder.header(AUTHORIZATION, sensitive(bearer)),
            None => builder,
        };
        match builder.send().await {
            Ok(response) => self.receive(request, response).await,
            Err(error) => Response::broken(None, describe_error(error)),
        }
    }

    async fn receive(&self, request: &Request<'_>, mut response: reqwest::Response) -> Response {
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(date) = headers::date(&headers) {
            self.clock.set(date);
        }
        let mut body = Buffer::take();
        let room = response.content_length().unwrap_or(0).min(MAX_ROOM);
        body.make_room(usize::try_from(room).unwrap_or(0));
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    body.make_room(chunk.len());
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => return Response::whole(request.policy, status, &headers, body),
                // The status of a refusal says enough, whatever becomes of its words.
                Err(_) if !status.is_success() && !is_transient(status) => {
                    return Response::whole(request.policy, status, &headers, Buffer::empty());
                }
                Err(error) => return Response::broken(Some(status), describe_error(error)),
            }
        }
    }
}

/// The header's value, which prints as `Sensitive`. Whoever fetched the token has seen that it fits into a header.
fn sensitive(bearer: &Secret) -> HeaderValue {
    let value = HeaderValue::from_str(bearer.expose());
    let mut value = value.unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The token goes where it belongs, and nowhere else: a redirect to another host, port or scheme is not followed.
fn within_one_host() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().first().map(url::Url::origin);
        if from == Some(attempt.url().origin()) && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// An error with its causes, without the address: stripped, since its parameters may be sensitive.
fn describe_error(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_that_carries_the_token_does_not_print_it() {
        let header = sensitive(&Secret::new("Bearer abc".to_owned()));
        assert_eq!((format!("{header:?}").as_str(), header.as_bytes()), ("Sensitive", &b"Bearer abc"[..]));
    }
}
