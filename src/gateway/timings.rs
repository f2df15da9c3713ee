//! Every duration and count of the rules for requests, in one place.

use std::time::Duration;

/// How long things take, and how often they are tried. The defaults are the documented rules; builds for development
/// can scale all durations at once, so that tests of real processes need not wait for real minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Timings {
    /// To open a connection.
    pub connect: Duration,
    /// Without a byte from the other side.
    pub silence: Duration,
    /// Tries of one request, the first included.
    pub tries: u32,
    /// Time for all tries of one request and the backoffs between them; waiting for the limit or the breaker is free.
    pub budget: Duration,
    /// Upper end of the first backoff; it doubles with each try.
    pub backoff: Duration,
    /// Upper end of any backoff.
    pub backoff_most: Duration,
    /// 5xx in a row that open the circuit breaker.
    pub breaker_failures: u32,
    /// How long it stays open before a probe goes.
    pub breaker_rest: Duration,
    /// Openings in a row after which the outage is taken for lasting.
    pub breaker_openings: u32,
    /// The first pause after a 429 that does not say how long; it doubles.
    pub pause: Duration,
    /// The longest such pause.
    pub pause_most: Duration,
    /// A `Retry-After` beyond this ends the sync: the scheduler's next run is the better time.
    pub retry_after_most: Duration,
    /// Throttled for so long without one success ends the sync.
    pub throttled_most: Duration,
    /// How long before its end a token is renewed, at most half its life.
    pub token_lead: Duration,
    /// How often a pause is told again.
    pub notice: Duration,
    /// How long an interrupted read may take to write its last state.
    pub farewell: Duration,
}

impl Timings {
    /// The documented rules.
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(10),
        silence: Duration::from_mins(1),
        tries: 8,
        budget: Duration::from_mins(5),
        backoff: Duration::from_millis(500),
        backoff_most: Duration::from_secs(30),
        breaker_failures: 5,
        breaker_rest: Duration::from_mins(1),
        breaker_openings: 3,
        pause: Duration::from_secs(1),
        pause_most: Duration::from_mins(1),
        retry_after_most: Duration::from_mins(15),
        throttled_most: Duration::from_mins(30),
        token_lead: Duration::from_mins(5),
        notice: Duration::from_mins(1),
        farewell: Duration::from_millis(1_500),
    };

    /// The documented rules; in builds for development, with all durations but the farewell multiplied by the
    /// environment's `SOURCE_NAVAN_TIME_SCALE`, if it is a number.
    pub fn from_environment() -> Self {
        #[cfg(debug_assertions)]
        if let Some(scale) = std::env::var("SOURCE_NAVAN_TIME_SCALE").ok().and_then(|scale| scale.parse().ok()) {
            return Self::DEFAULT.scaled(scale);
        }
        Self::DEFAULT
    }

    /// The same with less patience, for `check`, whose answer a person waits for: 3 tries, a minute at most for the limit,
    /// and no breaker, since so few requests hammer nobody.
    #[must_use]
    pub fn for_check(self) -> Self {
        let a_minute = self.notice;
        Self { tries: 3, retry_after_most: a_minute, throttled_most: a_minute, breaker_failures: u32::MAX, ..self }
    }

    #[cfg(debug_assertions)]
    fn scaled(self, scale: f64) -> Self {
        Self {
            connect: self.connect.mul_f64(scale),
            silence: self.silence.mul_f64(scale),
            budget: self.budget.mul_f64(scale),
            backoff: self.backoff.mul_f64(scale),
            backoff_most: self.backoff_most.mul_f64(scale),
            breaker_rest: self.breaker_rest.mul_f64(scale),
            pause: self.pause.mul_f64(scale),
            pause_most: self.pause_most.mul_f64(scale),
            retry_after_most: self.retry_after_most.mul_f64(scale),
            throttled_most: self.throttled_most.mul_f64(scale),
            token_lead: self.token_lead.mul_f64(scale),
            notice: self.notice.mul_f64(scale),
            ..self
        }
    }
}
