//! What is tried again, how often, and after which wait.

use std::time::Duration;

use reqwest::StatusCode;

use super::timings::Timings;

/// What one request may still spend on tries. Time spent waiting for the limit or the breaker is not counted.
pub(super) struct Budget {
    tries: u32,
    tries_most: u32,
    spent: Duration,
    most: Duration,
    backoff: Duration,
    backoff_most: Duration,
}

impl Budget {
    pub(super) fn new(timings: &Timings) -> Self {
        Self {
            tries: 0,
            tries_most: timings.tries,
            spent: Duration::ZERO,
            most: timings.budget,
            backoff: timings.backoff,
            backoff_most: timings.backoff_most,
        }
    }

    /// The number of the try under way, from 1.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    /// Counts a try.
    pub(super) fn begin(&mut self) {
        self.tries += 1;
    }

    /// Takes a try back: it was refused for being too early (429).
    pub(super) fn uncount(&mut self) {
        self.tries -= 1;
    }

    /// Counts time spent on a try.
    pub(super) fn spend(&mut self, time: Duration) {
        self.spent += time;
    }

    /// The wait before the next try: what the server asks for, or an exponential backoff with full jitter (any time
    /// from nothing to the backoff), so that requests that failed together do not come back together. `None` when
    /// the budget is used up.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        if self.tries >= self.tries_most {
            return None;
        }
        let doublings = self.tries.saturating_sub(1).min(16);
        let most = (self.backoff * 2u32.pow(doublings)).min(self.backoff_most);
        let wait = asked.unwrap_or_else(|| most.mul_f64(fastrand::f64()));
        self.spent += wait;
        (self.spent <= self.most).then_some(wait)
    }
}

/// Whether a status is worth another try: the server is busy or broken, and the request is not to blame.
pub(super) fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT || status.is_server_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_backoff_is_bounded_by_its_doubling_and_by_the_most(seed: u64, tries in 1u32..8) {
            fastrand::seed(seed);
            let mut budget = Budget::new(&Timings { budget: Duration::from_secs(3_600), ..Timings::DEFAULT });
            for number in 1..=tries {
                budget.begin();
                let bound = Duration::from_millis(500 * (1 << (number - 1))).min(Duration::from_secs(30));
                if let Some(wait) = budget.next(None) {
                    prop_assert!(wait <= bound, "{wait:?} > {bound:?}");
                } else {
                    prop_assert_eq!(number, 8);
                }
            }
        }
    }

    #[test]
    fn a_request_has_eight_tries() {
        let mut budget = Budget::new(&Timings::DEFAULT);
        let waits = std::iter::from_fn(|| {
            budget.begin();
            budget.next(None)
        });
        assert_eq!(waits.count(), 7);
    }

    #[test]
    fn a_wait_beyond_the_budget_of_time_ends_the_request() {
        let mut budget = Budget::new(&Timings::DEFAULT);
        budget.begin();
        assert_eq!(budget.next(Some(Duration::from_secs(200))), Some(Duration::from_secs(200)));
        budget.begin();
        assert_eq!(budget.next(Some(Duration::from_secs(200))), None);
    }

    #[test]
    fn what_the_request_is_to_blame_for_is_not_tried_again() {
        let passing = |code| is_passing(StatusCode::from_u16(code).unwrap());
        assert!([408, 500, 502, 503, 504, 599].into_iter().all(passing));
        assert!(![400, 401, 403, 404, 410, 422, 429].into_iter().any(passing));
    }
}
