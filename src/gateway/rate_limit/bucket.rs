//! A token bucket whose rate can move while it is in use, which is why it is not a library's: those fix the rate when
//! the bucket is made.

use std::time::Duration;

use tokio::time::Instant;

/// Lets through at most `burst + rate × time` over any stretch of time, where the burst is one second's worth, and at
/// least one.
#[derive(Debug)]
pub(super) struct TokenBucket {
    /// Requests a second; `None` lets everything through.
    rate: Option<f64>,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    pub(super) fn new(rate: Option<f64>, now: Instant) -> Self {
        Self { rate, tokens: 1.0, at: now }
    }

    /// Requests a second.
    #[cfg(test)]
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Changes the rate from now on. What was saved up stays, as far as the new burst holds it.
    pub(super) fn set_rate(&mut self, rate: Option<f64>, now: Instant) {
        self.refill(now);
        self.tokens = self.tokens.min(rate.unwrap_or_default().max(1.0));
        self.rate = rate;
    }

    /// Leaves just the token for the request that goes first: what was saved up before a cooldown was refused after all.
    pub(super) fn restart(&mut self, now: Instant) {
        self.at = self.at.max(now);
        self.tokens = 1.0;
    }

    /// Takes a token, or tells when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let Some(rate) = self.rate else { return Ok(()) };
        self.refill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // Rounded up to the timer's millisecond, or the wait could end a moment too early, again and again.
        let missing = Duration::from_secs_f64(((1.0 - self.tokens) / rate).min(86_400.0));
        Err(now + missing + Duration::from_millis(1))
    }

    fn refill(&mut self, now: Instant) {
        if let Some(rate) = self.rate {
            let passed = now.saturating_duration_since(self.at).as_secs_f64();
            self.tokens = (self.tokens + passed * rate).min(rate.max(1.0));
        }
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whenever requests come, no stretch of time sees more than the burst and the rate allow.
        #[test]
        fn over_any_stretch_at_most_burst_plus_rate_times_time(
            rate in 0.2f64..200.0,
            gaps in prop::collection::vec(0u64..400, 2..200),
        ) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(Some(rate), start);
            let mut now = start;
            let mut taken = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if bucket.take(now).is_ok() {
                    taken.push((now - start).as_secs_f64());
                }
            }
            for first in 0..taken.len() {
                for last in first..taken.len() {
                    let allowed = rate.max(1.0) + rate * (taken[last] - taken[first]);
                    let seen = u32::try_from(last - first + 1).unwrap();
                    prop_assert!(f64::from(seen) <= allowed + 1e-6, "{seen} > {allowed}");
                }
            }
        }

        /// Whoever waits as long as told gets a token, and no later than the rate promises.
        #[test]
        fn the_wait_that_is_told_is_enough(rate in 0.2f64..200.0, requests in 1u32..100) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(Some(rate), start);
            let mut now = start;
            for _ in 0..requests {
                if let Err(ready) = bucket.take(now) {
                    now = ready;
                    prop_assert!(bucket.take(now).is_ok());
                }
            }
            let seconds = (now - start).as_secs_f64();
            let promised = f64::from(requests) / rate + 0.002 * f64::from(requests);
            prop_assert!(seconds <= promised, "{seconds} > {promised}");
        }
    }

    #[test]
    fn a_lower_rate_takes_away_what_it_would_not_hold() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(Some(100.0), now);
        let later = now + Duration::from_secs(10);
        bucket.set_rate(Some(2.0), later);
        assert_eq!((0..10).filter(|_| bucket.take(later).is_ok()).count(), 2);
    }
}
