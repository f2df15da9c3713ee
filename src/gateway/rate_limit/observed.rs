//! What the rate limiter has seen so far: of the limit, and of how much of it is used.

use std::time::Duration;

use tokio::time::Instant;

/// What was seen of the limit since the last cooldown.
pub(super) struct AnswerStretch {
    pub(super) since: Instant,
    pub(super) answers: u64,
    /// Fixed when the cooldown began; waits add up until a success.
    pub(super) before_cooldown: Option<(u64, Duration)>,
    pub(super) waited: Duration,
}

/// How much of the limit was used since one was known.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) answers: f64,
    pub(super) allowed: f64,
    pub(super) counted_to: Option<Instant>,
}

impl AnswerStretch {
    /// The rate that the server let through, counting the wait that it asks for now. `None` if it let nothing through
    /// yet, so that nothing is known.
    pub(super) fn observe(&mut self, wait: Duration, now: Instant) -> Option<f64> {
        self.waited += wait;
        let (answers, took) = *self.before_cooldown.get_or_insert((self.answers, now - self.since));
        #[allow(clippy::cast_precision_loss)] // a count of requests
        (answers > 0).then(|| answers as f64 / (took + self.waited).as_secs_f64())
    }
}

impl Usage {
    pub(super) fn count_to(&mut self, limit: Option<f64>, now: Instant) {
        if let (Some(limit), Some(from)) = (limit, self.counted_to) {
            self.allowed += limit * now.saturating_duration_since(from).as_secs_f64();
        }
        self.counted_to = limit.map(|_| now);
    }
}
