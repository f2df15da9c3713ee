//! Layer 2, token management: an access token that is always good.
//!
//! The token is kept in memory, in the one [`Authenticator`] of the process, and nowhere else. A process serves one
//! configuration, so credentials of different tenants never meet, however many of them run side by side.

mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::error::{Error, Kind};
use crate::gateway::{Authorisation, Authorise, Failure, Gateway, Payload, Request};
use crate::monitor::Monitor;
use crate::secret::Secret;
use token::{Grant, Token};

/// The path of the token endpoint, on every host that serves it.
pub const TOKEN_PATH: &str = "/ta-auth/oauth/token";

/// The credential, and the token that it currently buys.
///
/// Whoever needs a token while there is no good one waits for the single task that fetches it. It is renewed before
/// it ends, and after a 401 if it is the one that was refused.
pub struct Authenticator {
    gateway: Arc<Gateway>,
    monitor: Arc<Monitor>,
    url: Url,
    client_id: Secret,
    client_secret: Secret,
    state: Mutex<State>,
    /// Counts failed fetches, so that those who waited for one share its error instead of each trying again.
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    fetched: u64,
    error: Option<Error>,
}

impl State {
    /// Whether the token is still good; then it is some time before it is tried to renew it again.
    fn outlasts_a_failure(&mut self, lead: Duration) -> bool {
        let now = Instant::now();
        let good = self.token.as_mut().filter(|token| now < token.authorisation.ends);
        good.map(|token| token.renew_at = (now + lead / 10).min(token.authorisation.ends)).is_some()
    }
}

impl Authenticator {
    /// For the credential, with the address of the token endpoint.
    pub fn new(
        gateway: Arc<Gateway>,
        monitor: Arc<Monitor>,
        url: Url,
        client_id: Secret,
        client_secret: Secret,
    ) -> Self {
        Self { gateway, monitor, url, client_id, client_secret, state: Mutex::default(), failures: AtomicU64::new(0) }
    }

    /// The scopes of the token, if Navan tells them; fetches a token if there is none.
    ///
    /// # Errors
    /// As for a token: a `config_error` if the credential is refused, else a `transient_error`.
    pub async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        self.good_token().await?;
        Ok(self.state.lock().await.token.as_ref().and_then(|token| token.scopes.clone()))
    }

    async fn good_token(&self) -> Result<Authorisation, Error> {
        let failures_before = self.failures.load(Ordering::Relaxed);
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.authorisation.clone());
        }
        if let Some(error) = &state.error {
            let failed_meanwhile = self.failures.load(Ordering::Relaxed) > failures_before;
            if failed_meanwhile || error.kind() == Kind::Config {
                return Err(error.clone());
            }
        }
        let fetched = self.fetch(state.fetched + 1).await;
        self.monitor.token_fetched(fetched.is_ok());
        match fetched {
            Ok(token) => {
                let authorisation = token.authorisation.clone();
                state.fetched += 1;
                state.error = None;
                state.token = Some(token);
                Ok(authorisation)
            }
            Err(error)
                if error.kind() != Kind::Config && state.outlasts_a_failure(self.gateway.timings().token_lead) =>
            {
                tracing::warn!("The token could not be renewed yet; the one at hand is still good.");
                Ok(state.token.as_ref().map(|token| token.authorisation.clone()).ok_or(error)?)
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                state.error = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn fetch(&self, number: u64) -> Result<Token, Error> {
        // No scope: naming one narrows the token, and a wrong one is refused as if the secret were wrong.
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.expose()),
            ("client_secret", self.client_secret.expose()),
        ];
        let request =
            Request { endpoint: TOKEN_PATH, url: self.url.clone(), region: None, payload: Payload::Form(&form) };
        let asked = Instant::now();
        let grant = self.gateway.send(&request, Grant::read).await.map_err(in_words)?;
        Ok(grant.into_token(number, asked, self.gateway.timings().token_lead))
    }
}

impl Authorise for Authenticator {
    fn authorisation(&self) -> BoxFuture<'_, Result<Authorisation, Error>> {
        self.good_token().boxed()
    }

    fn refused(&self, authorisation: &Authorisation) -> BoxFuture<'_, ()> {
        let number = authorisation.token;
        async move {
            let mut state = self.state.lock().await;
            if state.token.as_ref().is_some_and(|token| token.authorisation.token == number) {
                state.token = None;
            }
        }
        .boxed()
    }
}

fn in_words(failure: Failure) -> Error {
    match &failure {
        Failure::Refused(refusal) if refusal.status.is_client_error() => Error::config(
            "Navan does not accept the credential: check `client_id` and `client_secret` (the secret is shown only once, when the credential is created), that the credential still exists, and that `region` is where the company's data lives (us or eu). Credentials are made in Navan under Admin > Travel admin > Settings > Integrations > Navan API credentials.",
        )
        .because(failure),
        Failure::Exhausted { .. } => Error::transient(
            "Navan's token endpoint cannot be reached or gives no token: check that this machine may connect to Navan, and try again later.",
        )
        .because(failure),
        _ => Error::from(failure),
    }
}

#[cfg(test)]
mod tests;
