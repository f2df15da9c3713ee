//! The rate limiter: no faster than Navan allows, as far as it lets that be seen.
//!
//! Requests take turns at the bucket, in the order in which they came. Until a limit is seen nothing holds them back
//! but the configured ceiling. A limit is seen in `X-RateLimit-*` (what remains, until when), or at a 429 ([`estimate`]). The
//! bucket then runs at 80 % of it. A 429 holds back everybody; if it is a stray, what was saved up meanwhile may be used afterwards.
//!
//! Syncs of one tenant may have the limit in common ([`shared`]): then requests go by slots that are given out for all of them, and
//! the bucket keeps to the configured ceiling alone.

mod bucket;
mod estimate;
pub(in crate::gateway) mod headers;
mod observed;
pub(in crate::gateway) mod shared;
mod told;

use std::cell::RefCell;
use std::time::Duration;

use futures::future::OptionFuture;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::timings::Timings;
use bucket::TokenBucket;
use estimate::{Judgement, LimitEstimate};
use headers::RateLimitHeaders;
use observed::Usage;
use shared::Share;
use told::ServerWindow;

use crate::clock;

pub(in crate::gateway) use estimate::SHARE_OF_LIMIT;
#[cfg(feature = "shared-state")]
pub(in crate::gateway) use shared::RedisLimit;
#[cfg(test)]
pub use shared::{LimitStore, model::SharedModel};

/// By how much the rate grows a second on the way to what the server's own numbers allow.
const TOLD_GROWTH_PER_SECOND: f64 = 0.1;

/// A shorter `Retry-After` counts as this.
pub(super) const MIN_RETRY_AFTER: Duration = Duration::from_millis(100);

/// A time on the limiter's own clock, which those who share a limit can have in common.
type Moment = Duration;

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
    /// So few requests are let through.
    #[error("the next request would have to wait for {} s, by Navan's limit or by `requests_per_second`", .0.as_secs())]
    SlowPace(Duration),
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
    /// What the limiter's clock said, and when that was.
    clock: (Moment, Instant),
    bucket: TokenBucket,
    estimate: LimitEstimate,
    cooldown: Option<ActiveCooldown>,
    /// Counts the 429s that began or prolonged a cooldown: answers to requests of an earlier epoch are the same event.
    epoch: u64,
    /// The first 429 since the last success.
    limited_since: Option<Instant>,
    /// Why waiting any longer is pointless, once it is.
    given_up: Option<LimitExceeded>,
    /// The next cooldown, where the server does not say how long.
    next_cooldown: Duration,
    window: Option<ServerWindow>,
    /// The longest time to a reset that was told.
    longest_reset: Duration,
    /// The reset moves on as time passes: what fills up again bit by bit is no window.
    is_moving: bool,
    told_at: Instant,
    /// The server says with its answers what remains of its limit.
    tells: bool,
    usage: Usage,
    /// What it has in common with other syncs.
    share: Option<Share>,
}

impl LimiterState {
    /// What the limiter's clock says at that time.
    fn at(&self, when: Instant) -> Moment {
        let (said, then) = self.clock;
        if when < then { said.saturating_sub(then - when) } else { said + (when - then) }
    }

    /// Whether requests go as fast as they may; leased slots go on at the rate of then.
    fn keeps_up(&self) -> bool {
        self.share.as_ref().zip(self.estimate.limit()).is_none_or(|(share, limit)| share.keeps_up_with(limit))
    }
}

/// Everybody waits.
struct ActiveCooldown {
    until: Instant,
    /// What was saved up before it and during it may be used afterwards.
    keeps_tokens: bool,
    /// It is nothing but the time until the next request's turn.
    is_turn: bool,
    /// Afterwards a single request goes first, since the server did not say how long.
    probe_state: ProbeState,
}

#[derive(PartialEq)]
enum ProbeState {
    No,
    Due,
    UnderWay,
}

enum Decision {
    Go {
        probe: bool,
    },
    Wait(Instant),
    WaitForProbe,
    /// A slot is needed, and there is none.
    Lease,
}

impl RateLimiter {
    pub(in crate::gateway) fn new(ceiling: Option<f64>, timings: Timings) -> Self {
        let now = Instant::now();
        Self {
            queue: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            state: RefCell::new(LimiterState {
                clock: (Moment::ZERO, now),
                bucket: TokenBucket::new(ceiling, now),
                estimate: LimitEstimate::new(Moment::ZERO),
                cooldown: None,
                epoch: 0,
                limited_since: None,
                given_up: None,
                next_cooldown: timings.cooldown,
                window: None,
                longest_reset: Duration::ZERO,
                is_moving: false,
                told_at: now,
                tells: false,
                usage: Usage::default(),
                share: None,
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

    /// The observed limit, in requests a second.
    pub(in crate::gateway) fn observed_limit(&self) -> Option<f64> {
        self.state.borrow().estimate.observed()
    }

    /// The share of the observed limit that was used since it was first seen.
    pub(in crate::gateway) fn share_used(&self) -> Option<f64> {
        let mut state = self.state.borrow_mut();
        let limit = state.estimate.observed();
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
            let mut pauses = self.pauses();
            self.hear();
            if self.has_news() {
                self.confer(false).await;
            }
            match self.try_acquire(Instant::now())? {
                Decision::Go { probe } => {
                    let epoch = self.state.borrow_mut().epoch;
                    return Ok(RatePermit { limiter: self, epoch, probe, queued, answered: false });
                }
                Decision::Lease => {
                    self.confer(true).await;
                    continue;
                }
                Decision::Wait(until) => {
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = self.changed.notified() => {}
                        _ = OptionFuture::from(pauses.as_mut().map(watch::Receiver::changed)), if pauses.is_some() => {}
                    }
                }
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
        let slot = match state.share.as_mut().filter(|share| share.is_in_use(now)).map(|share| share.slot(now)) {
            Some(None) => return Ok(Decision::Lease),
            Some(Some(slot)) if slot > now => Err(slot),
            _ => Ok(()),
        };
        let ready = match slot.and_then(|()| state.bucket.take(now)) {
            Ok(()) => {
                if let Some(share) = &mut state.share {
                    share.use_slot();
                }
                return Ok(Decision::Go { probe: false });
            }
            Err(ready) => ready,
        };
        // A limit so low that nobody would see the sync move: it waits as for a 429, told, or not at all.
        let wait = ready.saturating_duration_since(now);
        if wait > self.timings.max_retry_after {
            let given_up = LimitExceeded::SlowPace(wait);
            self.give_up(&mut state, given_up.clone());
            return Err(given_up);
        }
        if wait > self.timings.max_cooldown {
            self.cooldown(&mut state, ready, ProbeState::No);
            if let Some(cooldown) = &mut state.cooldown {
                cooldown.is_turn = true;
            }
        }
        Ok(Decision::Wait(ready))
    }

    /// The cooldown is over for all.
    fn resume(&self, state: &mut LimiterState, now: Instant) {
        if state.cooldown.take().is_none_or(|cooldown| !cooldown.keeps_tokens) {
            state.bucket.restart(now);
        }
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
        if let Some(share) = &mut state.share {
            share.count(false);
        }
        let at = state.at(now);
        let limit = state.estimate.observed();
        let counting = state.usage.counted_to.is_some();
        state.usage.count_to(limit, now);
        state.usage.answers += f64::from(u8::from(counting));
        let is_later = permit.epoch == state.epoch;
        state.estimate.answered(is_later, at);
        if is_later {
            state.limited_since = None;
            state.next_cooldown = self.timings.cooldown;
        }
        let told = headers.and_then(|headers| self.read(&mut state, headers, now));
        match (told, state.estimate.limit()) {
            (Some(told), Some(limit)) => {
                let passed = now.saturating_duration_since(state.told_at).as_secs_f64().min(10.0);
                let grown = limit * (1.0 + TOLD_GROWTH_PER_SECOND).powf(passed);
                if permit.queued {
                    state.estimate.set(grown.min(told.max(limit)), at);
                }
                state.told_at = now;
            }
            _ if permit.queued && state.keeps_up() => state.estimate.grow(at),
            _ => state.estimate.rest(at),
        }
        self.follow(&mut state, now);
    }

    /// Keeps to the limit, if one is known, from now on.
    fn follow(&self, state: &mut LimiterState, now: Instant) {
        if state.estimate.observed().is_some() {
            state.usage.counted_to.get_or_insert(now);
        }
        let is_shared = state.share.as_ref().is_some_and(|share| share.is_in_use(now));
        let rate = state.estimate.limit().filter(|_| !is_shared).map(|limit| SHARE_OF_LIMIT * limit);
        state.bucket.set_rate(rate.into_iter().chain(self.ceiling).reduce(f64::min), now);
    }

    fn record_429(
        &self,
        permit: &RatePermit<'_>,
        retry_after: Option<Duration>,
        headers: Option<RateLimitHeaders>,
    ) -> Result<(), LimitExceeded> {
        let now = Instant::now();
        self.hear();
        let mut state = self.state.borrow_mut();
        if let Some(share) = &mut state.share {
            share.count(true);
        }
        if permit.epoch != state.epoch {
            // Sent before the cooldown began: the same event, of which it tells more.
            // Another process may have told of each 429 before.
            let since = *state.limited_since.get_or_insert(now);
            if now - since >= self.timings.max_rate_limited {
                let given_up = LimitExceeded::TooOften(now - since);
                self.give_up(&mut state, given_up.clone());
                return Err(given_up);
            }
            let until = state.at(state.cooldown.as_ref().map_or(now, |cooldown| cooldown.until));
            let verdict = state.estimate.limited_again(until);
            self.follow(&mut state, now);
            if let Some(cooldown) = &mut state.cooldown {
                cooldown.keeps_tokens &= verdict == Judgement::Stray;
            }
            return Ok(());
        }
        let is_reached = headers.is_some_and(|headers| headers.remaining < 1.0);
        let retry_after = retry_after.or(headers.filter(|_| is_reached).map(|headers| headers.reset_in));
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
        let limit = state.estimate.observed();
        state.usage.count_to(limit, now);
        let at = state.at(now);
        let is_asked_for = retry_after.is_some();
        let verdict = if state.tells && is_reached {
            state.estimate.reached(at + wait)
        } else if state.tells {
            state.estimate.limited_although_told(wait, is_asked_for, at)
        } else {
            state.estimate.limited(wait, is_asked_for, at)
        };
        self.follow(&mut state, now);
        // Without a word of how long, or with one that says next to nothing, one request finds out whether it is over.
        let says_little = retry_after.is_none_or(|wait| wait < self.timings.cooldown);
        let probe_state = if says_little { ProbeState::Due } else { ProbeState::No };
        self.cooldown(&mut state, now + wait, probe_state);
        if let Some(cooldown) = &mut state.cooldown {
            cooldown.keeps_tokens = verdict == Judgement::Stray;
        }
        if let Some(share) = &mut state.share {
            share.begin_pause(now + wait, verdict == Judgement::Stray, says_little);
        }
        Ok(())
    }

    fn cooldown(&self, state: &mut LimiterState, until: Instant, probe_state: ProbeState) {
        state.cooldown = Some(ActiveCooldown { until, keeps_tokens: false, is_turn: false, probe_state });
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
    pub(in crate::gateway) fn record_429(
        mut self,
        retry_after: Option<Duration>,
        headers: Option<RateLimitHeaders>,
    ) -> Result<(), LimitExceeded> {
        self.answered = true;
        self.limiter.record_429(&self, retry_after, headers)
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
