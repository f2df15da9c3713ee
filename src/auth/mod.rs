//! Layer 2, token management: requests that carry an access token which is always good.
//!
//! The token is kept in memory, in the one [`TokenSource`] of the process. A process serves one configuration, so credentials of different
//! tenants never meet, however many of them run side by side. Where it is configured, the syncs of one tenant share a token through
//! the [`store`] in Redis, sealed; nowhere else does it stand outside the process.

mod claims;
#[cfg(feature = "shared-state")]
mod store;
mod token;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::buffer::Buffer;
use crate::clock;
use crate::config::{Config, credentials_page};
use crate::error::{Error, FailureType};
use crate::gateway::{Attempt, Failure, Gateway, Payload, PendingRequest, Request, RequestPolicy};
use crate::monitor::{Event, emit};
use crate::secret::Secret;
#[cfg(feature = "shared-state")]
use store::TokenStore;
use token::{AccessToken, CurrentToken, TokenResponse};

pub use token::TokenFacts;

/// The path of the token endpoint, on every host that serves it.
pub const TOKEN_PATH: &str = "/ta-auth/oauth/token";

/// The credential, and the current access token.
///
/// Whoever needs a token while there is no good one waits for the single task that fetches it. It is renewed before
/// it ends, and after a 401 if it is the one that was refused.
pub struct TokenSource<'a> {
    gateway: Gateway,
    grant: Grant<'a>,
    /// Locked while a token is fetched, so that one task fetches and the others wait.
    state: Mutex<TokenState>,
    /// Counts failed fetches, so that those who waited for one share its error instead of each trying again.
    failures: Cell<u64>,
    /// Where the syncs of the tenant share one.
    #[cfg(feature = "shared-state")]
    store: Option<TokenStore>,
    /// Nothing that was shared is used: what is to be found out is what Navan says now.
    asks_anew: Cell<bool>,
}

/// What a token is had by.
enum Grant<'a> {
    /// The credential, at the token endpoint.
    ClientCredentials { url: Url, config: &'a Config },
    /// The user, who has given it.
    Given(&'a Secret),
}

#[derive(Default)]
struct TokenState {
    current: Option<CurrentToken>,
    /// The last one that Navan refused, which others may still take for good.
    refused: Option<Rc<Secret>>,
    fetched: u64,
    error: Option<Error>,
}

impl TokenState {
    /// Whether the token is still good; then it is some time before it is tried to renew it again.
    fn keep_after_failed_refresh(&mut self, refresh_margin: Duration) -> bool {
        let now = Instant::now();
        let good = self.current.as_mut().filter(|current| now < current.token.expires_at);
        let kept = good.map(|current| current.refresh_at = (now + refresh_margin / 10).min(current.token.expires_at));
        kept.is_some()
    }
}

impl<'a> TokenSource<'a> {
    /// For the credential of `config`, with the address of the token endpoint.
    ///
    /// # Errors
    /// A `config_error` if tokens are to be shared, and the place for it is none.
    pub fn new(gateway: Gateway, url: Url, config: &'a Config) -> Result<Self, Error> {
        #[cfg(feature = "shared-state")]
        let store = store::shared_state(config, &url)?.map(|shared| {
            gateway.share_limit(Rc::clone(&shared));
            TokenStore::of(shared)
        });
        #[cfg(not(feature = "shared-state"))]
        if config.shared_state.is_some() {
            return Err(Error::config("This build has no shared state: leave out `shared_state`."));
        }
        Ok(Self {
            #[cfg(feature = "shared-state")]
            store,
            ..Self::with(gateway, Grant::ClientCredentials { url, config })
        })
    }

    /// For a token that the user has given, which cannot be renewed.
    pub fn given(gateway: Gateway, token: &'a Secret) -> Self {
        Self::with(gateway, Grant::Given(token))
    }

    fn with(gateway: Gateway, grant: Grant<'a>) -> Self {
        Self {
            gateway,
            grant,
            state: Mutex::default(),
            failures: Cell::new(0),
            #[cfg(feature = "shared-state")]
            store: None,
            asks_anew: Cell::new(false),
        }
    }

    /// From now on Navan is asked for a token, though others may share one.
    pub fn ask_anew(&self) {
        self.asks_anew.set(true);
    }

    /// Whether there is a token that other syncs can take, or why not; `None` if none is to be shared.
    pub async fn shares_one(&self) -> Option<Result<bool, String>> {
        #[cfg(feature = "shared-state")]
        if let Some(store) = &self.store {
            return Some(store.holds_one().await.map_err(|unavailable| unavailable.to_string()));
        }
        None
    }

    /// By which rules requests are sent that carry its token.
    pub fn policy(&self) -> RequestPolicy {
        match self.grant {
            Grant::ClientCredentials { .. } => RequestPolicy::API,
            Grant::Given(_) => RequestPolicy { renews_token: false, ..RequestPolicy::API },
        }
    }

    /// The gateway that requests pass.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Sends a request with a token until there is a body.
    ///
    /// # Errors
    /// As for any request, and if no token can be had.
    pub async fn send(&self, request: &mut PendingRequest<'_>) -> Result<Buffer, Failure> {
        // The number of the last token that was.
        let mut refused = None;
        loop {
            let permits = request.acquire().await?;
            let token = self.access_token().await.map_err(Failure::NoToken)?;
            let attempt = match request.attempt(permits, Some(&token.secret)).await {
                // The credential may have been given more scopes since another sync got that token.
                Err(Failure::Refused(refusal)) if token.is_shared && refusal.status == StatusCode::FORBIDDEN => {
                    self.invalidate(&token).await;
                    continue;
                }
                attempt => attempt?,
            };
            match attempt {
                Attempt::Body(body) => return Ok(body),
                Attempt::Again => {}
                Attempt::TokenRefused => {
                    self.invalidate(&token).await;
                    // What another sync was given at some time says nothing about the credential either.
                    if token.is_shared {
                        request.reject_token().await?;
                        continue;
                    }
                    // A token that ended while the request was under way says nothing about the credential; two in a row
                    // that should have been good do.
                    let is_second = refused.is_some_and(|before| before != token.number);
                    if is_second && Instant::now() < token.expires_at {
                        return Err(Failure::Unauthorized { endpoint: request.endpoint().to_owned() });
                    }
                    refused = Some(token.number);
                    request.reject_token().await?;
                }
            }
        }
    }

    /// The scopes of the token, if Navan tells them; fetches a token if there is none.
    ///
    /// # Errors
    /// As for a token: a `config_error` if the credential is refused, else a `transient_error`.
    pub async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(self.facts().await?.scopes)
    }

    /// What Navan tells of the token; fetches one if there is none.
    ///
    /// # Errors
    /// As for [`Self::scopes`].
    pub async fn facts(&self) -> Result<TokenFacts, Error> {
        self.access_token().await?;
        Ok(self.state.lock().await.current.as_ref().map(|current| current.facts.clone()).unwrap_or_default())
    }

    /// Where tokens are fetched, if they are.
    pub fn url(&self) -> Option<&Url> {
        match &self.grant {
            Grant::ClientCredentials { url, .. } => Some(url),
            Grant::Given(_) => None,
        }
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// As for [`Self::scopes`].
    pub async fn token(&self) -> Result<Rc<Secret>, Error> {
        Ok(self.access_token().await?.secret)
    }

    async fn access_token(&self) -> Result<AccessToken, Error> {
        let failures_before = self.failures.get();
        let mut state = self.state.lock().await;
        if let Some(current) = state.current.as_ref().filter(|current| Instant::now() < current.refresh_at) {
            return Ok(current.token.clone());
        }
        if let Some(error) = &state.error {
            let failed_meanwhile = self.failures.get() > failures_before;
            if failed_meanwhile || error.failure_type() == FailureType::Config {
                return Err(error.clone());
            }
        }
        let fetched = match &self.grant {
            Grant::ClientCredentials { url, config } => {
                self.shared_or_fetched(url, config, state.fetched + 1, state.refused.as_deref()).await
            }
            Grant::Given(token) => Ok(CurrentToken::given(token)),
        };
        let failure = match fetched {
            Ok(current) => {
                let token = current.token.clone();
                if !matches!(self.grant, Grant::Given(_)) {
                    let left = token.expires_at.saturating_duration_since(Instant::now());
                    emit(&Event::TokenInUse { expires: clock::wall() + left });
                }
                state.fetched += 1;
                state.error = None;
                state.current = Some(current);
                return Ok(token);
            }
            Err(failure) => failure,
        };
        let is_in_between = failure.as_obstacle().is_some();
        let error = into_error(failure);
        let is_refused = error.failure_type() == FailureType::Config && !is_in_between;
        if !is_refused
            && state.keep_after_failed_refresh(self.gateway.timings().refresh_margin)
            && let Some(current) = &state.current
        {
            tracing::warn!("The token could not be renewed yet; the one at hand is still good.");
            return Ok(current.token.clone());
        }
        self.failures.set(self.failures.get() + 1);
        state.error = Some(error.clone());
        Err(error)
    }

    /// The token that another sync has fetched, or one that Navan is asked for.
    async fn shared_or_fetched(
        &self,
        url: &Url,
        config: &Config,
        number: u64,
        refused: Option<&Secret>,
    ) -> Result<CurrentToken, Failure> {
        let fetch = async || {
            let fetched = self.fetch(url, config, number).await;
            emit(&Event::TokenFetched { succeeded: fetched.is_ok() });
            fetched
        };
        #[cfg(feature = "shared-state")]
        if let Some(store) = &self.store {
            return if self.asks_anew.get() {
                store.renew(&self.gateway, fetch).await
            } else {
                store.token(&self.gateway, number, refused, fetch).await
            };
        }
        fetch().await
    }

    async fn fetch(&self, url: &Url, config: &Config, number: u64) -> Result<CurrentToken, Failure> {
        // No scope: naming one narrows the token, and a wrong one is refused as if the secret were wrong.
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", config.client_id.expose()),
            ("client_secret", config.client_secret.expose()),
        ];
        let request = Request {
            endpoint: TOKEN_PATH,
            url: url.clone(),
            region: None,
            payload: Payload::Form(&form),
            policy: RequestPolicy::TOKEN,
        };
        let asked = Instant::now();
        let response = fetch_token(&mut self.gateway.request(request)).await?;
        Ok(response.into_token(number, asked, self.gateway.timings().refresh_margin))
    }

    /// Navan refused the token: if it is the current one, the next request needs another.
    async fn invalidate(&self, refused: &AccessToken) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|current| current.token.number == refused.number) {
            state.current = None;
            state.refused = Some(Rc::clone(&refused.secret));
        }
    }
}

async fn fetch_token(request: &mut PendingRequest<'_>) -> Result<TokenResponse, Failure> {
    loop {
        let permits = request.acquire().await?;
        let Attempt::Body(body) = request.attempt(permits, None).await? else { continue };
        match TokenResponse::parse(body) {
            Ok(response) => return Ok(response),
            Err((invalid, body)) => {
                let invalid = request.with_words_of(&body, invalid);
                drop(body);
                request.reject_body(&invalid).await?;
            }
        }
    }
}

fn into_error(failure: Failure) -> Error {
    if let Some(error) = failure.as_obstacle() {
        return error.with_cause(failure);
    }
    match &failure {
        Failure::Refused(refusal) if refusal.status.is_client_error() => Error::config(format!(
            "Navan ({}) does not accept the credential: check `client_id` and `client_secret` (the secret is shown only once, when the credential is created), that the credential still exists, and that `region` is where the company's data lives (us or eu). Credentials are made in Navan under {}.",
            refusal.host,
            credentials_page()
        ))
        .with_cause(failure),
        Failure::Exhausted { host, last, was_answered: true, .. } => Error::transient(format!(
            "Navan's token endpoint ({host}) answers, but gives no token ({last}): try again later; if it goes on, ask Navan's support."
        ))
        .with_cause(failure),
        Failure::Exhausted { host, .. } => Error::transient(format!(
            "Navan's token endpoint ({host}) cannot be reached or gives no token: check that this machine may connect to it, and try again later."
        ))
        .with_cause(failure),
        _ => failure.into_error(),
    }
}

#[cfg(test)]
mod tests;
