//! The pace: no faster than Navan allows, as far as it lets that be seen.
//!
//! Requests take turns at the bucket, in the order in which they came. Until a limit is seen nothing holds them back
//! but the configured ceiling. A limit is seen in `X-RateLimit-*` (what remains, until when), or at a 429: the answers
//! since the last pause, over the time they took and the wait that is asked for. The bucket then runs at 80 % of it, goes
//! down at once, and up by 1 % a second while requests queue for it (by 10 % towards what headers tell). A 429 pauses
//! everybody.

mod observed;

use std::time::Duration;

use chrono::Utc;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::bucket::Bucket;
use super::limit::Reading;
use super::timings::Timings;
use observed::{Stretch, Usage};

/// Which part of the observed limit is used. The rest is for the company's other programs, and for what the
/// observation got wrong.
pub(super) const SHARE_OF_LIMIT: f64 = 0.8;

/// By how much the rate grows a second while all is well.
const GROWTH_A_SECOND: f64 = 0.01;

/// The same on the way to what the server's own numbers allow, which is no guess.
const GROWTH_A_SECOND_TOLD: f64 = 0.1;

/// A window of the server's that is longer means something else.
const WINDOW_MOST: Duration = Duration::from_hours(24);

/// A pause that everybody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When the limit is expected to let requests through again, in this machine's epoch milliseconds.
    pub until_ms: i64,
}

/// Throttled beyond what a sync should wait for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Throttled {
    /// `Retry-After` beyond the longest that is waited for.
    #[error("Navan asks to wait for {} s before the next request", .0.as_secs())]
    TooLong(Duration),
    /// Not one success for so long.
    #[error("Navan has answered 429 to every request for {} s", .0.as_secs())]
    TooOften(Duration),
}

/// The permission to send one request.
pub(super) struct Pass<'a> {
    pace: &'a Pace,
    epoch: u64,
    /// It is the request that finds out whether a pause is over.
    probe: bool,
    queued: bool,
    answered: bool,
}

pub(super) struct Pace {
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    state: Mutex<State>,
    pauses: watch::Sender<Option<Pause>>,
    ceiling: Option<f64>,
    timings: Timings,
}

struct State {
    bucket: Bucket,
    /// The limit as observed, in requests a second.
    limit: Option<f64>,
    hold: Option<Hold>,
    /// Counts the 429s that began or prolonged a pause: answers to requests of an earlier epoch are the same event.
    epoch: u64,
    stretch: Stretch,
    /// The first 429 since the last success.
    throttled_since: Option<Instant>,
    /// Why waiting any longer is pointless, once it is.
    hopeless: Option<Throttled>,
    /// The next pause, where the server does not say how long.
    next_pause: Duration,
    window: Option<Window>,
    grown_at: Instant,
    usage: Usage,
}

/// Everybody waits.
struct Hold {
    until: Instant,
    /// Afterwards a single request goes first, since the server did not say how long.
    probing: Probing,
}

#[derive(PartialEq)]
enum Probing {
    No,
    Due,
    UnderWay,
}

/// The server's own window, from its headers.
#[derive(Clone, Copy)]
struct Window {
    remaining: f64,
    resets_at: Instant,
}

enum Turn {
    Go { probe: bool },
    Wait(Instant),
    WaitForProbe,
}

impl Pace {
    pub(super) fn new(ceiling: Option<f64>, timings: Timings) -> Self {
        let now = Instant::now();
        Self {
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            state: Mutex::new(State {
                bucket: Bucket::new(ceiling, now),
                limit: None,
                hold: None,
                epoch: 0,
                stretch: Stretch { since: now, answers: 0, before_pause: None, waited: Duration::ZERO },
                throttled_since: None,
                hopeless: None,
                next_pause: timings.pause,
                window: None,
                grown_at: now,
                usage: Usage::default(),
            }),
            pauses: watch::Sender::new(None),
            ceiling,
            timings,
        }
    }

    /// Whether requests are paused at present.
    pub(super) fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pauses.subscribe()
    }

    /// The share of the observed limit that was used since it was first seen.
    pub(super) fn share_used(&self) -> Option<f64> {
        let mut state = self.state.lock();
        let limit = state.limit;
        state.usage.count_to(limit, Instant::now());
        (state.usage.allowed > 0.0).then(|| state.usage.answers / state.usage.allowed)
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// If the wait is beyond what a sync should wait for.
    pub(super) async fn admit(&self) -> Result<Pass<'_>, Throttled> {
        let _turn = self.turn.lock().await;
        let mut queued = false;
        loop {
            match self.look(Instant::now())? {
                Turn::Go { probe } => {
                    let epoch = self.state.lock().epoch;
                    return Ok(Pass { pace: self, epoch, probe, queued, answered: false });
                }
                Turn::Wait(until) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.changed.notified() => {}
                },
                Turn::WaitForProbe => self.changed.notified().await,
            }
            queued = true;
        }
    }

    fn look(&self, now: Instant) -> Result<Turn, Throttled> {
        let mut state = self.state.lock();
        if let Some(hopeless) = &state.hopeless {
            return Err(hopeless.clone());
        }
        match &mut state.hold {
            Some(hold) if now < hold.until => return Ok(Turn::Wait(hold.until)),
            Some(Hold { probing: Probing::UnderWay, .. }) => return Ok(Turn::WaitForProbe),
            Some(Hold { probing: probing @ Probing::Due, .. }) => {
                *probing = Probing::UnderWay;
                return Ok(Turn::Go { probe: true });
            }
            Some(_) => self.resume(&mut state, now),
            None => {}
        }
        Ok(match state.bucket.take(now) {
            Ok(()) => Turn::Go { probe: false },
            Err(ready) => Turn::Wait(ready),
        })
    }

    /// The pause is over for all.
    fn resume(&self, state: &mut State, now: Instant) {
        state.hold = None;
        state.stretch.since = now;
        state.stretch.answers = 0;
        state.bucket.restart(now);
        self.pauses.send_replace(None);
        self.changed.notify_one();
    }

    fn answered(&self, pass: &Pass<'_>, reading: Option<Reading>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if pass.probe && state.hold.as_ref().is_some_and(|hold| hold.probing == Probing::UnderWay) {
            self.resume(&mut state, now);
        }
        let limit = state.limit;
        let counting = state.usage.counted_to.is_some();
        state.usage.count_to(limit, now);
        state.usage.answers += f64::from(u8::from(counting));
        state.stretch.answers += 1;
        if pass.epoch == state.epoch {
            state.throttled_since = None;
            state.stretch.before_pause = None;
            state.stretch.waited = Duration::ZERO;
            state.next_pause = self.timings.pause;
        }
        let told = reading.and_then(|reading| self.read(&mut state, reading, now));
        if pass.queued {
            self.grow(&mut state, told, now);
        } else {
            state.grown_at = now;
        }
    }

    /// Follows the server's own numbers; returns the limit that they tell at present.
    fn read(&self, state: &mut State, reading: Reading, now: Instant) -> Option<f64> {
        if reading.reset_in > WINDOW_MOST {
            return None; // no window is that long: it means something else
        }
        let known = state.window.filter(|window| now < window.resets_at && reading.remaining <= window.remaining);
        // The reset is told in whole seconds, so the earliest of a window's readings is the truest.
        let resets_at = known.map_or(now + reading.reset_in, |window| window.resets_at.min(now + reading.reset_in));
        state.window = Some(Window { remaining: reading.remaining, resets_at });
        if reading.remaining < 1.0 {
            // A pause that lasts longer stands: this may be the late answer to a request of before it.
            if reading.reset_in > self.timings.retry_after_most {
                self.give_up(state, Throttled::TooLong(reading.reset_in));
            } else if state.hold.as_ref().is_none_or(|hold| hold.until < resets_at) {
                self.hold(state, resets_at, Probing::No);
            }
            return None;
        }
        let allowed = reading.remaining / (resets_at - now).as_secs_f64().max(0.001);
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

    fn grow(&self, state: &mut State, told: Option<f64>, now: Instant) {
        let Some(limit) = state.limit else { return };
        let passed = now.saturating_duration_since(state.grown_at).as_secs_f64().min(10.0);
        let growth = if told.is_some() { GROWTH_A_SECOND_TOLD } else { GROWTH_A_SECOND };
        let grown = limit * (1.0 + growth).powf(passed);
        self.follow(state, told.map_or(grown, |told| grown.min(told.max(limit))), now);
    }

    /// Keeps to a limit from now on.
    fn follow(&self, state: &mut State, limit: f64, now: Instant) {
        let before = state.limit.replace(limit);
        state.usage.count_to(before, now);
        state.usage.counted_to = Some(now);
        let rate = SHARE_OF_LIMIT * limit;
        state.bucket.set_rate(self.ceiling.map_or(rate, |ceiling| ceiling.min(rate)), now);
        state.grown_at = now;
    }

    fn throttled(&self, pass: &Pass<'_>, retry_after: Option<Duration>) -> Result<(), Throttled> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if pass.epoch != state.epoch {
            return Ok(()); // sent before the pause began: the same event
        }
        let since = *state.throttled_since.get_or_insert(now);
        let hopeless = match retry_after {
            Some(wait) if wait > self.timings.retry_after_most => Some(Throttled::TooLong(wait)),
            _ if now - since >= self.timings.throttled_most => Some(Throttled::TooOften(now - since)),
            _ => None,
        };
        if let Some(hopeless) = hopeless {
            self.give_up(&mut state, hopeless.clone());
            return Err(hopeless);
        }
        let wait = retry_after.unwrap_or(state.next_pause);
        if retry_after.is_none() {
            state.next_pause = (state.next_pause * 2).min(self.timings.pause_most);
        }
        state.epoch += 1;
        if let Some(observed) = state.stretch.observe(wait, now) {
            let limit = state.limit.map_or(observed, |before| before.min(observed));
            self.follow(&mut state, limit, now);
        }
        let probing = if retry_after.is_none() { Probing::Due } else { Probing::No };
        self.hold(&mut state, now + wait, probing);
        Ok(())
    }

    fn hold(&self, state: &mut State, until: Instant, probing: Probing) {
        state.hold = Some(Hold { until, probing });
        let left = until.saturating_duration_since(Instant::now());
        let until_ms = Utc::now().timestamp_millis() + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 2);
        self.pauses.send_replace(Some(Pause { until_ms }));
        self.changed.notify_one();
    }

    /// Also for whoever waits for this request to end the pause.
    fn give_up(&self, state: &mut State, why: Throttled) {
        state.hopeless = Some(why);
        self.changed.notify_one();
    }

    /// A probe that got no answer leaves the question open: the next request asks again.
    fn unanswered(&self) {
        let mut state = self.state.lock();
        if let Some(hold) = state.hold.as_mut().filter(|hold| hold.probing == Probing::UnderWay) {
            hold.probing = Probing::Due;
            self.changed.notify_one();
        }
    }
}

impl Pass<'_> {
    /// The request was answered, with anything but a 429.
    pub(super) fn answered(mut self, reading: Option<Reading>) {
        self.answered = true;
        self.pace.answered(&self, reading);
    }

    /// The request was answered 429.
    ///
    /// # Errors
    /// If the wait is beyond what a sync should wait for.
    pub(super) fn throttled(mut self, retry_after: Option<Duration>) -> Result<(), Throttled> {
        self.answered = true;
        self.pace.throttled(&self, retry_after)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe && !self.answered {
            self.pace.unanswered();
        }
    }
}

#[cfg(test)]
mod tests;
