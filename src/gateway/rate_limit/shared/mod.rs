//! A limit that the syncs of one tenant have in common, so that all of them together stay at 80 % of it.
//!
//! What they share stands in a [`LimitStore`]: when the next request may go, what is known of the limit, and until when everybody waits.
//! Time there is cut into *slots*, one a request, at the rate of all together. A process leases up to twelve at a time and uses each when
//! its time has come, so that ten requests cost one round trip. The slots of a process that dies pass by like any others.
//!
//! Each process estimates the limit from all answers: its own, and those of the others, which it knows from the number of slots that
//! were given out. What it finds out (more is allowed; a 429 says that less is) goes to the store with its next call, in place of the version
//! that it knows, and the others adopt it. A 429 begins a *pause*: the process that is the first to tell of it has judged it for all, and they are
//! told at once, without asking.
//!
//! All times are the store's, so that clocks of machines may differ. When it is away, a process goes on as if it were alone.

#[cfg(test)]
pub mod model;
#[cfg(feature = "shared-state")]
mod script;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::time::Instant;

use super::estimate::{LimitEstimate, SHARE_OF_LIMIT};
use super::{LimitExceeded, LimiterState, Moment, ProbeState, RateLimiter};

#[cfg(feature = "shared-state")]
pub(in crate::gateway) use script::RedisLimit;

/// So many slots are leased at most.
const MAX_LEASE: u32 = 12;

/// And no more than come in so long, or the others would wait for what may not be used.
const LONGEST_LEASE: Duration = Duration::from_secs(2);

/// So much faster than the slots that are in use come may be what is found out meanwhile.
const MAX_LEAD: f64 = 1.25;

/// A slot may be used so much later.
const LATE: Duration = Duration::from_secs(2);

/// How much of a pause that was for nothing may be used afterwards.
const SAVED: Duration = Duration::from_secs(1);

/// So long the others wait for the request that finds out whether a pause is over.
const PROBE_TIME: Duration = Duration::from_millis(250);

/// What a sync waits for at most, and a little more.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60 + 1);

/// Of more answers between two calls no more than their number counts: what is known of the limit goes by the latest hundred.
const MOST_COUNTED: u64 = 1_000;

/// A limit that has changed by less is not worth telling.
const SAME: f64 = 0.01;

/// For how long a store that is away is left alone at first; it doubles.
const FIRST_ABSENCE: Duration = Duration::from_secs(30);
const LONGEST_ABSENCE: Duration = Duration::from_mins(10);

/// What the syncs of a tenant have in common.
pub trait LimitStore {
    /// Tells it what this process has found out, and asks it for slots.
    fn call(&self, call: Call) -> LocalBoxFuture<'_, Result<StoreAnswer, Away>>;

    /// Follows the pauses that others, or this process, have begun.
    fn pauses(&self) -> watch::Receiver<Option<Pause>>;
}

/// The store cannot be used at present. It was told why.
#[derive(Debug)]
pub struct Away;

/// What a process tells and asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// How many slots it wants.
    pub(super) count: u32,
    /// How many of those that it had it did not use.
    pub(super) given_back: u32,
    /// How many requests were answered, and how many refused (429), since its last call.
    pub(super) answered: u32,
    pub(super) refused: u32,
    /// How many of both it knew of before, of all processes.
    pub(super) known_answered: u64,
    pub(super) known_refused: u64,
    /// The version of the estimate, and the number of the last pause, that it knows.
    pub(super) version: u64,
    pub(super) pause_number: u64,
    /// The rate and the estimate that are to stand in place of that version.
    pub(super) estimate: Option<(f64, String)>,
    /// A pause that is to begin after the one that it knows.
    pub(super) pause: Option<NewPause>,
}

/// A pause to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPause {
    pub(super) wait: Duration,
    /// How much of it slots may make up for.
    pub(super) saved: Duration,
}

/// What the store answers. Times are those of its clock.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreAnswer {
    pub(super) now: Moment,
    /// Slots a second; `None` if nothing is known yet.
    pub(super) rate: Option<f64>,
    /// The first of the slots that were asked for.
    pub(super) start: Moment,
    pub(super) version: u64,
    pub(super) pause_number: u64,
    pub(super) until: Moment,
    /// How many requests of all processes were answered, and refused; and how many of both the estimate knows of.
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) known_answered: u64,
    pub(super) known_refused: u64,
    /// When requests began after a quiet time, and how many had been answered before.
    pub(super) busy: Moment,
    pub(super) busy_answered: u64,
    /// The estimate, if the one that is known is not the latest, and none was told.
    pub(super) estimate: Option<String>,
}

/// A pause, as it is told to all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pause {
    /// The later one's is higher.
    pub(super) number: u64,
    pub(super) until: Instant,
}

/// This process' part in a shared limit.
#[allow(clippy::struct_excessive_bools)] // each says something of its own
pub(super) struct Share {
    pub(super) store: Rc<dyn LimitStore>,
    slots: Option<Slots>,
    /// How many are asked for next: twice as many as the last time if those were all used.
    size: u32,
    unused: u32,
    /// The store has answered once, so that the limiter's clock is its clock.
    has_met: bool,
    /// Nothing is known there, so that this process begins.
    begins: bool,
    /// What it knows of the store: nothing at 0.
    version: u64,
    pause_number: u64,
    /// The number of the last pause that it knows of at all, though the store may have forgotten it.
    heard: u64,
    /// The limit as it stands there.
    told: Option<f64>,
    /// Others have begun a pause: they are told what this process knows, which helps to judge it.
    has_heard: bool,
    /// A pause that is to be told.
    pause: Option<(Instant, Duration)>,
    /// Slots a second, at the last call; and whether the first of them could be used at once.
    rate: f64,
    has_slack: bool,
    /// That of the slots that requests use now.
    rate_in_use: f64,
    /// Answered and refused since the last call, and all of them that are known of before.
    answered: u32,
    refused: u32,
    known_answered: u64,
    known_refused: u64,
    /// What came after it was none of before the last pause.
    paused_until: Instant,
    busy: Moment,
    /// Until when the store is left alone, and for how long the next time.
    away_until: Option<Instant>,
    next_absence: Duration,
}

/// Slots that were leased.
struct Slots {
    next: Instant,
    interval: Duration,
    rate: f64,
    left: u32,
    used: u32,
}

impl Share {
    pub(super) fn new(store: Rc<dyn LimitStore>) -> Self {
        Self {
            store,
            slots: None,
            size: 1,
            unused: 0,
            has_met: false,
            begins: false,
            version: 0,
            pause_number: 0,
            heard: 0,
            told: None,
            has_heard: false,
            pause: None,
            rate: 0.0,
            has_slack: false,
            rate_in_use: 0.0,
            answered: 0,
            refused: 0,
            known_answered: 0,
            known_refused: 0,
            paused_until: Instant::now(),
            busy: Moment::ZERO,
            away_until: None,
            next_absence: FIRST_ABSENCE,
        }
    }

    /// Whether requests go by it at that time.
    pub(super) fn is_in_use(&self, now: Instant) -> bool {
        self.away_until.is_none_or(|until| now >= until)
    }

    /// When the next slot is that this process has, if it has one. Those that it has missed are given back.
    pub(super) fn slot(&mut self, now: Instant) -> Option<Instant> {
        let slots = self.slots.as_mut()?;
        let mut missed = 0;
        while slots.left > 0 && now > slots.next + LATE {
            slots.next += slots.interval;
            slots.left -= 1;
            missed += 1;
        }
        if missed > 0 {
            self.unused += missed;
            self.size = slots.used.max(1);
        }
        if slots.left > 0 {
            return Some(slots.next);
        }
        if missed == 0 {
            self.size *= 2;
        }
        self.slots = None;
        None
    }

    /// How many slots to ask for. Where nobody waits for them nobody minds how many they are; else they are one by one until it is known
    /// how fast they may come.
    fn lease_size(&mut self, is_settled: bool) -> u32 {
        let most = match (self.has_slack, is_settled) {
            (true, _) => f64::from(MAX_LEASE),
            (false, true) => self.rate * LONGEST_LEASE.as_secs_f64(),
            (false, false) => 1.0,
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to MAX_LEASE
        let most = most.clamp(1.0, f64::from(MAX_LEASE)) as u32;
        self.size = self.size.min(most);
        self.size
    }

    /// Whether requests go about as fast as what is known of the limit lets them.
    pub(super) fn keeps_up_with(&self, limit: f64) -> bool {
        SHARE_OF_LIMIT * limit <= MAX_LEAD * self.rate_in_use
    }

    /// Uses it.
    pub(super) fn use_slot(&mut self) {
        if let Some(slots) = &mut self.slots {
            slots.next += slots.interval;
            slots.left -= 1;
            slots.used += 1;
            self.rate_in_use = slots.rate;
        }
    }

    /// A pause has begun here, which the others are to be told of; what was saved up may be used afterwards if it was for nothing. If a
    /// request is to find out whether it is over, they wait for that.
    pub(super) fn begin_pause(&mut self, until: Instant, was_for_nothing: bool, is_probed: bool) {
        (self.slots, self.unused) = (None, 0);
        self.paused_until = until;
        let until = if is_probed { until + PROBE_TIME } else { until };
        if self.version > 0 {
            self.pause = Some((until, if was_for_nothing { SAVED } else { Duration::ZERO }));
        }
    }

    /// The store is away: for some time everything goes on without it.
    fn go_without(&mut self, now: Instant) {
        (self.slots, self.pause, self.unused) = (None, None, 0);
        self.away_until = Some(now + self.next_absence);
        self.next_absence = (self.next_absence * 2).min(LONGEST_ABSENCE);
    }

    /// A request of this process was answered, or refused.
    pub(super) fn count(&mut self, is_refused: bool) {
        let count = if is_refused { &mut self.refused } else { &mut self.answered };
        *count = count.saturating_add(1);
    }
}

impl LimiterState {
    /// Has the estimate know of what the others have been answered.
    fn count_others(&mut self, answered: u64, refused: u64, now: Instant) {
        let at = self.at(now);
        let is_later = self.share.as_ref().is_some_and(|share| now >= share.paused_until);
        for _ in 0..answered.min(MOST_COUNTED) {
            self.estimate.answered(is_later, at);
        }
        self.estimate.answered_before(answered.saturating_sub(MOST_COUNTED));
        for _ in 0..refused.min(MOST_COUNTED) {
            self.estimate.others_limited();
        }
    }

    /// The limit is known well enough to lease many slots at once: until then what is known of it changes by the second.
    fn is_settled(&self) -> bool {
        self.tells || self.estimate.is_confirmed()
    }

    /// What the store is to be told, and asked for.
    fn call(&mut self, wants_slots: bool, now: Instant) -> Option<Call> {
        let limit = self.estimate.limit();
        let is_settled = self.is_settled();
        let share = self.share.as_mut()?;
        let has_changed = match (limit, share.told) {
            (Some(limit), Some(told)) => (limit - told).abs() > SAME * told,
            (limit, told) => limit.is_some() && told.is_none(),
        };
        let is_to_tell = share.version > 0 && has_changed || share.pause.is_some() || share.begins;
        let estimate =
            limit.filter(|_| is_to_tell).and_then(|limit| Some((SHARE_OF_LIMIT * limit, self.estimate.to_text()?)));
        let pause = share.pause.as_ref().map(|(until, saved)| {
            let wait = until.saturating_duration_since(now);
            NewPause { wait, saved: (*saved).min(wait) }
        });
        Some(Call {
            count: if wants_slots { share.lease_size(is_settled) } else { 0 },
            given_back: if wants_slots { std::mem::take(&mut share.unused) } else { 0 },
            answered: std::mem::take(&mut share.answered),
            refused: std::mem::take(&mut share.refused),
            known_answered: share.known_answered,
            known_refused: share.known_refused,
            version: share.version,
            pause_number: share.pause_number,
            estimate,
            pause,
        })
    }
}

impl RateLimiter {
    /// From now on the limit is shared with the other syncs of the tenant.
    pub(in crate::gateway) fn share(&self, store: Rc<dyn LimitStore>) {
        self.state.borrow_mut().share = Some(Share::new(store));
    }

    /// Follows what others say of pauses.
    pub(super) fn pauses(&self) -> Option<watch::Receiver<Option<Pause>>> {
        Some(self.state.borrow().share.as_ref()?.store.pauses())
    }

    /// Keeps to the pause that others have begun, if this process does not know of it.
    pub(super) fn hear(&self) {
        let mut state = self.state.borrow_mut();
        let Some(share) = &mut state.share else { return };
        let heard = *share.store.pauses().borrow();
        if let Some(pause) = heard.filter(|pause| share.version > 0 && pause.number > share.heard) {
            (share.pause_number, share.heard) = (pause.number, pause.number);
            share.pause = None;
            self.keep_pause(&mut state, pause.until);
        }
    }

    /// Whether there is something to be told that cannot wait.
    pub(super) fn has_news(&self) -> bool {
        let state = self.state.borrow();
        let is_settled = state.is_settled();
        let has_news = |share: &Share| {
            share.pause.is_some() || share.has_heard && !is_settled && share.answered + share.refused > 0
        };
        state.share.as_ref().is_some_and(|share| has_news(share) && share.is_in_use(Instant::now()))
    }

    /// Tells the store what is new, and leases slots from it if they are wanted.
    pub(super) async fn confer(&self, wants_slots: bool) {
        let (store, call, pause) = {
            let mut state = self.state.borrow_mut();
            let call = state.call(wants_slots, Instant::now());
            let Some((share, call)) = state.share.as_ref().zip(call) else { return };
            (Rc::clone(&share.store), call, share.pause)
        };
        let answer = store.call(call.clone()).await;
        let now = Instant::now();
        let mut state = self.state.borrow_mut();
        match answer {
            Ok(answer) => {
                // Another may have begun meanwhile.
                if let Some(share) = state.share.as_mut().filter(|share| answer.rate.is_some() && share.pause == pause)
                {
                    share.pause = None;
                }
                self.take_answer(&mut state, &call, &answer, now);
            }
            Err(Away) => {
                if let Some(share) = &mut state.share {
                    share.answered = share.answered.saturating_add(call.answered);
                    share.refused = share.refused.saturating_add(call.refused);
                    share.go_without(now);
                }
            }
        }
        self.follow(&mut state, now);
    }

    fn take_answer(&self, state: &mut LimiterState, call: &Call, answer: &StoreAnswer, now: Instant) {
        let Some(share) = &mut state.share else { return };
        (share.away_until, share.next_absence) = (None, FIRST_ABSENCE);
        state.clock = (answer.now, now);
        if !std::mem::replace(&mut share.has_met, true) {
            state.estimate = LimitEstimate::assumed(state.estimate.observed(), answer.now);
        }
        let Some(rate) = answer.rate else {
            (share.version, share.pause_number, share.begins) = (0, 0, true);
            // It was told what to begin with, and does not.
            if call.version == 0 && call.estimate.is_some() {
                share.go_without(now);
            }
            return;
        };
        (share.begins, share.has_heard) = (false, false);
        share.known_answered = share.known_answered.saturating_add(call.answered.into());
        share.known_refused = share.known_refused.saturating_add(call.refused.into());
        let is_ours = call.estimate.is_some() && answer.estimate.is_none() && answer.version != call.version;
        if is_ours {
            share.told = call.estimate.as_ref().map(|(rate, _)| rate / SHARE_OF_LIMIT);
        } else if let Some(text) = &answer.estimate {
            let adopted = LimitEstimate::of_text(text, answer.now);
            share.told = adopted.as_ref().and_then(LimitEstimate::limit);
            (share.known_answered, share.known_refused) = (answer.known_answered, answer.known_refused);
            state.estimate = adopted.unwrap_or_else(|| LimitEstimate::assumed(state.estimate.observed(), answer.now));
        }
        share.version = answer.version;
        if answer.busy > share.busy {
            share.busy = answer.busy;
            if state.estimate.counts_since() < answer.busy {
                share.known_answered = share.known_answered.max(answer.busy_answered);
                state.estimate.begin_anew(answer.busy);
            }
        }
        share.rate = rate;
        let others = answer.answered.saturating_sub(std::mem::replace(&mut share.known_answered, answer.answered));
        let others_refused = answer.refused.saturating_sub(std::mem::replace(&mut share.known_refused, answer.refused));
        if answer.pause_number != share.pause_number {
            share.pause_number = answer.pause_number;
            share.heard = share.heard.max(answer.pause_number);
            let until = now + answer.until.saturating_sub(answer.now);
            if !(is_ours && call.pause.is_some()) {
                self.keep_pause(state, until);
            }
        }
        if let Some(share) = state.share.as_mut().filter(|share| call.count > 0 && share.pause.is_none()) {
            share.has_slack = answer.start <= answer.now;
            let next = now.checked_sub(answer.now.saturating_sub(answer.start)).unwrap_or(now);
            let next = next + answer.start.saturating_sub(answer.now);
            let interval = Duration::from_secs_f64((1.0 / rate).min(86_400.0));
            share.slots = Some(Slots { next, interval, rate, left: call.count, used: 0 });
        }
        state.count_others(others, others_refused, now);
    }

    /// Waits as others were asked to.
    fn keep_pause(&self, state: &mut LimiterState, until: Instant) {
        // What was leased before it was given back for all.
        if let Some(share) = &mut state.share {
            (share.slots, share.unused) = (None, 0);
            share.has_heard = true;
            share.paused_until = until;
        }
        // Nor does anybody wait for it any more.
        if state.cooldown.as_ref().is_some_and(|cooldown| cooldown.is_turn) {
            self.resume(state, Instant::now());
        }
        // Nobody tells of one that is longer than a sync waits; but not everybody can wait that long.
        let (wait, longest) = (until.saturating_duration_since(Instant::now()), self.timings.max_retry_after);
        if (longest..=LONGEST_PAUSE).contains(&wait) {
            self.give_up(state, LimitExceeded::TooLong(wait));
        }
        let until = until.min(Instant::now() + longest);
        let until = state.cooldown.as_ref().map_or(until, |cooldown| cooldown.until.max(until));
        if until > Instant::now() {
            state.epoch += 1;
            self.cooldown(state, until, ProbeState::No);
        }
    }
}
