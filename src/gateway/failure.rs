//! How a request can end without its answer.

use std::fmt;

use reqwest::StatusCode;

use super::circuit_breaker::Outage;
use super::obstacle::Obstacle;
use super::rate_limit::LimitExceeded;
use crate::config::INTEGRATIONS_PAGE;
use crate::error::Error;

/// A European company whose requests lack the region's header gets a 500 without explanation
/// (docs/navan-api.md#hosts), so a mistake there looks like an outage.
const CHECK_REGION: &str = "check that `region` is where the company's data lives (us or eu), then ask Navan's support";

/// A 200 that is not what was promised: HTML from a proxy, JSON cut short, a missing array.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the answer is not the promised JSON: {0}")]
pub struct InvalidBody(pub String);

/// A request that ended without its answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// Navan refused it; asking again would not help.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Two good tokens in a row were refused.
    #[error("{endpoint} refused two tokens in a row")]
    Unauthorized {
        /// The endpoint's path.
        endpoint: String,
    },
    /// Tried as often or as long as allowed.
    #[error("{endpoint} failed {tries} times, the last time with: {last}")]
    Exhausted {
        /// The endpoint's path.
        endpoint: String,
        /// Who was asked.
        host: String,
        /// How often it was tried.
        tries: u32,
        /// What came of the last try.
        last: String,
        /// What it showed to be in the way.
        obstacle: Option<Obstacle>,
        /// The last try was answered.
        was_answered: bool,
    },
    /// It was told that it is too early as often as its sender waits for.
    #[error("{endpoint} answered 429 {times} times in a row")]
    Throttled {
        /// The endpoint's path.
        endpoint: String,
        /// How often.
        times: u32,
    },
    /// Rate limited beyond what a sync should wait for.
    #[error(transparent)]
    RateLimited(#[from] LimitExceeded),
    /// Navan is down, or enough of it for the circuit breaker to give up.
    #[error("{outage}")]
    Outage {
        /// What the circuit breaker has seen.
        outage: Outage,
        /// This request has been sent, and so has a part in it.
        was_sent: bool,
    },
    /// There is no token to send the request with.
    #[error("no token: {0}")]
    NoToken(Error),
}

/// What Navan said to a request that it refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The endpoint's path.
    pub endpoint: String,
    /// Who was asked.
    pub host: String,
    /// The parameters of the request. They hold no values of rows.
    pub parameters: String,
    /// 3xx or 4xx.
    pub status: StatusCode,
    /// A short code such as `invalid_client`, where the answer has one.
    pub code: Option<String>,
    /// The answer's own words, cut to one line.
    pub details: Option<String>,
    /// What it shows to be in the way: then it is not Navan that refuses.
    pub obstacle: Option<Obstacle>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.endpoint, self.status.as_u16())?;
        if !self.parameters.is_empty() {
            write!(f, " to {}", self.parameters)?;
        }
        for said in [&self.code, &self.details].into_iter().flatten() {
            write!(f, " ({said})")?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Whether it is the address of this machine that is refused.
    fn is_about_the_address(&self) -> bool {
        let says_so = |words: &String| {
            let letters: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
            letters.to_ascii_uppercase().contains("IPNOTALLOWED")
        };
        [&self.code, &self.details].into_iter().flatten().any(says_so)
    }
}

impl Failure {
    /// The status with which the request was refused, if it was.
    pub fn refused_with(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status.as_u16()),
            _ => None,
        }
    }

    /// The status with which the request was refused, and Navan's words, if it was.
    pub fn refusal_in_words(&self) -> Option<String> {
        let Self::Refused(refusal) = self else { return None };
        let said = [&refusal.code, &refusal.details].into_iter().flatten().map(|said| format!(" ({said})"));
        Some(format!("{}{}", refusal.status.as_u16(), said.collect::<String>()))
    }

    /// Whether it was answered to the last, so that another request may fare better.
    pub fn was_answered(&self) -> bool {
        !matches!(self, Self::Exhausted { was_answered: false, .. })
    }

    /// The words for the user where something else than Navan is the cause, or the place from which it is asked.
    pub fn as_obstacle(&self) -> Option<Error> {
        let (host, obstacle) = match self {
            Self::Refused(refusal) if refusal.is_about_the_address() => {
                return Some(Error::config(format!(
                    "Navan ({}) does not let this machine's IP address in: it is not on the company's allow-list. Add the address from which the connector connects, or run it where that is allowed.",
                    refusal.host
                )));
            }
            Self::Refused(refusal) => (&refusal.host, &refusal.obstacle),
            Self::Exhausted { host, obstacle, .. } => (host, obstacle),
            _ => return None,
        };
        obstacle.clone().map(|obstacle| obstacle.into_error(host))
    }

    /// The words for the user, as far as they are the same whoever asked.
    pub fn into_error(self) -> Error {
        let cause = self.to_string();
        if let Some(error) = self.as_obstacle() {
            return error.with_cause(cause);
        }
        let error = match self {
            Self::NoToken(error) => return error,
            Self::Refused(refusal) => Error::system(format!(
                "Navan refused a request that should be valid ({} answered {}, parameters {}). Please report this with the log.",
                refusal.endpoint,
                refusal.status.as_u16(),
                if refusal.parameters.is_empty() { "none" } else { &refusal.parameters },
            )),
            Self::Unauthorized { endpoint } => Error::config(format!(
                "Navan refuses the tokens that it issues for this credential ({endpoint} answered 401 twice): check on Navan's {INTEGRATIONS_PAGE} page that the credential still exists and is not restricted to other IP addresses, and create a new one if need be."
            )),
            Self::Exhausted { endpoint, host, tries, last, .. } => Error::transient(format!(
                "Navan's API ({host}) did not give a usable answer in {tries} tries ({endpoint}: {last}). Try again later; if it goes on, {CHECK_REGION}."
            )),
            Self::Throttled { endpoint, .. } => Error::transient(format!(
                "Navan answers 429 whenever {endpoint} is asked. The sync ends here and the next one carries on; if it goes on, ask Navan's support."
            )),
            Self::RateLimited(exceeded @ LimitExceeded::SlowPace(_)) => Error::transient(format!(
                "Too slow a limit: {exceeded}. The sync ends here and the next one carries on; raise `requests_per_second` if it is set, or ask Navan for a higher limit."
            )),
            Self::RateLimited(exceeded) => Error::transient(format!(
                "{exceeded}. The sync ends here and the next one carries on; if it goes on, lower `max_concurrency` or `requests_per_second`, or ask Navan for a higher limit."
            )),
            Self::Outage { outage, .. } => Error::transient(format!(
                "Navan's API has answered with server errors for {} s. The sync ends here and the next one carries on; if it goes on, {CHECK_REGION}.",
                outage.lasted.as_secs()
            )),
        };
        error.with_cause(cause)
    }
}
