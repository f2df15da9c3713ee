//! What carries a request to Navan: HTTP, or whatever stands in for it where Navan is simulated in this process.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response};
use url::Url;

use super::obstacle::Obstacle;
use super::timings::Timings;
use super::tls::{self, NamingVerifier};
use crate::error::Error;

const CANNOT_START: &str = "The HTTP client cannot start: check that this machine has CA certificates.";

/// How many redirects within Navan's host are followed.
const MAX_REDIRECTS: usize = 5;

/// Carries requests.
pub trait Network {
    /// Sends a request; what comes back is the head of the answer, with its body to be read.
    fn execute(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, NetworkError>>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct NetworkError {
    /// Without address or parameters.
    pub words: String,
    /// What stands in the way, if that is known.
    pub obstacle: Option<Obstacle>,
}

impl NetworkError {
    /// One of which nothing more is known.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), obstacle: None }
    }
}

/// Real connections.
pub struct Http {
    client: Client,
}

impl Http {
    /// An HTTP client that keeps to `timings`, for servers some of which may speak TLS.
    ///
    /// # Errors
    /// A `system_error` if some do, and this machine has no usable TLS certificates.
    pub fn new(timings: &Timings, some_speak_tls: bool) -> Result<Self, Error> {
        let redirects = within_one_host();
        let client = if some_speak_tls { tls_client(timings, redirects) } else { client(timings, redirects) };
        Ok(Self { client: client? })
    }
}

/// An HTTP client for what is not Navan's, by the same certificates and proxies.
///
/// # Errors
/// A `system_error` if it cannot start.
pub fn plain_client(timings: &Timings) -> Result<Client, Error> {
    client(timings, Policy::none())
}

/// An HTTP client that keeps to `timings`, and follows redirects by these rules, for servers that speak TLS.
///
/// # Errors
/// A `system_error` if this machine has no usable TLS certificates.
pub(super) fn tls_client(timings: &Timings, redirects: Policy) -> Result<Client, Error> {
    let (client, verifier) = client_and_verifier(timings, redirects)?;
    verifier.load().map_err(|e| Error::system(CANNOT_START).with_cause(e))?;
    Ok(client)
}

fn client(timings: &Timings, redirects: Policy) -> Result<Client, Error> {
    Ok(client_and_verifier(timings, redirects)?.0)
}

fn client_and_verifier(timings: &Timings, redirects: Policy) -> Result<(Client, Arc<NamingVerifier>), Error> {
    let (tls, verifier) = tls::client_config().map_err(|e| Error::system(CANNOT_START).with_cause(e))?;
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("source-navan/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timings.connect_timeout)
        .read_timeout(timings.read_timeout)
        .redirect(redirects)
        .retry(reqwest::retry::never())
        .build()
        .map_err(|e| Error::system(CANNOT_START).with_cause(e.without_url()))?;
    Ok((client, verifier))
}

impl Network for Http {
    fn execute(&self, request: Request) -> LocalBoxFuture<'_, Result<Response, NetworkError>> {
        let sent = self.client.execute(request);
        sent.map(|result| result.map_err(NetworkError::from)).boxed_local()
    }
}

impl From<reqwest::Error> for NetworkError {
    /// An error with its causes, without the address: stripped, since its parameters may be sensitive.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let words = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self { words, obstacle: Obstacle::of_connection(&error) }
    }
}

/// The token goes where it belongs, and nowhere else: a redirect to another host, port or scheme is not followed.
fn within_one_host() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().first().map(Url::origin);
        if from == Some(attempt.url().origin()) && attempt.previous().len() <= MAX_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}
