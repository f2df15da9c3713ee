//! Files behind links. They are at other places than the API, so that its limit, its retries and its token's rules are not theirs;
//! each try is told of, by the link's host.
//!
//! A link is followed over HTTPS only, through a few redirects, and the token goes to Navan's own hosts and nowhere else. Why a file
//! does not come is said in words, and is no failure of anything but this file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;
use uuid::Uuid;

use super::network::{self, NetworkError};
use super::timings::Timings;
use super::transport::sensitive;
use crate::config::is_near;
use crate::error::Error;
use crate::monitor::{Event, emit};
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

/// The file behind a link, on its way.
pub struct Download<'a> {
    downloader: &'a Downloader,
    url: Url,
    host: String,
    id: Uuid,
    tries: u32,
    wait: Duration,
}

/// A file that comes, piece by piece.
pub struct IncomingFile<'a> {
    downloader: &'a Downloader,
    attempt: FileAttempt,
    /// Who gives it: where the link's redirects have led.
    host: String,
    response: Response,
    kind: String,
    deadline: Instant,
}

/// One try for a file, as it is told of.
struct FileAttempt {
    id: Uuid,
    /// The link's.
    host: String,
    number: u32,
    began: Instant,
    bytes: usize,
}

/// How a link ended without its file.
pub enum NoFile {
    /// Another try may do better.
    Failed(String),
    /// None will.
    Refused(String),
}

impl Downloader {
    /// A client of its own, for the company whose API is at `api_url`, or where it always is.
    ///
    /// # Errors
    /// A `system_error` if this machine has no usable TLS certificates.
    pub fn new(api_url: Option<&Url>, timings: &Timings) -> Result<Self, Error> {
        let client = network::tls_client(timings, Policy::none())?;
        Ok(Self { client, api_url: api_url.cloned(), timings: timings.clone(), failures: RefCell::default() })
    }

    /// A download that nothing was done about yet.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn download(&self, link: &str) -> Result<Download<'_>, String> {
        let url = Url::parse(link).map_err(|_| "the link is no address".to_owned())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if self.failures.borrow().get(&host).is_some_and(|failures| *failures >= MAX_FAILURES) {
            return Err(format!("{host} has failed {MAX_FAILURES} times in a row, and was not asked again"));
        }
        if !self.may_be_asked(&url) {
            return Err(unencrypted(&host));
        }
        Ok(Download { downloader: self, url, host, id: Uuid::new_v4(), tries: 0, wait: self.timings.backoff })
    }

    async fn open(&self, mut url: Url, token: &Secret) -> Result<Response, NoFile> {
        for _ in 0..=MAX_REDIRECTS {
            let host = url.host_str().unwrap_or_default().to_owned();
            if !self.may_be_asked(&url) {
                return Err(NoFile::Refused(unencrypted(&host)));
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
                StatusCode::OK => Ok(response),
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

impl<'a> Download<'a> {
    /// Asks for the file once: it as it begins to come.
    ///
    /// # Errors
    /// Why it does not: see [`Self::failed`].
    pub async fn attempt(&mut self, token: &Secret) -> Result<IncomingFile<'a>, NoFile> {
        self.tries += 1;
        let (id, host, began) = (self.id, self.host.clone(), Instant::now());
        let attempt = FileAttempt { id, host, number: self.tries, began, bytes: 0 };
        let deadline = began + self.downloader.timings.attempt_deadline;
        match timeout_at(deadline, self.open(token)).await.unwrap_or_else(|_| Err(late(&self.host))) {
            Ok((response, host, kind)) => {
                Ok(IncomingFile { downloader: self.downloader, attempt, host, response, kind, deadline })
            }
            Err(why) => Err(attempt.failed(why)),
        }
    }

    /// The answer that has the file, who gives it, and what it says its type is.
    async fn open(&self, token: &Secret) -> Result<(Response, String, String), NoFile> {
        let response = self.downloader.open(self.url.clone(), token).await?;
        let host = response.url().host_str().unwrap_or_default().to_owned();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "text/html" {
            return Err(NoFile::Refused(format!("{host} answered with a page for people, as a rule its login")));
        }
        if response.content_length().is_some_and(|length| length > MAX_FILE as u64) {
            return Err(too_large());
        }
        Ok((response, host, kind))
    }

    /// It did not come: waits until another attempt is due.
    ///
    /// # Errors
    /// Why there is no file, in words, if none is.
    pub async fn failed(&mut self, why: NoFile) -> Result<(), String> {
        let why = match why {
            NoFile::Refused(why) => return Err(why),
            NoFile::Failed(why) => why,
        };
        if self.tries >= TRIES {
            *self.downloader.failures.borrow_mut().entry(self.host.clone()).or_default() += 1;
            return Err(why);
        }
        sleep(self.wait).await;
        self.wait *= 2;
        Ok(())
    }
}

impl IncomingFile<'_> {
    /// What it says its type is.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The next piece; none at its end.
    ///
    /// # Errors
    /// Why no more comes.
    pub async fn next_piece(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, NoFile> {
        let piece = match timeout_at(self.deadline, self.response.chunk()).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) => {
                return Err(self.attempt.failed(NoFile::Failed(format!("{}: {}", self.host, words(error)))));
            }
            Err(_) => return Err(self.attempt.failed(late(&self.attempt.host))),
        };
        let Some(piece) = piece else {
            self.downloader.failures.borrow_mut().remove(&self.attempt.host);
            self.attempt.tell(None);
            return Ok(None);
        };
        self.attempt.bytes += piece.len();
        if self.attempt.bytes > MAX_FILE {
            return Err(self.attempt.failed(too_large()));
        }
        Ok(Some(piece))
    }

    /// What came cannot be kept.
    pub fn unwanted(&self, why: String) -> NoFile {
        self.attempt.failed(NoFile::Refused(why))
    }
}

impl FileAttempt {
    /// Tells of its end.
    fn tell(&self, error: Option<&str>) {
        emit(&Event::FileRequestFinished {
            correlation_id: self.id,
            host: &self.host,
            attempt: self.number,
            took: self.began.elapsed(),
            bytes: self.bytes as u64,
            error,
        });
    }

    /// The same of one that failed.
    fn failed(&self, why: NoFile) -> NoFile {
        let (NoFile::Failed(words) | NoFile::Refused(words)) = &why;
        self.tell(Some(words));
        why
    }
}

fn unencrypted(host: &str) -> String {
    format!("the link leads to {host} without encryption")
}

fn late(host: &str) -> NoFile {
    NoFile::Failed(format!("{host} did not give it in time"))
}

fn too_large() -> NoFile {
    NoFile::Refused(format!("it has more than {} MB", MAX_FILE / 1024 / 1024))
}

fn words(error: reqwest::Error) -> String {
    NetworkError::from(error).words
}
