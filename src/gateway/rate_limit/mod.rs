//! The rate limiter: no faster than Navan allows, as far as it lets that be seen.
//!
//! Requests take turns at the bucket, in the order in which they came. Until a limit is seen nothing holds them back
//! but the configured ceiling. A limit is seen in `X-RateLimit-*` (what remains, until when), or at a 429: the answers
//! before it, if they were enough, over the time they took and the wait that is asked for. The bucket then runs at 80 % of
//! it, goes down at once, and up while requests queue for it: by 10 % a second as long as the limit was seen once only, or
//! towards what headers tell; by 1 % once it was seen twice. A 429 holds back everybody. One that comes although requests
//! stay well below a limit that was seen is a stray, or another program's, and changes no rate as long as there are few.

mod bucket;
pub(in crate::gateway) mod headers;
mod observed;

use std::cell::RefCell;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::timings::Timings;
use bucket::TokenBucket;
use headers::RateLimitHeaders;
use observed::{AnswerStretch, RecentAnswers, Usage};

use crate::clock;

/// Which part of the observed limit is used. The rest is for the company's other programs, and for what the
/// observation got wrong.
pub(in crate::gateway) const SHARE_OF_LIMIT: f64 = 0.8;

/// By how much the rate grows a second while all is well, and the limit was seen twice.
const GROWTH_PER_SECOND: f64 = 0.01;

/// The same as long as it was seen once, which may have been a stray, or on the way to what the server's own numbers allow.
const FAST_GROWTH_PER_SECOND: f64 = 0.1;

/// Two observations are of one limit if neither is less than this part of the other.
const SAME_LIMIT: f64 = 0.75;

/// As long as so few of 100 answers are 429s, they are strays where requests stay below the limit that was seen.
const MAX_STRAYS: u32 = 5;

/// A shorter `Retry-After` counts as this.
const MIN_RETRY_AFTER: Duration = Duration::from_millis(100);

/// A window of the server's that is longer means something else.
const MAX_WINDOW: Duration = Duration::from_hours(24);

/// A cooldown: a time that everybody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// When the limit is expected to let requests through again, in this machine's epoch milliseconds.
    pub until_ms: i64,
}

/// Rate limited beyond what a sync should wait for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitExceeded {
    /// `Retry-After` beyond the longest that is waited for.
    #[error("Navan asks to wait for {} s before the next request", .0.as_secs())]
    TooLong(Duration),
    /// Not one success for so long.
    #[error("Navan has answered 429 to every request for {} s", .0.as_secs())]
    TooOften(Duration),
}

/// The permission to send one request.
pub(in crate::gateway) struct RatePermit<'a> {
    limiter: &'a RateLimiter,
    epoch: u64,
    /// It is the request that finds out whether a cooldown is over.
    probe: bool,
    queued: bool,
    answered: bool,
}

pub(in crate::gateway) struct RateLimiter {
    queue: tokio::sync::Mutex<()>,
    changed: Notify,
    state: RefCell<LimiterState>,
    cooldowns: watch::Sender<Option<Cooldown>>,
    ceiling: Option<f64>,
    timings: Timings,
}

struct LimiterState {
    bucket: TokenBucket,
    /// The limit as observed, in requests a second, and grown since.
    limit: Option<f64>,
    /// As it was when it was last observed.
    seen: Option<f64>,
    /// Whether it was seen at about the same twice.
    is_confirmed: bool,
    recent: RecentAnswers,
    cooldown: Option<ActiveCooldown>,
    /// Counts the 429s that began or prolonged a cooldown: answers to requests of an earlier epoch are the same event.
    epoch: u64,
    stretch: AnswerStretch,
    /// The first 429 since the last success.
    limited_since: Option<Instant>,
    /// Why waiting any longer is pointless, once it is.
    given_up: Option<LimitExceeded>,
    /// The next cooldown, where the server does not say how long.
    next_cooldown: Duration,
    window: Option<ServerWindow>,
    grown_at: Instant,
    usage: Usage,
}

/// Everybody waits.
struct ActiveCooldown {
    until: Instant,
    /// Afterwards a single request goes first, since the server did not say how long.
    probe_state: ProbeState,
}

#[derive(PartialEq)]
enum ProbeState {
    No,
    Due,
    UnderWay,
}

/// The server's own window, from its headers.
#[derive(Clone, Copy)]
struct ServerWindow {
    remaining: f64,
    resets_at: Instant,
}

enum Decision {
    Go { probe: bool },
    Wait(Instant),
    WaitForProbe,
}

impl RateLimiter {
    pub(in crate::gateway) fn new(ceiling: Option<f64>, timings: Timings) -> Self {
        let now = Instant::now();
        Self {
            queue: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            state: RefCell::new(LimiterState {
                bucket: TokenBucket::new(ceiling, now),
                limit: None,
                seen: None,
                is_confirmed: false,
                recent: RecentAnswers::default(),
                cooldown: None,
                epoch: 0,
                stretch: AnswerStretch::new(now),
                limited_since: None,
                given_up: None,
                next_cooldown: timings.cooldown,
                window: None,
                grown_at: now,
                usage: Usage::default(),
            }),
            cooldowns: watch::Sender::new(None),
            ceiling,
            timings,
        }
    }

    /// Follows the cooldowns.
    pub(in crate::gateway) fn cooldowns(&self) -> watch::Receiver<Option<Cooldown>> {
        self.cooldowns.subscribe()
    }

    /// The share of the observed limit that was used since it was first seen.
    pub(in crate::gateway) fn share_used(&self) -> Option<f64> {
        let mut state = self.state.borrow_mut();
        let limit = state.limit;
        state.usage.count_to(limit, Instant::now());
        (state.usage.allowed > 0.0).then(|| state.usage.answers / state.usage.allowed)
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// If the wait is beyond what a sync should wait for.
    pub(in crate::gateway) async fn acquire(&self) -> Result<RatePermit<'_>, LimitExceeded> {
        let _first_in_line = self.queue.lock().await;
        let mut queued = false;
        loop {
            match self.try_acquire(Instant::now())? {
                Decision::Go { probe } => {
                    let epoch = self.state.borrow_mut().epoch;
                    return Ok(RatePermit { limiter: self, epoch, probe, queued, answered: false });
                }
                Decision::Wait(until) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.changed.notified() => {}
                },
                Decision::WaitForProbe => self.changed.notified().await,
            }
            queued = true;
        }
    }

    fn try_acquire(&self, now: Instant) -> Result<Decision, LimitExceeded> {
        let mut state = self.state.borrow_mut();
        if let Some(given_up) = &state.given_up {
            return Err(given_up.clone());
        }
        match &mut state.cooldown {
            Some(cooldown) if now < cooldown.until => return Ok(Decision::Wait(cooldown.until)),
            Some(ActiveCooldown { probe_state: ProbeState::UnderWay, .. }) => return Ok(Decision::WaitForProbe),
            Some(ActiveCooldown { probe_state: probe_state @ ProbeState::Due, .. }) => {
                *probe_state = ProbeState::UnderWay;
                return Ok(Decision::Go { probe: true });
            }
            Some(_) => self.resume(&mut state, now),
            None => {}
        }
        let ready = match state.bucket.take(now) {
            Ok(()) => return Ok(Decision::Go { probe: false }),
            Err(ready) => ready,
        };
        // A limit so low that nobody would see the sync move: it waits as for a 429, told, or not at all.
        let wait = ready.saturating_duration_since(now);
        if wait > self.timings.max_retry_after {
            let given_up = LimitExceeded::TooLong(wait);
            self.give_up(&mut state, given_up.clone());
            return Err(given_up);
        }
        if wait > self.timings.max_cooldown {
            self.cooldown(&mut state, ready, ProbeState::No);
        }
        Ok(Decision::Wait(ready))
    }

    /// The cooldown is over for all.
    fn resume(&self, state: &mut LimiterState, now: Instant) {
        state.cooldown = None;
        state.bucket.restart(now);
        self.cooldowns.send_replace(None);
        self.changed.notify_one();
    }

    fn record_answer(&self, permit: &RatePermit<'_>, headers: Option<RateLimitHeaders>) {
        let now = Instant::now();
        let mut state = self.state.borrow_mut();
        if permit.probe && state.cooldown.as_ref().is_some_and(|cooldown| cooldown.probe_state == ProbeState::UnderWay)
        {
            self.resume(&mut state, now);
        }
        let limit = state.limit;
        let counting = state.usage.counted_to.is_some();
        state.usage.count_to(limit, now);
        state.usage.answers += f64::from(u8::from(counting));
        state.stretch.answers += 1;
        state.recent.record(false);
        if permit.epoch == state.epoch {
            state.limited_since = None;
            state.stretch.before_cooldown = None;
            state.stretch.waited = Duration::ZERO;
            state.next_cooldown = self.timings.cooldown;
        }
        let told = headers.and_then(|headers| self.read(&mut state, headers, now));
        if permit.queued {
            self.grow(&mut state, told, now);
        } else {
            state.grown_at = now;
        }
    }

    /// Follows the server's own numbers; returns the limit that they tell at present.
    fn read(&self, state: &mut LimiterState, headers: RateLimitHeaders, now: Instant) -> Option<f64> {
        if headers.reset_in > MAX_WINDOW {
            return None; // no window is that long: it means something else
        }
        let known = state.window.filter(|window| now < window.resets_at && headers.remaining <= window.remaining);
        // The reset is told in whole seconds, so the earliest of a window's answers is the truest.
        let resets_at = known.map_or(now + headers.reset_in, |window| window.resets_at.min(now + headers.reset_in));
        state.window = Some(ServerWindow { remaining: headers.remaining, resets_at });
        if headers.remaining < 1.0 {
            // A cooldown that lasts longer stands: this may be the late answer to a request of before it.
            if headers.reset_in > self.timings.max_retry_after {
                self.give_up(state, LimitExceeded::TooLong(headers.reset_in));
            } else if state.cooldown.as_ref().is_none_or(|cooldown| cooldown.until < resets_at) {
                self.cooldown(state, resets_at, ProbeState::No);
            }
            return None;
        }
        let allowed = headers.remaining / (resets_at - now).as_secs_f64().max(0.001);
        match state.limit {
            // A window begins: the share is to be kept from its first request on.
            Some(limit) if known.is_none() && allowed < limit => self.follow(state, allowed, now),
            // In the middle of one, what is left has to last until its end.
            Some(limit) if allowed < SHARE_OF_LIMIT * limit => self.follow(state, allowed / SHARE_OF_LIMIT, now),
            Some(_) => {}
            None => self.follow(state, allowed, now),
        }
        Some(allowed)
    }

    fn grow(&self, state: &mut LimiterState, told: Option<f64>, now: Instant) {
        let Some(limit) = state.limit else { return };
        let passed = now.saturating_duration_since(state.grown_at).as_secs_f64().min(10.0);
        let is_fast = told.is_some() || !state.is_confirmed;
        let growth = if is_fast { FAST_GROWTH_PER_SECOND } else { GROWTH_PER_SECOND };
        let grown = limit * (1.0 + growth).powf(passed);
        self.follow(state, told.map_or(grown, |told| grown.min(told.max(limit))), now);
    }

    /// Keeps to a limit from now on.
    fn follow(&self, state: &mut LimiterState, limit: f64, now: Instant) {
        let before = state.limit.replace(limit);
        state.usage.count_to(before, now);
        state.usage.counted_to = Some(now);
        let rate = SHARE_OF_LIMIT * limit;
        state.bucket.set_rate(self.ceiling.map_or(rate, |ceiling| ceiling.min(rate)), now);
        state.grown_at = now;
    }

    fn record_429(&self, permit: &RatePermit<'_>, retry_after: Option<Duration>) -> Result<(), LimitExceeded> {
        let now = Instant::now();
        let mut state = self.state.borrow_mut();
        state.recent.record(true);
        if permit.epoch != state.epoch {
            return Ok(()); // sent before the cooldown began: the same event
        }
        let since = *state.limited_since.get_or_insert(now);
        let given_up = match retry_after {
            Some(wait) if wait > self.timings.max_retry_after => Some(LimitExceeded::TooLong(wait)),
            _ if now - since >= self.timings.max_rate_limited => Some(LimitExceeded::TooOften(now - since)),
            _ => None,
        };
        if let Some(given_up) = given_up {
            self.give_up(&mut state, given_up.clone());
            return Err(given_up);
        }
        let wait = retry_after.map_or(state.next_cooldown, |wait| wait.max(MIN_RETRY_AFTER));
        if retry_after.is_none() {
            state.next_cooldown = (state.next_cooldown * 2).min(self.timings.max_cooldown);
        }
        state.epoch += 1;
        self.observe(&mut state, wait, now);
        // Without a word of how long, or with one that says next to nothing, one request finds out whether it is over.
        let says_little = retry_after.is_none_or(|wait| wait < self.timings.cooldown);
        let probe_state = if says_little { ProbeState::Due } else { ProbeState::No };
        self.cooldown(&mut state, now + wait, probe_state);
        Ok(())
    }

    /// Makes what can be made of a 429 and the answers before it.
    fn observe(&self, state: &mut LimiterState, wait: Duration, now: Instant) {
        let rate = state.limit.map(|limit| SHARE_OF_LIMIT * limit);
        let is_first = state.stretch.before_cooldown.is_none();
        let are_few = is_first && state.recent.share_of_429s() <= MAX_STRAYS;
        if are_few && rate.zip(state.seen).is_some_and(|(rate, seen)| rate < seen) {
            return;
        }
        let Some(observed) = state.stretch.observe(wait, state.limit.is_some(), now) else { return };
        // What goes well at the present rate for long is no accident.
        let observed = rate.filter(|_| are_few && state.is_confirmed).map_or(observed, |rate| observed.max(rate));
        let (limit, before) = (state.limit.map_or(observed, |limit| limit.min(observed)), state.seen);
        state.is_confirmed = before.is_some_and(|before| limit.min(before) >= SAME_LIMIT * limit.max(before));
        state.seen = Some(limit);
        self.follow(state, limit, now);
        state.stretch.begin_anew(now + wait);
    }

    fn cooldown(&self, state: &mut LimiterState, until: Instant, probe_state: ProbeState) {
        state.cooldown = Some(ActiveCooldown { until, probe_state });
        let left = until.saturating_duration_since(Instant::now());
        let until_ms = clock::now().timestamp_millis() + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 2);
        self.cooldowns.send_replace(Some(Cooldown { until_ms }));
        self.changed.notify_one();
    }

    /// Also for whoever waits for this request to end the cooldown.
    fn give_up(&self, state: &mut LimiterState, why: LimitExceeded) {
        state.given_up = Some(why);
        self.changed.notify_one();
    }

    /// A probe that got no answer leaves it open whether the cooldown is over: the next request becomes the probe.
    fn unanswered(&self) {
        let mut state = self.state.borrow_mut();
        if let Some(cooldown) = state.cooldown.as_mut().filter(|cooldown| cooldown.probe_state == ProbeState::UnderWay)
        {
            cooldown.probe_state = ProbeState::Due;
            self.changed.notify_one();
        }
    }
}

impl RatePermit<'_> {
    /// The request was answered, with anything but a 429.
    pub(in crate::gateway) fn record_answer(mut self, headers: Option<RateLimitHeaders>) {
        self.answered = true;
        self.limiter.record_answer(&self, headers);
    }

    /// The request was answered 429.
    ///
    /// # Errors
    /// If the wait is beyond what a sync should wait for.
    pub(in crate::gateway) fn record_429(mut self, retry_after: Option<Duration>) -> Result<(), LimitExceeded> {
        self.answered = true;
        self.limiter.record_429(&self, retry_after)
    }
}

impl Drop for RatePermit<'_> {
    fn drop(&mut self) {
        if self.probe && !self.answered {
            self.limiter.unanswered();
        }
    }
}

#[cfg(test)]
mod tests;
