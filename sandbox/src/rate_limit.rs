//! The rate limit, and the headers that tell a client of it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// A limit on API requests; those to the token endpoint are not limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// How many a full bucket holds; a window knows no burst.
    #[serde(default = "one")]
    pub burst: f64,
    /// How requests are counted.
    #[serde(default, rename = "kind")]
    pub algorithm: LimitAlgorithm,
    /// Which headers tell the client of it.
    #[serde(default, rename = "tell")]
    pub headers: LimitHeaders,
    /// The seconds that `Retry-After` names; 0: as long as it really takes, rounded up.
    #[serde(default)]
    pub retry_after_s: u64,
}

fn one() -> f64 {
    1.0
}

/// How a rate limit counts requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitAlgorithm {
    /// A bucket of `burst` tokens that fills steadily.
    #[default]
    #[serde(rename = "bucket")]
    TokenBucket,
    /// `per_second` times the window's length in each window, the first of which begins when the limit
    /// is set.
    #[serde(rename = "window")]
    FixedWindow {
        /// Its length in ms.
        ms: u64,
    },
    /// `per_second` times the window's length in any stretch of that length.
    SlidingWindow {
        /// Its length in ms.
        ms: u64,
    },
}

/// The headers that tell a client of the rate limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitHeaders {
    /// None: only the status 429.
    #[default]
    #[serde(rename = "nothing")]
    None,
    /// `Retry-After` in seconds with each 429.
    RetryAfterSeconds,
    /// `Retry-After` as an HTTP date with each 429.
    RetryAfterDate,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` with each response; the reset in seconds from now.
    #[serde(rename = "headers")]
    RateLimit,
    /// The same, the reset in seconds since the epoch.
    #[serde(rename = "headers_epoch")]
    RateLimitEpoch,
}

/// Whether a request is allowed, and what its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimitDecision {
    pub(crate) allowed: bool,
    /// The capacity of the bucket, or of a window.
    pub(crate) limit: u64,
    /// How many more requests are allowed right now.
    pub(crate) remaining: u64,
    /// Until all `limit` are available again, in seconds, rounded up.
    pub(crate) reset_s: u64,
    /// What `Retry-After` says, in seconds.
    pub(crate) retry_after_s: u64,
    pub(crate) headers: LimitHeaders,
}

/// A rate limit with its counter.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: RateLimit,
    /// Tokens in the bucket, or requests left in the window.
    left: f64,
    /// When the bucket was last filled, or the window began.
    since: Instant,
    /// The requests in a sliding window.
    recent: VecDeque<Instant>,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, now: Instant) -> Self {
        let mut limiter = Self { limit, left: 0.0, since: now, recent: VecDeque::new() };
        limiter.left = limiter.capacity();
        limiter
    }

    /// Counts a request that is made at `now`.
    pub(crate) fn try_acquire(&mut self, now: Instant) -> RateLimitDecision {
        self.refill(now);
        let allowed = self.left >= 1.0;
        if allowed {
            self.left -= 1.0;
            if matches!(self.limit.algorithm, LimitAlgorithm::SlidingWindow { .. }) {
                self.recent.push_back(now);
            }
        }
        let (next_s, reset_s) = self.wait_times(now);
        let configured_s = self.limit.retry_after_s;
        RateLimitDecision {
            allowed,
            limit: to_integer(self.capacity().floor()),
            remaining: to_integer(self.left.floor()),
            reset_s: to_integer(reset_s.ceil()).max(1),
            retry_after_s: if configured_s > 0 { configured_s } else { to_integer(next_s.ceil()).max(1) },
            headers: self.limit.headers,
        }
    }

    fn capacity(&self) -> f64 {
        match self.limit.algorithm {
            LimitAlgorithm::TokenBucket => self.limit.burst.max(1.0),
            LimitAlgorithm::FixedWindow { ms } | LimitAlgorithm::SlidingWindow { ms } => {
                (self.limit.per_second * Duration::from_millis(ms).as_secs_f64()).round().max(1.0)
            }
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        match self.limit.algorithm {
            LimitAlgorithm::TokenBucket => {
                self.left = (self.left + passed.as_secs_f64() * self.limit.per_second).min(self.capacity());
                self.since = now;
            }
            LimitAlgorithm::FixedWindow { ms } => {
                let windows = passed.as_millis() / u128::from(ms.max(1));
                if windows > 0 {
                    self.since += Duration::from_millis(ms) * u32::try_from(windows).unwrap_or(u32::MAX);
                    self.left = self.capacity();
                }
            }
            LimitAlgorithm::SlidingWindow { ms } => {
                let window = Duration::from_millis(ms);
                while self.recent.pop_front_if(|at| now.saturating_duration_since(*at) >= window).is_some() {}
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                let used = self.recent.len() as f64;
                self.left = self.capacity() - used;
            }
        }
    }

    /// Seconds until the next request is allowed, and until the full limit is available.
    fn wait_times(&self, now: Instant) -> (f64, f64) {
        match self.limit.algorithm {
            LimitAlgorithm::TokenBucket => {
                let until = |level: f64| ((level - self.left) / self.limit.per_second).clamp(0.0, 1e9);
                (until(1.0), until(self.capacity()))
            }
            LimitAlgorithm::FixedWindow { ms } => {
                let end = self.since + Duration::from_millis(ms);
                let rest = end.saturating_duration_since(now).as_secs_f64();
                (if self.left >= 1.0 { 0.0 } else { rest }, rest)
            }
            LimitAlgorithm::SlidingWindow { ms } => {
                let rest =
                    |at: Option<&Instant>| at.map_or(0.0, |at| (*at + Duration::from_millis(ms) - now).as_secs_f64());
                (if self.left >= 1.0 { 0.0 } else { rest(self.recent.front()) }, rest(self.recent.back()))
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive and far below 2^53")]
fn to_integer(number: f64) -> u64 {
    number as u64
}
