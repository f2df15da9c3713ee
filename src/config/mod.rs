//! The configuration: normalized (what copying adds is taken away), validated against spec.json, then typed.
//!
//! spec.json is the only place for names, defaults and bounds; what is said about a bad value is made from it.

mod admin_pages;
pub mod environment;
mod groups;
mod normalize;
mod validate;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::clock;
use crate::error::Error;
use crate::monitor::OutletConfig;
use crate::secret::Secret;
use crate::shared_state::{EncryptionKey, SharedStateConfig, not_an_address};

pub use admin_pages::{INTEGRATIONS_PAGE, credentials_page};

/// spec.json, embedded in the binary.
const SPEC: &str = include_str!("../../spec.json");

/// What the user configured, complete with the defaults.
pub struct Config {
    /// The client id of the Navan API credential.
    pub client_id: Secret,
    /// Its secret.
    pub client_secret: Secret,
    /// Where the company's data lives.
    pub region: Region,
    /// The earliest booking creation to read.
    pub start_date: DateTime<Utc>,
    /// The latest creation and change to read, if not all are.
    pub end_date: Option<DateTime<Utc>>,
    /// How far an incremental read goes back over its last one, in days.
    pub lookback_days: u32,
    /// Of how many days bookings are read again for what changed in them, where Navan cannot be asked for changes.
    pub booking_lookback_days: u32,
    /// After how many days all bookings are read again; never if there are none.
    pub booking_sweep_days: u32,
    /// The expense types to read.
    pub transaction_types: Vec<String>,
    /// How many requests may be in flight.
    pub max_concurrency: usize,
    /// A ceiling on requests a second.
    pub requests_per_second: Option<f64>,
    /// Another base for the API and the token.
    pub api_url: Option<Url>,
    /// The company's SCIM server.
    pub scim: Option<ScimServer>,
    /// What becomes of personal data.
    pub personal_data: PersonalDataRules,
    /// Where the syncs of a tenant share what they know.
    pub shared_state: Option<SharedStateConfig>,
    /// Where metrics go.
    pub monitoring: OutletConfig,
}

/// What becomes of personal data.
pub struct PersonalDataRules {
    /// Of all of it.
    pub mode: PersonalDataMode,
    /// But for these fields, each with its stream: `BOOKING.purpose`.
    pub exceptions: Vec<String>,
}

/// The ways there are.
pub enum PersonalDataMode {
    /// It passes as it is.
    Pass,
    /// As hashes under this key.
    Hash(Secret),
    /// It is left out.
    Drop,
}

/// A server that has the company's users, by RFC 7644.
pub struct ScimServer {
    /// Its base, below which `/Users` is.
    pub url: Url,
    /// What opens it.
    pub token: Secret,
}

/// Navan's regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// United States: the default.
    Us,
    /// Europe: another token host, and a header with each request.
    Eu,
}

#[derive(Deserialize)]
struct RawConfig {
    region: Region,
    start_date: DateTime<Utc>,
    end_date: Option<DateTime<Utc>>,
    lookback_days: u32,
    booking_lookback_days: u32,
    booking_sweep_days: u32,
    transaction_types: Vec<String>,
    max_concurrency: usize,
    requests_per_second: Option<f64>,
    api_url: Option<String>,
    scim_url: Option<String>,
    personal_data: RawPersonalDataMode,
    #[serde(default)]
    personal_data_exceptions: Vec<String>,
    #[serde(rename = "monitoring.tenant_name")]
    tenant_name: Option<String>,
    #[serde(rename = "monitoring.connection_name")]
    connection_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawPersonalDataMode {
    Pass,
    Hash,
    Drop,
}

/// The connector's specification, as `spec` answers it.
///
/// # Errors
/// A `system_error` if spec.json was broken when the binary was built.
pub fn spec() -> Result<Value, Error> {
    serde_json::from_str(SPEC)
        .map_err(|e| Error::system("The connector was built with a broken spec.json.").with_cause(e))
}

/// The properties of shared state.
pub const REDIS_URL: &str = "shared_state.redis_url";
pub const ENCRYPTION_KEY: &str = "shared_state.encryption_key";

/// Where metrics are pushed.
pub const PUSHGATEWAY_URL: &str = "monitoring.pushgateway_url";

/// Where alerts are told.
pub const WEBHOOK_URL: &str = "monitoring.webhook_url";

/// With fewer characters a key could be found by trying.
const MIN_KEY_LENGTH: usize = 16;

/// How many letters may be wrong in a name for it to be taken for another.
const MAX_WRONG_LETTERS: usize = 2;

/// With so many letters at the start in common, two names mean the same, whatever follows.
const MIN_COMMON_LETTERS: usize = 8;

/// A property that is close to one that there is was meant to be that one, and has no effect as it is. Others are the platform's.
fn warn_misspelt(given: &Map<String, Value>, schema: &Value) {
    let Some(known) = schema["properties"].as_object() else { return };
    for name in given.keys().filter(|name| !known.contains_key(*name)) {
        if let Some(meant) = meant(name, known) {
            tracing::warn!("The configuration has a property `{name}`, which there is not: did you mean `{meant}`?");
        }
    }
}

/// The property that a name is close to. One of a group is told from others of it by its own part, and was meant too where that stands alone.
fn meant<'a>(name: &str, known: &'a Map<String, Value>) -> Option<&'a String> {
    let distance = |other: &str| match (name.rsplit_once('.'), other.rsplit_once('.')) {
        (Some((group, name)), Some((other_group, other))) if group == other_group => between(name, other),
        (None, Some((_, other))) => between(name, other),
        (None, None) => between(name, other),
        _ => usize::MAX,
    };
    known.keys().min_by_key(|other| distance(other)).filter(|other| distance(other) <= MAX_WRONG_LETTERS)
}

/// How many letters are wrong in a name for another.
fn between(name: &str, other: &str) -> usize {
    let (name, other) = (letters(name), letters(other));
    let common = name.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count();
    if common >= MIN_COMMON_LETTERS { 0 } else { strsim::damerau_levenshtein(&name, &other) }
}

/// A name as far as it counts: `startDate`, `START_DATE` and `Start Date` mean the same.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// What a configuration file's text gives; the properties of a group as `group.name`.
///
/// # Errors
/// A `config_error` if it is not a JSON object.
pub fn properties(text: &str) -> Result<Map<String, Value>, Error> {
    let tree: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
        // Without serde's own words, which can quote the text.
        Error::config(format!(
            "The configuration file is not valid JSON (line {}, column {}): give a JSON object with `client_id` and `client_secret`.",
            e.line(),
            e.column()
        ))
    })?;
    match tree {
        Value::Object(mut given) => {
            // The sandbox prints where it is as `url`, and so may others.
            if let Some(url) = given.remove("url").filter(|_| !given.contains_key("api_url")) {
                given.insert("api_url".to_owned(), url);
            }
            groups::flat(given, groups::ALL)
        }
        _ => Err(Error::config("The configuration must be a JSON object with `client_id` and `client_secret`.")),
    }
}

impl Config {
    /// Whether Navan's API, or another server that it names, is asked by HTTPS.
    pub fn some_speak_tls(&self) -> bool {
        let is_tls = |url: &Url| url.scheme() == "https";
        self.api_url.as_ref().is_none_or(is_tls) || self.scim.as_ref().is_some_and(|scim| is_tls(&scim.url))
    }

    /// What no output may show.
    pub fn secrets(&self) -> Vec<Secret> {
        let scim = self.scim.as_ref().map(|scim| scim.token.copy());
        let key = match &self.personal_data.mode {
            PersonalDataMode::Hash(key) => Some(key.copy()),
            PersonalDataMode::Pass | PersonalDataMode::Drop => None,
        };
        let redis_url = self.shared_state.as_ref().map(|shared| shared.redis_url.copy());
        let password = self.monitoring.pushgateway.as_ref().and_then(Url::password);
        let webhook = self.monitoring.webhook.as_ref().map(Url::as_str);
        let outlets = password.into_iter().chain(webhook).map(|text| Secret::new(text.to_owned()));
        let own = [self.client_id.copy(), self.client_secret.copy()];
        own.into_iter().chain(scim).chain(key).chain(redis_url).chain(outlets).collect()
    }

    /// What one account of Navan's is told from others by.
    pub fn account(&self) -> String {
        let place = self.api_url.as_ref().map_or("", Url::as_str);
        format!("{:?} {place} {}", self.region, self.client_id.expose())
    }

    /// Reads a configuration file's text.
    ///
    /// # Errors
    /// As for [`properties`] and [`Self::from_properties`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_properties(properties(text)?)
    }

    /// Validates what was given, wherever it stood, and completes it.
    ///
    /// # Errors
    /// A `config_error` of one sentence that names the property, what is wrong and what is right. It never quotes a
    /// secret.
    pub fn from_properties(given: Map<String, Value>) -> Result<Self, Error> {
        let schema = &groups::flat_schema()?;
        let mut given = normalize::normalize(given, schema);
        warn_misspelt(&given, schema);
        validate::validate(schema, &given)?;
        let mut secret = |name| match given.remove(name) {
            Some(Value::String(text)) => Ok(Secret::new(text)),
            _ => Err(Error::system(format!("spec.json does not require {name} to be a string."))),
        };
        let (client_id, client_secret) = (secret("client_id")?, secret("client_secret")?);
        let (scim_token, personal_data_key) = (secret("scim_token").ok(), secret("personal_data_key").ok());
        let (redis_url, encryption_key) = (secret(REDIS_URL).ok(), secret(ENCRYPTION_KEY).ok());
        let (pushgateway, webhook) = (secret(PUSHGATEWAY_URL).ok(), secret(WEBHOOK_URL).ok());
        // The schema leaves open only whether a date exists, such as the 31st of February.
        let exists = |name: &&str| given.get(*name).is_none_or(|date| DateTime::<Utc>::deserialize(date).is_ok());
        if let Some(name) = ["start_date", "end_date"].iter().find(|name| !exists(name)) {
            return Err(Error::config(format!(
                "`{name}` is not a date that exists: give a date and time such as 2024-01-01T00:00:00Z."
            )));
        }
        let raw = RawConfig::deserialize(Value::Object(given))
            .map_err(|e| Error::system("The connector was built with a broken spec.json.").with_cause(e))?;
        if raw.start_date > clock::now() + chrono::Duration::days(1) {
            return Err(Error::config(format!(
                "`start_date` is {}, which lies in the future: give the earliest creation of a booking to read.",
                raw.start_date.format("%Y-%m-%d")
            )));
        }
        if let Some(end) = raw.end_date.filter(|end| *end <= raw.start_date) {
            return Err(Error::config(format!(
                "`end_date` is {}, and `start_date` is {}: nothing lies between them. Give a later end, or none.",
                end.format("%Y-%m-%d"),
                raw.start_date.format("%Y-%m-%d")
            )));
        }
        Ok(Self {
            client_id,
            client_secret,
            region: raw.region,
            start_date: raw.start_date,
            end_date: raw.end_date,
            lookback_days: raw.lookback_days,
            booking_lookback_days: raw.booking_lookback_days,
            booking_sweep_days: raw.booking_sweep_days,
            transaction_types: raw.transaction_types,
            max_concurrency: raw.max_concurrency,
            requests_per_second: raw.requests_per_second,
            api_url: raw
                .api_url
                .as_deref()
                .map(|text| base_url("api_url", "use Navan's own address", text))
                .transpose()?,
            scim: scim_server(raw.scim_url.as_deref(), scim_token)?,
            personal_data: PersonalDataRules {
                mode: personal_data_mode(raw.personal_data, personal_data_key)?,
                exceptions: raw.personal_data_exceptions,
            },
            shared_state: shared_state(redis_url, encryption_key)?,
            monitoring: OutletConfig {
                pushgateway: http_url(PUSHGATEWAY_URL, "http://pushgateway.example:9091", pushgateway)?,
                webhook: http_url(WEBHOOK_URL, "https://hooks.slack.com/services/…", webhook)?,
                tenant: raw.tenant_name,
                connection: raw.connection_name,
                ..OutletConfig::default()
            },
        })
    }
}

/// A hash needs its key, and without one it would be no secret whose it is.
fn personal_data_mode(mode: RawPersonalDataMode, key: Option<Secret>) -> Result<PersonalDataMode, Error> {
    match (mode, key) {
        (RawPersonalDataMode::Pass, _) => Ok(PersonalDataMode::Pass),
        (RawPersonalDataMode::Drop, _) => Ok(PersonalDataMode::Drop),
        (RawPersonalDataMode::Hash, Some(key)) if key.expose().len() >= MIN_KEY_LENGTH => {
            Ok(PersonalDataMode::Hash(key))
        }
        (RawPersonalDataMode::Hash, _) => Err(Error::config(format!(
            "`personal_data` is \"hash\", for which `personal_data_key` needs {MIN_KEY_LENGTH} characters or more: give a long random text, and keep it, since with another one all hashes are others."
        ))),
    }
}

/// Both or neither.
fn scim_server(url: Option<&str>, token: Option<Secret>) -> Result<Option<ScimServer>, Error> {
    match (url, token) {
        (Some(url), Some(token)) => {
            // The list's own address is a likely slip.
            let base = url.trim_end_matches('/');
            let base = base.strip_suffix("/Users").unwrap_or(base);
            Ok(Some(ScimServer { url: base_url("scim_url", "read no SCIM users", base)?, token }))
        }
        (None, None) => Ok(None),
        (given, _) => {
            let (there, missing) =
                if given.is_some() { ("scim_url", "scim_token") } else { ("scim_token", "scim_url") };
            Err(Error::config(format!(
                "`{there}` is given without `{missing}`: give both to read the stream SCIM_USER, or neither."
            )))
        }
    }
}

/// Both or neither: nothing is shared that is not sealed.
fn shared_state(redis_url: Option<Secret>, key: Option<Secret>) -> Result<Option<SharedStateConfig>, Error> {
    match (redis_url, key) {
        (Some(redis_url), Some(key)) => {
            let is_redis = |scheme| redis_url.expose().starts_with(scheme);
            if !["redis://", "rediss://"].into_iter().any(is_redis) {
                return Err(not_an_address());
            }
            Ok(Some(SharedStateConfig { key: EncryptionKey::parse(key.expose())?, redis_url }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::config(format!(
            "`{REDIS_URL}` is given without `{ENCRYPTION_KEY}`: what is shared is sealed. Make a key by `source-navan key` and give it to all syncs that are to share a token."
        ))),
        (None, Some(_)) => Err(Error::config(format!(
            "`{ENCRYPTION_KEY}` is given without `{REDIS_URL}`: give both to share tokens between syncs, or neither."
        ))),
    }
}

/// An address that may hold a secret, and so is not quoted.
fn http_url(property: &str, example: &str, text: Option<Secret>) -> Result<Option<Url>, Error> {
    let Some(text) = text else { return Ok(None) };
    let url = Url::parse(text.expose().trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let wrong = || Error::config(format!("`{property}` is not an address: give one such as {example}, or none."));
    url.ok_or_else(wrong).map(Some)
}

/// Whoever holds the credential can read the company's travel, so it goes out unencrypted only where the other end
/// is this machine or a private network.
fn base_url(property: &str, without: &str, text: &str) -> Result<Url, Error> {
    let refused = |wrong: &str| {
        Error::config(format!(
            "`{property}` {wrong}: leave it out to {without}, or give https://…, or http:// with a loopback or private IP address."
        ))
    };
    let url = Url::parse(text).map_err(|e| refused(&format!("is not a URL ({e})")))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("carries a user name, a query or a fragment"));
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_near(&host) => Ok(url),
        ("http", _) => Err(refused("would send the secret unencrypted to a public address")),
        _ => Err(refused("is neither an https nor an http address")),
    }
}

/// Whether it is this machine, or one of a private network.
pub fn is_near(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback() || address.is_private(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> String {
        match Config::parse(text) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.message().to_owned(),
        }
    }

    fn with(property: &str) -> String {
        format!(r#"{{"client_id":"id","client_secret":"a secret",{property}}}"#)
    }

    #[test]
    fn the_defaults_are_those_of_the_specification() {
        let config = Config::parse(r#"{"client_id":"id","client_secret":"s","region":null,"unknown":1}"#).unwrap();
        assert_eq!(config.region, Region::Us);
        assert_eq!(config.start_date.to_rfc3339(), "2015-01-01T00:00:00+00:00");
        assert_eq!((config.lookback_days, config.max_concurrency), (1, 4));
        assert_eq!(config.transaction_types.len(), 9);
        assert!(config.requests_per_second.is_none() && config.api_url.is_none());
    }

    #[test]
    fn what_copying_from_the_admin_page_adds_is_removed() {
        let config = Config::parse(
            "{\"client_id\":\" \u{200b}Client ID: 3f2b-8c1e Copy key\\n\",\"client_secret\":\"Secret Key:\u{feff}abc123\u{200d} Copy key\"}",
        )
        .unwrap();
        assert_eq!(config.client_id.expose(), "3f2b-8c1e");
        assert_eq!(config.client_secret.expose(), "abc123");
        for around in ["\u{202a}", "\u{2066}", "\u{ad}", "\u{fe0f}", "\0", "\u{1}", "\"", "'", "`", "\u{61c}"] {
            let credential = serde_json::json!({"client_id": format!("{around}3f2b{around}"), "client_secret": "s"});
            let config = Config::parse(&credential.to_string()).unwrap();
            assert_eq!(config.client_id.expose(), "3f2b", "{around:?}");
        }
    }

    #[test]
    fn an_unencrypted_api_url_must_be_near() {
        for near in [
            "http://127.0.0.1:80",
            "http://localhost:1",
            "http://[::1]:1",
            "http://10.1.2.3",
            "http://192.168.0.1/x",
            "http://172.31.0.1",
            "https://navan.example",
        ] {
            assert_eq!(sentence(&with(&format!(r#""api_url":"{near}""#))), "accepted", "{near}");
        }
        for far in [
            "http://8.8.8.8",
            "http://api.navan.com",
            "http://172.32.0.1",
            "ftp://127.0.0.1",
            "https://u:p@host",
            "https://host/?q=1",
            "nonsense",
        ] {
            assert!(sentence(&with(&format!(r#""api_url":"{far}""#))).starts_with("`api_url` "), "{far}");
        }
    }

    #[test]
    fn a_misspelt_property_of_a_group_is_told_from_its_neighbours() {
        let schema = groups::flat_schema().unwrap();
        let known = schema["properties"].as_object().unwrap();
        for (name, expected) in [
            ("shared_state.encryption_keys", Some(ENCRYPTION_KEY)),
            ("shared_state.redisUrl", Some(REDIS_URL)),
            ("redis_url", Some(REDIS_URL)),
            ("encryption_key", Some(ENCRYPTION_KEY)),
            ("shared_state.zzz", None),
            ("startDate", Some("start_date")),
        ] {
            assert_eq!(meant(name, known).map(String::as_str), expected, "{name}");
        }
    }

    #[test]
    fn a_bad_value_is_one_sentence_that_says_what_is_right() {
        let texts = [
            "{".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            r#"{"client_id":"id"}"#.to_owned(),
            r#"{"client_id":" \u200b ","client_secret":"s"}"#.to_owned(),
            r#"{"client_id":"id","client_secret":12345}"#.to_owned(),
            with(r#""region":"asia""#),
            with(r#""start_date":"yesterday""#),
            with(r#""start_date":"2024-02-31T00:00:00Z""#),
            with(r#""lookback_days":0"#),
            with(r#""lookback_days":1.5"#),
            with(r#""lookback_days":2.0"#),
            with(r#""transaction_types":[]"#),
            with(r#""transaction_types":["fees","taxis"]"#),
            with(r#""transaction_types":"fees""#),
            with(r#""max_concurrency":33"#),
            with(r#""max_concurrency":"four""#),
            with(r#""requests_per_second":0"#),
            with(r#""api_url":"http://api.navan.com""#),
            with(r#""shared_state":"redis://localhost""#),
            with(r#""shared_state":{"redis_url":"redis://localhost"}"#),
            with(r#""shared_state":{"encryption_key":"c2VjcmV0"}"#),
            with(r#""shared_state":{"redis_url":"localhost:6379","encryption_key":"c2VjcmV0"}"#),
            with(r#""shared_state":{"redis_url":"redis://localhost","encryption_key":"c2VjcmV0"}"#),
            with(r#""shared_state":{"redis_url":7,"encryption_key":"c2VjcmV0"}"#),
        ];
        let sentences: Vec<_> = texts.iter().map(|text| format!("{text}\n  {}", sentence(text))).collect();
        insta::assert_snapshot!(sentences.join("\n"));
    }
}
