//! What the rate limiter has seen so far: of the limit, and of how much of it is used.

use std::time::Duration;

use tokio::time::Instant;

/// From so many answers on, over so long, something is known of the rate. A 429 before that may be a stray one, or another
/// program's.
const MIN_ANSWERS: u64 = 20;
const MIN_TIME: Duration = Duration::from_secs(2);

/// Of so many answers, the latest, it is known how many were 429s.
const RECENT_ANSWERS: u32 = 100;

/// What was seen of the limit since a rate was last made of it.
pub(super) struct AnswerStretch {
    since: Instant,
    pub(super) answers: u64,
    /// Answers and their time, and whether they came evenly: fixed when the cooldown began; waits add up until a success.
    pub(super) before_cooldown: Option<(u64, Duration, bool)>,
    pub(super) waited: Duration,
}

impl AnswerStretch {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, answers: 0, before_cooldown: None, waited: Duration::ZERO }
    }

    /// A rate was made of it: what comes from then on counts for the next. Waits of this cooldown still add up.
    pub(super) fn begin_anew(&mut self, at: Instant) {
        self.since = at;
        self.answers = 0;
    }

    /// The rate that the server let through, counting the wait that it asks for now, unless requests came evenly. `None` if
    /// too little is known yet; then the stretch goes on.
    pub(super) fn observe(&mut self, wait: Duration, is_even: bool, now: Instant) -> Option<f64> {
        self.waited += wait;
        let (answers, took, is_even) =
            *self.before_cooldown.get_or_insert((self.answers, now.saturating_duration_since(self.since), is_even));
        let time = if is_even { took } else { took + self.waited };
        #[allow(clippy::cast_precision_loss)] // a count of requests
        (answers >= MIN_ANSWERS && time >= MIN_TIME).then(|| answers as f64 / time.as_secs_f64())
    }
}

/// How many of the latest answers were 429s.
#[derive(Default)]
pub(super) struct RecentAnswers {
    /// A bit each, the latest lowest.
    was_429: u128,
}

impl RecentAnswers {
    pub(super) fn record(&mut self, was_429: bool) {
        self.was_429 = (self.was_429 << 1 | u128::from(was_429)) & ((1 << RECENT_ANSWERS) - 1);
    }

    /// Their share in 100.
    pub(super) fn share_of_429s(&self) -> u32 {
        self.was_429.count_ones() * 100 / RECENT_ANSWERS
    }
}

/// How much of the limit was used since one was known.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) answers: f64,
    pub(super) allowed: f64,
    pub(super) counted_to: Option<Instant>,
}

impl Usage {
    pub(super) fn count_to(&mut self, limit: Option<f64>, now: Instant) {
        if let (Some(limit), Some(from)) = (limit, self.counted_to) {
            self.allowed += limit * now.saturating_duration_since(from).as_secs_f64();
        }
        self.counted_to = limit.map(|_| now);
    }
}
