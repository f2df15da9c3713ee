//! Layer 3, the API client: Navan's endpoints and the shapes of their pages, typed, and nothing more.
//!
//! A page comes up as [`Rows`]: the bytes as Navan sent them, and where each row stands in them. It holds one of the
//! `max_concurrency` slots from before its request until its rows are written and it is dropped, which bounds both the
//! requests in flight and the pages in memory.

mod bookings;
mod expense;
mod listing;
mod page;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use url::Url;

use crate::auth::{Authenticator, TOKEN_PATH};
use crate::config::{Config, Region};
use crate::error::Error;
use crate::gateway::{Failure, Gateway, Pause, Payload, Request, Timings, Unusable};
use crate::monitor::Monitor;

pub use listing::Form;
pub use page::{CursorPage, NumberedPage, Rows};

/// Rows a page of bookings and users, the most that Navan gives (docs/navan-api.md#bookings).
pub const PAGE_SIZE: u64 = 100;

/// Rows a page of expense transactions, the most that Navan gives (docs/navan-api.md#expense).
pub const EXPENSE_PAGE_SIZE: u64 = 500;

/// The API's host, for every region (docs/navan-api.md#hosts).
const API: &str = "https://api.navan.com";

/// The token's host for European companies; elsewhere it is the API's.
const EU_TOKEN: &str = "https://app-fra.navan.com";

/// Navan's API, as one company sees it.
pub struct Api {
    gateway: Arc<Gateway>,
    authenticator: Authenticator,
    base: Url,
    region: Option<&'static str>,
    slots: Arc<Semaphore>,
}

impl Api {
    /// For the company that `config` names.
    ///
    /// # Errors
    /// A `system_error` if the HTTP client cannot start.
    pub fn new(config: Config, timings: Timings, monitor: &Arc<Monitor>) -> Result<Self, Error> {
        let gateway = Arc::new(Gateway::new(timings, config.requests_per_second, Arc::clone(monitor))?);
        let base = config.api_url.clone().map_or_else(|| address(API), Ok)?;
        let token_base = match (&config.api_url, config.region) {
            (None, Region::Eu) => address(EU_TOKEN)?,
            _ => base.clone(),
        };
        let authenticator = Authenticator::new(
            Arc::clone(&gateway),
            Arc::clone(monitor),
            under(&token_base, TOKEN_PATH),
            config.client_id,
            config.client_secret,
        );
        Ok(Self {
            gateway,
            authenticator,
            base,
            region: (config.region == Region::Eu).then_some("EU"),
            slots: Arc::new(Semaphore::new(config.max_concurrency)),
        })
    }

    /// Navan's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.gateway.now()
    }

    /// Follows the pauses that Navan's limit makes necessary.
    pub fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.gateway.pauses()
    }

    /// The rules that requests keep to.
    pub fn timings(&self) -> &Timings {
        self.gateway.timings()
    }

    /// The share of Navan's observed limit that was used, if one was seen.
    pub fn share_of_limit_used(&self) -> Option<f64> {
        self.gateway.share_of_limit_used()
    }

    /// The scopes of the credential, if Navan tells them.
    ///
    /// # Errors
    /// If no token can be had: see [`Authenticator::scopes`].
    pub async fn scopes(&self) -> Result<Option<Vec<String>>, Error> {
        self.authenticator.scopes().await
    }

    /// Reads one page of `path`, holding a slot.
    async fn get<T>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        read: fn(String) -> Result<T, Unusable>,
    ) -> Result<(T, OwnedSemaphorePermit), Failure> {
        #[allow(clippy::expect_used)] // the semaphore is never closed
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("open");
        let request = Request {
            endpoint: path,
            url: under(&self.base, path),
            region: self.region,
            payload: Payload::Query(parameters, &self.authenticator),
        };
        let page = self
            .gateway
            .send(&request, |body| read(String::from_utf8(body).map_err(|_| Unusable("it is not UTF-8".to_owned()))?));
        Ok((page.await?, slot))
    }
}

fn address(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(|e| Error::system("The connector was built with a broken address.").because(e))
}

/// `path` below `base`, whose own path stays.
fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}
