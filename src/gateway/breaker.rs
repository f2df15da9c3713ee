//! The circuit breaker: while Navan is down, nobody hammers it.
//!
//! Closed, it counts 5xx in a row, across endpoints, in the order in which they come back. After the fifth it opens: all
//! requests wait. 60 s later it is half-open: one request, the probe, goes. Any HTTP answer but a 5xx closes it; anything
//! else opens it again. After the third opening in a row the outage is taken for lasting: whoever waits is told so, and
//! whoever comes later gets one probe of its own.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::timings::Timings;

/// What came of a request, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An HTTP answer but a 5xx.
    Answer,
    /// A 5xx.
    ServerError,
    /// No answer: neither a failure of Navan's nor a sign of life.
    Nothing,
}

/// Navan is down, and has been for as long as three openings take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker opened {openings} times in a row, over {} s", .lasted.as_secs())]
pub struct Outage {
    /// Openings in a row.
    pub openings: u32,
    /// Since the first of them.
    pub lasted: Duration,
}

pub(super) struct Breaker {
    state: Mutex<State>,
    changed: Notify,
    failures: u32,
    rest: Duration,
    openings_most: u32,
}

#[derive(Debug)]
struct State {
    /// Grows at each opening and probe; an answer to a request of an earlier one changes nothing.
    generation: u64,
    phase: Phase,
    openings: u32,
    opened_first: Option<Instant>,
}

#[derive(Debug, PartialEq)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

/// The permission to send one request; dropped without an outcome, it counts as one without an answer.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    generation: u64,
    settled: bool,
}

/// What one request has seen of an outage, kept over its tries.
#[derive(Default)]
pub(super) struct Patience {
    /// It was held by the open breaker, or sent as its probe.
    held: bool,
}

impl Breaker {
    pub(super) fn new(timings: &Timings) -> Self {
        Self {
            state: Mutex::new(State {
                generation: 0,
                phase: Phase::Closed { failures: 0 },
                openings: 0,
                opened_first: None,
            }),
            changed: Notify::new(),
            failures: timings.breaker_failures,
            rest: timings.breaker_rest,
            openings_most: timings.breaker_openings,
        }
    }

    /// Waits while the breaker is open, but does not pass.
    ///
    /// # Errors
    /// If the outage lasts and this request has waited for its end, or has had its probe.
    pub(super) async fn closed(&self, patience: &mut Patience) -> Result<(), Outage> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable(); // before looking, so that no change is missed
            let until = {
                let state = self.state.lock();
                match state.phase {
                    Phase::Closed { .. } => return Ok(()),
                    _ if state.openings >= self.openings_most && patience.held => return Err(state.outage()),
                    Phase::Open { .. } if state.openings >= self.openings_most => return Ok(()),
                    Phase::Open { until } if until <= Instant::now() => return Ok(()),
                    Phase::Open { until } => Some(until),
                    Phase::HalfOpen => None,
                }
            };
            patience.held = true;
            match until {
                Some(until) => tokio::select! {
                    () = sleep_until(until) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    /// The permission to send, if the breaker lets a request through at this moment.
    pub(super) fn pass(&self, patience: &mut Patience) -> Option<Pass<'_>> {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until } if until <= Instant::now() || state.openings >= self.openings_most => {
                state.phase = Phase::HalfOpen;
                state.generation += 1;
                patience.held = true;
            }
            _ => return None,
        }
        Some(Pass { breaker: self, generation: state.generation, settled: false })
    }

    fn settle(&self, generation: u64, outcome: Outcome) {
        let mut state = self.state.lock();
        if generation != state.generation {
            return;
        }
        match (&mut state.phase, outcome) {
            (Phase::Closed { failures }, Outcome::ServerError) => {
                *failures += 1;
                if *failures >= self.failures {
                    self.open(&mut state);
                }
            }
            (Phase::Closed { failures }, Outcome::Answer) => *failures = 0,
            (Phase::HalfOpen, Outcome::Answer) => {
                tracing::info!("Navan's API answers again; the circuit breaker is closed.");
                state.phase = Phase::Closed { failures: 0 };
                state.openings = 0;
                state.opened_first = None;
                self.changed.notify_waiters();
            }
            (Phase::HalfOpen, _) => self.open(&mut state),
            (Phase::Open { .. }, _) | (Phase::Closed { .. }, Outcome::Nothing) => {}
        }
    }

    fn open(&self, state: &mut State) {
        let now = Instant::now();
        state.phase = Phase::Open { until: now + self.rest };
        state.generation += 1;
        state.openings += 1;
        state.opened_first.get_or_insert(now);
        let then = if state.openings < self.openings_most {
            format!("the next request goes in {} s", self.rest.as_secs_f64())
        } else {
            "the streams that wait for it end".to_owned()
        };
        tracing::warn!("Navan's API fails; the circuit breaker opened ({} in a row), and {then}.", state.openings);
        self.changed.notify_waiters();
    }
}

impl State {
    fn outage(&self) -> Outage {
        Outage { openings: self.openings, lasted: self.opened_first.map_or(Duration::ZERO, |first| first.elapsed()) }
    }
}

impl Pass<'_> {
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.settled = true;
        self.breaker.settle(self.generation, outcome);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.settle(self.generation, Outcome::Nothing);
        }
    }
}

#[cfg(test)]
mod tests;
