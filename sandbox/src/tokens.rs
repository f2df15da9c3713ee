//! The tokens: which were issued, and which are still valid.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};

use crate::rng::mix;
use crate::settings::Settings;

/// Where tokens are fetched.
pub(crate) const TOKEN_PATH: &str = "/ta-auth/oauth/token";

/// The token that a request carries.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

#[derive(Debug)]
pub(crate) struct TokenStore {
    seed: u64,
    lifetime: TimeDelta,
    issued: Vec<String>,
    /// When each valid token expires.
    expires: HashMap<String, DateTime<Utc>>,
    credential_revoked: bool,
}

impl TokenStore {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            seed: mix(settings.seed ^ 0x746F_6B65_6E73),
            lifetime: TimeDelta::from_std(settings.token_life).unwrap_or(TimeDelta::MAX),
            issued: Vec::new(),
            expires: HashMap::new(),
            credential_revoked: false,
        }
    }

    /// A new token; none if the credential is revoked.
    pub(crate) fn issue(&mut self, now: DateTime<Utc>) -> Option<String> {
        if self.credential_revoked {
            return None;
        }
        let number = self.issued.len() as u64;
        let word = |nth: u64| mix(self.seed ^ (number * 4 + nth));
        let token = format!("sbx{:016x}{:016x}.{:016x}-{:016x}", word(0), word(1), word(2), word(3));
        self.issued.push(token.clone());
        self.expires.insert(token.clone(), now + self.lifetime);
        Some(token)
    }

    /// Whether the token is accepted.
    pub(crate) fn is_valid(&self, token: &str, now: DateTime<Utc>) -> bool {
        self.expires.get(token).is_some_and(|expires_at| now < *expires_at)
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.expires.remove(token);
    }

    pub(crate) fn revoke_credential(&mut self) {
        self.credential_revoked = true;
        self.expires.clear();
    }

    /// All tokens ever issued.
    pub(crate) fn issued(&self) -> &[String] {
        &self.issued
    }
}
