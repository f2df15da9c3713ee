//! Alerts for whoever has no Prometheus: those of a run, at its end, to Slack or `PagerDuty`.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

use super::alerts::{Alert, Severity};
use super::outlet::{MAX_ANSWER_TIME, words};

/// In an address of `PagerDuty`'s: the key of the service that is to be told, which is no part of the address itself.
const ROUTING_KEY: &str = "routing_key";

/// Where alerts go.
pub(super) struct Webhook {
    client: Client,
    url: Url,
    form: Form,
}

/// What the other end understands.
enum Form {
    /// Slack's incoming webhooks, and all that understand them.
    Slack,
    /// `PagerDuty`'s Events API v2.
    PagerDuty { routing_key: String },
}

impl Webhook {
    /// An address with a routing key is `PagerDuty`'s, any other Slack's.
    pub(super) fn new(client: Client, mut url: Url) -> Self {
        let keys = url.query_pairs().find(|(name, _)| name == ROUTING_KEY).map(|(_, key)| key.into_owned());
        let form = match keys {
            Some(routing_key) => {
                url.set_query(None);
                Form::PagerDuty { routing_key }
            }
            None => Form::Slack,
        };
        Self { client, url, form }
    }

    /// Tells of alerts, if there are any; `whose` run they are of.
    pub(super) async fn tell(&self, whose: &str, alerts: &[Alert]) -> Result<(), String> {
        for message in self.messages(whose, alerts) {
            let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
            let request = request.timeout(MAX_ANSWER_TIME).body(message.to_string());
            let answer = request.send().await.map_err(|error| words(&error.without_url()))?;
            if !answer.status().is_success() {
                return Err(format!("it answered {}", answer.status().as_u16()));
            }
        }
        Ok(())
    }

    fn messages(&self, whose: &str, alerts: &[Alert]) -> Vec<Value> {
        match &self.form {
            Form::Slack if alerts.is_empty() => Vec::new(),
            Form::Slack => {
                let line = |alert: &Alert| format!("\n• {} ({:?}): {}", alert.name, alert.severity, alert.summary);
                let lines: String = alerts.iter().map(line).collect();
                vec![json!({"text": format!("source-navan {whose}{lines}")})]
            }
            Form::PagerDuty { routing_key } => {
                let event = |alert: &Alert| {
                    json!({
                        "routing_key": routing_key,
                        "event_action": "trigger",
                        // Of the next run it is the same incident.
                        "dedup_key": format!("source-navan/{whose}/{}", alert.name),
                        "payload": {
                            "summary": format!("{whose}: {}", alert.summary),
                            "source": format!("source-navan {whose}"),
                            "severity": match alert.severity {
                                Severity::P1 => "critical",
                                Severity::P2 => "error",
                                Severity::P3 => "warning",
                            },
                            "component": "source-navan",
                            "class": alert.name,
                        },
                    })
                };
                alerts.iter().map(event).collect()
            }
        }
    }
}
