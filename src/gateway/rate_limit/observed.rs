//! What the rate limiter has seen so far: of the limit, and of how much of it is used.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Moment;

/// From so many answers on, over so long, something is known of the rate.
const MIN_ANSWERS: u64 = 5;
const MIN_TIME: Duration = Duration::from_secs(1);

/// So many answers bound the rate, however short their time was.
const MANY_ANSWERS: u64 = 20;

/// What rounding to whole seconds adds on the average.
const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// Of so many answers, the latest, it is known how many were 429s.
pub(super) const RECENT_ANSWERS: u32 = 100;

/// What was seen of the limit since a rate was last made of it.
#[derive(Serialize, Deserialize)]
pub(super) struct AnswerStretch {
    since: Moment,
    answers: u64,
    /// Answers and their time: fixed when the cooldown began; waits add up until a success.
    before_cooldown: Option<(u64, Duration)>,
    waited: Duration,
    /// What of the last wait is not counted.
    too_long: Duration,
}

impl AnswerStretch {
    pub(super) fn new(now: Moment) -> Self {
        Self { since: now, answers: 0, before_cooldown: None, waited: Duration::ZERO, too_long: Duration::ZERO }
    }

    /// There was a success: the waits are over.
    pub(super) fn go_on(&mut self) {
        self.before_cooldown = None;
        self.waited = Duration::ZERO;
    }

    /// When it began.
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    /// Takes note of so many.
    pub(super) fn add(&mut self, answers: u64) {
        self.answers = self.answers.saturating_add(answers).min(u64::MAX / 2);
    }

    /// How many answers it has.
    pub(super) fn answers(&self) -> u64 {
        self.answers
    }

    /// Takes note of one.
    pub(super) fn answered(&mut self) {
        self.answers += 1;
    }

    /// A rate was made of it: what comes from then on counts for the next. Waits of this cooldown still add up.
    pub(super) fn begin_anew(&mut self, at: Moment) {
        self.since = at;
        self.answers = 0;
    }

    /// Whether another process can have seen this, as of times up to the `latest`.
    pub(super) fn is_possible(&self, latest: Moment) -> bool {
        let times =
            [self.since, self.waited, self.too_long, self.before_cooldown.map_or(Duration::ZERO, |(_, took)| took)];
        let most = self.before_cooldown.map_or(0, |(answers, _)| answers).max(self.answers);
        times.iter().all(|time| *time <= latest) && most <= u64::MAX / 2
    }

    /// The rate that the server let through, counting the wait that it asks for now. `None` if too little is known yet; then
    /// the stretch goes on.
    pub(super) fn observe(&mut self, wait: Duration, is_told: bool, now: Moment) -> Option<f64> {
        self.waited += wait;
        // One that is told comes in whole seconds, rounded up; one that is guessed may have been over long before.
        self.too_long = if is_told { HALF_A_SECOND.min(wait) } else { wait / 2 };
        self.before_cooldown.get_or_insert((self.answers, now.saturating_sub(self.since)));
        self.observed()
    }

    /// A rate that the server lets through for sure, where many answers came in too short a time to observe one.
    pub(super) fn guess(&self) -> Option<f64> {
        let (answers, took) = self.before_cooldown?;
        #[allow(clippy::cast_precision_loss)] // a count of requests
        (answers >= MANY_ANSWERS).then(|| answers as f64 / (took + self.waited).as_secs_f64())
    }

    /// The same once more.
    pub(super) fn observed(&self) -> Option<f64> {
        let (answers, took) = self.before_cooldown?;
        let time = took + self.waited.saturating_sub(self.too_long);
        #[allow(clippy::cast_precision_loss)] // a count of requests
        (answers >= MIN_ANSWERS && time >= MIN_TIME).then(|| answers as f64 / time.as_secs_f64())
    }
}

/// How many of the latest answers were 429s.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct RecentAnswers {
    /// A bit each, the latest lowest.
    was_429: u128,
    len: u32,
}

/// A digit each, the earliest first, 1 for a 429.
impl From<RecentAnswers> for String {
    fn from(recent: RecentAnswers) -> Self {
        (0..recent.len).rev().map(|ago| if recent.was_429 >> ago & 1 == 1 { '1' } else { '0' }).collect()
    }
}

impl From<String> for RecentAnswers {
    fn from(digits: String) -> Self {
        let mut recent = Self::default();
        digits.bytes().for_each(|digit| recent.record(digit == b'1'));
        recent
    }
}

impl RecentAnswers {
    pub(super) fn record(&mut self, was_429: bool) {
        self.was_429 = (self.was_429 << 1 | u128::from(was_429)) & ((1 << RECENT_ANSWERS) - 1);
        self.len = (self.len + 1).min(RECENT_ANSWERS);
    }

    /// How many are known.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// How many of the last so many were 429s.
    pub(super) fn count(&self, last: u32) -> u32 {
        (self.was_429 & ((1 << last) - 1)).count_ones()
    }

    /// Their share in 100.
    pub(super) fn share_of_429s(&self) -> u32 {
        self.was_429.count_ones() * 100 / self.len.max(1)
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
