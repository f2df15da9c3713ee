//! Where the run's metrics go: a Pushgateway, a file for `node_exporter`, a collector of OpenTelemetry's. All are off until they are
//! configured, and what fails here is told once and never fails a sync.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
#[cfg(feature = "otlp")]
use futures::future::join;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::Mutex;
use url::Url;

use super::alerts::Alert;
use super::event::Event;
use super::exposition::Exposition;
#[cfg(feature = "otlp")]
use super::otlp::Otlp;
use super::outlet_config::OutletConfig;
use super::textfile;
use super::webhook::Webhook;
use crate::error::Error;

/// How long a Pushgateway or a collector may take.
pub(super) const MAX_ANSWER_TIME: Duration = Duration::from_secs(5);

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
    #[cfg(feature = "otlp")]
    otlp: Option<Otlp>,
    /// The tenant and its connection.
    whose: String,
    turn: Mutex<()>,
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
        let OutletConfig { pushgateway, textfile, webhook, tenant, connection, .. } = config;
        let tenant = tenant.clone().unwrap_or_else(|| short_hash(account));
        let connection = connection.as_deref().unwrap_or("default");
        let labels = [("tenant", &*tenant), ("connection", connection)];
        let exposition =
            Exposition::new(&labels).map_err(|e| Error::system("The metrics cannot start.").with_cause(e))?;
        let pushgateway = match pushgateway {
            Some(url) => {
                let path = ["metrics", "job", JOB, "tenant", &tenant, "connection", connection];
                Some((client()?, below(url, path)))
            }
            None => None,
        };
        let webhook = match webhook {
            Some(url) => Some(Webhook::new(client()?, url.clone())),
            None => None,
        };
        #[cfg(feature = "otlp")]
        let otlp = match &config.otlp {
            Some(config) => Some(Otlp::new(config, client()?, &labels)),
            None => None,
        };
        let (textfile, whose) = (textfile.clone(), format!("{tenant}/{connection}"));
        Ok(Some(Self {
            exposition,
            pushgateway,
            textfile,
            webhook,
            #[cfg(feature = "otlp")]
            otlp,
            whose,
            turn: Mutex::default(),
            has_failed: Cell::new(false),
        }))
    }

    /// Counts what happened.
    pub(super) fn count(&self, event: &Event<'_>) {
        self.exposition.count(event);
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            otlp.on(event);
        }
    }

    /// Writes the metrics as they are at once, before anything is asked, and again after each such time; never ends.
    pub async fn keep_publishing(&self, every: Duration, limit: impl Fn() -> LimitUse) -> Infallible {
        let publishing = async {
            loop {
                self.publish(limit()).await;
                tokio::time::sleep(every).await;
            }
        };
        #[cfg(feature = "otlp")]
        if let Some(otlp) = &self.otlp {
            return join(publishing, otlp.keep_sending(every, || self.text(limit()), |what| self.tell(what))).await.0;
        }
        publishing.await
    }

    /// Writes what the run came to.
    pub async fn finish(&self, limit: LimitUse, is_complete: bool, alerts: &[Alert]) {
        self.exposition.end(is_complete);
        // Beside each other, so that one that is away takes no time from the other.
        #[cfg(feature = "otlp")]
        join(self.publish(limit), self.finish_otlp(limit, is_complete)).await;
        #[cfg(not(feature = "otlp"))]
        self.publish(limit).await;
        if let Some(webhook) = &self.webhook
            && let Err(why) = webhook.tell(&self.whose, alerts).await
        {
            self.tell(&format!("The alerts did not reach the webhook: {why}"));
        }
    }

    /// All metrics as they are.
    fn text(&self, (observed, share_used): LimitUse) -> String {
        self.exposition.limit(observed, share_used);
        self.exposition.text()
    }

    async fn publish(&self, limit: LimitUse) {
        if self.textfile.is_none() && self.pushgateway.is_none() {
            return;
        }
        // What was pushed before must not come in after this.
        let _turn = self.turn.lock().await;
        let text = self.text(limit);
        if let Some(path) = &self.textfile
            && let Err(error) = textfile::write(path, &text)
        {
            self.tell(&format!("The metrics cannot be written to {}: {error}", path.display()));
        }
        if let Some((client, url)) = &self.pushgateway {
            for (stream, text) in by_stream(&text) {
                if let Err(why) = push(client, &group(url, stream), text).await {
                    self.tell(&format!("The metrics did not reach the Pushgateway: {why}"));
                    break;
                }
            }
        }
    }

    #[cfg(feature = "otlp")]
    async fn finish_otlp(&self, limit: LimitUse, is_complete: bool) {
        if let Some(otlp) = &self.otlp {
            let sent = otlp.finish(&self.text(limit), is_complete).await;
            sent.unwrap_or_else(|what| self.tell(&what));
        }
    }

    fn tell(&self, what: &str) {
        if !self.has_failed.replace(true) {
            tracing::warn!("{what}. The sync goes on without.");
        }
    }
}

/// Below an address.
fn below<'a>(url: &Url, path: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = url.clone();
    // An address of http always has a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// Where a Pushgateway keeps the metrics of a stream: apart from those of others, so that they stay where a run does not have them.
fn group(url: &Url, stream: &str) -> Url {
    if stream.is_empty() { url.clone() } else { below(url, ["stream", stream]) }
}

/// Metrics by the stream that they are of; of none under an empty name.
fn by_stream(text: &str) -> BTreeMap<&str, String> {
    let mut parts = BTreeMap::<_, String>::new();
    let mut head = String::new();
    let mut headed = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            // The comments of a metric come together, before its series.
            if line.starts_with("# HELP") {
                head.clear();
                headed.clear();
            }
            head += line;
            head.push('\n');
            continue;
        }
        let stream = textfile::label(line, "stream");
        let part = parts.entry(stream).or_default();
        if headed.insert(stream) {
            *part += &head;
        }
        *part += line;
        part.push('\n');
    }
    parts
}

/// Replaces these metrics in the group; those of an earlier run that this one does not have stay, as the last success of one that fails.
async fn push(client: &Client, url: &Url, text: String) -> Result<(), String> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, TEXT_FORMAT).timeout(MAX_ANSWER_TIME).body(text);
    let answer = request.send().await.map_err(|error| words(&error.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(format!("it answered {}", status.as_u16()))
}

/// What is behind an error says more than the error.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Tells accounts apart, and does not tell what they are.
fn short_hash(account: &str) -> String {
    let hash = digest(&SHA256, account.as_bytes());
    hash.as_ref().first_chunk().map_or_else(String::new, |first| format!("{:08x}", u32::from_be_bytes(*first)))
}
