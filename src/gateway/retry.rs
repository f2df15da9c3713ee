//! What is tried again, how often, and after which wait.

use std::time::Duration;

use reqwest::StatusCode;

use super::timings::Timings;

/// What one request may still spend on tries. Time spent waiting for the limit or the breaker is not counted.
pub(super) struct RetryState {
    tries: u32,
    /// Tries that were refused for being too early (429), for whose backoff only this request cares.
    throttled: u32,
    max_tries: u32,
    spent: Duration,
    deadline: Duration,
    backoff: Duration,
    max_backoff: Duration,
}

impl RetryState {
    /// With as many tries as the rules give, or fewer.
    pub(super) fn new(timings: &Timings, max_attempts: Option<u32>) -> Self {
        Self {
            tries: 0,
            throttled: 0,
            max_tries: max_attempts.unwrap_or(u32::MAX).min(timings.max_attempts),
            spent: Duration::ZERO,
            deadline: timings.retry_deadline,
            backoff: timings.backoff,
            max_backoff: timings.max_backoff,
        }
    }

    /// The number of the try under way, from 1.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// Counts a try.
    pub(super) fn begin_attempt(&mut self) {
        self.tries += 1;
    }

    /// Takes a try back: it was refused for being too early (429).
    pub(super) fn take_back_attempt(&mut self) {
        self.tries -= 1;
    }

    /// The try that was taken back has this request wait by itself, each time longer.
    pub(super) fn throttle(&mut self) {
        self.throttled += 1;
    }

    /// How many tries were made, those with them that were taken back.
    pub(super) fn made(&self) -> u32 {
        self.tries + self.throttled
    }

    /// Counts time spent on a try.
    pub(super) fn spend(&mut self, time: Duration) {
        self.spent += time;
    }

    /// The wait before the next try: what the server asks for, or an exponential backoff with full jitter (any time
    /// from nothing to the backoff), so that requests that failed together do not come back together. `None` when
    /// tries or time are used up.
    pub(super) fn next_wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        if self.tries >= self.max_tries {
            return None;
        }
        let doublings = self.made().saturating_sub(1).min(16);
        let longest = (self.backoff * 2u32.pow(doublings)).min(self.max_backoff);
        let wait = asked.unwrap_or_else(|| longest.mul_f64(fastrand::f64()));
        self.spent += wait;
        (self.spent <= self.deadline).then_some(wait)
    }
}

/// Whether a status is worth another try: the server is busy or broken, and the request is not to blame.
pub(super) fn is_transient(status: StatusCode) -> bool {
    let is_final = matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    status == StatusCode::REQUEST_TIMEOUT || status.is_server_error() && !is_final
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_backoff_is_bounded_by_its_doubling_and_by_the_most(seed: u64, tries in 1u32..8) {
            fastrand::seed(seed);
            let mut retry = RetryState::new(&Timings { retry_deadline: Duration::from_secs(3_600), ..Timings::DEFAULT }, None);
            for number in 1..=tries {
                retry.begin_attempt();
                let bound = Duration::from_millis(500 * (1 << (number - 1))).min(Duration::from_secs(30));
                if let Some(wait) = retry.next_wait(None) {
                    prop_assert!(wait <= bound, "{wait:?} > {bound:?}");
                } else {
                    prop_assert_eq!(number, 8);
                }
            }
        }
    }

    #[test]
    fn a_request_has_eight_tries() {
        let mut retry = RetryState::new(&Timings::DEFAULT, None);
        let waits = std::iter::from_fn(|| {
            retry.begin_attempt();
            retry.next_wait(None)
        });
        assert_eq!(waits.count(), 7);
    }

    #[test]
    fn tries_that_are_taken_back_wait_longer_each_time() {
        let mut retry = RetryState::new(&Timings { retry_deadline: Duration::MAX, ..Timings::DEFAULT }, None);
        let mut longest = Duration::ZERO;
        for _ in 0..50 {
            retry.begin_attempt();
            retry.take_back_attempt();
            retry.throttle();
            longest = longest.max(retry.next_wait(None).unwrap());
        }
        assert!(longest > Duration::from_secs(10), "{longest:?}");
        assert_eq!((retry.tries(), retry.made()), (0, 50));
    }

    #[test]
    fn a_wait_beyond_the_deadline_ends_the_request() {
        let mut retry = RetryState::new(&Timings::DEFAULT, None);
        retry.begin_attempt();
        assert_eq!(retry.next_wait(Some(Duration::from_secs(200))), Some(Duration::from_secs(200)));
        retry.begin_attempt();
        assert_eq!(retry.next_wait(Some(Duration::from_secs(200))), None);
    }

    #[test]
    fn what_the_request_is_to_blame_for_is_not_tried_again() {
        let transient = |code| is_transient(StatusCode::from_u16(code).unwrap());
        assert!([408, 500, 502, 503, 504, 599].into_iter().all(transient));
        assert!(![400, 401, 403, 404, 410, 422, 429, 501, 505].into_iter().any(transient));
    }
}
