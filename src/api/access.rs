//! What opens the places that streams are at: the credential, or a token of their own.

use std::rc::Rc;

use reqwest::StatusCode;
use url::Url;

use super::Api;
use crate::config::{Config, credentials_page};
use crate::error::Error;
use crate::gateway::{Failure, Network, Timings};

/// What a stream is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The credential, if this scope was ticked for it.
    Scope(&'static str),
    /// The token of the company's SCIM server, at that server.
    ScimToken,
}

/// The APIs that a configuration opens.
pub struct Apis<'a> {
    /// Navan's API.
    pub navan: Api<'a>,
    /// The SCIM server, if one is configured.
    scim: Option<Api<'a>>,
}

/// A place that is asked.
#[derive(Clone, Debug)]
pub struct Place {
    /// What for.
    pub role: &'static str,
    /// Where it is.
    pub url: Url,
}

impl<'a> Apis<'a> {
    /// For the company that `config` names.
    ///
    /// # Errors
    /// A `system_error` if the connector was built with a broken address.
    pub fn new(config: &'a Config, network: &Rc<dyn Network>, timings: &Timings) -> Result<Self, Error> {
        let navan = Api::new(config, Rc::clone(network), timings.clone())?;
        let scim =
            config.scim.as_ref().map(|server| Api::scim(config, server, &navan, Rc::clone(network), timings.clone()));
        Ok(Self { navan, scim })
    }

    /// Where streams of that kind are read. Those of a server that is not configured are not offered.
    pub fn of(&self, access: Access) -> &Api<'a> {
        match (access, &self.scim) {
            (Access::ScimToken, Some(scim)) => scim,
            _ => &self.navan,
        }
    }

    /// The places that they ask, each host once.
    pub fn places(&self) -> Vec<Place> {
        let at = |role, url: &Url| Place { role, url: url.clone() };
        let mut places = vec![at("API", &self.navan.base.borrow())];
        let others = [
            self.navan.tokens.url().map(|url| at("token", url)),
            self.navan.other_base.borrow().as_ref().map(|url| at("other API host", url)),
            self.scim.as_ref().map(|scim| at("SCIM", &scim.base.borrow())),
        ];
        for other in others.into_iter().flatten() {
            if !places.iter().any(|place| place.url.origin() == other.url.origin()) {
                places.push(other);
            }
        }
        places
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Api<'a>> {
        [&self.navan].into_iter().chain(&self.scim)
    }
}

impl Access {
    /// The scope that has to be ticked for it, if it is one.
    pub fn scope(self) -> Option<&'static str> {
        match self {
            Self::Scope(scope) => Some(scope),
            Self::ScimToken => None,
        }
    }

    /// Requires that its scope is among those that the credential has, if these are told.
    ///
    /// # Errors
    /// A `config_error` that names the scope.
    pub fn require_scope(self, scopes: Option<&[String]>) -> Result<(), Error> {
        let wanted =
            self.scope().filter(|wanted| scopes.is_some_and(|scopes| !scopes.iter().any(|scope| scope == wanted)));
        wanted.map_or(Ok(()), |wanted| {
            Err(Error::config(format!(
                "the credential does not have the scope {wanted}; create one that has it in Navan under {}.",
                credentials_page()
            )))
        })
    }

    /// Whether a configuration has what it takes.
    pub fn is_configured(self, config: &Config) -> bool {
        self != Self::ScimToken || config.scim.is_some()
    }

    /// Requires that.
    ///
    /// # Errors
    /// A `config_error` that says what `stream` takes.
    pub fn require_configured(self, config: &Config, stream: &str) -> Result<(), Error> {
        if self.is_configured(config) {
            return Ok(());
        }
        Err(Error::config(format!(
            "{stream} is read from the company's SCIM server: give `scim_url` and `scim_token` in the configuration, or leave the stream out."
        )))
    }

    /// Whether it is Navan's credential that opens it, and Navan's clock that it goes by.
    pub fn takes_navans_token(self) -> bool {
        matches!(self, Self::Scope(_))
    }

    /// The words for the user where a request has failed. `scopes` says which scope each stream takes.
    pub fn into_error(self, failure: Failure, scopes: &str) -> Error {
        match &failure {
            Failure::Refused(refusal)
                if self == Self::ScimToken && failure.as_obstacle().is_none() && is_about_access(refusal.status) =>
            {
                Error::config(format!(
                    "The SCIM server ({}) answers {} to {}: check `scim_url`, below which `/Users` has to be, and `scim_token`, a token that may read users; or take both out of the configuration, and the stream out of the connection.",
                    refusal.host,
                    refusal.status.as_u16(),
                    refusal.endpoint
                ))
                .with_cause(failure)
            }
            Failure::Refused(refusal) if refusal.status == StatusCode::FORBIDDEN && failure.as_obstacle().is_none() => {
                Error::config(format!(
                    "Navan does not let this credential read {}, as a rule because the scope for it was not ticked: create a credential that has the scopes of all chosen streams ({scopes}) in Navan under {}, or leave the stream out.",
                    refusal.endpoint,
                    credentials_page()
                ))
                .with_cause(failure)
            }
            _ => failure.into_error(),
        }
    }
}

fn is_about_access(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
}
