//! How many requests are accepted, and how a caller learns of it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A limit on API requests; those to the token endpoint are free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Requests a second in the long run.
    pub per_second: f64,
    /// How many a full bucket holds; a window knows no burst.
    #[serde(default = "one")]
    pub burst: f64,
    /// How they are counted.
    #[serde(default)]
    pub kind: LimitKind,
    /// What the caller is told.
    #[serde(default)]
    pub tell: Tell,
    /// The seconds that `Retry-After` names; 0: as long as it really takes, rounded up.
    #[serde(default)]
    pub retry_after_s: u64,
}

fn one() -> f64 {
    1.0
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// A bucket of `burst` tokens that fills steadily.
    #[default]
    Bucket,
    /// `per_second` times the window's length in each window, the first of which begins when the limit
    /// is set.
    Window {
        /// Its length in ms.
        ms: u64,
    },
}

/// What the caller is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// Nothing but the 429.
    #[default]
    Nothing,
    /// `Retry-After` in seconds with each 429.
    RetryAfterSeconds,
    /// `Retry-After` as an HTTP date with each 429.
    RetryAfterDate,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` with each answer; the reset in seconds from now.
    Headers,
    /// The same, the reset in seconds since the epoch.
    HeadersEpoch,
}

/// What the limiter says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    /// How many may come at once or in a window.
    pub(crate) limit: u64,
    /// How many more may come right now.
    pub(crate) remaining: u64,
    /// Until all `limit` may come again, in seconds, rounded up.
    pub(crate) reset_s: u64,
    /// What `Retry-After` says, in seconds.
    pub(crate) retry_after_s: u64,
    pub(crate) tell: Tell,
}

/// A limit at work.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Limit,
    /// Tokens in the bucket, or requests left in the window.
    left: f64,
    /// When the bucket was last filled, or the window began.
    since: Instant,
}

impl Limiter {
    pub(crate) fn new(limit: Limit, now: Instant) -> Self {
        let mut limiter = Self { limit, left: 0.0, since: now };
        limiter.left = limiter.capacity();
        limiter
    }

    /// Counts a request that comes now.
    pub(crate) fn admit(&mut self, now: Instant) -> Verdict {
        self.refill(now);
        let accepted = self.left >= 1.0;
        if accepted {
            self.left -= 1.0;
        }
        let (next_s, reset_s) = self.waits(now);
        let told = self.limit.retry_after_s;
        Verdict {
            accepted,
            limit: whole(self.capacity().floor()),
            remaining: whole(self.left.floor()),
            reset_s: whole(reset_s.ceil()).max(1),
            retry_after_s: if told > 0 { told } else { whole(next_s.ceil()).max(1) },
            tell: self.limit.tell,
        }
    }

    fn capacity(&self) -> f64 {
        match self.limit.kind {
            LimitKind::Bucket => self.limit.burst.max(1.0),
            LimitKind::Window { ms } => {
                (self.limit.per_second * Duration::from_millis(ms).as_secs_f64()).round().max(1.0)
            }
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        match self.limit.kind {
            LimitKind::Bucket => {
                self.left = (self.left + passed.as_secs_f64() * self.limit.per_second).min(self.capacity());
                self.since = now;
            }
            LimitKind::Window { ms } => {
                let windows = passed.as_millis() / u128::from(ms.max(1));
                if windows > 0 {
                    self.since += Duration::from_millis(ms) * u32::try_from(windows).unwrap_or(u32::MAX);
                    self.left = self.capacity();
                }
            }
        }
    }

    /// Seconds until the next request is accepted, and until all is as at the start.
    fn waits(&self, now: Instant) -> (f64, f64) {
        match self.limit.kind {
            LimitKind::Bucket => {
                let until = |level: f64| ((level - self.left) / self.limit.per_second).clamp(0.0, 1e9);
                (until(1.0), until(self.capacity()))
            }
            LimitKind::Window { ms } => {
                let end = self.since + Duration::from_millis(ms);
                let rest = end.saturating_duration_since(now).as_secs_f64();
                (if self.left >= 1.0 { 0.0 } else { rest }, rest)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, positive and far below 2^53")]
fn whole(number: f64) -> u64 {
    number as u64
}
