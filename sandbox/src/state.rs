//! All that a sandbox knows, shared by its requests and its owner.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::counts::{Counts, Ledger};
use crate::fault_schedule::FaultSchedule;
use crate::faults::{Faults, Numbered};
use crate::ground_truth::{GroundTruth, Rows};
use crate::limit::{Limit, Limiter};
use crate::rows::Company;
use crate::settings::Settings;
use crate::store::Store;
use crate::stream::Stream;
use crate::tokens::Tokens;

#[derive(Debug)]
pub(crate) struct SandboxState {
    pub(crate) settings: Settings,
    pub(crate) company: Company,
    clock: Mutex<Clock>,
    pub(crate) store: Mutex<Store>,
    pub(crate) fault_schedule: Mutex<FaultSchedule>,
    pub(crate) limiter: Mutex<Option<Limiter>>,
    pub(crate) tokens: Mutex<Tokens>,
    pub(crate) ledger: Mutex<Ledger>,
}

/// Locks; a thread that panicked meanwhile has broken nothing, as no change here is done by halves.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SandboxState {
    pub(crate) fn new(settings: Settings) -> Self {
        let start = settings.now.unwrap_or_else(Utc::now);
        Self {
            company: Company::new(&settings, start.timestamp_millis()),
            clock: Mutex::new(Clock::new(start)),
            store: Mutex::new(Store::new(&settings, start)),
            fault_schedule: Mutex::new(FaultSchedule::new(settings.faults.clone())),
            limiter: Mutex::new(settings.limit.clone().map(|limit| Limiter::new(limit, Instant::now()))),
            tokens: Mutex::new(Tokens::new(&settings)),
            ledger: Mutex::new(Ledger::new(settings.log_size)),
            settings,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        lock(&self.clock).now()
    }

    pub(crate) fn set_now(&self, now: DateTime<Utc>) {
        *lock(&self.clock) = Clock::new(now);
    }

    pub(crate) fn advance(&self, by: Duration) {
        lock(&self.clock).advance(by);
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.fault_schedule) = FaultSchedule::new(faults);
    }

    pub(crate) fn set_limit(&self, limit: Option<Limit>) {
        *lock(&self.limiter) = limit.map(|limit| Limiter::new(limit, Instant::now()));
    }

    pub(crate) fn counts(&self) -> Counts {
        let issued = lock(&self.tokens).issued().to_vec();
        lock(&self.ledger).counts(&issued)
    }

    pub(crate) fn touch(&self, stream: Stream, index: u64) -> bool {
        let now = self.now();
        lock(&self.store).touch(stream, index, now)
    }

    pub(crate) fn insert(&self, stream: Stream, count: u64) -> Vec<u64> {
        let now = self.now();
        lock(&self.store).insert(stream, count, now)
    }

    pub(crate) fn delete(&self, stream: Stream, index: u64) -> bool {
        lock(&self.store).remove(stream, index)
    }

    /// The rows of a stream as they are now.
    pub(crate) fn rows(&self, stream: Stream) -> Rows {
        let table = lock(&self.store).table(stream).clone();
        Rows::new(table, self.company.clone(), stream)
    }

    pub(crate) fn ground_truth(&self) -> GroundTruth {
        GroundTruth::of(|stream| self.rows(stream))
    }

    /// Lets rows move after a page request, if that was asked for.
    pub(crate) fn drift(&self, stream: Numbered, from: i64, to: i64, read: u64) {
        let event = lock(&self.fault_schedule).drift(stream);
        if let Some(event) = event {
            let now = self.now();
            lock(&self.store).drift(stream, (from, to, read), event, now);
        }
    }
}
