//! A token and its life, measured on the monotonic clock, so that setting the system's time neither ends nor prolongs
//! it.

use std::rc::Rc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::claims;
use crate::buffer::Buffer;
use crate::gateway::InvalidBody;
use crate::secret::Secret;

/// The life of a token whose answer does not tell it: well below the 12 hours that Navan grants.
const DEFAULT_LIFE: Duration = Duration::from_hours(1);

/// The longest life that is believed.
pub(super) const MAX_LIFE: Duration = Duration::from_hours(24);

/// Longer than any run.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// A token, as requests carry it.
#[derive(Clone)]
pub(super) struct AccessToken {
    /// The token itself.
    pub(super) secret: Rc<Secret>,
    /// Which token it is, counted from the first of the run.
    pub(super) number: u64,
    pub(super) expires_at: Instant,
    /// Another sync has asked for it, some time ago.
    pub(super) is_shared: bool,
}

/// The token at hand, and what is known of it.
pub(super) struct CurrentToken {
    pub(super) token: AccessToken,
    pub(super) refresh_at: Instant,
    pub(super) facts: TokenFacts,
}

/// What Navan tells of a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TokenFacts {
    /// Its scopes, in lower case.
    pub scopes: Option<Vec<String>>,
    /// How long it lives.
    pub life: Option<Duration>,
    /// Whose data it opens, by name or number.
    pub company: Option<String>,
    /// From how many addresses or ranges alone it may be used; 0 if none are named.
    pub allowed_ips: usize,
}

impl CurrentToken {
    /// One that ends with the run, as far as is known.
    pub(super) fn given(secret: &Secret) -> Self {
        let end = Instant::now() + NEVER;
        let token = AccessToken { secret: Rc::new(secret.copy()), number: 1, expires_at: end, is_shared: false };
        Self { token, refresh_at: end, facts: TokenFacts::default() }
    }
}

/// The answer of the token endpoint.
pub(super) struct TokenResponse {
    secret: Rc<Secret>,
    facts: TokenFacts,
}

#[derive(Deserialize)]
struct RawTokenResponse {
    access_token: String,
    /// Seconds, as a number or as text.
    expires_in: Option<serde_json::Value>,
    /// With blanks or commas between them, or as a list.
    scope: Option<serde_json::Value>,
    company_name: Option<serde_json::Value>,
    company_uuid: Option<serde_json::Value>,
    company_id: Option<serde_json::Value>,
    /// `null`, or a list of what may use it.
    allowed_ips: Option<serde_json::Value>,
}

impl TokenResponse {
    /// # Errors
    /// If it has no token: why, and the answer for its words.
    pub(super) fn parse(body: Buffer) -> Result<Self, (InvalidBody, Zeroizing<Vec<u8>>)> {
        // Wiped, and not used again: it holds the token.
        let body = Zeroizing::new(body.into_vec());
        Self::understand(&body).map_err(|invalid| (invalid, body))
    }

    fn understand(body: &[u8]) -> Result<Self, InvalidBody> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // Without serde's own words, which can quote the body.
        let answer: RawTokenResponse =
            serde_json::from_slice(body).map_err(|_| InvalidBody("no access_token in it".to_owned()))?;
        let token = Zeroizing::new(answer.access_token);
        if token.is_empty() {
            return Err(InvalidBody("the access_token is empty".to_owned()));
        }
        let secret = Secret::new((*token).clone());
        if HeaderValue::from_str(secret.expose()).is_err() {
            return Err(InvalidBody("the access_token has characters that no token has".to_owned()));
        }
        let told = [&answer.company_name, &answer.company_uuid, &answer.company_id];
        let company = told.into_iter().flatten().find_map(claims::short_text);
        let facts = TokenFacts {
            scopes: answer.scope.as_ref().and_then(scopes),
            life: answer.expires_in.as_ref().and_then(seconds),
            company: company.or_else(|| claims::company(secret.expose())),
            allowed_ips: answer.allowed_ips.as_ref().map_or(0, entries),
        };
        Ok(Self { secret: Rc::new(secret), facts })
    }

    /// Its life began when it was asked for; it is renewed `refresh_margin` before its end, or at half its life if that is later.
    pub(super) fn into_token(self, number: u64, asked: Instant, refresh_margin: Duration) -> CurrentToken {
        let life = self.facts.life.unwrap_or(DEFAULT_LIFE).min(MAX_LIFE);
        let expires_at = asked + life;
        CurrentToken {
            refresh_at: expires_at - refresh_margin.min(life / 2),
            token: AccessToken { secret: self.secret, number, expires_at, is_shared: false },
            facts: self.facts,
        }
    }
}

/// The scopes that are told, in lower case as they are named; `None` if what stands there is none of their forms.
fn scopes(told: &serde_json::Value) -> Option<Vec<String>> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect()
    };
    match told {
        serde_json::Value::String(text) => Some(words(text)),
        serde_json::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(serde_json::Value::as_str).collect();
            Some(items?.into_iter().flat_map(words).collect())
        }
        _ => None,
    }
}

/// How many entries a list has, however it is written.
fn entries(list: &serde_json::Value) -> usize {
    match list {
        serde_json::Value::Array(items) => items.len(),
        serde_json::Value::String(text) => text.split([',', ' ', ';']).filter(|entry| !entry.is_empty()).count(),
        _ => 0,
    }
}

fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewal(expires_in: &str) -> Duration {
        let asked = Instant::now();
        let response =
            TokenResponse::parse(format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#).as_str().into())
                .unwrap();
        response.into_token(1, asked, Duration::from_secs(300)).refresh_at - asked
    }

    #[test]
    fn a_token_is_renewed_five_minutes_before_its_end_or_at_half_its_life() {
        assert_eq!(renewal("43199"), Duration::from_secs(42_899));
        assert_eq!(renewal("400"), Duration::from_secs(200));
        assert_eq!(renewal("3"), Duration::from_millis(1_500));
        assert_eq!(renewal("\"400\""), Duration::from_secs(200));
        assert_eq!(renewal("null"), Duration::from_secs(3_300));
    }

    #[test]
    fn an_answer_without_a_token_is_unusable() {
        for body in
            ["", "<html>", "{}", r#"{"access_token":""}"#, r#"{"access_token":null}"#, r#"{"access_token":"a\nb"}"#]
        {
            assert!(TokenResponse::parse(body.into()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_company_and_the_allow_list_are_told_or_not() {
        let facts =
            |more: &str| TokenResponse::parse((*format!(r#"{{"access_token":"t"{more}}}"#)).into()).unwrap().facts;
        let none = facts(r#","company_uuid":null,"allowed_ips":null"#);
        assert_eq!((none.company, none.allowed_ips), (None, 0));
        let some = facts(r#","company_uuid":"c0a8","allowed_ips":["192.0.2.1","198.51.100.0/24"]"#);
        assert_eq!((some.company.as_deref(), some.allowed_ips), (Some("c0a8"), 2));
        let odd = facts(r#","company_id":7,"company_name":{},"allowed_ips":"192.0.2.1, 192.0.2.2""#);
        assert_eq!((odd.company.as_deref(), odd.allowed_ips), (Some("7"), 2));
    }

    #[test]
    fn scopes_are_told_or_not() {
        let scopes = |body: &str| TokenResponse::parse(body.into()).unwrap().facts.scopes;
        assert_eq!(scopes(r#"{"access_token":"t"}"#), None);
        assert_eq!(scopes(r#"{"access_token":"t","scope":""}"#), Some(vec![]));
        for two in
            [r#""bookings:read liquid:read""#, r#""bookings:read,LIQUID:READ""#, r#"["bookings:read","liquid:read"]"#]
        {
            let scopes = scopes(&format!(r#"{{"access_token":"t","scope":{two}}}"#));
            assert_eq!(scopes.unwrap(), ["bookings:read", "liquid:read"], "{two}");
        }
        assert_eq!(scopes(r#"{"access_token":"t","scope":7}"#), None);
        assert_eq!(scopes("\u{feff}{\"access_token\":\"t\"}"), None);
    }
}
