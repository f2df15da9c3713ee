//! Layer 3, the API client: Navan's endpoints, the ways in which they page, and the envelopes of their pages.
//!
//! A page comes up as the [`RecordBatch`](crate::record::RecordBatch) that was made of its rows while its envelope was read, in one
//! pass. It holds one of the `max_concurrency` permits from before its request until its rows are written and it is dropped,
//! which bounds both the requests in flight and the pages in memory.

mod access;
mod changes;
mod envelope;
mod list;
mod page_form;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use url::Url;

use crate::auth::TokenSource;
use crate::config::{Config, Region, ScimServer};
use crate::error::Error;
use crate::gateway::{
    Cooldown, Failure, Gateway, InvalidBody, Network, Payload, PendingRequest, Request, RequestPolicy, Timings,
};
use crate::record::RecordFormat;
use crate::secret::Secret;
use envelope::{BodyProblem, Envelope};

pub use crate::auth::{TOKEN_PATH, TokenFacts};
pub use access::{Access, Apis, Place};
pub use changes::{ChangesPage, ChangesQuery, CursorQuery, NextPage, looks_full};
pub use list::{ListPage, ListQuery, Paging, TimeForm};
pub use page_form::PageForm;

/// The API's host, for every region (docs/navan-api.md#hosts).
const API_HOST: &str = "https://api.navan.com";

/// The token's host for European companies; elsewhere it is the API's. Some of them are said to have the API there too.
const EU_TOKEN_HOST: &str = "https://app-fra.navan.com";

/// Navan's API, as one company sees it.
pub struct Api<'a> {
    tokens: TokenSource<'a>,
    base: RefCell<Url>,
    /// Where the API may be instead, as long as it has not answered properly.
    other_base: RefCell<Option<Url>>,
    region: Option<&'static str>,
    permits: Arc<Semaphore>,
    /// Endpoints that have answered with a proper page in this run.
    proper: RefCell<BTreeSet<&'static str>>,
    /// Paths of which it was told that they have nothing.
    told_nothing: RefCell<BTreeSet<String>>,
    /// Paths of which it was told that they have rows and an error.
    told_doubts: RefCell<BTreeSet<String>>,
}

/// Which page of a list is asked for.
struct PagePlace {
    /// None was read before it, so that it may say that there is none.
    is_first: bool,
    /// Fewer tries than a request has by default.
    max_attempts: Option<u32>,
    /// How often it may be answered 429.
    max_429s: Option<u32>,
    /// A body that says nothing is an empty list, though the endpoint has not answered properly yet.
    may_be_empty: bool,
}

/// A body, with the permit under which it was fetched.
struct Fetched<T> {
    page: T,
    permit: OwnedSemaphorePermit,
}

impl<'a> Api<'a> {
    /// For the company that `config` names.
    ///
    /// # Errors
    /// A `system_error` if the connector was built with a broken address.
    pub fn new(config: &'a Config, network: Rc<dyn Network>, timings: Timings) -> Result<Self, Error> {
        let gateway = Gateway::new(network, timings, config.requests_per_second, config.secrets());
        let base = config.api_url.clone().map_or_else(|| address(API_HOST), Ok)?;
        let other_base = match (&config.api_url, config.region) {
            (None, Region::Eu) => Some(address(EU_TOKEN_HOST)?),
            _ => None,
        };
        let token_base = other_base.as_ref().unwrap_or(&base);
        Ok(Self {
            tokens: TokenSource::new(gateway, under(token_base, TOKEN_PATH), config)?,
            base: RefCell::new(base),
            other_base: RefCell::new(other_base),
            region: (config.region == Region::Eu).then_some("EU"),
            permits: Arc::new(Semaphore::new(config.max_concurrency)),
            proper: RefCell::default(),
            told_nothing: RefCell::default(),
            told_doubts: RefCell::default(),
        })
    }

    /// The company's SCIM server, which has a pace and a token of its own; what is in flight is shared with `navan`.
    fn scim(
        config: &'a Config,
        server: &'a ScimServer,
        navan: &Self,
        network: Rc<dyn Network>,
        timings: Timings,
    ) -> Self {
        let gateway = Gateway::new(network, timings, config.requests_per_second, config.secrets());
        Self {
            tokens: TokenSource::given(gateway, &server.token),
            base: RefCell::new(server.url.clone()),
            other_base: RefCell::default(),
            region: None,
            permits: Arc::clone(&navan.permits),
            proper: RefCell::default(),
            told_nothing: RefCell::default(),
            told_doubts: RefCell::default(),
        }
    }

    /// Where requests go.
    pub fn host(&self) -> String {
        host(&self.base.borrow()).to_owned()
    }

    /// Navan's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.tokens.gateway().now()
    }

    /// Follows the cooldowns that Navan's limit makes necessary.
    pub fn cooldowns(&self) -> watch::Receiver<Option<Cooldown>> {
        self.tokens.gateway().cooldowns()
    }

    /// From now on the limit is shared by that store.
    #[cfg(test)]
    pub fn share_limit_by(&self, store: Rc<dyn crate::gateway::LimitStore>) {
        self.tokens.gateway().share_limit_by(store);
    }

    /// The rules that requests keep to.
    pub fn timings(&self) -> &Timings {
        self.tokens.gateway().timings()
    }

    /// Navan's limit, in requests a second, if one was seen.
    pub fn observed_limit(&self) -> Option<f64> {
        self.tokens.gateway().observed_limit()
    }

    /// Both of Navan's limit: what it is, and the share of it that was used.
    pub fn limit_use(&self) -> (Option<f64>, Option<f64>) {
        (self.tokens.gateway().observed_limit(), self.share_of_limit_used())
    }

    /// The share of Navan's observed limit that was used, if one was seen.
    pub fn share_of_limit_used(&self) -> Option<f64> {
        self.tokens.gateway().share_of_limit_used()
    }

    /// The scopes of the credential, if Navan tells them.
    ///
    /// # Errors
    /// If no token can be had: see [`TokenSource::scopes`].
    pub async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        self.tokens.scopes().await
    }

    /// From now on Navan is asked for a token, though others may share one.
    pub fn ask_anew(&self) {
        self.tokens.ask_anew();
    }

    /// Whether there is a token that other syncs can take, or why not; `None` if none is to be shared.
    pub async fn shares_a_token(&self) -> Option<Result<bool, String>> {
        self.tokens.shares_one().await
    }

    /// What Navan tells of the token.
    ///
    /// # Errors
    /// As for [`Self::scopes`].
    pub async fn token_facts(&self) -> Result<TokenFacts, Error> {
        self.tokens.facts().await
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// If none can be had.
    pub async fn token(&self) -> Result<Rc<Secret>, Error> {
        self.tokens.token().await
    }

    /// Reads one page of `path`, which lies at or below `endpoint`, holding a permit.
    async fn fetch_page<T: Envelope>(
        &self,
        endpoint: &'static str,
        path: &str,
        parameters: &[(&str, String)],
        place: PagePlace,
        format: &RecordFormat,
    ) -> Result<Fetched<T>, Failure> {
        loop {
            let base = self.base.borrow().clone();
            let failure = match self.fetch_page_at(&base, endpoint, path, parameters, &place, format).await {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => failure,
            };
            if *self.base.borrow() != base {
                continue; // another request has found out meanwhile that the API is elsewhere
            }
            let other = self.other_base.borrow().clone().filter(|_| self.is_worth_another_host(&failure));
            let Some(other) = other else { return Err(failure) };
            // It counts only if it answers properly; else what the first one said.
            let elsewhere = self.fetch_page_at(&other, endpoint, path, parameters, &place, format).await;
            let Ok(fetched) = elsewhere else { return Err(failure) };
            tracing::info!("{} has the API, and not {} ({failure}).", host(&other), host(&base));
            self.base.replace(other);
            self.other_base.replace(None);
            return Ok(fetched);
        }
    }

    /// Whether an answer may mean that the API is elsewhere: no other has been a proper page.
    fn is_worth_another_host(&self, failure: &Failure) -> bool {
        let speaks_of_host = match failure {
            Failure::Refused(refusal) => refusal.status == StatusCode::NOT_FOUND,
            Failure::Exhausted { .. } | Failure::Outage { .. } | Failure::Unauthorized { .. } => true,
            Failure::RateLimited(_) | Failure::Throttled { .. } | Failure::NoToken(_) => false,
        };
        speaks_of_host && self.proper.borrow().is_empty()
    }

    /// The same at this host. A body that is no such page is asked for again.
    async fn fetch_page_at<T: Envelope>(
        &self,
        base: &Url,
        endpoint: &'static str,
        path: &str,
        parameters: &[(&str, String)],
        place: &PagePlace,
        format: &RecordFormat,
    ) -> Result<Fetched<T>, Failure> {
        #[allow(clippy::expect_used)] // the semaphore is never closed
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("open");
        let mut request = self.tokens.gateway().request(Request {
            endpoint: path,
            url: under(base, path),
            region: self.region,
            payload: Payload::Query(parameters),
            policy: RequestPolicy {
                doubts_refusal: self.proper.borrow().contains(endpoint),
                max_attempts: place.max_attempts,
                max_429s: place.max_429s,
                ..self.tokens.policy()
            },
        });
        let mut was_asked_again = false;
        loop {
            let body = self.tokens.send(&mut request).await?;
            let invalid = match T::parse(&body, format) {
                Ok(page) => match page.doubt() {
                    // What is said of every page is asked about once; an error may be another one each time.
                    Some(doubt) if !was_asked_again && (page.tells_of_error() || !self.was_told(path)) => {
                        InvalidBody(doubt.to_owned())
                    }
                    doubt => {
                        self.proper.borrow_mut().insert(endpoint);
                        self.tell_doubt(path, doubt, &request, &body);
                        return Ok(Fetched { page, permit });
                    }
                },
                Err(BodyProblem::Nothing) => {
                    let is_proper = self.proper.borrow().contains(endpoint);
                    let may_be_empty = is_proper || request.had_no_content || place.may_be_empty;
                    if place.is_first && was_asked_again && may_be_empty {
                        if !is_proper && self.told_nothing.borrow_mut().insert(path.to_owned()) {
                            let nothing = if request.had_no_content {
                                "204, which says that there is nothing"
                            } else {
                                "nothing, twice"
                            };
                            tracing::warn!(
                                "Navan answers {path} with {nothing}, and has given no row of it in this run; it is taken for empty."
                            );
                        }
                        return Ok(Fetched { page: T::empty(), permit });
                    }
                    InvalidBody("it says nothing".to_owned())
                }
                // One bad value costs itself, and not the page; but first it is asked whether Navan has the page in one piece.
                Err(BodyProblem::Invalid(_)) if was_asked_again && let Some(page) = T::mend(&body, format) => {
                    self.tell_doubt(path, page.doubt(), &request, &body);
                    return Ok(Fetched { page, permit });
                }
                Err(BodyProblem::Invalid(invalid)) => invalid,
            };
            was_asked_again = true;
            let invalid = request.with_words_of(&body, invalid);
            drop(body);
            request.reject_body(&invalid).await?;
        }
    }

    fn was_told(&self, path: &str) -> bool {
        self.told_doubts.borrow().contains(path)
    }

    /// Once a path, that its rows may not be all.
    fn tell_doubt(&self, path: &str, doubt: Option<&str>, request: &PendingRequest<'_>, body: &[u8]) {
        if let Some(doubt) = doubt
            && self.told_doubts.borrow_mut().insert(path.to_owned())
        {
            let InvalidBody(doubt) = request.with_words_of(body, InvalidBody(doubt.to_owned()));
            tracing::warn!("Navan's answer for {path}: {doubt}. What came of it is written; rows may be missing.");
        }
    }
}

fn address(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|e| Error::system("The connector was built with a broken address.").with_cause(e))
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// `path` below `base`, whose own path stays.
fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}
