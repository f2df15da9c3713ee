//! Files behind links. They are at other places than the API, so that its limit, its retries and its token's rules are not theirs.
//!
//! A link is followed over HTTPS only, through a few redirects, and the token goes to Navan's own hosts and nowhere else. Why a file
//! does not come is said in words, and is no failure of anything but this file.

use std::cell::RefCell;
use std::collections::HashMap;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::{sleep, timeout};
use url::Url;

use super::network::{self, NetworkError};
use super::timings::Timings;
use super::transport::sensitive;
use crate::config::is_near;
use crate::error::Error;
use crate::secret::Secret;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;

/// The most bytes of a file.
const MAX_FILE: usize = 100 * 1024 * 1024;

/// How often a link is tried.
const TRIES: u32 = 2;

/// A host that has failed so often in a row is not asked again.
const MAX_FAILURES: u32 = 3;

/// Where Navan's own hosts are.
const NAVANS_DOMAIN: &str = "navan.com";

/// Fetches files.
pub struct Downloader {
    client: Client,
    /// Where the API is instead, if the user says so: then it is Navan's own host, and may be asked without encryption if it is.
    api_url: Option<Url>,
    timings: Timings,
    /// Hosts that have failed, and how often in a row.
    failures: RefCell<HashMap<String, u32>>,
}

/// How a link ended without its file.
enum NoFile {
    /// Another try may do better.
    Failed(String),
    /// None will.
    Refused(String),
}

impl Downloader {
    /// A client of its own, for the company whose API is at `api_url`, or where it always is.
    ///
    /// # Errors
    /// A `system_error` if the HTTP client cannot start.
    pub fn new(api_url: Option<&Url>, timings: &Timings) -> Result<Self, Error> {
        let client = network::client(timings, Policy::none())?;
        Ok(Self { client, api_url: api_url.cloned(), timings: timings.clone(), failures: RefCell::default() })
    }

    /// Hands the file behind `link` to `write`, piece by piece; what it says its type is. A new try begins with `begin`.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn fetch(
        &self,
        link: &str,
        token: &Secret,
        mut begin: impl FnMut() -> std::io::Result<()>,
        mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<String, String> {
        let url = Url::parse(link).map_err(|_| "the link is no address".to_owned())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if self.failures.borrow().get(&host).is_some_and(|failures| *failures >= MAX_FAILURES) {
            return Err(format!("{host} has failed {MAX_FAILURES} times in a row, and was not asked again"));
        }
        let mut wait = self.timings.backoff;
        let mut tries = 1;
        loop {
            begin().map_err(|e| format!("it cannot be written: {e}"))?;
            let attempt = self.attempt(url.clone(), token, &mut write);
            let done = timeout(self.timings.attempt_deadline, attempt).await;
            let failed = match done {
                Ok(Ok(kind)) => {
                    self.failures.borrow_mut().remove(&host);
                    return Ok(kind);
                }
                Ok(Err(NoFile::Refused(why))) => return Err(why),
                Ok(Err(NoFile::Failed(why))) => why,
                Err(_) => format!("{host} did not give it in time"),
            };
            if tries >= TRIES {
                *self.failures.borrow_mut().entry(host).or_default() += 1;
                return Err(failed);
            }
            tries += 1;
            sleep(wait).await;
            wait *= 2;
        }
    }

    async fn attempt(
        &self,
        mut url: Url,
        token: &Secret,
        write: &mut impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<String, NoFile> {
        for _ in 0..=MAX_REDIRECTS {
            let host = url.host_str().unwrap_or_default().to_owned();
            if !self.may_be_asked(&url) {
                return Err(NoFile::Refused(format!("the link leads to {host} without encryption")));
            }
            let is_navans = self.is_navans(&url);
            let mut request = self.client.get(url.clone());
            if is_navans {
                request = request.header(AUTHORIZATION, sensitive(token));
            }
            let response = request.send().await.map_err(|e| NoFile::Failed(format!("{host}: {}", words(e))))?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| url.join(to).ok());
                url = to
                    .ok_or_else(|| NoFile::Refused(format!("{host} answered {status} and does not say where it is")))?;
                continue;
            }
            return match status {
                StatusCode::OK => receive(response, &host, write).await,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_navans => {
                    Err(NoFile::Refused(format!("{host} does not open it for the API's token ({})", status.as_u16())))
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
                    Err(NoFile::Refused(format!("the link has died: {host} answered {}", status.as_u16())))
                }
                status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                    Err(NoFile::Refused(format!("{host} answered {}", status.as_u16())))
                }
                status => Err(NoFile::Failed(format!("{host} answered {}", status.as_u16()))),
            };
        }
        Err(NoFile::Refused(format!("it takes more than {MAX_REDIRECTS} redirects")))
    }

    fn may_be_asked(&self, url: &Url) -> bool {
        let is_test = self.api_url.as_ref().is_some_and(|api| api.scheme() == "http");
        url.scheme() == "https" || url.scheme() == "http" && is_test && url.host().is_some_and(|host| is_near(&host))
    }

    fn is_navans(&self, url: &Url) -> bool {
        if let Some(api) = &self.api_url {
            return api.origin() == url.origin();
        }
        let host = url.host_str().unwrap_or_default();
        host.strip_suffix(NAVANS_DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

async fn receive(
    mut response: Response,
    host: &str,
    write: &mut impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<String, NoFile> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "text/html" {
        return Err(NoFile::Refused(format!("{host} answered with a page for people, as a rule its login")));
    }
    let too_large = || NoFile::Refused(format!("it has more than {} MB", MAX_FILE / 1024 / 1024));
    if response.content_length().is_some_and(|length| length > MAX_FILE as u64) {
        return Err(too_large());
    }
    let mut length = 0;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                length += chunk.len();
                if length > MAX_FILE {
                    return Err(too_large());
                }
                write(&chunk).map_err(|e| NoFile::Refused(format!("it cannot be written: {e}")))?;
            }
            Ok(None) => return Ok(kind),
            Err(error) => return Err(NoFile::Failed(format!("{host}: {}", words(error)))),
        }
    }
}

fn words(error: reqwest::Error) -> String {
    NetworkError::from(error).words
}
