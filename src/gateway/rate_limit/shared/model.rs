//! The script as a model: what it is tested against, and what stands for Redis in the simulation.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{Away, Call, LimitStore, Pause, StoreAnswer};

const SAVED: f64 = 1e6;
const IDLE: f64 = 1e7;
const BACK: f64 = 1e6;
const LONGEST: f64 = 8.64e10;
const AHEAD: f64 = 5e5;
const FASTER: f64 = 1.5;

/// What stands in Redis of one tenant's limit; times are microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LimitModel {
    pub(super) rate: Option<f64>,
    pub(super) estimate: String,
    pub(super) version: f64,
    pub(super) pause: f64,
    pub(super) until: f64,
    pub(super) free: f64,
    answered: u64,
    refused: u64,
    known_answered: u64,
    known_refused: u64,
    pub(super) busy: f64,
    busy_answered: u64,
    pub(super) last: f64,
}

impl LimitModel {
    /// What the script does with a call at that time: the answer, and what is told to all of a pause.
    #[allow(clippy::cast_precision_loss)] // microseconds since 1970 are below 2^53, as in the script
    pub(super) fn call(&mut self, now: u64, call: &Call) -> (StoreAnswer, Option<(u64, Duration)>) {
        let before = self.clone();
        let now = now as f64;
        let (count, given_back) = (f64::from(call.count), f64::from(call.given_back));
        for time in [&mut self.free, &mut self.until] {
            if now < self.last - BACK || *time > now + LONGEST {
                *time = time.min(now);
            }
        }
        self.last = now;
        self.answered += u64::from(call.answered);
        self.refused += u64::from(call.refused);
        let (mut is_taken, mut told) = (false, None);
        if let Some(pause) = &call.pause {
            if call.pause_number == integer(self.pause) {
                self.until = self.until.max(now + micros(pause.wait));
                told = Some(self.begin_pause(now, self.until - micros(pause.saved)));
                is_taken = true;
            }
        } else if let Some((rate, _)) = &call.estimate
            && call.version == integer(self.version)
        {
            match self.rate {
                None => self.free = now,
                Some(before) if *rate > FASTER * before && self.free > now + AHEAD && self.until <= now => {
                    told = Some(self.begin_pause(now, now));
                }
                Some(_) => {}
            }
            is_taken = true;
        }
        if let Some((rate, estimate)) = call.estimate.as_ref().filter(|_| is_taken) {
            self.rate = Some(*rate);
            self.estimate.clone_from(estimate);
            self.version = (self.version + 1.0).max(now);
            self.known_answered = call.known_answered + u64::from(call.answered);
            self.known_refused = call.known_refused + u64::from(call.refused);
        }
        let mut start = self.free;
        if let Some(rate) = self.rate.filter(|_| count > 0.0) {
            let slot = 1e6 / rate;
            if now - self.free > IDLE {
                (self.busy, self.busy_answered) = (now, self.answered);
            }
            start = ((self.free - given_back * slot).max(now - (SAVED - slot).max(0.0)) + 0.5).floor();
            self.free = (start + count * slot + 0.5).floor();
        }
        let answer = StoreAnswer {
            now: duration(now),
            rate: self.rate,
            start: duration(start),
            version: integer(self.version),
            pause_number: integer(self.pause),
            until: duration(self.until),
            answered: self.answered,
            refused: self.refused,
            known_answered: self.known_answered,
            known_refused: self.known_refused,
            busy: duration(self.busy),
            busy_answered: self.busy_answered,
            estimate: (!is_taken && call.version != integer(self.version) && self.rate.is_some())
                .then(|| self.estimate.clone()),
        };
        if self.rate.is_none() {
            *self = before;
        }
        (answer, told)
    }

    fn begin_pause(&mut self, now: f64, from: f64) -> (u64, Duration) {
        self.pause = (self.pause + 1.0).max(now);
        self.free = from;
        (integer(self.pause), duration(self.until - now))
    }
}

fn micros(duration: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss)] // waits are short
    let micros = duration.as_micros() as f64;
    micros
}

fn duration(micros: f64) -> Duration {
    Duration::from_micros(integer(micros))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // integers from 0 to 2^53
fn integer(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// A simulated Redis with the model in it, which processes of one tenant have in common.
pub struct SharedModel {
    model: RefCell<LimitModel>,
    /// What its clock said when it was started.
    started: (Duration, Instant),
    pauses: watch::Sender<Option<Pause>>,
    /// How many calls there were.
    pub calls: Cell<u64>,
    /// It is not there.
    pub is_away: Cell<bool>,
    /// How long it takes.
    latency: Duration,
}

impl SharedModel {
    pub fn start(clock: Duration, latency: Duration) -> Rc<Self> {
        Rc::new(Self {
            model: RefCell::default(),
            started: (clock, Instant::now()),
            pauses: watch::Sender::new(None),
            calls: Cell::new(0),
            is_away: Cell::new(false),
            latency,
        })
    }

    /// It loses what it had.
    pub fn flush(&self) {
        self.model.take();
    }
}

impl LimitStore for SharedModel {
    fn call(&self, call: Call) -> LocalBoxFuture<'_, Result<StoreAnswer, Away>> {
        async move {
            self.calls.update(|calls| calls + 1);
            sleep(self.latency / 2).await;
            if self.is_away.get() {
                return Err(Away);
            }
            let now = self.started.0 + self.started.1.elapsed();
            let now = u64::try_from(now.as_micros()).expect("a time");
            let (answer, told) = self.model.borrow_mut().call(now, &call);
            if let Some((number, left)) = told {
                self.pauses.send_replace(Some(Pause { number, until: Instant::now() + left }));
            }
            sleep(self.latency / 2).await;
            Ok(answer)
        }
        .boxed_local()
    }

    fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.pauses.subscribe()
    }
}
