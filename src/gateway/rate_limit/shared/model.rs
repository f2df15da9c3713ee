//! The script as a model: what it is tested against, and what stands for Redis in the simulation.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{Answer, Away, Call, LimitStore, Pause};

const SAVED: f64 = 1e6;
const IDLE: f64 = 1e7;
const LONGEST: f64 = 1.2e9;

/// What stands in Redis of one tenant's limit; times are microseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LimitModel {
    pub(super) rate: Option<f64>,
    estimate: String,
    version: f64,
    pause: f64,
    pub(super) until: f64,
    pub(super) free: f64,
    granted: f64,
    due: f64,
    pub(super) busy: f64,
    busy_granted: f64,
}

impl LimitModel {
    /// What the script does with a call at that time: the answer, and what is told to all of a pause.
    #[allow(clippy::cast_precision_loss)] // microseconds since 1970 are below 2^53, as in the script
    pub(super) fn call(&mut self, now: u64, call: &Call) -> (Answer, Option<(u64, Duration)>) {
        let before = self.clone();
        let now = now as f64;
        let (count, given_back) = (f64::from(call.count), f64::from(call.given_back));
        if self.free > now + LONGEST {
            self.free = now;
        }
        if self.until > now + LONGEST {
            self.until = now;
        }
        let (mut is_taken, mut told) = (false, None);
        if let Some(pause) = &call.pause {
            if call.pause_number as f64 == self.pause {
                self.granted = self.over(now);
                self.pause = (self.pause + 1.0).max(now);
                self.until = self.until.max(now + micros(pause.wait));
                self.free = self.until - micros(pause.saved);
                is_taken = true;
                told = Some((integer(self.pause), duration(self.until - now)));
            }
        } else if call.estimate.is_some() {
            is_taken = call.version as f64 == self.version;
        }
        if let Some((rate, estimate)) = call.estimate.as_ref().filter(|_| is_taken) {
            self.rate = Some(*rate);
            self.estimate.clone_from(estimate);
            self.version = (self.version + 1.0).max(now);
            self.due = self.over(now);
        }
        let mut start = self.free;
        if let Some(rate) = self.rate.filter(|_| count > 0.0) {
            let slot = 1e6 / rate;
            if now - self.free > IDLE {
                (self.busy, self.busy_granted) = (now, self.granted);
            }
            self.granted = (self.granted - given_back).max(0.0);
            start = ((self.free - given_back * slot).max(now - (SAVED - slot).max(0.0)) + 0.5).floor();
            self.free = (start + count * slot + 0.5).floor();
            self.granted += count;
        }
        let answer = Answer {
            now: duration(now),
            rate: self.rate,
            start: duration(start),
            free: duration(self.free),
            granted: integer(self.granted),
            version: integer(self.version),
            pause_number: integer(self.pause),
            until: duration(self.until),
            due: integer(self.due),
            busy: duration(self.busy),
            busy_granted: integer(self.busy_granted),
            estimate: (!is_taken && call.version as f64 != self.version && self.rate.is_some())
                .then(|| self.estimate.clone()),
        };
        if self.rate.is_none() {
            *self = before;
        }
        (answer, told)
    }

    fn over(&self, now: f64) -> f64 {
        self.rate.map_or(self.granted, |rate| self.granted - ((self.free - now).max(0.0) * rate / 1e6).floor())
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
pub(crate) struct SharedModel {
    model: RefCell<LimitModel>,
    /// What its clock said when it was started.
    started: (Duration, Instant),
    pauses: watch::Sender<Option<Pause>>,
    /// How many calls it has answered.
    pub(crate) calls: Cell<u64>,
    /// It is not there.
    pub(crate) is_away: Cell<bool>,
    /// How long it takes.
    latency: Duration,
}

impl SharedModel {
    pub(crate) fn start(clock: Duration, latency: Duration) -> Rc<Self> {
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
    pub(crate) fn flush(&self) {
        self.model.take();
    }
}

impl LimitStore for SharedModel {
    fn call(&self, call: Call) -> LocalBoxFuture<'_, Result<Answer, Away>> {
        async move {
            sleep(self.latency / 2).await;
            if self.is_away.get() {
                return Err(Away);
            }
            self.calls.update(|calls| calls + 1);
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
