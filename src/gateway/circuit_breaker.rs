//! The circuit breaker: stops requests while the API fails.
//!
//! Closed, it counts 5xx in a row, across endpoints, in the order in which they come back. After the fifth it opens: all
//! requests wait. 60 s later it is half-open: one request, the probe, goes. Any HTTP answer but a 5xx closes it; anything
//! else opens it again. After the third opening in a row the outage is taken for lasting: whoever waits is told so, and
//! whoever comes later gets one probe of its own.

use std::cell::RefCell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::timings::Timings;
use crate::monitor::{BreakerPhase, Event, emit};

/// What came of a request, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    /// An HTTP answer but a 5xx.
    Answer,
    /// A 5xx.
    ServerError,
    /// No answer: neither counts as a failure nor resets the count.
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

pub(super) struct CircuitBreaker {
    state: RefCell<BreakerState>,
    changed: Notify,
    failure_threshold: u32,
    open_duration: Duration,
    max_consecutive_opens: u32,
}

#[derive(Debug)]
struct BreakerState {
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
pub(super) struct BreakerPermit<'a> {
    breaker: &'a CircuitBreaker,
    generation: u64,
    recorded: bool,
}

/// What one request has seen of an outage, kept over its tries.
#[derive(Default)]
pub(super) struct ProbeFlag {
    /// It was held by the open breaker, or sent as its probe.
    held: bool,
}

impl CircuitBreaker {
    pub(super) fn new(timings: &Timings) -> Self {
        Self {
            state: RefCell::new(BreakerState {
                generation: 0,
                phase: Phase::Closed { failures: 0 },
                openings: 0,
                opened_first: None,
            }),
            changed: Notify::new(),
            failure_threshold: timings.failure_threshold,
            open_duration: timings.open_duration,
            max_consecutive_opens: timings.max_consecutive_opens,
        }
    }

    /// Waits while the breaker is open; gives no permission yet.
    ///
    /// # Errors
    /// If the outage lasts and this request has waited for its end, or has had its probe.
    pub(super) async fn closed(&self, probe_flag: &mut ProbeFlag) -> Result<(), Outage> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable(); // before looking, so that no change is missed
            let until = {
                let state = self.state.borrow();
                let is_lasting = state.openings >= self.max_consecutive_opens;
                let until = match state.phase {
                    Phase::Closed { .. } => return Ok(()),
                    _ if is_lasting && probe_flag.held => return Err(state.outage()),
                    Phase::Open { .. } if is_lasting => return Ok(()),
                    Phase::Open { until } if until <= Instant::now() => return Ok(()),
                    Phase::Open { until } => Some(until),
                    Phase::HalfOpen => None,
                };
                // Who comes late has not been told yet, and waits for another's probe only to have one too.
                probe_flag.held |= !is_lasting;
                until
            };
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
    pub(super) fn permit(&self, probe_flag: &mut ProbeFlag) -> Option<BreakerPermit<'_>> {
        let mut state = self.state.borrow_mut();
        match state.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until } if until <= Instant::now() || state.openings >= self.max_consecutive_opens => {
                state.phase = Phase::HalfOpen;
                emit(&Event::BreakerChanged { phase: BreakerPhase::HalfOpen });
                state.generation += 1;
                probe_flag.held = true;
            }
            _ => return None,
        }
        Some(BreakerPermit { breaker: self, generation: state.generation, recorded: false })
    }

    fn record_outcome(&self, generation: u64, outcome: RequestOutcome) {
        let mut state = self.state.borrow_mut();
        if generation != state.generation {
            return;
        }
        match (&mut state.phase, outcome) {
            (Phase::Closed { failures }, RequestOutcome::ServerError) => {
                *failures += 1;
                if *failures >= self.failure_threshold {
                    self.open(&mut state);
                }
            }
            (Phase::Closed { failures }, RequestOutcome::Answer) => *failures = 0,
            (Phase::HalfOpen, RequestOutcome::Answer) => {
                tracing::info!("Navan's API answers again; the circuit breaker is closed.");
                state.phase = Phase::Closed { failures: 0 };
                emit(&Event::BreakerChanged { phase: BreakerPhase::Closed });
                state.openings = 0;
                state.opened_first = None;
                self.changed.notify_waiters();
            }
            (Phase::HalfOpen, _) => self.open(&mut state),
            (Phase::Open { .. }, _) | (Phase::Closed { .. }, RequestOutcome::Nothing) => {}
        }
    }

    fn open(&self, state: &mut BreakerState) {
        let now = Instant::now();
        state.phase = Phase::Open { until: now + self.open_duration };
        emit(&Event::BreakerChanged { phase: BreakerPhase::Open });
        state.generation += 1;
        state.openings += 1;
        state.opened_first.get_or_insert(now);
        let then = if state.openings < self.max_consecutive_opens {
            format!("the next request goes in {} s", self.open_duration.as_secs_f64())
        } else {
            "the streams that wait for it end".to_owned()
        };
        tracing::warn!("Navan's API fails; the circuit breaker opened ({} in a row), and {then}.", state.openings);
        self.changed.notify_waiters();
    }
}

impl BreakerState {
    fn outage(&self) -> Outage {
        Outage { openings: self.openings, lasted: self.opened_first.map_or(Duration::ZERO, |first| first.elapsed()) }
    }
}

impl BreakerPermit<'_> {
    pub(super) fn record_outcome(mut self, outcome: RequestOutcome) {
        self.recorded = true;
        self.breaker.record_outcome(self.generation, outcome);
    }
}

impl Drop for BreakerPermit<'_> {
    fn drop(&mut self) {
        if !self.recorded {
            self.breaker.record_outcome(self.generation, RequestOutcome::Nothing);
        }
    }
}

#[cfg(test)]
mod tests;
