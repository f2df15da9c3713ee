//! What stands between this machine and Navan, as far as it can be told: each with its own sentence and its own remedy.

use std::error::Error as StdError;
use std::io::ErrorKind;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use rustls::CertificateError;

use super::redact::redact;
use super::retry::is_transient;
use super::tls::UnknownIssuer;
use crate::error::{Error, FailureType};
use crate::secret::Secret;

/// Something in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The host's name has no address.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// There is no way to it.
    Unreachable,
    /// Nobody answers the attempt to connect.
    NoConnection,
    /// Its certificate is by somebody whom this machine does not trust.
    UnknownIssuer(String),
    /// Its certificate is for other names.
    WrongName,
    /// Its certificate has expired, or is not valid yet.
    WrongTime,
    /// It does not speak TLS.
    NotTls,
    /// TLS fails in some other way.
    Tls(String),
    /// The proxy cannot be reached.
    NoProxy,
    /// A proxy wants to know who asks.
    ProxyWantsLogin,
    /// A proxy does not let the connection through.
    ProxyRefuses,
    /// A page for people came in place of data, with this status.
    Page(u16),
    /// The request was sent on to this host.
    SentOn(String),
}

impl Obstacle {
    /// What stopped a connection.
    pub(super) fn of_connection(error: &reqwest::Error) -> Option<Self> {
        let connection = Self::of_causes(error);
        connection.or_else(|| (error.is_connect() && error.is_timeout()).then_some(Self::NoConnection))
    }

    /// What an error and its causes show.
    pub(super) fn of_causes(error: &(dyn StdError + 'static)) -> Option<Self> {
        let causes: Vec<_> = std::iter::successors(Some(error), |&e| cause_of(e)).collect();
        let words: Vec<_> = causes.iter().map(ToString::to_string).collect();
        let says = |what: &str| words.iter().any(|words| words.contains(what));
        if says("failed to create underlying connection") {
            return Some(Self::NoProxy);
        }
        if says("proxy authorization required") {
            return Some(Self::ProxyWantsLogin);
        }
        if says("tunnel error: unsuccessful") || says("unsuccessful tunnel") {
            return Some(Self::ProxyRefuses);
        }
        if says("dns error") || says("failed to lookup address") {
            return Some(Self::UnknownHost);
        }
        for cause in &causes {
            if let Some(tls) = cause.downcast_ref() {
                return Some(Self::of_tls(tls));
            }
            match cause.downcast_ref().map(std::io::Error::kind) {
                Some(ErrorKind::ConnectionRefused) => return Some(Self::Refused),
                Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => return Some(Self::Unreachable),
                _ => {}
            }
        }
        None
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
                match other.0.downcast_ref::<UnknownIssuer>() {
                    Some(UnknownIssuer(issuer)) => Self::UnknownIssuer(issuer.clone()),
                    None => Self::Tls(error.to_string()),
                }
            }
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::WrongName,
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::WrongTime,
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            error => Self::Tls(error.to_string()),
        }
    }

    /// What an answer shows that is none of Navan's.
    pub(super) fn of_answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if (300..400).contains(&status) {
            let to = headers.get(LOCATION).and_then(|to| url::Url::parse(to.to_str().ok()?).ok());
            let host = to.and_then(|to| to.host_str().map(str::to_owned));
            return Some(Self::SentOn(host.unwrap_or_else(|| "another page".to_owned())));
        }
        if status == 407 {
            return Some(Self::ProxyWantsLogin);
        }
        // Load balancers write pages too, of what is over soon.
        if status == 429 || StatusCode::from_u16(status).is_ok_and(is_transient) {
            return None;
        }
        let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
            || body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().first() == Some(&b'<');
        is_page.then_some(Self::Page(status))
    }

    /// The same without the secrets that a redirect may lead to. Hosts are in lower case.
    pub(super) fn without(self, secrets: &[&Secret]) -> Self {
        match self {
            Self::SentOn(host) if secrets.iter().any(|secret| host.contains(&secret.expose().to_lowercase())) => {
                Self::SentOn("another host".to_owned())
            }
            Self::SentOn(host) => Self::SentOn(redact(&host, secrets)),
            other => other,
        }
    }

    /// Its name, which tells nothing of who was asked.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown host",
            Self::Refused => "connection refused",
            Self::Unreachable => "no route",
            Self::NoConnection => "no answer",
            Self::UnknownIssuer(_) => "unknown issuer",
            Self::WrongName => "certificate for another name",
            Self::WrongTime => "certificate out of its time",
            Self::NotTls => "no TLS",
            Self::Tls(_) => "TLS fails",
            Self::NoProxy => "no proxy",
            Self::ProxyWantsLogin => "proxy wants a login",
            Self::ProxyRefuses => "proxy refuses",
            Self::Page(_) => "a page for people",
            Self::SentOn(_) => "sent on to another host",
        }
    }

    /// The words for the user; `host` is who was asked.
    pub fn into_error(self, host: &str) -> Error {
        let (who, sentence) = match self {
            Self::UnknownHost => (
                FailureType::Transient,
                format!(
                    "The host {host} is not known to this machine's DNS: check `api_url` if it is set, and that the machine can resolve names."
                ),
            ),
            Self::Refused => (
                FailureType::Transient,
                format!(
                    "{host} refuses the connection: check `api_url` if it is set, and that no firewall is in the way; then try again."
                ),
            ),
            Self::Unreachable => {
                (FailureType::Transient, format!("There is no route to {host}: check this machine's network."))
            }
            Self::NoConnection => (
                FailureType::Transient,
                format!(
                    "{host} does not answer the attempt to connect: check that a firewall lets this machine connect to it, on port 443 as a rule."
                ),
            ),
            Self::UnknownIssuer(issuer) => (
                FailureType::Config,
                format!(
                    "The certificate of {host} was issued by {issuer}, whom this machine does not trust. If that is a proxy of your company, put its CA certificate into a file and name that in the environment variable SSL_CERT_FILE, or add it to the machine's."
                ),
            ),
            Self::WrongName => (
                FailureType::Config,
                format!(
                    "The certificate of {host} is for another name: check `api_url` if it is set, and whether something between this machine and Navan answers in its place."
                ),
            ),
            Self::WrongTime => (
                FailureType::Config,
                format!("The certificate of {host} has expired or is not valid yet: check this machine's clock."),
            ),
            Self::NotTls => (
                FailureType::Config,
                format!(
                    "{host} does not speak TLS on that port: check the port in `api_url`, and that a proxy in between lets https through."
                ),
            ),
            Self::Tls(words) => (
                FailureType::Transient,
                format!(
                    "No TLS connection to {host} comes about ({words}): check what is between this machine and Navan."
                ),
            ),
            Self::NoProxy => (
                FailureType::Transient,
                format!(
                    "The proxy on the way to {host} cannot be reached: check its address (HTTPS_PROXY), or name the host in NO_PROXY."
                ),
            ),
            Self::ProxyWantsLogin => (
                FailureType::Config,
                format!(
                    "The proxy on the way to {host} wants a login (407): put user and password into the proxy's address (HTTPS_PROXY)."
                ),
            ),
            Self::ProxyRefuses => (
                FailureType::Transient,
                format!(
                    "The proxy (HTTPS_PROXY) does not let a connection to {host} through: have it allowed, or name the host in NO_PROXY."
                ),
            ),
            Self::Page(status) if (200..300).contains(&status) => (
                FailureType::Transient,
                format!(
                    "{host} answers with a page for people, not with data: as a rule that is a login or portal page between this machine and Navan. Open the address in a browser on the same network, and have the machine let through."
                ),
            ),
            Self::Page(status) => (
                FailureType::Config,
                format!(
                    "A page for people came with status {status} from {host}, not Navan's words: as a rule a firewall between this machine and Navan refuses the request. Have it let requests to {host} through."
                ),
            ),
            Self::SentOn(to) => (
                FailureType::Config,
                format!(
                    "{host} sends the request on to {to}, which is not followed: as a rule a login page stands between this machine and Navan. Have the machine let through, and check `api_url` if it is set."
                ),
            ),
        };
        match who {
            FailureType::Config => Error::config(sentence),
            _ => Error::transient(sentence),
        }
    }
}

/// The cause of an error. An I/O error holds its own, and does not name it as its source.
fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.map(|held| held as &(dyn StdError + 'static)).or_else(|| error.source())
}
