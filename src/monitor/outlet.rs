//! Where the run's metrics go: a Pushgateway, a file for `node_exporter`. Both are off until they are configured, and what fails here
//! is told once and never fails a sync.

use std::cell::Cell;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::alerts::Alert;
use super::event::Event;
use super::exposition::Exposition;
use super::outlet_config::OutletConfig;
use super::webhook::Webhook;
use crate::error::Error;

/// How often they are written while a run goes on.
const EVERY: Duration = Duration::from_secs(30);

/// How long a Pushgateway may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4";

/// What the metrics of this program are told from others by.
const JOB: &str = "source_navan";

/// The metrics of a run on their way out.
pub struct Outlet {
    exposition: Exposition,
    pushgateway: Option<(Client, Url)>,
    textfile: Option<PathBuf>,
    webhook: Option<Webhook>,
    /// The tenant and its connection.
    whose: String,
    has_failed: Cell<bool>,
}

/// Navan's observed limit, and the share of it that is used.
pub(super) type LimitUse = (Option<f64>, Option<f64>);

impl Outlet {
    /// `None` if the metrics are to go nowhere. `account` is what the tenant's hash is made of.
    ///
    /// # Errors
    /// If the client cannot start.
    pub fn new(
        config: &OutletConfig,
        account: &str,
        client: impl Fn() -> Result<Client, Error>,
    ) -> Result<Option<Self>, Error> {
        if !config.is_any() {
            return Ok(None);
        }
        let OutletConfig { pushgateway, textfile, webhook, tenant, connection } = config;
        let tenant = tenant.clone().unwrap_or_else(|| short_hash(account));
        let connection = connection.as_deref().unwrap_or("default");
        let labels = [("tenant", &*tenant), ("connection", connection)];
        let exposition =
            Exposition::new(&labels).map_err(|e| Error::system("The metrics cannot start.").with_cause(e))?;
        let pushgateway = match pushgateway {
            Some(url) => Some((client()?, group(url, &tenant, connection))),
            None => None,
        };
        let webhook = match webhook {
            Some(url) => Some(Webhook::new(client()?, url.clone())),
            None => None,
        };
        let (textfile, whose) = (textfile.clone(), format!("{tenant}/{connection}"));
        Ok(Some(Self { exposition, pushgateway, textfile, webhook, whose, has_failed: Cell::new(false) }))
    }

    /// Counts what happened.
    pub(super) fn count(&self, event: &Event<'_>) {
        self.exposition.count(event);
    }

    /// Writes the metrics as they are at once, before anything is asked, and again and again; never ends.
    pub async fn keep_publishing(&self, limit: impl Fn() -> LimitUse) -> Infallible {
        loop {
            self.publish(limit()).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Writes what the run came to.
    pub async fn finish(&self, limit: LimitUse, is_complete: bool, alerts: &[Alert]) {
        self.exposition.end(is_complete);
        self.publish(limit).await;
        if let Some(webhook) = &self.webhook
            && let Err(why) = webhook.tell(&self.whose, alerts).await
        {
            self.tell(&format!("The alerts did not reach the webhook: {why}"));
        }
    }

    async fn publish(&self, (observed, share_used): LimitUse) {
        self.exposition.limit(observed, share_used);
        let text = self.exposition.text();
        if let Some(path) = &self.textfile
            && let Err(error) = replace(path, &text)
        {
            self.tell(&format!("The metrics cannot be written to {}: {error}", path.display()));
        }
        if let Some((client, url)) = &self.pushgateway
            && let Err(why) = push(client, url, text).await
        {
            self.tell(&format!("The metrics did not reach the Pushgateway: {why}"));
        }
    }

    fn tell(&self, what: &str) {
        if !self.has_failed.replace(true) {
            tracing::warn!("{what}. The sync goes on without.");
        }
    }
}

/// Where a Pushgateway keeps these metrics, apart from others'.
fn group(url: &Url, tenant: &str, connection: &str) -> Url {
    let mut url = url.clone();
    // An address of http always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["metrics", "job", JOB, "tenant", tenant, "connection", connection]);
    }
    url
}

/// Replaces these metrics in the group; those of an earlier run that this one does not have stay, as the last success of one that fails.
async fn push(client: &Client, url: &Url, text: String) -> Result<(), String> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, TEXT_FORMAT).timeout(PATIENCE).body(text);
    let answer = request.send().await.map_err(|error| words(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = answer.text().await.unwrap_or_default();
    Err(format!("it answered {}: {}", status.as_u16(), said.lines().next().unwrap_or_default()))
}

/// What is behind an error says more than the error.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Writes a file so that whoever reads it never sees a part.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Not what node_exporter takes for metrics, and another for each process.
    let part = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&part, text)?;
    fs::rename(&part, path).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

/// Tells accounts apart, and does not tell what they are.
fn short_hash(account: &str) -> String {
    let hash = digest(&SHA256, account.as_bytes());
    hash.as_ref().first_chunk().map_or_else(String::new, |first| format!("{:08x}", u32::from_be_bytes(*first)))
}
