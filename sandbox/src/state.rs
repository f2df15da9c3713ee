//! All that a sandbox remembers, shared by its requests and its owner.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::counts::{Counts, Recorder};
use crate::expense_type::ExpenseType;
use crate::fault_schedule::FaultSchedule;
use crate::faults::{Faults, PagedStream};
use crate::ground_truth::{GroundTruth, RowCount, Rows};
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::rows::{Company, has_receipt, write_row};
use crate::settings::Settings;
use crate::store::{RowsRead, Store, initial_bookings};
use crate::stream::Stream;
use crate::tokens::TokenStore;

#[derive(Debug)]
pub(crate) struct SandboxState {
    pub(crate) settings: Settings,
    pub(crate) company: Company,
    clock: Mutex<Clock>,
    pub(crate) store: Mutex<Store>,
    pub(crate) fault_schedule: Mutex<FaultSchedule>,
    pub(crate) rate_limiter: Mutex<Option<RateLimiter>>,
    pub(crate) tokens: Mutex<TokenStore>,
    pub(crate) recorder: Mutex<Recorder>,
}

/// Locks. A lock that a panicking thread has poisoned is used all the same: no change here leaves a value half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SandboxState {
    pub(crate) fn new(settings: Settings) -> Self {
        let start = settings.now.unwrap_or_else(Utc::now);
        Self {
            company: Company::new(&settings, start.timestamp_millis(), initial_bookings(&settings, start)),
            clock: Mutex::new(Clock::new(start)),
            store: Mutex::new(Store::new(&settings, start)),
            fault_schedule: Mutex::new(FaultSchedule::new(settings.faults.clone())),
            rate_limiter: Mutex::new(settings.limit.clone().map(|limit| RateLimiter::new(limit, Instant::now()))),
            tokens: Mutex::new(TokenStore::new(&settings)),
            recorder: Mutex::new(Recorder::new(settings.log_size)),
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
        let before = self.now();
        lock(&self.clock).advance(by);
        lock(&self.store).live_through(&self.settings, before, self.now());
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.fault_schedule) = FaultSchedule::new(faults);
    }

    pub(crate) fn set_limit(&self, limit: Option<RateLimit>) {
        *lock(&self.rate_limiter) = limit.map(|limit| RateLimiter::new(limit, Instant::now()));
    }

    pub(crate) fn counts(&self) -> Counts {
        let issued = lock(&self.tokens).issued().to_vec();
        lock(&self.recorder).counts(&issued)
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
        lock(&self.store).delete(stream, index)
    }

    /// The row of a stream as it is now, and when it was created or, for transactions, last modified (ms since the epoch).
    pub(crate) fn row(&self, stream: Stream, index: u64) -> Option<(String, i64)> {
        let row_ref = lock(&self.store).table(stream).row(index)?;
        let mut row = String::new();
        write_row(&mut row, &self.company, stream, &row_ref);
        Some((row, row_ref.key))
    }

    /// The rows of a stream as they are now.
    pub(crate) fn rows(&self, stream: Stream) -> Rows {
        let table = lock(&self.store).table(stream).clone();
        Rows::new(table, self.company.clone(), stream)
    }

    /// How many receipts there are at present.
    fn receipts(&self) -> u64 {
        let store = lock(&self.store);
        let of_type = |kind: ExpenseType| {
            let rows = store.table(Stream::Transaction(kind)).range((i64::MIN, 0), false, i64::MAX, u64::MAX);
            rows.iter().filter(|row| has_receipt(row.index)).count() as u64
        };
        ExpenseType::ALL.into_iter().filter(|kind| *kind != ExpenseType::StatementPayments).map(of_type).sum()
    }

    pub(crate) fn ground_truth(&self) -> GroundTruth {
        let list = RowCount { rows: self.settings.reference_rows };
        let of_lists = ["CUSTOM_FIELD", "GL_CODE", "TAX_MAPPING"].map(|name| (name.to_owned(), list));
        let receipts = RowCount { rows: self.receipts() };
        let users = RowCount { rows: self.rows(Stream::User).count() as u64 };
        let of_lists = of_lists.into_iter().chain([("SCIM_USER".to_owned(), users)]);
        let others = of_lists.into_iter().chain([("TRANSACTION_RECEIPT".to_owned(), receipts)]).collect();
        GroundTruth::compute(|stream| self.rows(stream), others)
    }

    /// Moves rows after a page request, if the faults say so.
    pub(crate) fn drift_after_page(&self, paged: PagedStream, read: RowsRead) {
        let event = lock(&self.fault_schedule).drift_event(paged);
        if let Some(event) = event {
            let stream = match paged {
                PagedStream::Booking => Stream::Booking,
                PagedStream::User => Stream::User,
            };
            let now = self.now();
            lock(&self.store).apply_drift(stream, read, event, now);
        }
    }
}
