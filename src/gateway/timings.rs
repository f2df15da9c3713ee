//! Every duration and count of the rules for requests, in one place; but for those by which the limit is estimated
//! ([`rate_limit`](super::rate_limit)), and those of files ([`download`](super::download)).

use std::time::Duration;

/// How long things take, and how often they are tried. The defaults are the documented rules; builds for development
/// can scale all durations at once, so that tests of real processes need not wait for real minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Timings {
    /// To open a connection.
    pub connect_timeout: Duration,
    /// Without a byte from the other side.
    pub read_timeout: Duration,
    /// For one attempt, from the request to the last byte of the answer.
    pub attempt_deadline: Duration,
    /// Tries of one request, the first included.
    pub max_attempts: u32,
    /// Time for all tries of one request and the backoffs between them; waiting for the limit or the breaker is free.
    pub retry_deadline: Duration,
    /// Upper end of the first backoff; it doubles with each try.
    pub backoff: Duration,
    /// Upper end of any backoff.
    pub max_backoff: Duration,
    /// 5xx in a row that open the circuit breaker.
    pub failure_threshold: u32,
    /// How long it stays open before a probe goes.
    pub open_duration: Duration,
    /// Openings in a row after which the outage is taken for lasting.
    pub max_consecutive_opens: u32,
    /// The first cooldown after a 429 that does not say how long; it doubles.
    pub cooldown: Duration,
    /// The longest such cooldown.
    pub max_cooldown: Duration,
    /// A `Retry-After` beyond this ends the sync: the scheduler's next run is the better time.
    pub max_retry_after: Duration,
    /// Rate limited for so long without one success ends the sync.
    pub max_rate_limited: Duration,
    /// How long before its end a token is renewed, at most half its life.
    pub refresh_margin: Duration,
    /// How often a cooldown is told again.
    pub log_interval: Duration,
    /// From how long on a wait is told that Navan asks of a single request.
    pub told_wait: Duration,
    /// How long `check` may take in all.
    pub check_deadline: Duration,
    /// How long an interrupted read may take to write its last state.
    pub shutdown_grace: Duration,
}

impl Timings {
    /// The documented rules.
    pub const DEFAULT: Self = Self {
        connect_timeout: Duration::from_secs(10),
        read_timeout: Duration::from_mins(1),
        attempt_deadline: Duration::from_mins(10),
        max_attempts: 8,
        retry_deadline: Duration::from_mins(5),
        backoff: Duration::from_millis(500),
        max_backoff: Duration::from_secs(30),
        failure_threshold: 5,
        open_duration: Duration::from_mins(1),
        max_consecutive_opens: 3,
        cooldown: Duration::from_secs(1),
        max_cooldown: Duration::from_mins(1),
        max_retry_after: Duration::from_mins(15),
        max_rate_limited: Duration::from_mins(30),
        refresh_margin: Duration::from_mins(5),
        log_interval: Duration::from_mins(1),
        told_wait: Duration::from_secs(10),
        check_deadline: Duration::from_secs(85),
        shutdown_grace: Duration::from_millis(1_500),
    };

    /// The documented rules; in builds for development, with all durations but the shutdown grace multiplied by the
    /// environment's `SOURCE_NAVAN_TIME_SCALE`, if it is a number.
    pub fn from_environment() -> Self {
        #[cfg(debug_assertions)]
        if let Some(scale) = std::env::var("SOURCE_NAVAN_TIME_SCALE").ok().and_then(|scale| scale.parse().ok()) {
            return Self::DEFAULT.scaled(scale);
        }
        Self::DEFAULT
    }

    /// The same with tighter bounds, for `check`, whose answer a person waits for: 3 tries, a minute at most for the limit,
    /// and no breaker, since so few requests burden nobody.
    #[must_use]
    pub fn for_check(self) -> Self {
        let a_minute = self.log_interval;
        Self {
            max_attempts: 3,
            max_retry_after: a_minute,
            max_rate_limited: a_minute,
            failure_threshold: u32::MAX,
            ..self
        }
    }

    /// The same for who asks many things and wants to know of each within seconds what comes of it: 2 tries, and no long wait.
    #[must_use]
    pub fn for_diagnosis(self) -> Self {
        let a_while = self.read_timeout / 4;
        Self {
            connect_timeout: self.connect_timeout / 2,
            read_timeout: a_while,
            attempt_deadline: a_while,
            max_attempts: 2,
            retry_deadline: 2 * a_while,
            max_retry_after: a_while,
            max_rate_limited: a_while,
            ..self.for_check()
        }
    }

    #[cfg(debug_assertions)]
    fn scaled(self, scale: f64) -> Self {
        Self {
            connect_timeout: self.connect_timeout.mul_f64(scale),
            read_timeout: self.read_timeout.mul_f64(scale),
            attempt_deadline: self.attempt_deadline.mul_f64(scale),
            retry_deadline: self.retry_deadline.mul_f64(scale),
            backoff: self.backoff.mul_f64(scale),
            max_backoff: self.max_backoff.mul_f64(scale),
            open_duration: self.open_duration.mul_f64(scale),
            cooldown: self.cooldown.mul_f64(scale),
            max_cooldown: self.max_cooldown.mul_f64(scale),
            max_retry_after: self.max_retry_after.mul_f64(scale),
            max_rate_limited: self.max_rate_limited.mul_f64(scale),
            refresh_margin: self.refresh_margin.mul_f64(scale),
            log_interval: self.log_interval.mul_f64(scale),
            told_wait: self.told_wait.mul_f64(scale),
            check_deadline: self.check_deadline.mul_f64(scale),
            ..self
        }
    }
}
